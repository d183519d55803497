"""Remembers which commit of a project was told last, so that a hook that a crash kept from running is run later.

The commits themselves, as they are kept for `rollback`, say what there was to tell; `.micropkgd/told-<hook>` says what
was told. It is not synced: where it is lost, the newest commit is told once more.
"""

from typing import Final

from micropkgd.errors import MicropkgError
from micropkgd.model.tree import RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.record import replace_record
from micropkgd.workspace.transaction.kept import history

_TOLD: Final = ".micropkgd/told"


def newest_commit(root: str) -> str:
    """The id of the newest commit; empty where there is none, or none that can be read."""
    try:
        with FsOps(root) as fs:
            commits = history(fs)
    except (OSError, MicropkgError):
        return ""
    return commits[0].id if commits else ""


def is_owed(root: str, hook: str) -> bool:
    """Whether the newest commit has not been told to a hook."""
    newest = newest_commit(root)
    return bool(newest) and newest != _last_told(root, hook)


def note_told(root: str, hook: str, commit: str) -> None:
    """Note that a hook was told a commit. Raises `OSError`, or `TreeError`, where that cannot be written."""
    if not commit or commit == _last_told(root, hook):
        return
    with FsOps(root) as fs:
        replace_record(fs, RelPath(f"{_TOLD}-{hook}"), commit.encode())


def _last_told(root: str, hook: str) -> str:
    try:
        with FsOps(root) as fs:
            return fs.read(RelPath(f"{_TOLD}-{hook}")).decode(errors="replace")
    except (OSError, MicropkgError):
        return ""
