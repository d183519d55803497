"""Compares the files that an archive was made from with git's HEAD: what is released is what is committed.

Rule: every file that was looked at must have the content that HEAD has under its path, and no file that HEAD has of
the module may be missing. What git itself found to be unchanged counts as that too (its index says so), for a filter or
line ends may make a file's bytes other ones than git keeps.
"""

import os
import stat
from collections.abc import Iterable, Iterator

from micropkgd.errors import TreeError
from micropkgd.reconcile.package.inputs import Seen
from micropkgd.reconcile.package.jobs import Job
from micropkgd.reconcile.package.names import belongs
from micropkgd.reconcile.package.walk import paths_beside
from micropkgd.workspace.git import git_folder, tracked
from micropkgd.workspace.git_head import Committed, committed, name_of
from micropkgd.workspace.reading import CONTENT, read_regular

_SHOWN = 1  # paths in a message


def why_not_committed(root: str, job: Job, seen: Seen) -> str:
    """What keeps an archive from being that of HEAD; empty where nothing does."""
    try:
        head = committed(root)
        if head is None:
            return "there is no git repository around the project"
        if head.head.commit is None:
            return "nothing is committed yet"
        if not head.head.branch:
            return "HEAD is detached: only what is on a branch is released by itself"
        travelling = seen.keys() - set(paths_beside(job.subject))
        differing = sorted({*_edited(root, head, travelling), *_missing(root, head, job)})
    except (TreeError, OSError) as error:
        return f"it cannot be told whether it is committed: {error}"
    return _not_committed(differing) if differing else ""


def _not_committed(paths: list[str]) -> str:
    more = len(paths) - _SHOWN
    shown = ", ".join(paths[:_SHOWN])
    return f"{shown} and {more} more are not committed" if more > 0 else f"{shown} is not committed"


def _edited(root: str, head: Committed, seen: Iterable[str]) -> Iterator[str]:
    """The files that were looked at and are not as HEAD has them."""
    unchanged = _Unchanged(root)
    for path in seen:
        wanted = head.file(path)
        try:
            status = os.lstat(os.path.join(root, path))
        except (FileNotFoundError, NotADirectoryError):
            if wanted is not None:
                yield path
            continue
        if stat.S_ISREG(status.st_mode) and not (wanted is not None and unchanged.says(path, status, wanted)):
            yield path


def _missing(root: str, head: Committed, job: Job) -> Iterator[str]:
    """The files of the module that HEAD has and the folder does not."""
    place = job.subject.place
    for folder in (place.code, place.tests, place.conf):
        for path in head.files(folder):
            of_it = folder != place.conf or belongs(path.removeprefix(f"{folder}/"), job.subject.leaf)
            if of_it and not os.path.lexists(os.path.join(root, path)):
                yield path


class _Unchanged:
    """Compares files with what HEAD has: by git's index where that tells, else by their bytes."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._tracked = tracked(root)
        try:
            self._written = os.stat(os.path.join(git_folder(root) or "", "index")).st_mtime_ns
        except OSError:
            self._written = 0

    def says(self, path: str, status: os.stat_result, wanted: bytes) -> bool:
        """Whether a file has the content of this name."""
        return self._as_git_saw_it(path, status, wanted) or name_of(self._bytes(path)) == wanted

    def _as_git_saw_it(self, path: str, status: os.stat_result, wanted: bytes) -> bool:
        one = self._tracked.get(path)
        if one is None or one.blob != wanted or one.mtime_ns >= self._written:  # written in one tick with the index
            return False
        found = status.st_ctime_ns, status.st_mtime_ns, status.st_ino & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF
        return found == one[1:5]

    def _bytes(self, path: str) -> bytes:
        return read_regular(os.path.join(self._root, path), at_most=CONTENT)
