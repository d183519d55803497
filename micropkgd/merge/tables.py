"""The structure of TOML: tables by their names, and in each its keys, with the comments above them.

Each line is one of a side. Keys of the document stand before all tables, also where a side added the first one.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from micropkgd.annotations import Any, Final
from micropkgd.documents.statements import Statement, last_of_section, statements_of
from micropkgd.errors import DocumentError
from micropkgd.merge.rows import Key
from micropkgd.merge.spans import LineSpan, block_of, lines_of
from micropkgd.merge.text import merged_lines
from micropkgd.merge.units import Grammar, Unit, UnitBlock, UnitKind, joined_by, merged_block
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed


def merged_toml(texts: ThreeVersions[str]) -> str:
    """A merged document; `CollisionError` where both sides changed one value."""
    ends = texts.each(lambda text: text.endswith("\n"))
    blocks = texts.each(lambda text: _document(text if text.endswith("\n") or not text else f"{text}\n"))
    merged = merged_block(blocks, _TABLES)
    return merged if the_changed(ends) else merged.removesuffix("\n")


def _document(text: str) -> UnitBlock:
    lines = lines_of(text)
    return block_of(lines, 0, len(lines), list(_spans(text)), 0)


def _spans(text: str) -> Iterator[LineSpan]:
    """Keys above the first table, and then the tables, each whole."""
    statements = _statements(text)
    for number, statement in enumerate(statements):
        if statement.header:
            end = statements[last_of_section(statements, number)].end
            kind = "tables" if statement.is_array else "table"
            yield _span(text, statement.start, end, (kind, *statement.table), UnitKind.DEFINITION)
        elif statement.pair is not None and not statement.table:
            yield _pair_span(text, statement)


def _statements(text: str) -> list[Statement]:
    try:
        return statements_of(text)
    except DocumentError as error:
        raise CollisionError(error.problem) from error


def _pair_span(text: str, statement: Statement) -> LineSpan:
    names = statement.pair.names if statement.pair is not None else ()
    return _span(text, statement.start, statement.end, ("key", ".".join(map(repr, names))), UnitKind.NAMED)


def _span(text: str, start: int, end: int, key: Key, kind: UnitKind) -> LineSpan:
    return LineSpan(text.count("\n", 0, start), text.count("\n", 0, end), key, kind)


def _joined_table(base: Unit | None, ours: Unit, theirs: Unit) -> str:
    if base is None:
        raise CollisionError("both sides added it")
    units = ThreeVersions(base, ours, theirs)
    if ours.kind is UnitKind.NAMED:
        return joined_by(_joined_key, base, ours, theirs)
    heads = units.each(lambda unit: unit.lead + lines_of(unit.code)[0])
    return merged_lines(heads) + merged_block(units.each(_keys), _KEYS)


def _keys(unit: Unit) -> UnitBlock:
    """The keys of a table, without its header."""
    lines = lines_of(unit.code)[1:]
    text = "".join(lines)
    spans = [_pair_span(text, one) for one in _statements(text) if one.pair is not None]
    return block_of(lines, 0, len(lines), spans, 0)


def _joined_key(units: ThreeVersions[Unit]) -> str:
    """A key that both sides changed: its value and its comment, each by itself."""
    return "".join(merged_lines(ThreeVersions(*part)) for part in zip(*units.each(_parts), strict=True))


def _parts(unit: Unit) -> tuple[str, str, str]:
    """The comments above a key, what it says, and what stands behind that."""
    (statement,) = _statements(unit.code)
    end = statement.pair.end if statement.pair is not None else 0
    return unit.lead, unit.code[:end], unit.code[end:]


def _in_run(ours: Sequence[Unit], theirs: Sequence[Unit], _: Any) -> list[Unit]:
    """What both sides added at one place: keys before tables."""
    if all(any(unit.is_loose for unit in run) for run in (ours, theirs)):
        raise CollisionError("both sides added comments at one place")
    return sorted([*ours, *theirs], key=_is_table)


def _is_table(unit: Unit) -> bool:
    return unit.kind is UnitKind.DEFINITION


def _is_same(one: Unit, other: Unit) -> bool:
    return one.text == other.text


_KEYS: Final = Grammar(partial(joined_by, _joined_key), _is_same, _in_run)
_TABLES: Final = Grammar(_joined_table, _is_same, _in_run, apart="\n")
