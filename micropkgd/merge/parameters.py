"""The structure of YAML: mappings as blocks of keys, with the comments above them. Each line is one of a side.

A list is a block of items, which keep their order: what both added at one place of it is a question, but for texts that
stand in order.
"""

from collections.abc import Hashable, Iterator, Sequence
from functools import partial

from micropkgd.annotations import Any, Final
from micropkgd.documents.keys import FlowItem, YamlItem, YamlPair, flow_item, pairs_of
from micropkgd.errors import DocumentError
from micropkgd.merge.flows import merged_flow
from micropkgd.merge.rows import Look, in_step
from micropkgd.merge.spans import LineSpan, block_of, indent_of, lines_of
from micropkgd.merge.text import merged_lines
from micropkgd.merge.units import Grammar, Unit, UnitBlock, UnitKind, joined_by, merged_block, merged_keyed
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed
from micropkgd.named_tuples import NamedTuple

_TEXT: Final = "tag:yaml.org,2002:str"
_SORTED: Final = 3  # texts that stand in order do so on purpose


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
    spans = [
        LineSpan(line, end, ("key", pair.key), UnitKind.NAMED, pair)
        for (line, end), pair in zip(_spans(page.lines, page.last, page.pairs), page.pairs, strict=True)
    ]
    return block_of(page.lines, page.first, page.last, spans, page.column)


def _spans(lines: Sequence[str], last: int, parts: Sequence[YamlPair | YamlItem]) -> Iterator[tuple[int, int]]:
    """Keys or items by their lines: what is indented deeper than one belongs to it."""
    for part, following in zip(parts, [*(part.line for part in parts[1:]), last], strict=True):
        end = following
        while end > part.end and _is_between(lines[end - 1], part.column):
            end -= 1
        yield part.line, end


def _is_between(line: str, column: int) -> bool:
    """Whether a line is blank, or a comment that is no part of the value above it."""
    return not line.strip() or (line.lstrip().startswith(("#", "---")) and indent_of(line) <= column)


def _joined_key(units: ThreeVersions[Unit]) -> str:
    lead, code, comment = _columns(units.each(_parts))
    return merged_lines(lead) + _joined_code(units, code) + merged_lines(comment) + _inner(units)


def _joined_code(units: ThreeVersions[Unit], code: ThreeVersions[str]) -> str:
    """The line of a key, or the lines of a value that stands between brackets, item by item."""
    try:
        return merged_lines(code)
    except CollisionError:
        items = units.each(_flow)
        around = zip(code, items, strict=True)
        heads = {text[: item.start] for text, item in around}
        if len(heads) > 1 or any(item.end != len(text) for text, item in zip(code, items, strict=True)):
            raise
        return heads.pop() + merged_flow(code, items)


def _flow(unit: Unit) -> FlowItem:
    """The value of a key as it stands in the lines of the key; `CollisionError` where brackets are not all of it."""
    node = unit.node.value
    if node is None or not isinstance(getattr(node, "value", None), list) or not node.flow_style:
        raise CollisionError("its value is one piece")
    line, column = node.start_mark.line - unit.first, node.start_mark.column
    start = sum(map(len, lines_of(unit.code)[:line])) + column
    item = flow_item(node)
    if item is None:
        raise CollisionError("its value is one piece")
    return _moved(item, start - item.start)


def _moved(item: FlowItem, by: int) -> FlowItem:
    return item._replace(
        start=item.start + by,
        end=item.end + by,
        key_start=item.key_start + by,
        inner=tuple(_moved(one, by) for one in item.inner),
    )


def _columns(parts: ThreeVersions[list[str]]) -> Iterator[ThreeVersions[str]]:
    return (ThreeVersions(*part) for part in zip(*parts, strict=True))


def _parts(unit: Unit) -> list[str]:
    """The comments above a key, and its line: what stands there up to a comment, and that."""
    if unit.node is None:
        raise CollisionError("it has no name")
    if unit.node.inner or unit.node.items:
        return [unit.lead, lines_of(unit.code)[0], ""]
    if (end := _end_of_flow(unit)) is not None:
        return [unit.lead, unit.code[:end], unit.code[end:]]
    if unit.code.count("\n") > 1:
        raise CollisionError("its value is one piece")
    code = unit.code.rstrip("\n").partition(" #")[0].rstrip()
    if any(mark in code for mark in "'\"|>"):
        raise CollisionError("what looks like a comment may be text")
    return [unit.lead, code, unit.code[len(code) :]]


def _end_of_flow(unit: Unit) -> int | None:
    """Where a value between brackets ends; None for another one."""
    try:
        return _flow(unit).end
    except CollisionError:
        return None


def _inner(units: ThreeVersions[Unit]) -> str:
    """The mappings or lists below a key, merged; nothing where none is one."""
    nodes = units.each(lambda unit: unit.node)
    if all(node.inner for node in nodes):
        return _merged(units.each(_inner_page))
    if all(node.items for node in nodes):
        return _merged_items(units.each(_items))
    if any(node.inner or node.items for node in nodes):
        raise CollisionError("one of them is something else")
    return ""


def _inner_page(unit: Unit) -> _Mapping:
    lines = [*[""] * unit.first, *lines_of(unit.code)]
    return _Mapping(lines, unit.first + 1, len(lines), unit.node.inner)


def _items(unit: Unit) -> UnitBlock:
    lines = [*[""] * unit.first, *lines_of(unit.code)]
    items: Sequence[YamlItem] = unit.node.items
    spans = [
        LineSpan(line, end, ("item", item.name), UnitKind.LOOSE, item)
        for (line, end), item in zip(_spans(lines, len(lines), items), items, strict=True)
    ]
    return block_of(lines, unit.first + 1, len(lines), spans, items[0].column)


def _merged_items(blocks: ThreeVersions[UnitBlock]) -> str:
    """Lists that have a line or more for each item."""
    kinds = {unit.node.kind for block in blocks for unit in block.units if unit.node is not None}
    if kinds - {"mapping", "", _TEXT}:
        raise CollisionError("numbers in a row belong together")
    columns = {unit.node.column for block in blocks for unit in block.units if unit.node is not None}
    if len(columns) > 1:
        raise CollisionError("the items are indented otherwise")
    rows = in_step(blocks.each(lambda block: block.units), _LOOK)
    keyed = ThreeVersions(*(UnitBlock(row, block.tail) for row, block in zip(rows, blocks, strict=True)))
    return merged_keyed(keyed, _LIST)


def _about(unit: Unit) -> Hashable:
    """What stays when an item is changed."""
    return ("comment",) if unit.node is None else (unit.node.kind, unit.node.name)


def _joined_item(units: ThreeVersions[Unit]) -> str:
    lead = merged_lines(units.each(lambda unit: unit.lead))
    if any(unit.node is None or not unit.node.inner for unit in units):
        raise CollisionError("both sides changed it")
    merged = _merged(units.each(_item_page))
    column = units.ours.node.column
    if not merged.startswith(" " * units.ours.node.inner[0].column):
        raise CollisionError("it begins with something else")
    return lead + merged[:column] + "-" + merged[column + 1 :]


def _item_page(unit: Unit) -> _Mapping:
    """The mapping that an item is, without its dash."""
    item: YamlItem = unit.node
    first, *others = lines_of(unit.code)
    lines = [*[""] * unit.first, f"{first[: item.column]} {first[item.column + 1 :]}", *others]
    return _Mapping(lines, unit.first, len(lines), item.inner or ())


def _in_list(ours: Sequence[Unit], theirs: Sequence[Unit], blocks: ThreeVersions[UnitBlock]) -> list[Unit]:
    """What both sides added at one place of a list: in order where all versions are."""
    texts = [[_text(unit) for unit in block.units] for block in blocks]
    run = [*ours, *theirs]
    known = [*texts, [_text(unit) for unit in run]]
    if len(texts[0]) < _SORTED or any(None in one for one in known) or any(sorted(one) != one for one in texts):
        raise CollisionError("both sides added something at one place of a list")
    return sorted(run, key=lambda unit: str(_text(unit)))


def _text(unit: Unit) -> Any:
    return unit.node.name if unit.node is not None and unit.node.kind == _TEXT else None


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


_GRAMMAR = Grammar(partial(joined_by, _joined_key), _is_same, _in_run)
_LOOK = Look[Unit](lambda unit: unit.text, lambda unit: (unit.code or unit.text).strip(), _about)
_LIST = Grammar(partial(joined_by, _joined_item), _is_same, _in_list)
