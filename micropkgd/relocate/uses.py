"""Follow names that an import binds to a package above or at the top of what moves, through the scopes of the file.

`import demo.pipelines.ds.sub` binds `demo`, so uses of `demo.pipelines.ds` must change with it. All imports that bind
one such name in one scope are a group: they are rewritten together with the uses that mean them, or not at all.
Rules: a use that a local name shadows is not ours; where the new name has another meaning in the scope, or the old one
is bound in other ways, too, nothing is rewritten and a finding says so.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from micropkgd.relocate.imports import Claim, conflicting, leaves
from micropkgd.relocate.names import Finding, Kind, Routes, is_below, top_of
from micropkgd.relocate.scopes import Quote, Scan, Scope, Use
from micropkgd.relocate.statements import Rewrite, Target, rewrite_of
from micropkgd.relocate.text import Edit, Places

_GAP = rb"(?:\s|\\)*"
_SHADOWED = "the new name has another meaning here, left alone"
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


class Group(NamedTuple):
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


class Outcome(NamedTuple):
    """What becomes of the imports of a file and of the uses of what they bind."""

    rewrites: Mapping[ast.alias, Rewrite]
    respellings: tuple[Respelling, ...]
    findings: tuple[Finding, ...]


def needs_scan(claims: Iterable[Claim]) -> bool:
    """Whether any import binds a name whose uses must be followed."""
    return any(claim.fate in ("dotted", "above") for claim in claims)


def settle(claims: Sequence[Claim], scan: Scan, routes: Routes) -> Outcome:
    """Decide every group."""
    outcomes = [_Decision(group, claims, scan, routes).outcome() for group in groups_of(claims, scan)]
    return Outcome(
        {alias: rewrite for outcome in outcomes for alias, rewrite in outcome.rewrites.items()},
        tuple(item for outcome in outcomes for item in outcome.respellings),
        tuple(finding for outcome in outcomes for finding in outcome.findings),
    )


def groups_of(claims: Sequence[Claim], scan: Scan) -> Iterator[Group]:
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
                yield Group(scope, local, tuple(members), tuple(uses), len(members) < len(nodes))


class _Decision:
    """The ladder for one group."""

    def __init__(self, group: Group, claims: Sequence[Claim], scan: Scan, routes: Routes) -> None:
        self.group = group
        self.scan = scan
        self.routes = routes
        self.claims = claims
        self.behind = [c.alias.name for c in group.having("leaves") if isinstance(c.statement, ast.Import)]

    def outcome(self) -> Outcome:
        """Leave the group where it cannot be told apart, else rewrite its imports and their uses."""
        if self.group.bound_otherwise:
            return self._left_alone(self.group.local)
        moved = [item for use in self.group.uses if (item := self._respelling(use))]
        tops = {top_of(claim.new) for claim in self.group.having("dotted")} | {top_of(item.new) for item in moved}
        for top in sorted(tops):
            if self._has_other_meaning(top):
                return self._left_alone(top)
        return self._rewritten(moved)

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

    def _left_alone(self, name: str) -> Outcome:
        """No edit that needs the uses; an import that keeps its name needs none."""
        dotted, above = self.group.having("dotted"), self.group.having("above")
        told = [conflicting([claim], name) for claim in dotted] + [leaves([claim]) for claim in above]
        kept = {claim.alias: Rewrite(claim, (), kept=True) for claim in (*dotted, *above)}
        return Outcome(kept | {c.alias: rewrite_of(c) for c in self.group.having("root")}, (), tuple(told))

    def _rewritten(self, moved: list[Respelling]) -> Outcome:
        """Imports and uses change together; what still needs the old name is kept or told."""
        safe = [item for item in moved if not self._is_shadowed(item)]
        shadowed = [item for item in moved if self._is_shadowed(item)]
        others = [use for use in self.group.uses if use not in [item.use for item in moved]]
        needed = [*others, *(item.use for item in shadowed)]
        rewrites = {claim.alias: new for claim in self.group.claims if (new := _rewrite(claim, safe, needed))}
        kept = [claim for claim in self.group.having("above") if rewrites[claim.alias].kept]
        findings = [leaves([claim]) for claim in kept]
        findings += [_told(item.use, _SHADOWED, "ambiguous") for item in shadowed]
        if not kept and not self.group.having("leaves") and not self.group.having("stays"):
            findings += [_told(use, _UNBOUND, "leaves") for use in others]
        return Outcome(rewrites, tuple(safe), tuple(findings))

    def _is_shadowed(self, item: Respelling) -> bool:
        """Whether a scope between the use and the import has the new name for something else."""
        found = item.use.scope.find(top_of(item.new))
        return found is not None and self.group.scope in found.ancestors()


def _rewrite(claim: Claim, safe: Sequence[Respelling], needed: Sequence[Use]) -> Rewrite | None:
    """The new form of one import of a group; one from above stays beside it where some use still needs it."""
    if claim.fate in ("dotted", "root"):
        return Rewrite(claim, (Target("", claim.new),))
    if claim.fate == "above":
        news = dict.fromkeys(item.new for item in safe)
        return Rewrite(claim, tuple(Target("", new) for new in news), kept=bool(needed) or not news)
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
    for (node, _), alike in formatted.items():
        yield from _spell_formatted(node, alike, places)


def _spell_plain(item: Respelling, places: Places) -> Edit | Finding:
    start, end = places.start(item.use.nodes[0]), places.end(item.use.nodes[item.size - 1])
    if not _pattern(item.old).fullmatch(places.data, start, end):
        return _told(item.use, "is not written in one piece, left alone", "ambiguous")
    return Edit(start, end, item.new.encode())


def _spell_quoted(item: Respelling, quote: Quote, places: Places) -> Edit | Finding:
    origin = places.inside(quote.node, quote.text)
    first, last = item.use.nodes[0], item.use.nodes[item.size - 1]
    if origin is None or last.end_lineno != 1:
        return _told(item.use, "is in a string that cannot be edited in place", "dynamic")
    return Edit(origin + first.col_offset, origin + (last.end_col_offset or 0), item.new.encode())


def _spell_formatted(node: ast.JoinedStr, alike: Sequence[Respelling], places: Places) -> Iterator[Edit | Finding]:
    """Respell in an f-string only if the whole dotted name is written just as often as the code in it has it."""
    item = alike[0]
    pattern = _pattern(item.old, item.use.names[item.size :])
    found = list(pattern.finditer(places.data, places.start(node), places.end(node)))
    if len(found) == len(alike):
        yield from (Edit(match.start(), match.end(1), item.new.encode()) for match in found)
    else:
        yield _told(item.use, "is in an f-string that has the name as text, too", "ambiguous")


def _pattern(old: Sequence[str], rest: Sequence[str] = ()) -> re.Pattern[bytes]:
    """Finds a dotted name written in full, and the old part of it as its group."""
    first, *others = (re.escape(name.encode()) for name in (*old, *rest))
    dotted = [first, *(_GAP + rb"\." + _GAP + name for name in others)]
    spelled = rb"(" + b"".join(dotted[: len(old)]) + rb")" + b"".join(dotted[len(old) :])
    return re.compile(rb"(?<![\w.\x80-\xff])" + spelled + rb"(?![\w\x80-\xff]|" + _GAP + rb"\." + _GAP + rb"\w)")


def _told(use: Use, reason: str, kind: Kind) -> Finding:
    return Finding(use.line, ".".join(use.names), reason, kind)
