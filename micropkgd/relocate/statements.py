"""Write import statements anew, touching as few bytes as the change allows.

Rules: a statement stays where it is and keeps its line; no statement is added on a line of its own. Where only the
address changes only the address is edited, so brackets, comments and line breaks stay. A from-import whose names go
different ways becomes several statements on one line, the comments in its brackets follow at the end of that line.
"""

import ast
import re
from collections.abc import Sequence

from micropkgd.named_tuples import NamedTuple
from micropkgd.relocate.imports import Claim, spelled
from micropkgd.relocate.text import Edit, Places

_GAP = rb"(?:[ \t\f]|\\(?:\r\n|\r|\n))*"
_NAME = rb"[\w\x80-\xff]+"
_DOTTED = re.compile(_NAME + rb"(?:" + _GAP + rb"\." + _GAP + _NAME + rb")*")
_DOTS = re.compile(rb"(?:" + _GAP + rb"\.)*")
_SPACE = re.compile(_GAP)
_COMMENT = re.compile(rb"#[^\r\n]*")
_LINE_REST = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")


class ImportTarget(NamedTuple):
    """One name to import: from a parent, or a whole module where the parent is empty."""

    parent: str
    name: str
    local: str = ""

    def __str__(self) -> str:
        return f"{self.name} as {self.local}" if self.local else self.name


KEEP: tuple[ImportTarget, ...] = ()
"""In place of targets: the name stays imported as it was."""


class Rewrite(NamedTuple):
    """What one imported name becomes; `kept` says that the old import stays beside it."""

    claim: Claim
    targets: tuple[ImportTarget, ...]
    kept: bool = False


def rewrite_of(claim: Claim) -> Rewrite:
    """The rewrite of a claim that needs no look at the rest of the file."""
    if claim.fate not in ("moves", "root"):
        return Rewrite(claim, KEEP, kept=True)
    if isinstance(claim.statement, ast.Import) and claim.fate == "moves":
        return Rewrite(claim, (ImportTarget("", claim.new, claim.local),))
    parent, _, name = claim.new.rpartition(".")
    local = claim.local if claim.alias.asname or claim.local not in (name, "*") else ""
    return Rewrite(claim, (ImportTarget(parent, name, local),))


def edits_of(rewrites: Sequence[Rewrite], places: Places) -> list[Edit]:
    """The edits of one statement, given what becomes of each of its names."""
    statement = rewrites[0].claim.statement
    if all(rewrite.targets == KEEP for rewrite in rewrites):
        return []
    if isinstance(statement, ast.ImportFrom):
        return [_from_edit(statement, rewrites, places)]
    target = rewrites[0].targets[0] if len(rewrites) == 1 and len(rewrites[0].targets) == 1 else None
    if target and target.parent and not rewrites[0].kept:
        start, end = places.start(statement), places.end(statement)
        return [Edit(start, end, f"from {target.parent} import {target}".encode())]
    return [_plain_edit(rewrite, places) for rewrite in rewrites if rewrite.targets]


def _plain_edit(rewrite: Rewrite, places: Places) -> Edit:
    """Edit one name of a plain import within its list, where `from` cannot stand."""
    alias = rewrite.claim.alias
    start = places.start(alias)
    found = _DOTTED.match(places.data, start)
    dotted_end = found.end() if found else places.end(alias)
    first = rewrite.targets[0]
    if not rewrite.kept and len(rewrite.targets) == 1 and first == ImportTarget("", first.name, alias.asname or ""):
        return Edit(start, dotted_end, first.name.encode())
    names = [_inline(target) for target in rewrite.targets]
    kept = [places.data[start : places.end(alias)].decode()] if rewrite.kept else []
    return Edit(start, places.end(alias), ", ".join(names + kept).encode())


def _from_edit(statement: ast.ImportFrom, rewrites: Sequence[Rewrite], places: Places) -> Edit:
    parents = {target.parent for rewrite in rewrites for target in rewrite.targets}
    if all(_only_moves(rewrite) for rewrite in rewrites) and len(parents) == 1:
        return _address_edit(statement, parents.pop(), places)
    start, end = places.start(statement), places.end(statement)
    new = "; ".join(_split(statement, rewrites)).encode()
    comments = _COMMENT.findall(places.data, start, end)
    if comments and _LINE_REST.match(places.data, end):
        new += b"  " + b"  ".join(comments)
    return Edit(start, end, new)


def _only_moves(rewrite: Rewrite) -> bool:
    """Whether the name stays as it is written and only its parent changes."""
    if rewrite.kept or len(rewrite.targets) != 1:
        return False
    target = rewrite.targets[0]
    return bool(target.parent) and (target.name, target.local) == (
        rewrite.claim.alias.name,
        rewrite.claim.alias.asname or "",
    )


def _address_edit(statement: ast.ImportFrom, parent: str, places: Places) -> Edit:
    """Edit what stands between `from` and `import`, nothing more."""
    data = places.data
    after_from = places.start(statement) + len(b"from")
    dots = _DOTS.match(data, after_from)
    end = dots.end() if dots else after_from
    start = after_from + len(_matched(_SPACE, data, after_from))
    if statement.module:
        end += len(_matched(_SPACE, data, end))
        end += len(_matched(_DOTTED, data, end))
    before = b" " if start == after_from else b""
    after = b" " if not _matched(_SPACE, data, end) else b""
    return Edit(start, end, before + parent.encode() + after)


def _split(statement: ast.ImportFrom, rewrites: Sequence[Rewrite]) -> list[str]:
    """One statement for each place that names now come from, the old one last."""
    by_parent: dict[str, list[str]] = {}
    for rewrite in rewrites:
        for target in rewrite.targets:
            names = by_parent.setdefault(target.parent, [])
            names += [] if str(target) in names else [str(target)]
    statements = [
        f"from {parent} import {', '.join(names)}" if parent else f"import {', '.join(names)}"
        for parent, names in by_parent.items()
    ]
    kept = [rewrite.claim.alias for rewrite in rewrites if rewrite.kept]
    return [*statements, spelled(statement, kept)] if kept else statements


def _whole(target: ImportTarget) -> str:
    return f"{target.parent}.{target.name}" if target.parent else target.name


def _inline(target: ImportTarget) -> str:
    """A target as a plain import spells it: the local name must be said where a dotted path would bind its top."""
    local = target.local or (target.name if target.parent else "")
    return f"{_whole(target)} as {local}" if local else target.name


def _matched(pattern: re.Pattern[bytes], data: bytes, start: int) -> bytes:
    found = pattern.match(data, start)
    return found[0] if found else b""
