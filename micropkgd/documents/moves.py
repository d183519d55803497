"""A table of a TOML text moved below another name, with its rows, comments and order; every other line stays.

Where headers can be renamed they are, and not a byte beside them changes. Where that would not be TOML (inline tables,
dotted keys, a new table that is written so), the rows are taken out and put in one by one. What came of it is read
back: it says the same below the new name, has the same comments, and all other statements in their order.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from micropkgd.annotations import Any
from micropkgd.documents.edits import places, without
from micropkgd.documents.meaning import meaning, means, table_in
from micropkgd.documents.rows import Row, dotted, ends_as, inserted, line_end, quoted, with_rows
from micropkgd.documents.statements import Pair, Path, Statement, comments_in, last_of_section, statements_of
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple


def move_table(text: str, old: Path, new: Path) -> str:
    """Move what stands below one table below another one."""
    wanted = _moved(meaning(text), old, new)
    moves: tuple[Callable[[str, Path, Path], str], ...] = (_with_headers_renamed, _with_rows_moved)
    for move in moves:
        moved = ends_as(move(text, old, new), text)
        if means(moved, wanted, old[:-1], new) and _kept(text, moved, old, new):
            return moved
    problem = f"[{dotted(old)}] is written in a way that cannot be moved safely"
    raise DocumentError(problem, hint=f"move its rows below [{dotted(new)}] by hand")


def _moved(document: dict[str, Any], old: Path, new: Path) -> dict[str, Any]:
    """The same on plain mappings: what the moved text must say."""
    parts = table_in(document, old[:-1]).pop(old[-1])
    for part, rows in parts.items():
        table_in(document, (*new, part)).update(rows)
    return document


def _kept(before: str, after: str, old: Path, new: Path) -> bool:
    """Whether everything that was not to move is as it was, and no comment was lost."""
    rest_before, rest_after = ([*_others(text, (old, new))] for text in (before, after))
    return rest_before == rest_after and sorted(comments_in(before)) == sorted(comments_in(after))


def _others(text: str, tables: tuple[Path, ...]) -> Iterator[str]:
    for one in statements_of(text):
        if one.says and not any(_meets(one, table) for table in tables):
            yield text[one.start : one.end].strip()


def _meets(statement: Statement, table: Path) -> bool:
    """Whether a statement is in a table, or is an inline table that may hold it."""
    path = statement.path
    return path[: len(table)] == table or (statement.pair is not None and table[: len(path)] == path)


def _with_headers_renamed(text: str, old: Path, new: Path) -> str:
    while True:
        statements = statements_of(text)
        number = next((at for at, one in enumerate(statements) if one.header and one.table[: len(old)] == old), None)
        if number is None:
            return text
        keys, table = statements[number].header, (*new, *statements[number].table[len(old) :])
        target = next((at for at, one in enumerate(statements) if one.header and one.table == table), None)
        if target is None:
            text = text[: keys[0].start] + dotted(new) + text[keys[len(old) - 1].end :]
        else:
            text = _joined(text, statements, number, target)


def _joined(text: str, statements: list[Statement], section: int, target: int) -> str:
    """Take the lines of a section to the end of another one; the comment of its header goes before them."""
    header = statements[section]
    start, end = header.start, statements[last_of_section(statements, section)].end
    note = "".join(comments_in(text[start : header.end]))
    lines = (note + line_end(text, header.end) if note else "") + text[header.end : end]
    if lines and not lines.endswith("\n"):
        lines += line_end(text, end)
    at = statements[last_of_section(statements, target)].end
    if text[:at] and not text[:at].endswith("\n"):
        lines = line_end(text, at) + lines
    if at <= start:
        return text[:at] + lines + text[at:start] + text[end:]
    return text[:start] + text[end:at] + lines + text[at:]


class _Piece(NamedTuple):
    """What one place of a text says of one row: all of it, or one option."""

    row: Path  # its part and its key; the part alone of a table that is there, with rows or without
    option: str = ""
    value: str = ""
    options: tuple[str, ...] = ()  # those of a row that stands there whole
    behind: str = ""  # the comment on its line
    above: tuple[str, ...] = ()  # the comments before it


def _with_rows_moved(text: str, old: Path, new: Path) -> str:
    pieces = [*_pieces(text, old)]
    text = _left_by(text, old, pieces)
    for part in dict.fromkeys(piece.row[0] for piece in pieces):
        keys = dict.fromkeys(piece.row for piece in pieces if piece.row[0] == part and len(piece.row) > 1)
        rows = [_row(key[1], [piece for piece in pieces if piece.row == key]) for key in keys]
        text = with_rows(text, (*new, part), rows)
    return text


def _left_by(text: str, old: Path, pieces: list[_Piece]) -> str:
    """The text without the old table; comments that no row takes along stay where it was."""
    at = min((start for start, _ in places(text, old)), default=0)
    left = without(text, old)
    taken = "\n".join(part for piece in pieces for part in (*piece.above, piece.value, piece.behind))
    notes = Counter(comments_in(text)) - Counter(comments_in(left)) - Counter(comments_in(taken))
    return inserted(left, at, [*notes.elements()])


def _row(key: str, pieces: list[_Piece]) -> Row:
    whole = next((piece for piece in pieces if not piece.option and piece.value), None)
    options = tuple(f"{piece.option} = {piece.value}" for piece in pieces if piece.option)
    above = tuple(note for piece in pieces for note in piece.above)
    if whole is not None:
        return Row(quoted(key), whole.value, whole.options, f"  {whole.behind}" if whole.behind else "", above)
    above += tuple(piece.behind for piece in pieces if piece.behind)
    return Row(quoted(key), f"{{{', '.join(options)}}}", options, above=above)


def _pieces(text: str, old: Path) -> Iterator[_Piece]:
    """All rows, in order; what is said above a row in the table's own sections goes with it."""
    headed: list[str] = []
    above: list[str] = []
    for one in statements_of(text):
        inside = one.path[: len(old)] == old
        comments = comments_in(text[one.pair.end if one.pair else one.start : one.end]) if inside else []
        if one.header:
            above = []  # what stood behind the last row stays
            headed += comments
        elif one.pair is None:
            above += comments
        for piece in _pieces_of(text, one, old):
            if len(piece.row) == 1:
                yield piece
            else:
                yield piece._replace(above=(*headed, *above), behind="".join(comments) if one.pair else "")
                headed, above, comments = [], [], []


def _pieces_of(text: str, statement: Statement, old: Path) -> Iterator[_Piece]:
    if statement.pair is not None:
        yield from _pieces_in(text, statement.table, statement.pair, old)
    elif statement.header and statement.table[: len(old)] == old and len(statement.table) > len(old):
        yield _Piece(statement.table[len(old) : len(old) + 2])


def _pieces_in(text: str, table: Path, pair: Pair, old: Path) -> Iterator[_Piece]:
    address = table + pair.names
    below = address[len(old) :]
    if address[: len(old)] == old and len(below) > 1:
        inner = tuple(text[row.keys[0].start : row.end] for row in pair.rows or ())
        yield _Piece(below[:2], dotted(below[2:]), text[pair.start : pair.end], inner)
    elif address == old[: len(address)] or address[: len(old)] == old:
        if below:
            yield _Piece(below)
        for row in pair.rows or ():
            yield from _pieces_in(text, address, row, old)
