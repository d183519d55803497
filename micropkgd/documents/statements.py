"""Locates everything in a TOML text: headers, pairs and the rows of inline tables, each with its place.

tomllib says what a text means and keeps no positions. This says where its parts are, and nothing of what they mean, so
that an edit can cut out its own lines and leave all others alone.

Rules: pure; made for texts that tomllib reads, whatever the layout. A line ends where TOML says so, with a line feed,
and not where `str.splitlines` does; what stands in a string or a comment is never taken for a statement.
"""

import re
from collections.abc import Iterator, Sequence

from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

Path = tuple[str, ...]

STRING = r"""\"{3}(?:[^"\\]++|\\.|"(?!""))*+"{3,5}|'{3}(?:[^']++|'(?!''))*+'{3,5}|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*'"""
_KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_INDENT = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[\s,]|#[^\n]*)*")  # the rows of an inline table
_WHOLE_STRING = re.compile(STRING, re.DOTALL)
_PLAIN = re.compile(r"[^#\n,}\]]*[^#\s,}\]]")  # a number, a date, true or false
_COMMENT = re.compile(rf"{STRING}|#[^\n]*", re.DOTALL)
_IN_ARRAY = re.compile(rf"{STRING}|#[^\n]*|[\[\]]", re.DOTALL)
_REST_OF_LINE = re.compile(r"[^\n]*\n?")


class Key(NamedTuple):
    """One part of a dotted key."""

    name: str
    start: int
    end: int


class Pair(NamedTuple):
    """`key = value`, on a line of its own or in an inline table."""

    keys: tuple[Key, ...]
    start: int  # of the value
    end: int
    rows: "tuple[Pair, ...] | None" = None  # of an inline table

    @property
    def names(self) -> Path:
        """The key, part by part."""
        return tuple(key.name for key in self.keys)


class Statement(NamedTuple):
    """Whole lines that belong together: a header, a pair, or a line that says nothing (blank, or a comment)."""

    start: int
    end: int  # behind the end of the last line
    table: Path = ()  # which the statement is in; of a header, which it opens
    header: tuple[Key, ...] = ()
    pair: Pair | None = None
    is_array: bool = False  # of a header: `[[...]]`

    @property
    def says(self) -> bool:
        """Whether it says anything."""
        return bool(self.header) or self.pair is not None

    @property
    def path(self) -> Path:
        """The address of what it says."""
        return self.table + (self.pair.names if self.pair is not None else ())


def statements_of(text: str) -> list[Statement]:
    """All statements in order; together they are the text. `DocumentError` where the text is not TOML."""
    found: list[Statement] = []
    table: Path = ()
    at = 0
    while at < len(text):
        statement = _statement(text, at, table)
        table, at = statement.table, statement.end
        found.append(statement)
    return found


def pairs_below(statement: Statement) -> Iterator[tuple[Path, Pair]]:
    """The pair of a statement and, of inline tables, all within, each with its address; the outer one comes first."""
    if statement.pair is not None:
        yield from _pairs(statement.table, statement.pair)


def last_of_section(statements: Sequence[Statement], header: int) -> int:
    """The number of the last statement below a header that says something; its own where there is none."""
    last = header
    for number in range(header + 1, len(statements)):
        if statements[number].header:
            break
        last = number if statements[number].says else last
    return last


def comments_in(text: str) -> list[str]:
    """Every comment of a text, in order."""
    return [found[0].rstrip() for found in _COMMENT.finditer(text) if found[0].startswith("#")]


def line_at(text: str, position: int) -> int:
    """The number of the line that a position is in."""
    return text.count("\n", 0, position) + 1


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line of the deepest part of an address that stands in a text, for messages."""
    best: int | None = None
    matched = 0
    for statement in statements_of(text):
        places = [(statement.table, statement.start)] if statement.header else []
        places += [(address, pair.keys[0].start) for address, pair in pairs_below(statement)]
        for address, position in places:
            if len(address) > matched and address == tuple(path[: len(address)]):
                best, matched = line_at(text, position), len(address)
    return best


def _pairs(table: Path, pair: Pair) -> Iterator[tuple[Path, Pair]]:
    address = table + pair.names
    yield address, pair
    for row in pair.rows or ():
        yield from _pairs(address, row)


def _statement(text: str, at: int, table: Path) -> Statement:
    begin = _end(_INDENT, text, at)
    if text[begin : begin + 1] in {"", "\n", "\r", "#"}:
        return Statement(at, _end(_REST_OF_LINE, text, begin), table)
    if text[begin] == "[":
        brackets = 2 if text.startswith("[[", begin) else 1
        header, _ = _keys(text, begin + brackets)
        opened = tuple(key.name for key in header)
        return Statement(at, _end(_REST_OF_LINE, text, begin), opened, header, is_array=brackets == 2)
    pair = _pair(text, begin)
    return Statement(at, _end(_REST_OF_LINE, text, pair.end), table, pair=pair)


def _pair(text: str, at: int) -> Pair:
    keys, at = _keys(text, at)
    if not text.startswith("=", at):
        raise _not_toml(text, at)
    start = _end(_INDENT, text, at + 1)
    if text.startswith("{", start):
        rows, end = _rows(text, start + 1)
        return Pair(keys, start, end, rows)
    return Pair(keys, start, _array_end(text, start) if text.startswith("[", start) else _scalar_end(text, start))


def _rows(text: str, at: int) -> tuple[tuple[Pair, ...], int]:
    rows = []
    while not text.startswith("}", at := _end(_BETWEEN, text, at)):
        rows.append(_pair(text, at))
        at = rows[-1].end
    return tuple(rows), at + 1


def _array_end(text: str, at: int) -> int:
    depth = 0
    for token in _IN_ARRAY.finditer(text, at):
        depth += {"[": 1, "]": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    raise _not_toml(text, at)


def _scalar_end(text: str, at: int) -> int:
    found = _WHOLE_STRING.match(text, at) or _PLAIN.match(text, at)
    if found is None:
        raise _not_toml(text, at)
    return found.end()


def _keys(text: str, at: int) -> tuple[tuple[Key, ...], int]:
    keys = []
    while found := _KEY.match(text, at):
        keys.append(Key(_unquoted(found[1]), found.start(1), found.end(1)))
        at = found.end()
        if not text.startswith(".", at):
            return tuple(keys), at
        at += 1
    raise _not_toml(text, at)


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    if "\\" not in key:
        return key[1:-1]
    import tomllib

    name: str = tomllib.loads(f"name = {key}")["name"]
    return name


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _not_toml(text: str, at: int) -> DocumentError:
    return DocumentError(f"line {line_at(text, at)} is not TOML")
