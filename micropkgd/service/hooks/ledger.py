"""Remembers which commit of a project was told last, so that a hook that a crash kept from running is run later.

The commits themselves, as they are kept for `rollback`, say what there was to tell; `.micropkgd/told-<hook>` says what
was told. It is not synced: where it is lost, the newest commit is told once more. Of entries that stand held or stalled
it says since when they stood so that were told: one hold is told once, also over a restart.
"""

import json
from collections.abc import Iterable, Mapping

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError
from micropkgd.model.tree import RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.record import replace_record
from micropkgd.workspace.transaction.kept import history

_TOLD: Final = ".micropkgd/told"
_MOST_TURNS: Final = 1000


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


def turns_told(root: str, hook: str) -> Mapping[str, str]:
    """The entries that a hook was told to stand as it is for, each with since when it stands so."""
    try:
        said = json.loads(_last_told(root, hook) or "{}")
        return {str(subject): str(since) for subject, since in said.items()}
    except (ValueError, AttributeError, RecursionError):
        return {}


def note_turns(root: str, hook: str, turns: Iterable[tuple[str, str]]) -> None:
    """Note that a hook was told these, too. Raises `OSError`, or `TreeError`, where that cannot be written."""
    told = {**turns_told(root, hook), **dict(turns)}
    latest = dict(sorted(told.items(), key=lambda turn: turn[1])[-_MOST_TURNS:])
    with FsOps(root) as fs:
        replace_record(fs, RelPath(f"{_TOLD}-{hook}"), json.dumps(latest).encode())


def _last_told(root: str, hook: str) -> str:
    try:
        with FsOps(root) as fs:
            return fs.read(RelPath(f"{_TOLD}-{hook}")).decode(errors="replace")
    except (OSError, MicropkgError):
        return ""
