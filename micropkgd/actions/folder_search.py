"""The folders below one that patterns find: `packages/*`, `libs/**`.

Promise: each folder is read once a part of a pattern, links cannot multiply them, and all patterns together may read a
bounded number: what a stranger's workspace says cannot keep anybody waiting (docs/threats.md, T31).
"""

import os
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.workspace.root import MANIFEST_NAME

_MOST: Final = 100_000  # folders, of all patterns
_MAGIC: Final = r"[*?[]"


class FolderSearch:
    """Finds folders below one; hidden ones where a pattern says so, and behind links where no `**` would enter them."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._left = _MOST

    def found(self, pattern: str) -> Iterator[str]:
        """The real paths that a pattern finds, the folder itself and what is outside of it left out."""
        parts = [part for part in pattern.split("/") if part not in {"", "."}]
        if os.path.isabs(pattern) or ".." in parts:
            return
        folders = {self._root}
        for part in parts:
            folders = set(self._deeper(folders, part))
        yield from (path for path in sorted(folders) if path.startswith(f"{self._root}{os.sep}"))

    def _deeper(self, folders: Iterable[str], part: str) -> Iterator[str]:
        for folder in folders:
            if part == "**":
                yield from self._all_below(folder)
            elif re.search(_MAGIC, part):
                yield from (os.path.realpath(one.path) for one in self._inside(folder) if _fits(one.name, part))
            elif os.path.isdir(path := os.path.join(folder, part)):
                yield os.path.realpath(path)

    def _all_below(self, folder: str) -> Iterator[str]:
        waiting = [folder]
        while waiting:
            yield (here := waiting.pop())
            waiting += (one.path for one in self._inside(here) if not one.name.startswith(".") and not one.is_symlink())

    def _inside(self, folder: str) -> "Iterator[os.DirEntry[str]]":
        """The folders in one; those that may not be read have none."""
        self._left -= 1
        if self._left < 0:
            problem = f"the members of the workspace are sought in more than {_MOST:,} folders"
            raise DocumentError(problem, where=MANIFEST_NAME, hint="name them more exactly")
        try:
            with os.scandir(folder) as found:
                yield from (one for one in found if one.is_dir())
        except OSError:
            return


def _fits(name: str, part: str) -> bool:
    return fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
