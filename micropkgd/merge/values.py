"""Checks what a merge of TOML, JSON or an INI file means: each value is that of the side that changed it.

Lines that merge cleanly may say something else than either side did: a key lands in a table that the other side began
above it. Rule: what one side alone changed is as that side has it, by its full name. A list or a text of several lines
that both changed has only what one of them has; any other value that both changed is a question, and so is a cell of a
notebook, the lines of which are code that nobody checks. What one side removed and the other moved or renamed is one,
too.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set

from micropkgd import documents
from micropkgd.annotations import Any, Final
from micropkgd.merge.membership import Name
from micropkgd.merge.returning import gone_and_new
from micropkgd.merge.versions import ThreeVersions, the_changed

TABLES: Final = (".toml", ".json", ".cfg", ".ini", ".ipynb")
_NAMES: Final = ("id", "name", "key")
_ABSENT: Final = ("absent",)


def keeps_values(path: str, merged: str, texts: ThreeVersions[str]) -> bool:
    """Whether the merge says what the sides say; raises `ValueError` where a text cannot be read."""
    is_notebook = path.endswith(".ipynb")
    found, sides = _read(path, merged), texts.each(lambda text: _read(path, text))
    return _is_kept(found, sides, in_rows=not is_notebook) and not _stands_elsewhere(found, sides)


def _read(path: str, text: str) -> Any:
    if path.endswith((".json", ".ipynb")):
        return json.loads(text)
    if path.endswith(".toml"):
        return documents.read_toml(text.encode(errors="surrogateescape"))
    return _sections(text)


def _sections(text: str) -> Mapping[str, Mapping[str, str | None]]:
    import configparser

    parser = configparser.RawConfigParser(allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from error
    return {name: dict(parser.items(name)) for name in parser.sections()} | {"DEFAULT": dict(parser.defaults())}


def _is_kept(merged: Any, sides: ThreeVersions[Any], *, in_rows: bool) -> bool:
    said = _said(merged)
    meant = the_changed(sides.each(_said))
    if meant is not None:
        return said == meant
    tables = [_table(one) for one in (merged, *sides)]
    if None not in tables:
        found, *known = tables
        names = {name for table in known for name in table or ()}
        return set(found or ()) <= names and all(
            _is_kept(_named(found, name), ThreeVersions(*(_named(one, name) for one in known)), in_rows=in_rows)
            for name in names
        )
    rows = [_row(one) for one in (merged, *sides)]
    return in_rows and None not in rows and _is_of_both(*(row or () for row in rows))


def _stands_elsewhere(merged: Any, sides: ThreeVersions[Any]) -> bool:
    """Whether what is gone for both sides is there under a name that only one of them has."""
    base = dict(_by_name(sides.base))
    found = dict(_by_name(merged))
    names = (dict(_by_name(side)).keys() for side in sides)
    gone, new = gone_and_new(found.keys(), ThreeVersions[Set[Name]](*names))
    return any(
        _said(base[name]) == _said(found[key]) and (name[-1] == key[-1] or bool(_table(base[name])))
        for name in gone
        for key in new
    )


def _by_name(value: Any, name: Name = ()) -> Iterator[tuple[Name, Any]]:
    """All that has a name in a value, itself included."""
    yield name, value
    for key, inner in (_table(value) or {}).items():
        yield from _by_name(inner, (*name, key))


def _named(table: Mapping[str, Any] | None, name: str) -> Any:
    return (table or {}).get(name, _ABSENT)


def _said(value: Any) -> str:
    """A value as a text, so that 1, 1.0 and true are told apart, and the order of keys says nothing."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_said(one)}' for key, one in sorted(value.items()))}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    return repr(value)


def _table(value: Any) -> Mapping[str, Any] | None:
    """A mapping; or a list of mappings that have names, by these."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return None
    names = [next((repr(one[name]) for name in _NAMES if name in one), "") for one in value]
    return dict(zip(names, value, strict=True)) if "" not in names and len(set(names)) == len(names) else None


def _row(value: Any) -> Sequence[str] | None:
    """What a list has, or a text of several lines; None for another value, and for numbers, which belong together."""
    if isinstance(value, str) and "\n" in value:
        return value.split("\n")
    if isinstance(value, list) and not any(isinstance(one, int | float) for one in value):
        return [_said(one) for one in value]
    return None


def _is_of_both(merged: Sequence[str], base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether a row has what both sides kept and added, each no more often than a side has it."""
    found, old, one, other = map(Counter, (merged, base, ours, theirs))
    return all(
        the_changed(ThreeVersions(old[said], one[said], other[said])) in {count, None}
        and count <= max(one[said], other[said])
        for said in {*old, *one, *other, *found}
        for count in (found[said],)
    )
