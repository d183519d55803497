"""Checks that the files of a project are what its lock says: each is hashed, no remembered hash is trusted."""

from typing import NamedTuple

from micropkgd.model.tree import Found, Obstacle, RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.observe import as_texts, see
from micropkgd.workspace.project import read_project

_EXIT_DIFFERS = 6


class Verification(NamedTuple):
    """Which files are not what the lock says."""

    root: str
    checked: int
    differing: tuple[tuple[RelPath, str], ...]  # path, and what is there instead

    @property
    def exit_code(self) -> int:
        """6 where anything differs."""
        return _EXIT_DIFFERS if self.differing else 0

    def document(self) -> dict[str, object]:
        """For programs."""
        differing = [{"path": path, "found": what} for path, what in self.differing]
        return {"project": self.root, "checked": self.checked, "differing": differing}


def verify_files(root: str) -> Verification:
    """Hash every file of the inventory, trusting no remembered hash."""
    project = read_project(root)
    locked = {path: digest for block in project.lock.blocks for path, digest in block.files.items()}
    with FsOps(root) as fs:
        found = as_texts(fs, see(fs, root, locked, {}).found, {path: {digest} for path, digest in locked.items()})
    differing = ((path, instead(found[path])) for path, digest in sorted(locked.items()) if found[path] != digest)
    return Verification(root, len(locked), tuple(differing))


def instead(found: Found) -> str:
    """What is there in place of a locked file."""
    if found is None:
        return "missing"
    return found.what if isinstance(found, Obstacle) else "modified"
