"""The plain form of TOML, written in a fraction of the time: that of our lock, and of what else is remembered.

A document is plain where it has texts without escapes, whole numbers, truths and lists of these, in tables and in rows
that are too long for a line. Whatever else it has, `write_plain` declines it as a whole, and tomli-w writes it; what it
takes, it writes byte for byte as tomli-w does (a law in tests/documents/test_plain_writer.py).
"""

import re
from collections.abc import Iterator, Mapping

from micropkgd.annotations import Any, Final

_TEXT: Final = re.compile(r'[^"\\\x00-\x08\x0a-\x1f\x7f]*')
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_LINE: Final = 100  # characters: rows that fit all into lines of so many are written as an array

Table = Mapping[str, Any]


class _NotPlainError(Exception):
    """The library must write."""


def write_plain(document: Table) -> str | None:
    """The text of a plain document; None where it is not plain."""
    try:
        return "".join(_table(document, ""))
    except _NotPlainError:
        return None


def _table(table: Table, name: str, *, is_row: bool = False) -> Iterator[str]:
    """The lines of a table: its own values first, then the tables and rows below it, an empty line before each."""
    values, below = list[str](), list[tuple[str, Table, bool]]()
    for key, value in table.items():
        if isinstance(value, dict):
            below.append((_key(key), value, False))
        elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
            below += [(_key(key), row, True) for row in _rows(value)]
        else:
            values.append(f"{_key(key)} = {_value(value)}\n")
    head = f"[[{name}]]\n" if is_row else f"[{name}]\n" if name and (values or not below) else ""
    yield head
    yield from values
    for at, (key, inner, is_inner_row) in enumerate(below):
        yield "\n" if head or values or at else ""
        yield from _table(inner, f"{name}.{key}" if name else key, is_row=is_inner_row)


def _rows(rows: list[Any] | tuple[Any, ...]) -> list[Table] | tuple[Table, ...]:
    """Rows of which one is surely too long for a line; others may belong into an array, which tomli-w knows."""
    if not all(isinstance(row, dict) for row in rows) or not any(_length(row) > _LINE for row in rows):
        raise _NotPlainError
    return rows


def _length(value: object) -> int:
    """How many characters a value takes at least on one line; one with items takes more than a line has."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + _length(inner) for key, inner in value.items())
    return _LINE + 1 if isinstance(value, list | tuple) and value else 0


def _value(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, list | tuple):
        raise _NotPlainError
    items = [f"    {_text(item)},\n" for item in value]
    return "".join(("[\n", *items, "]")) if items else "[]"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: object) -> str:
    if not isinstance(text, str) or not _TEXT.fullmatch(text):
        raise _NotPlainError
    return '"' + text + '"'
