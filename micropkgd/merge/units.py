"""A block of named units in three versions, and the block that has what each side changed.

A unit is whole lines: a definition, an import, a key with its value, and the comments right above it. Units keep their
identity by `key`, so that one may move; one with nothing to be named by is *loose*, and is known by its text and its
place. Rules: a unit that one side changed or removed and the other left alone is as that side has it; one that both
changed goes to the caller's `join`; what both added at one place stands one after the other, ours first, unless it runs
in that order.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise

from micropkgd.annotations import Any, Final
from micropkgd.merge.rows import Key, merged_row, shown
from micropkgd.merge.text import merged_lines
from micropkgd.merge.versions import CollisionError, ThreeVersions
from micropkgd.named_tuples import NamedTuple

START: Final[Key] = ()


class UnitKind(StrEnum):
    """What a unit is to its neighbours."""

    IMPORT = "import"
    DEFINITION = "definition"  # of a function or class: naming it is all that it does
    NAMED = "named"
    COMMENT = "comment"  # that stands by itself
    LOOSE = "loose"  # a statement that does something, in its place


class Unit(NamedTuple):
    """Some whole lines that belong together."""

    key: Key
    kind: UnitKind
    gap: str  # the blank lines before it
    lead: str  # the comments right above it
    code: str
    first: int = 0  # the number of the first line of its code, from 0
    node: Any = None  # of the parser; None where there are several

    @property
    def text(self) -> str:
        """Its lines."""
        return self.lead + self.code

    @property
    def is_loose(self) -> bool:
        """Whether it has no name."""
        return self.kind in {UnitKind.COMMENT, UnitKind.LOOSE}


class UnitBlock(NamedTuple):
    """Units one after another, and the blank lines behind them."""

    units: Sequence[Unit]
    tail: str = ""


Placed = tuple[Sequence[Unit], ThreeVersions[UnitBlock]]
"""A row, and the versions by which blank lines are put between its units."""


class Grammar(NamedTuple):
    """What the language adds: how a unit is joined that both sides changed or added, and when two are the same."""

    join: Callable[[Unit | None, Unit, Unit], str]
    is_same: Callable[[Unit, Unit], bool]
    in_run: Callable[
        [Sequence[Unit], Sequence[Unit], ThreeVersions[UnitBlock]], list[Unit]
    ]  # what both added at one place
    apart: str = ""  # the least that stands between a definition and its neighbour
    placed: Callable[[Sequence[Unit], ThreeVersions[UnitBlock]], Placed] = lambda row, blocks: (row, blocks)


def joined_by(finer: Callable[[ThreeVersions[Unit]], str], base: Unit | None, ours: Unit, theirs: Unit) -> str:
    """What both sides changed, by its lines, or else in a finer way."""
    if base is None:
        raise CollisionError("both sides added it")
    units = ThreeVersions(base, ours, theirs)
    try:
        return merged_lines(units.each(lambda unit: unit.text))
    except CollisionError:
        return finer(units)


def merged_block(blocks: ThreeVersions[UnitBlock], grammar: Grammar) -> str:
    """The text of the merged block; `CollisionError` where both sides changed one thing in two ways."""
    numbered = blocks.each(_numbered)
    _refuse_uneven(numbered)
    base, ours, theirs = numbered
    return merged_keyed(ThreeVersions(base, _aligned(base, ours), _aligned(base, theirs)), grammar)


def merged_keyed(blocks: ThreeVersions[UnitBlock], grammar: Grammar) -> str:
    """The text of the merged block, the units of which have one key each."""

    def join(base: Unit | None, ours: Unit, theirs: Unit) -> Unit:
        return ours._replace(lead="", code=_joined(base, ours, theirs, grammar))

    def in_run(left: Sequence[Unit], right: Sequence[Unit]) -> Sequence[Unit]:
        return grammar.in_run(left, right, blocks)

    row = merged_row(blocks.each(lambda block: block.units), join, grammar.is_same, in_run)
    return _written(*grammar.placed(row, blocks), grammar)


def _numbered(block: UnitBlock) -> UnitBlock:
    """The block with the second of two equal keys told from the first."""
    seen: Counter[Key] = Counter()
    units = []
    for unit in block.units:
        seen[unit.key] += 1
        key = unit.key if seen[unit.key] == 1 else (*unit.key, f"#{seen[unit.key]}")
        units.append(unit._replace(key=key))
    return block._replace(units=units)


def _refuse_uneven(blocks: ThreeVersions[UnitBlock]) -> None:
    """A name that is bound twice is known by its number, which says nothing where the numbers differ."""
    keys = blocks.each(lambda block: {unit.key for unit in block.units if not unit.is_loose})
    for key in keys.base | keys.ours | keys.theirs:
        if key[-1].startswith("#") and not (key in keys.base and key in keys.ours and key in keys.theirs):
            raise CollisionError(f"`{key[1]}` is bound more than once")


def _aligned(base: UnitBlock, side: UnitBlock) -> UnitBlock:
    """The block of a side whose changed loose units have the keys of those that stood in their places."""
    known, here = ({unit.key for unit in block.units} for block in (base, side))
    gone: dict[Key, list[Key]] = {}
    for place, unit in _places(base, here):
        if unit.is_loose and unit.key not in here:
            gone.setdefault((*place, unit.kind), []).append(unit.key)
    units = []
    for place, unit in _places(side, known):
        was = gone.get((*place, unit.kind), []) if unit.is_loose and unit.key not in known else []
        units.append(unit._replace(key=was.pop(0)) if was else unit)
    return side._replace(units=units)


def _places(block: UnitBlock, shared: set[Key]) -> list[tuple[Key, Unit]]:
    """Each unit with the shared one that it follows."""
    place, result = START, []
    for unit in block.units:
        place = unit.key if unit.key in shared else place
        result.append((place, unit))
    return result


def _joined(base: Unit | None, ours: Unit, theirs: Unit, grammar: Grammar) -> str:
    if ours.text == theirs.text or (base is not None and base.text == theirs.text):
        return ours.text
    if base is not None and base.text == ours.text:
        return theirs.text
    try:
        return grammar.join(base, ours, theirs)
    except CollisionError as error:
        raise CollisionError(f"both sides changed `{shown(ours)}`") from error


class _Gaps(NamedTuple):
    """What stands between the units of one version."""

    between: Mapping[tuple[Key, Key], str]
    before: Mapping[Key, str]
    after: Mapping[Key, str]

    @classmethod
    def of(cls, block: UnitBlock) -> "_Gaps":
        keys = [START, *(unit.key for unit in block.units)]
        gaps = [unit.gap for unit in block.units]
        pairs = list(pairwise(keys))
        return cls(
            dict(zip(pairs, gaps, strict=True)),
            dict(zip(keys[1:], gaps, strict=True)),
            dict(zip(keys, gaps, strict=False)),
        )


def _written(row: Sequence[Unit], blocks: ThreeVersions[UnitBlock], grammar: Grammar) -> str:
    gaps = blocks.each(_Gaps.of)
    parts = []
    last: Unit | None = None
    for unit in row:
        parts += [_gap(last, unit, gaps, grammar.apart), unit.text]
        last = unit
    base, ours, theirs = (block.tail for block in blocks)
    return "".join((*parts, theirs if ours == base else ours))


def _gap(last: Unit | None, unit: Unit, gaps: ThreeVersions[_Gaps], apart: str) -> str:
    """The blank lines before a unit: as a version has them between these two, else as their own neighbours had them."""
    key = START if last is None else last.key
    base, ours, theirs = (known.between.get((key, unit.key)) for known in gaps)
    if ours is not None and theirs is not None:
        return max(ours, theirs, key=len) if base is None else theirs if ours == base else ours
    if (known := ours if ours is not None else theirs) is not None:
        return known
    if last is None:
        return ""
    before = next(side.before[unit.key] for side in gaps if unit.key in side.before)
    after = next((side.after[key] for side in (gaps.ours, gaps.theirs) if key in side.after), before)
    if UnitKind.DEFINITION not in {last.kind, unit.kind}:
        return min(before, after, key=len)
    return max(before, after, apart, key=len)
