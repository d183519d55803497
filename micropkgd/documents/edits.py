"""One row of a TOML table put in or taken out, whatever the layout; every other line stays as it is.

Rules: what was edited is read back before it is given away. It says what it said but for the row, and an addition took
nothing away, nor did a removal add anything. Each is the other's inverse. Comments on lines of their own stay, but for
those between the lines of a row that goes.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile

from micropkgd.documents import decode
from micropkgd.documents.meaning import meaning, means, table_in
from micropkgd.documents.rows import Row, dotted, ends_as, is_comment, quoted, with_header, with_rows
from micropkgd.documents.statements import Path, Statement, last_of_section, pairs_below, statements_of
from micropkgd.errors import DocumentError

_Span = tuple[int, int]


def edited(before: bytes, edit: Callable[[str], str]) -> bytes:
    """Edit a document's text; its byte order mark is no part of that and stays."""
    mark = BOM_UTF8 if before.startswith(BOM_UTF8) else b""
    return mark + edit(decode(before)).encode()


def add_row(text: str, table: Path, key: str, options: Mapping[str, str]) -> str:
    """Add `"key" = {options}` to a table of a TOML text; the table is made where it is missing."""
    row = Row.of(key, options)
    wanted = meaning(text)
    table_in(wanted, table)[key] = dict(options)
    added = with_rows(text, table, [row])
    if not is_within(text, added) or not means(added, wanted, table):
        raise refused(table, f"add this below [{dotted(table)}] by hand: {row.key} = {row.value}")
    return added


def add_values(text: str, table: Path, values: Mapping[str, str]) -> str:
    """Add `key = "value"` to a table of a TOML text; the table is made where it is missing, before those below it."""
    wanted = meaning(text)
    table_in(wanted, table).update(values)
    rows = [Row(key, quoted(value)) for key, value in values.items()]
    for added in (with_rows(text, table, rows), with_header(text, table, rows)):
        if is_within(text, added) and means(added, wanted):
            return added
    raise refused(table, f"add this by hand: {', '.join(f'{row.key} = {row.value}' for row in rows)}")


def remove_row(text: str, table: Path, key: str) -> str:
    """Remove one row of a table of a TOML text and, with the last one, a header that nobody commented."""
    wanted = meaning(text)
    del table_in(wanted, table)[key]
    left = without(text, (*table, key))
    left = ends_as(_cut(left, _idle_header(left, table)), text)
    if not is_within(left, text) or not means(left, wanted, table):
        raise refused(table, f"remove the row {quoted(key)} by hand")
    return left


def refused(table: Path, hint: str) -> DocumentError:
    """What cannot be edited, and what to do by hand."""
    return DocumentError(f"[{dotted(table)}] is written in a way that cannot be edited safely", hint=hint)


def is_within(small: str, big: str) -> bool:
    """Whether a text can be had from another by taking away alone."""
    rest = iter(big)
    return all(character in rest for character in small)


def without(text: str, path: Path) -> str:
    """The text with all that is said of one address taken out."""
    while spans := places(text, path):
        text = _cut(text, spans)
    return text


def _cut(text: str, spans: Sequence[_Span]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def places(text: str, path: Path) -> list[_Span]:
    """Where an address stands in a text: its lines or, one at a time, its places in inline tables."""
    statements = statements_of(text)
    found = [number for number, one in enumerate(statements) if one.says and one.path[: len(path)] == path]
    lines = [_block(text, statements, number) for number in found if statements[number].table[: len(path)] != path]
    sections = [_block(text, statements, number) for number in found if statements[number].header]
    return lines + sections or next((spans for one in statements for spans in _inline_places(one, path)), [])


def _block(text: str, statements: Sequence[Statement], number: int) -> _Span:
    """A pair, or a header with its pairs and the comments between; a blank line that kept it apart goes with it."""
    first, last = number, last_of_section(statements, number) if statements[number].header else number
    if statements[number].header and number and _is_blank(text, statements[number - 1]):
        alone = last + 1 == len(statements) or _is_blank(text, statements[last + 1])
        first -= alone
    return statements[first].start, statements[last].end


def _is_blank(text: str, statement: Statement) -> bool:
    return not text[statement.start : statement.end].strip()


def _idle_header(text: str, table: Path) -> list[_Span]:
    """The header of a table that has no row left, unless somebody commented it."""
    statements = statements_of(text)
    named = [number for number, one in enumerate(statements) if one.says and one.table[: len(table)] == table]
    if len(named) != 1 or statements[named[0]].table != table:
        return []
    header = named[0]
    behind = [*takewhile(lambda one: not one.says, statements[header + 1 :])]
    if header + 1 + len(behind) < len(statements):
        while behind and is_comment(text, behind[-1]):  # those right above the next header are about that
            behind.pop()
    around = [*behind, *statements[max(header - 1, 0) : header]]
    commented = "#" in text[statements[header].start : statements[header].end]
    if commented or any(is_comment(text, one) for one in around):
        return []
    return [_block(text, statements, header)]


def _inline_places(statement: Statement, row: Path) -> Iterator[list[_Span]]:
    """Each place of a row in an inline table, with the comma that goes with it."""
    for address, pair in pairs_below(statement):
        rows = pair.rows or ()
        for number, inner in enumerate(rows):
            if (*address, *inner.names)[: len(row)] != row:
                continue
            if number:
                yield [(rows[number - 1].end, inner.end)]
            else:
                yield [(inner.keys[0].start, rows[1].keys[0].start if len(rows) > 1 else inner.end)]
