"""The structure of YAML: mappings as blocks of keys, with the comments above them. Each line is one of a side."""

from collections.abc import Iterator, Sequence

from micropkgd.documents.keys import YamlPair, pairs_of
from micropkgd.errors import DocumentError
from micropkgd.merge.spans import LineSpan, block_of, indent_of, lines_of
from micropkgd.merge.text import merged_lines
from micropkgd.merge.units import Grammar, Unit, UnitBlock, UnitKind, merged_block
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed
from micropkgd.named_tuples import NamedTuple


def merged_yaml(texts: ThreeVersions[str]) -> str:
    """A merged mapping; `CollisionError` where both sides changed one value, or a text is no mapping by lines."""
    ends = texts.each(lambda text: text.endswith("\n"))
    result = _merged(texts.each(lambda text: text if text.endswith("\n") or not text else f"{text}\n").each(_page))
    return result if the_changed(ends) else result.removesuffix("\n")


class _Mapping(NamedTuple):
    """The pairs of a mapping that stand on some lines of a file."""

    lines: Sequence[str]
    first: int
    last: int
    pairs: tuple[YamlPair, ...]

    @property
    def column(self) -> int:
        """How far the keys are indented."""
        return self.pairs[0].column if self.pairs else 0


def _page(source: str) -> _Mapping:
    try:
        pairs = pairs_of(source)
    except DocumentError as error:
        raise CollisionError(error.problem) from error
    if pairs is None:
        raise CollisionError("it is not a mapping that stands line by line")
    lines = lines_of(source)
    return _Mapping(lines, 0, len(lines), pairs)


def _merged(pages: ThreeVersions[_Mapping]) -> str:
    if len({page.column for page in pages if page.pairs}) > 1:
        raise CollisionError("the keys are indented otherwise")
    return merged_block(pages.each(_block), _GRAMMAR)


def _block(page: _Mapping) -> UnitBlock:
    return block_of(page.lines, page.first, page.last, list(_spans(page)), page.column)


def _spans(page: _Mapping) -> Iterator[LineSpan]:
    """The pairs by their lines: what is indented deeper than a key belongs to its value."""
    ends = [*(pair.line for pair in page.pairs[1:]), page.last]
    for pair, end in zip(page.pairs, ends, strict=True):
        while end > pair.end and _is_between(page.lines[end - 1], pair.column):
            end -= 1  # noqa: PLW2901
        yield LineSpan(pair.line, end, ("key", pair.key), UnitKind.NAMED, pair)


def _is_between(line: str, column: int) -> bool:
    """Whether a line is blank, or a comment that is no part of the value above it."""
    return not line.strip() or (line.lstrip().startswith(("#", "---")) and indent_of(line) <= column)


def _joined(base: Unit | None, ours: Unit, theirs: Unit) -> str:
    if base is None:
        raise CollisionError("both sides added it")
    units = ThreeVersions(base, ours, theirs)
    try:
        return merged_lines(units.each(lambda unit: unit.text))
    except CollisionError:
        return "".join(map(merged_lines, _columns(units.each(_parts)))) + _inner(units)


def _columns(parts: ThreeVersions[list[str]]) -> Iterator[ThreeVersions[str]]:
    return (ThreeVersions(*part) for part in zip(*parts, strict=True))


def _parts(unit: Unit) -> list[str]:
    """The comments above a key, and its line: what stands there up to a comment, and that."""
    if unit.node is None:
        raise CollisionError("it has no name")
    if unit.node.inner:
        return [unit.lead, lines_of(unit.code)[0], ""]
    if unit.code.count("\n") > 1:
        raise CollisionError("its value is one piece")
    code = unit.code.rstrip("\n").partition(" #")[0].rstrip()
    if any(mark in code for mark in "'\"|>"):
        raise CollisionError("what looks like a comment may be text")
    return [unit.lead, code, unit.code[len(code) :]]


def _inner(units: ThreeVersions[Unit]) -> str:
    """The mappings below a key, merged; nothing where none is one."""
    nodes = [unit.node.inner for unit in units]
    if not any(nodes):
        return ""
    if not all(nodes):
        raise CollisionError("one of them is not a mapping")
    return _merged(units.each(_inner_page))


def _inner_page(unit: Unit) -> _Mapping:
    lines = [*[""] * unit.first, *lines_of(unit.code)]
    return _Mapping(lines, unit.first + 1, len(lines), unit.node.inner)


def _is_same(one: Unit, other: Unit) -> bool:
    return one.text == other.text


def _in_run(ours: Sequence[Unit], theirs: Sequence[Unit], blocks: ThreeVersions[UnitBlock]) -> list[Unit]:
    """What both sides added at one place: keys in their order, sorted where all are."""
    if all(any(unit.is_loose for unit in run) for run in (ours, theirs)):
        raise CollisionError("both sides added comments at one place")
    run = [*ours, *theirs]
    keys = [[unit.key for unit in block.units if not unit.is_loose] for block in blocks]
    is_sorted = all(len(one) > 1 and one == sorted(one) for one in keys) and not any(unit.is_loose for unit in run)
    return sorted(run, key=lambda unit: unit.key) if is_sorted else run


_GRAMMAR = Grammar(_joined, _is_same, _in_run)
