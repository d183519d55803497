"""Reads the meaning of a TOML text, to compare a text before and after an edit."""

import tomllib
from collections.abc import Mapping

from micropkgd.annotations import Any
from micropkgd.documents.statements import Path
from micropkgd.errors import DocumentError


def meaning(text: str) -> dict[str, Any]:
    """The mapping; floats stay as they are written, for no `nan` equals another."""
    try:
        return tomllib.loads(text, parse_float=lambda written: ("float", written))
    except (ValueError, RecursionError) as error:
        raise DocumentError("invalid TOML") from error


def means(text: str, wanted: Mapping[str, object], *paths: Path) -> bool:
    """Whether a text says just that; empty tables on the way along these paths may come and go."""
    try:
        said: Mapping[str, object] = meaning(text)
    except DocumentError:
        return False
    for path in paths:
        said, wanted = _pruned(said, path), _pruned(wanted, path)
    return said == wanted


def table_in(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """The table at an address, made where it is missing."""
    for part in path:
        document = document.setdefault(part, {})
    return document


def _pruned(document: Mapping[str, object], path: Path) -> Mapping[str, object]:
    inner = document.get(path[0]) if path else None
    if not isinstance(inner, dict):
        return document
    left = _pruned(inner, path[1:])
    return {key: left if key == path[0] else value for key, value in document.items() if key != path[0] or left}
