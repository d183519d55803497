"""Texts put into an array of a TOML text or taken out, whatever the layout; every other line stays as it is.

Rules: those of `edits`. What was edited is read back before it is given away, and says what it said but for the items.
A new item is written as the others are: on a line of its own where the last one is, else beside it.
"""

import re
import tomllib
from collections.abc import Sequence

from micropkgd.documents.edits import is_within
from micropkgd.documents.meaning import meaning, means, table_in
from micropkgd.documents.rows import Row, dotted, inserted, is_comment, line_end, quoted, with_rows
from micropkgd.documents.statements import STRING, Pair, Path, pairs_below, statements_of
from micropkgd.errors import DocumentError

_TOKEN = re.compile(rf"{STRING}|#[^\n]*", re.DOTALL)
_COMMA = re.compile(r"\s*,")
_COMMA_ON_LINE = re.compile(r"[ \t]*,")
_REST_OF_LINE = re.compile(r"[ \t]*,?[ \t]*(?:#[^\n]*)?\r?\n")


def add_items(text: str, path: Path, items: Sequence[str]) -> str:
    """Add texts at the end of the array at an address; the array is made where it is missing."""
    wanted = meaning(text)
    table_in(wanted, path[:-1]).setdefault(path[-1], []).extend(items)
    pair = _pair_at(text, path)
    row = Row(dotted(path[-1:]), f"[{', '.join(map(quoted, items))}]")
    if pair is None:
        added = with_rows(text, path[:-1], [row]) if len(path) > 1 else _on_top(text, row)
    else:
        added = text
        for item in items:
            added = _with_item(added, path, item)
    if not is_within(text, added) or not means(added, wanted):
        raise _refused(path, f"add this by hand: {row.key} = {row.value}")
    return added


def remove_item(text: str, path: Path, item: str) -> str:
    """Take a text out of the array at an address, each time that it stands there."""
    wanted = meaning(text)
    table = table_in(wanted, path[:-1])
    table[path[-1]] = [one for one in table[path[-1]] if one != item]
    left = text
    while (pair := _pair_at(left, path)) is not None:
        spans = _items(left, pair)
        number = next((number for number, span in enumerate(spans) if _says(left, span) == item), None)
        if number is None:
            break
        left = _without_item(left, spans, number)
    if not is_within(left, text) or not means(left, wanted):
        raise _refused(path, f"take {quoted(item)} out of it by hand")
    return left


def set_items(text: str, path: Path, items: Sequence[str], note: str) -> str:
    """Make the array at an address one of these texts, a line each below a comment; all around it stays."""
    wanted = meaning(text)
    table_in(wanted, path[:-1])[path[-1]] = [*items]
    pair, end = _pair_at(text, path), line_end(text, len(text))
    value = end.join([f"[  # {note}", *(f"    {quoted(item)}," for item in items), "]"])
    if pair is None:
        made = with_rows(text, path[:-1], [Row(dotted(path[-1:]), value)])
    else:
        made = text[: pair.start] + value + text[pair.end :]
    if not means(made, wanted):
        raise _refused(path, f"write it under a header: [{dotted(path[:-1])}]")
    return made


def text_at(text: str, path: Path) -> str:
    """How the value at an address is written; empty where there is none."""
    pair = _pair_at(text, path)
    return text[pair.start : pair.end] if pair is not None else ""


def _refused(path: Path, hint: str) -> DocumentError:
    return DocumentError(f"`{dotted(path)}` is written in a way that cannot be edited safely", hint=hint)


def _pair_at(text: str, path: Path) -> Pair | None:
    pairs = (found for statement in statements_of(text) for found in pairs_below(statement))
    return next((pair for address, pair in pairs if address == path), None)


def _items(text: str, pair: Pair) -> list[tuple[int, int]]:
    """Where the texts of an array stand, comments left out."""
    found = _TOKEN.finditer(text, pair.start, pair.end)
    return [token.span() for token in found if not token[0].startswith("#")]


def _says(text: str, span: tuple[int, int]) -> str:
    said: str = tomllib.loads(f"x = {text[span[0] : span[1]]}")["x"]
    return said


def _on_top(text: str, row: Row) -> str:
    """With the first pair of the document itself: behind its others, else before the first header and its comments."""
    statements, line = statements_of(text), f"{row.key} = {row.value}"
    pairs = [one for one in statements if one.pair is not None and not one.table]
    if pairs:
        return inserted(text, pairs[-1].end, [line])
    first = next((number for number, one in enumerate(statements) if one.header), len(statements))
    if first == len(statements):
        return inserted(text, len(text), [line])
    while first and is_comment(text, statements[first - 1]):
        first -= 1
    return inserted(text, statements[first].start, [line, ""])


def _with_item(text: str, path: Path, item: str) -> str:
    pair = _pair_at(text, path)
    spans = _items(text, pair) if pair is not None else []
    if pair is None or not spans:
        at = pair.start + 1 if pair is not None else len(text)
        return text[:at] + quoted(item) + text[at:]
    start, end = spans[-1]
    rest = _REST_OF_LINE.match(text, end)
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    if rest is None or indent.strip() or rest.end() >= pair.end:
        return f"{text[:end]}, {quoted(item)}{text[end:]}"
    if _COMMA_ON_LINE.match(text, end):
        return f"{text[: rest.end()]}{indent}{quoted(item)},{line_end(text, rest.end())}{text[rest.end() :]}"
    if _COMMA.match(text, end):
        return f"{text[:end]}, {quoted(item)}{text[end:]}"
    line = f"{indent}{quoted(item)}{line_end(text, rest.end())}"
    return f"{text[:end]},{text[end : rest.end()]}{line}{text[rest.end() :]}"


def _without_item(text: str, spans: Sequence[tuple[int, int]], number: int) -> str:
    """Its whole line where it stands there alone, else the item with one comma."""
    start, end = spans[number]
    line, rest = text.rfind("\n", 0, start) + 1, _REST_OF_LINE.match(text, end)
    behind = _COMMA.match(text, end)
    if rest is not None and not text[line:start].strip() and (number == 0 or behind):
        return text[:line] + text[rest.end() :]
    before = spans[number - 1][1] if number else start
    if number and number == len(spans) - 1 and not text[before:start].strip(" \t,"):
        return text[:before] + text[end:]
    if behind is not None:
        at = behind.end()
        return text[:start] + (text[at:].lstrip(" \t") if number < len(spans) - 1 else text[at:])
    comma = _COMMA.match(text, before) if number else None
    if comma is None:
        return text[:start] + text[end:]
    if rest is not None and not text[line:start].strip():
        return text[:before] + text[comma.end() : line] + text[rest.end() :]
    return text[:before] + text[comma.end() : start] + text[end:]
