"""New rows of a TOML table, written in the way the table is.

That is under its header, with dotted keys, in an inline table, or with a header each. A table that is missing gets a
header, beside its kin or at the end of the text.
"""

import json
import re
from collections.abc import Mapping, Sequence

from micropkgd.documents.statements import Pair, Path, Statement, pairs_below, statements_of
from micropkgd.named_tuples import NamedTuple

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Row(NamedTuple):
    """One row, its parts as TOML writes them."""

    key: str
    value: str
    options: tuple[str, ...] = ()  # `alias = "x"`: where the row gets a header of its own
    comment: str = ""  # behind it, with the spaces between
    above: tuple[str, ...] = ()  # comments on lines of their own

    @classmethod
    def of(cls, key: str, options: Mapping[str, str]) -> "Row":
        """The row of a key and its options."""
        pairs = tuple(f"{option} = {quoted(value)}" for option, value in options.items())
        return cls(quoted(key), f"{{{', '.join(pairs)}}}", pairs)


def quoted(text: str) -> str:
    """A text as TOML has it; JSON escapes the same, but for one."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def dotted(path: Path) -> str:
    """An address as TOML has it."""
    return ".".join(part if _BARE.fullmatch(part) else quoted(part) for part in path)


def with_rows(text: str, table: Path, rows: Sequence[Row]) -> str:
    """The text with rows at the end of a table; with none, the table is there at least."""
    statements = statements_of(text)
    if not rows and _stands(statements, table):
        return text
    holder = _inline_table(statements, table)
    if holder is not None:
        return _in_inline_table(text, *holder, table, rows)
    own = [number for number, one in enumerate(statements) if one.says and one.table == table]
    if own:
        last = statements[own[-1]]
        at = last.end if last.pair is not None else _behind_comments(text, statements, own[-1])
        return inserted(text, at, _lines(rows, _indent(text, last)))
    dots = [one for one in statements if len(one.table) < len(table) and table == one.path[: len(table)]]
    if dots:
        return inserted(
            text, dots[-1].end, _lines(rows, _indent(text, dots[-1]), _dotted_prefix(text, dots[-1], table))
        )
    return _in_sections(text, statements, table, rows)


def with_header(text: str, table: Path, rows: Sequence[Row]) -> str:
    """The text with rows under a new header, before the first table that is below it."""
    statements = statements_of(text)
    below = [number for number, one in enumerate(statements) if one.header and one.table[: len(table)] == table]
    first = below[0] if below else len(statements)
    while first and is_comment(text, statements[first - 1]):
        first -= 1
    at = statements[first].start if first < len(statements) else len(text)
    return inserted(text, at, [f"[{dotted(table)}]", *_lines(rows), ""])


def _stands(statements: Sequence[Statement], table: Path) -> bool:
    addresses = [address for one in statements for address, _ in pairs_below(one)]
    return any(address[: len(table)] == table for address in (*addresses, *(one.table for one in statements)))


def _inline_table(statements: Sequence[Statement], table: Path) -> tuple[Statement, Path, Pair] | None:
    """The innermost inline table that the table is, or must be, in."""
    found = [
        (statement, address, pair)
        for statement in statements
        for address, pair in pairs_below(statement)
        if pair.rows is not None and address == table[: len(address)]
    ]
    return max(found, key=lambda one: len(one[1]), default=None)


def _in_inline_table(
    text: str, statement: Statement, address: Path, pair: Pair, table: Path, rows: Sequence[Row]
) -> str:
    """Comments, which have no place there, go above it."""
    rest = table[len(address) :]
    prefix = f"{dotted(rest)}." if rest else ""
    new = ", ".join(f"{prefix}{row.key} = {row.value}" for row in rows) or f"{dotted(rest)} = {{}}"
    at = pair.rows[-1].end if pair.rows else pair.start + 1
    text = text[:at] + (f", {new}" if pair.rows else new) + text[at:]
    notes = [note for row in rows for note in (*row.above, row.comment.lstrip()) if note]
    return inserted(text, statement.start, [_indent(text, statement) + note for note in notes])


def _in_sections(text: str, statements: Sequence[Statement], table: Path, rows: Sequence[Row]) -> str:
    """With a header for each row where the others have one; else with one header for all."""
    below, kin = (
        [number for number, one in enumerate(statements) if one.says and one.table[: len(path)] == path]
        for path in (table, table[:-1])
    )
    at = _behind_section(text, statements, (below or kin)[-1]) if kin else len(text)
    if not below:
        return _inserted_apart(text, at, [f"[{dotted(table)}]", *_lines(rows)])
    sections = [line for row in rows for line in ("", *_section(row, table))]
    return _inserted_apart(text, at, sections[1:])


def _behind_section(text: str, statements: Sequence[Statement], last: int) -> int:
    """Before the header that follows and the comments right above it; the end of the text where none follows."""
    following = next((at for at in range(last + 1, len(statements)) if statements[at].header), None)
    if following is None:
        return len(text)
    while is_comment(text, statements[following - 1]):
        following -= 1
    return statements[following].start


def _section(row: Row, table: Path) -> list[str]:
    return [*row.above, f"[{dotted(table)}.{row.key}]{row.comment}", *row.options]


def _lines(rows: Sequence[Row], indent: str = "", prefix: str = "") -> list[str]:
    return [indent + line for row in rows for line in (*row.above, f"{prefix}{row.key} = {row.value}{row.comment}")]


def _inserted_apart(text: str, at: int, lines: Sequence[str]) -> str:
    """The text with a header and what is below it: with a blank line between, where the others have one."""
    if at < len(text):
        return inserted(text, at, [*lines, ""] if text[:at].endswith(("\n\n", "\n\r\n")) else lines)
    return inserted(text, at, ["", *lines] if text else lines)


def inserted(text: str, at: int, lines: Sequence[str]) -> str:
    """The text with lines before a position, which end as those around them do."""
    end = line_end(text, at)
    if at == len(text) and text and not text.endswith("\n"):
        return text + "".join(f"{end}{line}" for line in lines)
    return text[:at] + "".join(f"{line}{end}" for line in lines) + text[at:]


def line_end(text: str, at: int) -> str:
    """How a new line ends there: as the one before it does."""
    last = text.rfind("\n", 0, at)
    last = last if last >= 0 else text.find("\n")
    return "\r\n" if last > 0 and text[last - 1] == "\r" else "\n"


def ends_as(text: str, model: str) -> str:
    """The text without a last line end where a model has none."""
    return text if model.endswith("\n") else text.removesuffix("\n").removesuffix("\r")


def _indent(text: str, statement: Statement) -> str:
    if statement.pair is None:
        return ""
    return text[statement.start : statement.pair.keys[0].start]


def _dotted_prefix(text: str, statement: Statement, table: Path) -> str:
    """How a statement with dotted keys names the table, as it is written there."""
    keys = statement.pair.keys[: len(table) - len(statement.table)] if statement.pair is not None else ()
    return f"{text[keys[0].start : keys[-1].end]}."


def _behind_comments(text: str, statements: Sequence[Statement], header: int) -> int:
    """Behind a header without rows and the comments that are its own, and not those of the header that follows."""
    at = header + 1
    while at < len(statements) and is_comment(text, statements[at]):
        at += 1
    ends = at == len(statements) or not statements[at].says
    return statements[at - 1].end if ends else statements[header].end


def is_comment(text: str, statement: Statement) -> bool:
    """Whether a line says nothing but a comment."""
    return not statement.says and text[statement.start : statement.end].lstrip().startswith("#")
