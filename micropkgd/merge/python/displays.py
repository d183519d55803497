"""The items between brackets, one by one: of lists, tuples, sets and dicts, and what a call is given.

Items are on one line or on a line each, and keep their comments. Where the versions are laid out in different ways, the
longer form stays.
"""

import ast
import re
from collections.abc import Hashable, Sequence
from enum import IntEnum

from micropkgd.annotations import Any, Final
from micropkgd.merge.python.spots import Spot, comments_in, put
from micropkgd.merge.rows import Key
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed
from micropkgd.named_tuples import NamedTuple

_GAP: Final = r"[ \t]*(?P<comment>#[^\n]*)?(?P<lines>\n(?:[ \t]*(?:#[^\n]*)?\n)*)?(?P<indent>[ \t]*)"
_OPENING: Final = re.compile(_GAP)
_BETWEEN: Final = re.compile(r"[ \t]*," + _GAP)
_CLOSING: Final = re.compile(r"[ \t]*(?P<comma>,)?" + _GAP)
_STEP: Final = "    "


class Item(NamedTuple):
    """One of the things in brackets."""

    key: Key
    lead: str  # the lines above it, not indented
    text: str
    comment: str  # behind its comma
    nodes: Sequence[Any]  # itself; a key of a dict with its value
    start: int = 0
    end: int = 0

    @property
    def says(self) -> Hashable:
        """What it does, and what the comments in it and about it say."""
        dumps = tuple("" if node is None else ast.dump(node) for node in self.nodes)
        return dumps, comments_in(self.text), self.lead.strip(), self.comment


class ItemLayout(IntEnum):
    """How items are laid out."""

    INLINE = 0
    BLOCK = 1  # all on one line of their own
    LINES = 2


class Display(NamedTuple):
    """The items, and what is around them."""

    opening: str  # with what is called
    comment: str  # behind the bracket
    items: Sequence[Item]
    tail: str  # the lines below the last one, not indented
    closing: str
    form: ItemLayout = ItemLayout.INLINE
    indent: str = ""
    comma: bool = False  # behind the last one
    column: int = 0  # of its bracket

    def written(self) -> str:
        """Its text."""
        if self.form is ItemLayout.INLINE:
            inner = ", ".join(item.text for item in self.items)
            return f"{self.opening}{inner}{',' if self.comma else ''}{self.closing}"
        if self.form is ItemLayout.BLOCK:
            inner = ", ".join(put(item.text, self.indent) for item in self.items)
            return f"{self.opening}{self.comment}\n{self.indent}{inner}{',' if self.comma else ''}\n{self.closing}"
        lines = [f"{self.opening}{self.comment}\n"]
        for number, item in enumerate(self.items, start=1):
            comma = "," if self.comma or number < len(self.items) else ""
            lines += [_indented(item.lead, self.indent), self.indent, put(item.text, self.indent), comma, item.comment]
            lines.append("\n")
        return "".join([*lines, _indented(self.tail, self.indent), self.closing])


def display_of(spot: Spot, members: Sequence[tuple[Key, Sequence[Any]]]) -> Display:
    """The display that a node is, with the keys and nodes of its items; `CollisionError` for an unusual layout."""
    source, text = spot.source, spot.source.text
    opened, closed = _opened(spot), spot.end - 1
    spans = [(source.offset(*_first(nodes)), source.offset(*_last(nodes))) for _, nodes in members]
    spans = [
        (start - 2 if nodes[0] is None else start, end) for (start, end), (_, nodes) in zip(spans, members, strict=True)
    ]
    cuts = [opened, *(place for span in spans for place in span), closed]
    found = [
        pattern.fullmatch(text, start, end)
        for pattern, start, end in zip(_patterns(len(members)), cuts[::2], cuts[1::2], strict=True)
    ]
    gaps = [gap for gap in found if gap is not None]
    if len(gaps) < len(found) or not members:
        raise CollisionError("its items are laid out in an unusual way")
    form = _form(gaps)
    outer = source.indent_at(spot.start)
    indents = (
        {gap["indent"].removeprefix(outer) for gap in gaps[:-1]}
        if form is ItemLayout.LINES
        else {gaps[0]["indent"].removeprefix(outer)}
    )
    if len(indents) > 1:
        raise CollisionError("its items are indented in several ways")
    items = [
        Item(key, _lead(above), source.relative(*span), _comment(below), nodes, *span)
        for (key, nodes), span, above, below in zip(members, spans, gaps[:-1], gaps[1:], strict=True)
    ]
    opening = source.relative(spot.start, opened)
    closing = ("" if form is ItemLayout.INLINE else gaps[-1]["indent"].removeprefix(outer)) + text[closed]
    indent = "" if form is ItemLayout.INLINE else indents.pop()
    return Display(
        opening,
        _comment(gaps[0]),
        items,
        _lead(gaps[-1]),
        closing,
        form,
        indent,
        gaps[-1]["comma"] is not None,
        opened - 1 - text.rfind("\n", 0, opened) - 1,
    )


def _patterns(count: int) -> list[re.Pattern[str]]:
    return [_OPENING, *[_BETWEEN] * (count - 1), _CLOSING]


def _opened(spot: Spot) -> int:
    """Where the first item may begin."""
    text, node = spot.source.text, spot.node
    at = spot.at(node.func).end if isinstance(node, ast.Call) else spot.start
    if text[at] not in "([{" or text[spot.end - 1] not in ")]}":
        raise CollisionError("it has no brackets of its own")
    return at + 1


def _first(nodes: Sequence[Any]) -> tuple[int, int]:
    node = next(node for node in nodes if node is not None)
    return node.lineno, node.col_offset


def _last(nodes: Sequence[Any]) -> tuple[int, int]:
    return nodes[-1].end_lineno, nodes[-1].end_col_offset


def _form(gaps: Sequence[re.Match[str]]) -> ItemLayout:
    parted = [gap["lines"] is not None for gap in gaps]
    if not any(parted) and not any(gap["comment"] for gap in gaps):
        return ItemLayout.INLINE
    if all(parted):
        return ItemLayout.LINES
    if (
        parted[0]
        and parted[-1]
        and not any(parted[1:-1])
        and not any(gap["comment"] for gap in gaps[1:])
        and not _lead(gaps[-1])
    ):
        return ItemLayout.BLOCK
    raise CollisionError("its items share lines")


def _lead(gap: re.Match[str]) -> str:
    lines = (gap["lines"] or "\n")[1:]
    return "".join(f"{line.strip()}\n" for line in lines.split("\n")[:-1])


def _comment(gap: re.Match[str]) -> str:
    return f"  {gap['comment'].rstrip()}" if gap["comment"] else ""


def _indented(lines: str, indent: str) -> str:
    return "".join(f"{indent}{line}" if line.strip() else line for line in lines.splitlines(keepends=True))


def laid_out(displays: ThreeVersions[Display], items: Sequence[Item], *, on_lines: bool = False) -> Display:
    """The display with these items, laid out as the versions are."""
    tail = _agreed(displays.each(lambda one: one.tail))
    comment = _agreed(displays.each(lambda one: one.comment))
    opening = _agreed(displays.each(lambda one: one.opening))
    form = the_changed(displays.each(lambda one: one.form))
    form = max(one.form for one in displays) if form is None else form
    if on_lines or (form is not ItemLayout.LINES and (tail or any(item.lead or item.comment for item in items))):
        form = ItemLayout.LINES
    like = next((one for one in (displays.ours, displays.theirs, displays.base) if one.form is form), None)
    if like is None:
        like = displays.ours._replace(form=form, indent=_STEP, closing=displays.ours.closing.lstrip(), comma=True)
        comma = True
    else:
        known = the_changed(displays.each(lambda one: one.comma))
        comma = (
            any(one.comma for one in displays if one.form is form)
            if known is None or form is ItemLayout.LINES
            else known
        )
    return like._replace(opening=opening, comment=comment, items=items, tail=tail, comma=comma)


def _agreed(texts: ThreeVersions[str]) -> str:
    found = the_changed(texts)
    if found is None:
        raise CollisionError("both sides changed what stands beside the items")
    return found
