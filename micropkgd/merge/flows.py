"""Mappings and lists between brackets, as YAML has them on a line and JSON everywhere, item by item.

Mappings are joined by their keys, and lists by their items, which keep their order: what both sides added at one place
of a list is a question, and so are numbers. What stands between the items is as a side has it.
"""

import re
from collections.abc import Sequence

from micropkgd.annotations import Any, Final
from micropkgd.documents.keys import FlowItem, flow_of
from micropkgd.errors import DocumentError
from micropkgd.merge.rows import Look, in_step, merged_row
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed
from micropkgd.named_tuples import NamedTuple

_TEXT: Final = "tag:yaml.org,2002:str"
_SORTED: Final = 3  # texts that stand in order do so on purpose


def merged_json(texts: ThreeVersions[str]) -> str:
    """A merged document; `CollisionError` where both sides changed one value."""
    flows = texts.each(_document)
    before, behind = (
        the_changed(part) for part in (flows.each(lambda one: one.before), flows.each(lambda one: one.behind))
    )
    if before is None or behind is None:
        raise CollisionError("both sides changed what is around it")
    return before + merged_flow(flows.each(lambda one: one.text), flows.each(lambda one: one.item)) + behind


class _Document(NamedTuple):
    before: str
    text: str
    behind: str
    item: FlowItem


def _document(text: str) -> _Document:
    try:
        item = flow_of(text)
    except DocumentError as error:
        raise CollisionError(error.problem) from error
    if item is None:
        raise CollisionError("it is nothing between brackets")
    return _Document(text[: item.start], text, text[item.end :], item)


def merged_flow(texts: ThreeVersions[str], items: ThreeVersions[FlowItem]) -> str:
    """What stands between two brackets, these included; each item is a place in its text."""
    rows = ThreeVersions(*(_row(*one) for one in zip(texts, items, strict=True)))
    whole = the_changed(rows.each(lambda row: row.text))
    if whole is not None:
        return whole
    if len({one.kind for one in items}) > 1 or items.ours.kind not in {"mapping", "list"}:
        raise CollisionError("both sides changed it")
    is_list = items.ours.kind == "list"
    parts: ThreeVersions[Sequence[_FlowPart]] = rows.each(lambda row: row.parts)
    if is_list:
        _refuse_numbers(parts)
        parts = ThreeVersions(*in_step(parts, _LOOK))
    if any(len({part.key for part in row}) < len(row) for row in parts):
        raise CollisionError("a key stands there twice")

    def in_run(left: Sequence[_FlowPart], right: Sequence[_FlowPart]) -> Sequence[_FlowPart]:
        return _in_order(left, right, parts) if is_list else [*left, *right]

    merged = merged_row(parts, _joined, lambda one, other: one.text == other.text, in_run)
    layout = _layout(rows)
    return layout.opening + layout.comma.join(part.text for part in merged) + layout.closing


class _FlowPart(NamedTuple):
    """An item of a mapping or list, with its text."""

    key: tuple[str, ...]
    name: str
    text: str  # the key of a mapping included
    source: str
    item: FlowItem


class _Layout(NamedTuple):
    opening: str
    comma: str
    closing: str


class _Row(NamedTuple):
    text: str
    parts: Sequence[_FlowPart]
    layout: _Layout | None  # None where nothing stands there


def _row(text: str, item: FlowItem) -> _Row:
    parts = [_FlowPart(("item", one.key), one.name, text[one.key_start : one.end], text, one) for one in item.inner]
    starts, ends = [one.key_start for one in item.inner], [one.end for one in item.inner]
    layout = None
    if parts:
        commas = {text[end:start] for end, start in zip(ends, starts[1:], strict=False)}
        opening, closing = text[item.start : starts[0]], text[ends[-1] : item.end]
        if len(commas) > 1 or any(not re.fullmatch(r"\s*,\s*", one) for one in commas) or "#" in opening + closing:
            raise CollisionError("its items are laid out in an unusual way")
        comma = commas.pop() if commas else f",{opening[1:]}" if "\n" in opening else ", "
        layout = _Layout(opening, comma, closing)
    return _Row(text[item.start : item.end], parts, layout)


def _layout(rows: ThreeVersions[_Row]) -> _Layout:
    """How the items are laid out, as a side has it that changed that."""
    several = [row.layout for row in rows if len(row.parts) > 1]
    known = [one for one in several or [row.layout for row in rows] if one is not None]
    found = known[0] if len(set(known)) == 1 else None
    if len(known) == len(rows):
        found = the_changed(ThreeVersions(*known))
    if found is None:
        raise CollisionError("its items are laid out in several ways")
    return found


def _joined(base: _FlowPart | None, ours: _FlowPart, theirs: _FlowPart) -> _FlowPart:
    three = [ours, theirs] if base is None else [base, ours, theirs]
    if ours.text == theirs.text or (base is not None and base.text == theirs.text):
        return ours
    if base is not None and base.text == ours.text:
        return theirs
    if base is None or len({_before(part) for part in three}) > 1:
        raise CollisionError("both sides changed or added it")
    versions = ThreeVersions(base, ours, theirs)
    inner = merged_flow(versions.each(lambda part: part.source), versions.each(lambda part: part.item))
    return ours._replace(text=_before(ours) + inner)


def _before(part: _FlowPart) -> str:
    """The key of a mapping, up to its value."""
    return part.source[part.item.key_start : part.item.start]


def _refuse_numbers(rows: ThreeVersions[Sequence[_FlowPart]]) -> None:
    if {part.item.kind for row in rows for part in row} - {"mapping", "list", _TEXT}:
        raise CollisionError("numbers in a row belong together")


def _in_order(
    left: Sequence[_FlowPart], right: Sequence[_FlowPart], rows: ThreeVersions[Sequence[_FlowPart]]
) -> list[_FlowPart]:
    """What both sides added at one place of a list: in order where all versions are."""
    run = [*left, *right]
    is_text = all(part.item.kind == _TEXT for row in (*rows, run) for part in row)
    names = [[part.name for part in row] for row in rows]
    if not is_text or len(names[0]) < _SORTED or any(sorted(one) != one for one in names):
        raise CollisionError("both sides added something at one place of a list")
    return sorted(run, key=lambda part: part.name)


def _about(part: _FlowPart) -> tuple[Any, ...]:
    return part.item.kind, part.name


_LOOK: Final = Look[_FlowPart](lambda part: part.text, lambda part: part.text, _about)
