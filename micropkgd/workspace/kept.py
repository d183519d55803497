"""What a finished commit leaves: the files it replaced, with its journal, in `.micropkgd/kept/<commit>`.

Each may be the only copy of what a person wrote, so they outlive the commit; the oldest go when there are many, but
never one that an editor wrote into after it had been replaced (reliability.md, F65).
"""

from micropkgd.errors import TreeError
from micropkgd.model.tree import RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.journal import DRAFT, FOLDER, JOURNAL, Journal, read_journal, stage_folder
from micropkgd.workspace.trees import remove_tree

TXN = RelPath(".micropkgd/txn")
KEPT = RelPath(".micropkgd/kept")
_COMMITS_KEPT = 20


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
    kept = fs.names(KEPT)
    if len(kept) > _COMMITS_KEPT:
        ages = sorted((RelPath(f"{KEPT}/{name}") for name in kept), key=lambda path: _age(fs, path))
        for folder in ages[:-_COMMITS_KEPT]:
            if not _has_late_save(fs, folder):
                remove_tree(fs, folder)


def _keep(fs: FsOps, commit: str) -> None:
    if not fs.status(KEPT):
        fs.make_folder(KEPT, 0o700)
    fs.rename(stage_folder(commit), RelPath(f"{KEPT}/{commit}"))


def _has_late_save(fs: FsOps, kept: RelPath) -> bool:
    """Whether an editor wrote into a file after it had been replaced: nobody has these bytes but us (F65)."""
    try:
        journal = read_journal(fs, RelPath(f"{kept}/journal"))
    except TreeError:
        return True
    for operation in journal.operations if journal else ():
        found = fs.found(RelPath(f"{kept}/{operation.staged.rpartition('/')[2]}"))
        if found not in {operation.before, operation.after, None}:
            return True
    return False


def _age(fs: FsOps, path: RelPath) -> int:
    status = fs.status(path)
    return status.st_mtime_ns if status else 0
