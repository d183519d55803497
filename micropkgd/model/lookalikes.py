"""Tables of a `pyproject.toml` that look like ours and are not: a header with a slip in it, or one of an older Kedro.

What stands below such a header is asked for by nobody, so a manifest that has one must not count as an empty one. Pure.
"""

from collections.abc import Collection, Iterator

from micropkgd.model.fields import Table, TablePath
from micropkgd.model.project_tables import KEDRO_PACKAGE, KEDRO_PULL, OWN_PACKAGE, OWN_PULL

_OURS = (OWN_PULL, KEDRO_PULL, OWN_PACKAGE, KEDRO_PACKAGE)
_OTHERS = {  # as Kedro 0.17 had them, and what is left out by a slip
    ("tool", "kedro", "pipeline", "pull"): KEDRO_PULL,
    ("tool", "kedro", "pipeline", "package"): KEDRO_PACKAGE,
    ("tool", "kedro", "pull"): KEDRO_PULL,
    ("tool", "kedro", "package"): KEDRO_PACKAGE,
    ("micropkgd", "pull"): OWN_PULL,
    ("micropkgd", "package"): OWN_PACKAGE,
}
_DEEPEST = 6
_ALIKE = 0.86


def lookalike_of(path: TablePath) -> TablePath | None:
    """The table of ours that a header most likely means; None where it is one of ours, or like none of them."""
    if any(path == ours[: len(path)] or ours == path[: len(ours)] for ours in _OURS):
        return None
    for other, ours in _OTHERS.items():
        if len(path) == len(other) and all(_likeness(*parts) >= _ALIKE for parts in zip(path, other, strict=True)):
            return ours
    best = max(_OURS, key=lambda ours: _likeness(".".join(path), ".".join(ours)))
    return best if _likeness(".".join(path), ".".join(best)) >= _ALIKE else None


def _likeness(said: str, meant: str) -> float:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, said.casefold(), meant).ratio()


def lookalikes(document: Table) -> Iterator[tuple[TablePath, TablePath]]:
    """Every header that looks like one of ours, with the one that it looks like."""
    for path, _ in _tables(document):
        ours = lookalike_of(path)
        if ours is not None:
            yield path, ours


def table_with(document: Table, refs: Collection[str]) -> TablePath | None:
    """Another table that has one of these refs as a key: the header above it was lost, or is another one."""
    tables = ((path, table) for path, table in _tables(document) if path not in {OWN_PULL, KEDRO_PULL})
    return next((path for path, table in tables if any(ref in table for ref in refs)), None)


def _tables(document: Table, path: TablePath = ()) -> Iterator[tuple[TablePath, Table]]:
    for key, value in document.items():
        if isinstance(value, dict) and len(path) < _DEEPEST:
            yield (*path, key), value
            yield from _tables(value, (*path, key))
