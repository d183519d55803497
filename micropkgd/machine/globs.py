"""Finds what a glob stands for, or says that the machine was too short of something to look.

`glob.glob` takes a folder that cannot be listed for an empty one. That is right for a folder that may not be read; for
want of descriptors all that stands in it would seem to have gone.
"""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase

from micropkgd.annotations import Final
from micropkgd.errors import ShortageError, is_shortage

_WILD: Final = frozenset("*?[")


def is_glob(path: str) -> bool:
    """Whether a path stands for whatever it finds."""
    return bool(_WILD & set(path))


def paths_of(pattern: str) -> list[str]:
    """The paths that a glob stands for, those as `glob.glob` finds; `ShortageError` where it could not look."""
    head, pattern = ("/", pattern.lstrip("/")) if pattern.startswith("/") else ("", pattern)
    found = [head]
    for part in pattern.split("/"):
        found = [path for folder in found for path in _below(folder, part)]
    return sorted(found)


def _below(folder: str, part: str) -> Iterator[str]:
    """What one part of a glob stands for in a folder; an empty part means the folder itself."""
    path = os.path.join(folder, part)
    if not is_glob(part):
        yield from [path] if os.path.lexists(path) else []
        return
    for name in _names_in(folder or os.curdir):
        if fnmatchcase(name, part) and (part.startswith(".") or not name.startswith(".")):
            yield os.path.join(folder, name)


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        if is_shortage(error):
            raise ShortageError.of(error, folder) from error
        return []
