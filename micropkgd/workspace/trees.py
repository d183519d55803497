"""Makes, lists and removes whole folders of our own, through `fsops`."""

import stat
from collections.abc import Iterator

from micropkgd.annotations import Final
from micropkgd.errors import TreeError
from micropkgd.model.tree import RelPath, parents
from micropkgd.workspace.fsops import FsOps

_DEEPEST: Final = 100  # folders; ours are a few deep, and each costs an open descriptor


def remove_tree(fs: FsOps, path: RelPath) -> None:
    """Remove whatever stands at a path of our own, and all in it; a link goes, not what it points to.

    Raises `TreeError` for folders that none of our own could be so deep in each other.
    """
    if path.count("/") > _DEEPEST:
        raise TreeError("folders are too deep in each other", where=path, hint="remove them and run again")
    if is_folder(fs, path):
        for name in fs.names(path):
            remove_tree(fs, RelPath(f"{path}/{name}"))
        fs.remove_folder(path)
    elif fs.status(path):
        fs.remove_file(path)


def files_below(fs: FsOps, folder: RelPath) -> Iterator[RelPath]:
    """Every path below a folder that is no folder itself; links are not followed."""
    if folder.count("/") > _DEEPEST:
        raise TreeError("folders are too deep in each other", where=folder, hint="remove them and run again")
    for name in fs.names(folder):
        path = RelPath(f"{folder}/{name}")
        if is_folder(fs, path):
            yield from files_below(fs, path)
        else:
            yield path


def is_folder(fs: FsOps, path: RelPath) -> bool:
    """Whether a folder stands at a path; a link to one is none."""
    status = fs.status(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def make_folders(fs: FsOps, path: RelPath) -> None:
    """Make the folders above a path of our own that are not there yet, as `make_own_folder` does."""
    for above in reversed(parents(path)):
        make_own_folder(fs, above)


def make_own_folder(fs: FsOps, path: RelPath) -> None:
    """Make a folder below `.micropkgd` that is not there yet, for nobody else to read."""
    if not refuse_obstacle(fs, path):
        fs.make_folder(path, 0o700)


def refuse_obstacle(fs: FsOps, path: RelPath) -> bool:
    """Whether a folder of our own is there; `TreeError` where a file or a link stands in its place.

    What stands there is somebody's, and is neither removed nor followed.
    """
    status = fs.status(path)
    if status is not None and not stat.S_ISDIR(status.st_mode):
        raise TreeError("something else than a folder stands here", where=path, hint="move it away and run again")
    return status is not None
