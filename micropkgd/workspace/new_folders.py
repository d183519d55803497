"""Folders that a slip would make: one that is not there, beside one of nearly that name."""

import os
from collections.abc import Iterable, Iterator

from micropkgd.model.layout import Layout

_ALIKE = 0.75


def twin_of(root: str, path: str) -> tuple[str, str] | None:
    """The first folder on the way to a path that is missing, and the one beside it that may be meant."""
    folder = ""
    for part in filter(None, path.split("/")):
        inside = os.path.join(root, folder)
        whole = f"{folder}/{part}".lstrip("/")
        if not os.path.lexists(os.path.join(inside, part)):
            twin = _nearest_in(inside, part)
            return (whole, f"{folder}/{twin}".lstrip("/")) if twin else None
        folder = whole
    return None


def notes_on(root: str, paths: Iterable[str]) -> Iterator[str]:
    """What to say of the folders that these paths would make."""
    for path in paths:
        if twin := twin_of(root, path):
            yield f"{twin[0]}/ is new, and beside it stands {twin[1]}/: is that one meant?"


def pulled_into(layout: Layout, destination: tuple[str, ...], env: str | None) -> Iterator[str]:
    """The folders that the row of a pull entry names."""
    if destination:
        yield "/".join((layout.package_folder, *destination))
    if env is not None:
        yield f"{layout.conf_dir}/{env}"


def _nearest_in(folder: str, name: str) -> str | None:
    import difflib

    try:
        with os.scandir(folder) as entries:
            names = sorted(one.name for one in entries if one.is_dir() and not one.name.startswith((".", "__")))
    except OSError:
        return None
    close = difflib.get_close_matches(name, names, n=1, cutoff=_ALIKE)
    return close[0] if close else None
