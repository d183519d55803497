"""Shows what a pass would change, as texts: the files as they are now, beside what they would be."""

import os
from collections.abc import Iterable

from micropkgd.errors import TreeError
from micropkgd.model.tree import RelPath
from micropkgd.workspace.reading import CONTENT, read_regular


def read_files(root: str, paths: Iterable[RelPath]) -> dict[RelPath, bytes]:
    """The bytes of files as they are now."""
    found = {}
    for path in paths:
        try:
            found[path] = read_regular(os.path.join(root, path), at_most=CONTENT)
        except OSError as error:
            raise TreeError.unreadable(error, path) from error
    return found
