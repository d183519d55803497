"""The kept files of a finished commit: those it replaced, with its journal, in `.micropkgd/kept/<commit>`.

Each may be the only copy of what a person wrote, so they outlive the commit, and `rollback` reads them. The oldest go
when they are too many, too old or too big together, but never the newest, and never one that an editor wrote into
after it had been replaced (docs/faults.md, F65). Those of the last day are many before they are too many: a source
that changes every minute must not take an edit away before its owner has missed it.
"""

import time
from collections.abc import Iterable
from contextlib import suppress

from micropkgd.errors import TreeError
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.transaction.journal import (
    DRAFT,
    FOLDER,
    JOURNAL,
    Journal,
    Operation,
    read_kept_journal,
    stage_folder,
)
from micropkgd.workspace.trees import files_below, make_own_folder, remove_tree

TXN = RelPath(".micropkgd/txn")
KEPT = RelPath(".micropkgd/kept")
_DAY_NS = 24 * 3600 * 1_000_000_000
_COMMITS_KEPT = 20
_COMMITS_KEPT_A_DAY = 500
_AGE_KEPT_NS = 30 * _DAY_NS
_BYTES_KEPT = 256 * 1024 * 1024


class Commit(NamedTuple):
    """One kept commit."""

    id: str
    when_ns: int  # since the epoch
    operations: tuple[Operation, ...]

    def copy_of(self, operation: Operation) -> RelPath:
        """Where the file lies that an operation replaced."""
        return _copy(RelPath(f"{KEPT}/{self.id}"), operation)


def history(fs: FsOps) -> list[Commit]:
    """The kept commits, newest first; one that was taken back changed nothing, and one nobody can read says nothing."""
    commits = []
    for name in fs.names(KEPT):
        path = RelPath(f"{KEPT}/{name}/journal")
        with suppress(TreeError, FileNotFoundError, PermissionError):  # a failing disk would make an older one the last
            journal, status = read_kept_journal(fs, path), fs.status(path)
            if journal is not None and status is not None and journal.id == name and not journal.undo:
                commits.append(Commit(name, status.st_mtime_ns, journal.operations))
    return sorted(commits, key=lambda commit: (commit.when_ns, commit.id), reverse=True)


def ids(root: str) -> frozenset[str]:
    """The ids of the commits that a project keeps."""
    with FsOps(root) as fs:
        return frozenset(fs.names(KEPT))


def set_aside(fs: FsOps, journal: Journal) -> None:
    """Set the journal aside with what was replaced: from here on the commit is history, for `rollback`."""
    if fs.status(journal.stage) is None:  # someone cleaned up; there is nothing left to keep
        fs.remove_file(JOURNAL)
        fs.sync_folder(FOLDER)
        return
    fs.rename(JOURNAL, RelPath(f"{journal.stage}/journal"))
    for folder in (journal.stage, FOLDER):
        fs.sync_folder(folder)
    _keep(fs, journal.id)
    with suppress(OSError):  # the commit is made; what is too much is found again after the next one
        _remove_oldest(fs, _too_big(fs, _by_age(fs)))


def sweep(fs: FsOps) -> None:
    """Remove what crashes left before their commit point, and the oldest of what was kept.

    A stage that has its journal in it is a finished commit on its way to `kept`: it may hold a person's bytes.
    """
    if fs.status(DRAFT):
        fs.remove_file(DRAFT)
    for name in fs.names(TXN):
        stage = stage_folder(name)
        if fs.status(RelPath(f"{stage}/journal")):
            _keep(fs, name)
        else:
            remove_tree(fs, stage)
    _remove_oldest(fs, _too_many_or_old(fs, _by_age(fs)))


def _by_age(fs: FsOps) -> list[RelPath]:
    """The folders of the kept commits, oldest first, without the newest: that one always stays."""
    return sorted((RelPath(f"{KEPT}/{name}") for name in fs.names(KEPT)), key=lambda path: _when(fs, path))[:-1]


def _too_many_or_old(fs: FsOps, older: list[RelPath]) -> list[RelPath]:
    """The folders beyond the numbers that are kept, or older than any that is."""
    now = time.time_ns()

    def is_surplus(number: int, folder: RelPath) -> bool:
        newer, when = len(older) - number, _when(fs, folder)
        return (
            newer >= _COMMITS_KEPT_A_DAY
            or (newer >= _COMMITS_KEPT and when < now - _DAY_NS)
            or when < now - _AGE_KEPT_NS
        )

    return [folder for number, folder in enumerate(older) if is_surplus(number, folder)]


def _too_big(fs: FsOps, older: list[RelPath]) -> list[RelPath]:
    """The folders that must go for the rest to fit; it costs a walk, so it is asked after a commit only."""
    room = _BYTES_KEPT - sum(_size(fs, RelPath(f"{KEPT}/{name}")) for name in fs.names(KEPT))
    surplus = []
    for folder in older:
        if room >= 0:
            break
        surplus.append(folder)
        room += _size(fs, folder)
    return surplus


def _size(fs: FsOps, folder: RelPath) -> int:
    """Bytes below a folder."""
    return sum(status.st_size for path in files_below(fs, folder) if (status := fs.status(path)) is not None)


def _remove_oldest(fs: FsOps, folders: Iterable[RelPath]) -> None:
    for folder in folders:
        if not _has_late_save(fs, folder):
            remove_tree(fs, folder)


def _keep(fs: FsOps, commit: str) -> None:
    make_own_folder(fs, KEPT)
    fs.rename(stage_folder(commit), RelPath(f"{KEPT}/{commit}"))


def _has_late_save(fs: FsOps, kept: RelPath) -> bool:
    """Whether an editor wrote into a file after it had been replaced: nobody has these bytes but us (F65)."""
    try:
        journal = read_kept_journal(fs, RelPath(f"{kept}/journal"))
    except TreeError:
        return True
    for operation in journal.operations if journal else ():
        found = fs.found(_copy(kept, operation))
        if found not in {operation.before, operation.after, None}:
            return True
    return False


def _copy(kept: RelPath, operation: Operation) -> RelPath:
    return RelPath(f"{kept}/{operation.staged.rpartition('/')[2]}")


def _when(fs: FsOps, path: RelPath) -> int:
    status = fs.status(path)
    return status.st_mtime_ns if status else 0
