"""Follow names that an import binds to a package above or at the top of what moves, through the scopes of the file.

`import demo.pipelines.ds.sub` binds `demo`, so uses of `demo.pipelines.ds` must change with it. All imports that bind
one such name in one scope are a group: they are rewritten together with the uses that mean them, or not at all.
Rules: a use that a local name shadows is not ours. Where the new name has another meaning in the scope, the old one is
bound in other ways, too, or a use cannot be respelt, no use is: the imports then go on binding the old name, if that is
the moved package's own, and else stay as they are and a finding says so.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.named_tuples import NamedTuple
from micropkgd.relocate.imports import Claim, conflicting, leaves
from micropkgd.relocate.names import Finding, Kind, Routes, is_below, top_of
from micropkgd.relocate.scopes import Quote, Scan, Scope, Use
from micropkgd.relocate.statements import ImportTarget, Rewrite, rewrite_of
from micropkgd.relocate.text import Edit, Places

_GAP = rb"(?:\s|\\)*"
_MOST_IN_ONE = 50  # uses in one f-string that are respelt: for each of them the string is parsed again
_SHADOWED = "the new name has another meaning here, left alone"
_PROBE = b"_micropkgd_probe_"
_UNBOUND = "names what does not move along, through an import that now binds another name"


class Respelling(NamedTuple):
    """A use, how many of its names spell the old address, and the new one."""

    use: Use
    size: int
    new: str

    @property
    def old(self) -> tuple[str, ...]:
        """The names to be replaced."""
        return self.use.names[: self.size]


class ImportGroup(NamedTuple):
    """The imports that bind one local name to one package in one scope, and the uses that mean it."""

    scope: Scope
    local: str
    claims: tuple[Claim, ...]
    uses: tuple[Use, ...]
    bound_otherwise: bool

    @property
    def path(self) -> str:
        """What the local name stands for."""
        return self.claims[0].path

    def having(self, fate: str) -> list[Claim]:
        """The imports of the group with one fate."""
        return [claim for claim in self.claims if claim.fate == fate]


class Rewritings(NamedTuple):
    """What becomes of the imports of a file and of the uses of what they bind."""

    rewrites: Mapping[ast.alias, Rewrite]
    changes: tuple[Edit | Finding, ...]


def settle(claims: Sequence[Claim], scan: Scan, routes: Routes, places: Places) -> Rewritings:
    """Decide every group, and the imports that bind a name of another scope, which no group can follow."""
    outcomes = [_Decision(group, claims, scan, routes, places).outcome() for group in groups_of(claims, scan)]
    grouped = {alias for outcome in outcomes for alias in outcome.rewrites}
    orphans = [claim for claim in claims if claim.fate in ("dotted", "above") and claim.alias not in grouped]
    outcomes += [_left_alone([claim], claim.local, routes) for claim in orphans]
    return Rewritings(
        {alias: rewrite for outcome in outcomes for alias, rewrite in outcome.rewrites.items()},
        tuple(change for outcome in outcomes for change in outcome.changes),
    )


def groups_of(claims: Sequence[Claim], scan: Scan) -> Iterator[ImportGroup]:
    """The groups that have an import whose uses must be followed."""
    by_alias = {claim.alias: claim for claim in claims}
    for scope in scan.scopes:
        for local, nodes in scope.bound.items():
            own = [by_alias[node] for node in nodes if isinstance(node, ast.alias) and node in by_alias]
            leading = [claim for claim in own if claim.fate in ("dotted", "above")]
            if leading:
                members = [claim for claim in own if claim.path == leading[0].path and claim.fate != "moves"]
                uses = [use for use in scan.uses if use.names[0] == local and use.scope.find(local) is scope]
                members.sort(key=lambda claim: claim not in leading)
                yield ImportGroup(scope, local, tuple(members), tuple(uses), len(members) < len(nodes))


class _Decision:
    """The ladder for one group."""

    def __init__(
        self, group: ImportGroup, claims: Sequence[Claim], scan: Scan, routes: Routes, places: Places
    ) -> None:  # fmt: skip
        self.group = group
        self.scan = scan
        self.routes = routes
        self.places = places
        self.claims = claims
        self.behind = [c.alias.name for c in group.having("leaves") if isinstance(c.statement, ast.Import)]

    def outcome(self) -> Rewritings:
        """Leave the group where it cannot be told apart, else rewrite its imports and their uses."""
        group = self.group
        if group.bound_otherwise:
            return _left_alone(group.claims, group.local, self.routes)
        moved = [item for use in group.uses if (item := self._respelling(use))]
        tops = {top_of(claim.new) for claim in group.having("dotted")} | {top_of(item.new) for item in moved}
        for top in sorted(tops):
            if self._has_other_meaning(top):
                return _left_alone(group.claims, top, self.routes)
        told = [_told(item.use, _SHADOWED, "ambiguous") for item in moved if self._is_shadowed(item)]
        spelt = [] if told else list(spell(moved, self.places))
        told += [change for change in spelt if isinstance(change, Finding)]
        if told:
            return _left_alone(group.claims, group.local, self.routes, told)
        return self._rewritten(moved, spelt)

    def _respelling(self, use: Use) -> Respelling | None:
        """How a use changes, if it leads into what moves."""
        names = [self.group.path, *use.names[1:]]
        full = ".".join(names)
        if any(is_below(full, name) for name in self.behind):
            return None
        root = next((root for root in self.routes.roots if is_below(full, root)), None)
        if root is None or (root in self.routes.doubtful and self.routes.longest(full) is None):
            return None
        size = 1 + root.count(".") - self.group.path.count(".")
        return Respelling(use, size, self.routes.renamed[root])

    def _has_other_meaning(self, top: str) -> bool:
        """Whether the name that the new imports bind is, in this scope, something else already."""
        scope = self.group.scope
        if top in scope.bound:
            return not all(self._is_package(node, top) for node in scope.bound[top])
        around = {None, *scope.ancestors()}
        uses = (use.scope for use in self.scan.uses if use.names[0] == top and use.quote is None)
        return any(user.find(top) in around for user in uses if scope in (user, *user.ancestors()))

    def _is_package(self, node: ast.AST, top: str) -> bool:
        """Whether a binding of the name means the top-level package of that name, now or after the move."""
        if not isinstance(node, ast.alias):
            return False
        claim = next((claim for claim in self.claims if claim.alias is node), None)
        if claim and claim.fate in ("dotted", "moves"):
            return (top_of(claim.new) if claim.fate == "dotted" else claim.new) == top
        return node.asname is None and claim is not None and isinstance(claim.statement, ast.Import)

    def _rewritten(self, moved: Sequence[Respelling], spelt: Sequence[Edit | Finding]) -> Rewritings:
        """Imports and uses change together; what still needs the old name is kept or told."""
        respelt = {item.use for item in moved}
        others = [use for use in self.group.uses if use not in respelt]
        rewrites = {claim.alias: new for claim in self.group.claims if (new := _rewrite(claim, moved, others))}
        kept = [claim for claim in self.group.having("above") if rewrites[claim.alias].kept]
        findings = [leaves([claim]) for claim in kept]
        if not kept and not self.group.having("leaves") and not self.group.having("stays"):
            findings += [_told(use, _UNBOUND, "leaves") for use in others]
        return Rewritings(rewrites, (*spelt, *findings))

    def _is_shadowed(self, item: Respelling) -> bool:
        """Whether a scope between the use and the import has the new name for something else."""
        found = item.use.scope.find(top_of(item.new))
        return found is not None and self.group.scope in found.ancestors()


def _left_alone(claims: Sequence[Claim], name: str, routes: Routes, told: Sequence[Finding] = ()) -> Rewritings:
    """No use changes. An import of the moved package by its own name goes on binding that name, so none needs to."""
    home = routes.goes_to(claims[0].path)
    following = {claim.alias: rewrite_of(claim) for claim in claims if claim.fate == "root"}
    dotted = [claim for claim in claims if claim.fate == "dotted"]
    if home:
        both = {
            c.alias: Rewrite(c, (ImportTarget("", c.new, c.local), ImportTarget("", home, c.local))) for c in dotted
        }
        return Rewritings(following | both, ())
    above = [claim for claim in claims if claim.fate == "above"]
    findings = [conflicting([claim], name) for claim in dotted] + [leaves([claim]) for claim in above]
    kept = {claim.alias: Rewrite(claim, (), kept=True) for claim in (*dotted, *above)}
    return Rewritings(following | kept, (*findings, *told))


def _rewrite(claim: Claim, moved: Sequence[Respelling], needed: Sequence[Use]) -> Rewrite | None:
    """The new form of one import of a group; one from above stays beside it where some use still needs it."""
    if claim.fate in ("dotted", "root"):
        return Rewrite(claim, (ImportTarget("", claim.new),))
    if claim.fate == "above":
        news = dict.fromkeys(item.new for item in moved)
        return Rewrite(claim, tuple(ImportTarget("", new) for new in news), kept=bool(needed) or not news)
    return None


def unbound_annotations(scan: Scan, routes: Routes) -> list[Respelling]:
    """String annotations that spell out an absolute name which nothing in the file binds."""
    found = []
    for use in scan.uses:
        old = routes.longest(".".join(use.names)) if use.quote and use.scope.find(use.names[0]) is None else None
        if old:
            found.append(Respelling(use, 1 + old.count("."), routes.renamed[old]))
    return found


def spell(items: Sequence[Respelling], places: Places) -> Iterator[Edit | Finding]:
    """The edits that respell uses, and findings for those whose place in the bytes is not plain."""
    formatted: dict[tuple[ast.JoinedStr, tuple[str, ...]], list[Respelling]] = {}
    for item in items:
        if item.use.formatted:
            formatted.setdefault((item.use.formatted, item.use.names), []).append(item)
        elif item.use.quote:
            yield _spell_quoted(item, item.use.quote, places)
        else:
            yield _spell_plain(item, places)
    counts = Counter(item.use.formatted for item in items)
    for (node, _), alike in formatted.items():
        if counts[node] > _MOST_IN_ONE:
            yield _told(alike[0].use, "is in an f-string that cannot be edited in place", "ambiguous")
        else:
            yield from _spell_formatted(node, alike, places)


def _spell_plain(item: Respelling, places: Places) -> Edit | Finding:
    whole = item.use.nodes[item.size - 1]
    start, end = places.start(whole), places.end(whole)
    if not _pattern(item.old).fullmatch(places.data, start, end) and b"#" in places.span(whole):
        return _told(item.use, "is not written in one piece, left alone", "ambiguous")
    return Edit(start, end, item.new.encode())


def _spell_quoted(item: Respelling, quote: Quote, places: Places) -> Edit | Finding:
    node, text = quote
    origin = places.inside(node, text) if isinstance(node, ast.Constant) else places.comment(node, text)
    first, last = item.use.nodes[0], item.use.nodes[item.size - 1]
    if origin is None or last.end_lineno != 1:
        return _told(item.use, "is in a string that cannot be edited in place", "dynamic")
    return Edit(origin + first.col_offset, origin + (last.end_col_offset or 0), item.new.encode())


def _spell_formatted(node: ast.JoinedStr, alike: Sequence[Respelling], places: Places) -> Iterator[Edit | Finding]:
    """Respell in an f-string, if its code has the name spelt as often as it is used there."""
    item = alike[0]
    start, end = places.start(node), places.end(node)
    found = _pattern(item.old, item.use.names[item.size :]).finditer(places.data, start, end)
    code = [
        match.span(1)
        for match in found
        if _is_code(places.data[start:end], match.start(1) - start, match.end(1) - start)
    ]
    if len(code) == len(alike):
        yield from (Edit(first, last, item.new.encode()) for first, last in code)
    else:
        yield _told(item.use, "is in an f-string that cannot be edited in place", "ambiguous")


def _is_code(string: bytes, start: int, end: int) -> bool:
    """Whether a place in an f-string is code: the parser is asked, as another name there leaves all text the same."""
    probed = string[:start] + _PROBE + string[end:]
    return _text_in(string) == _text_in(probed)


def _text_in(string: bytes) -> list[object]:
    """All constants of an f-string, in order."""
    tree = syntax_tree(b"(" + string + b")")
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]


def _pattern(old: Sequence[str], rest: Sequence[str] = ()) -> re.Pattern[bytes]:
    """Finds a dotted name written in full, and the old part of it as its group."""
    first, *others = (re.escape(name.encode()) for name in (*old, *rest))
    dotted = [first, *(_GAP + rb"\." + _GAP + name for name in others)]
    spelled = rb"(" + b"".join(dotted[: len(old)]) + rb")" + b"".join(dotted[len(old) :])
    return re.compile(rb"(?<![\w.\x80-\xff])" + spelled + rb"(?![\w\x80-\xff]|" + _GAP + rb"\." + _GAP + rb"\w)")


def _told(use: Use, reason: str, kind: Kind) -> Finding:
    return Finding(use.line, ".".join(use.names), reason, kind)
