"""A transaction over files: all changes of a pass are applied, or none (design.md section 6).

    stage every new file, make them durable      a crash leaves debris in `.micropkgd/txn`, swept later
    check every precondition again               an edit since the plan refuses the commit
    write the journal                            the commit point
    apply each operation, look at what came out  an edit that raced us goes back, and the commit is undone
    make the folders durable, set the journal aside

Every step after the commit point is a function of the digests on disk, so it may be cut short and repeated, by
`recover` in another process too. What was replaced is kept below `.micropkgd/kept`. A failed sync ends the commit and
is never tried again (PostgreSQL's lesson, reliability.md F26).
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from micropkgd.errors import TreeError
from micropkgd.model.plan import Change
from micropkgd.model.tree import Digest, Found, RelPath, parents
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.journal import (
    FOLDER,
    JOURNAL,
    Journal,
    Operation,
    read_journal,
    stage_folder,
    write_journal,
)

TXN = RelPath(".micropkgd/txn")
KEPT = RelPath(".micropkgd/kept")
_COMMITS_KEPT = 20


class Refusal(NamedTuple):
    """Why a commit was not made: the tree is as it was, but for what others did to it."""

    path: RelPath
    problem: str
    raced: bool  # someone else was at work on the file; False: it may not be written at all


class _RefusedError(Exception):
    """The commit cannot be made, and who reads this catches it to say why."""

    def __init__(self, path: RelPath, problem: str, *, raced: bool = True) -> None:
        super().__init__(path, problem)
        self.refusal = Refusal(path, problem, raced)


def commit(
    fs: FsOps, changes: Sequence[Change], contents: Mapping[Digest, bytes], floors: frozenset[RelPath] = frozenset()
) -> Refusal | None:
    """Apply all changes, in their order, or none; None when they are durable.

    `contents` holds the bytes of every digest that a change writes. `floors` are folders that stay even when their
    last file was deleted. Raises `TreeError` where the disk refuses; the tree is then as before.
    """
    try:
        journal = _stage(fs, changes, contents)
        _set_in_motion(fs, journal)
        return _carry_out(fs, journal, floors, _apply)
    except _RefusedError as raced:
        return raced.refusal
    except OSError as error:
        raise _refused_by_disk(error) from error


def recover(fs: FsOps, floors: frozenset[RelPath] = frozenset()) -> Journal | None:
    """Finish what an interrupted commit began, or take it back where it had begun to; then sweep its debris."""
    try:
        journal = read_journal(fs)
        if journal is not None and journal.undo:
            _undo(fs, journal)
        elif journal is not None:
            _carry_out(fs, journal, floors, _apply_if_not_done)
        _sweep(fs)
    except OSError as error:
        raise _refused_by_disk(error) from error
    return journal


def _stage(fs: FsOps, changes: Sequence[Change], contents: Mapping[Digest, bytes]) -> Journal:
    """Write every new file aside and make it durable; nothing of the user's is touched yet."""
    name = os.urandom(8).hex()
    stage = stage_folder(name)
    try:
        operations = _write_staged(fs, stage, changes, contents)
        folders = tuple(_missing_folders(fs, (operation.path for operation in operations if operation.after)))
        for operation in operations:
            _check_precondition(fs, operation)
    except BaseException:
        with suppress(OSError):
            _remove_stage(fs, stage)
        raise
    return Journal(name, operations, folders)


def _set_in_motion(fs: FsOps, journal: Journal) -> None:
    """Write the journal; one whose sync failed may not stay, or a later recovery would trust it."""
    try:
        write_journal(fs, journal)
    except BaseException:
        with suppress(OSError):
            if fs.status(JOURNAL):
                fs.remove_file(JOURNAL)
            _remove_stage(fs, journal.stage)
        raise


def _write_staged(
    fs: FsOps, stage: RelPath, changes: Sequence[Change], contents: Mapping[Digest, bytes]
) -> tuple[Operation, ...]:
    for folder in (TXN, stage):
        if not fs.status(folder):
            fs.make_folder(folder, 0o700)
    operations = []
    for number, change in enumerate(changes):
        operation = Operation(change.path, RelPath(f"{stage}/{number}"), change.before, change.after)
        if change.after is not None:
            old = fs.status(change.path)
            mode = None if old is None else stat.S_IMODE(old.st_mode) & 0o777
            fs.write_file(operation.staged, contents[change.after], mode)
        operations.append(operation)
    for operation in operations:
        if operation.after is not None:
            fs.sync_file(operation.staged)
    for folder in (stage, TXN, FOLDER):
        fs.sync_folder(folder)
    return tuple(operations)


def _check_precondition(fs: FsOps, operation: Operation) -> None:
    found = fs.found(operation.path)
    if found != operation.before:
        raise _RefusedError(operation.path, "changed while this pass was at work")
    folder = parents(operation.path)[0] if "/" in operation.path else None
    if not fs.is_writable(folder):
        raise _RefusedError(operation.path, "no permission to write into its folder", raced=False)


def _carry_out(
    fs: FsOps, journal: Journal, floors: frozenset[RelPath], step: Callable[[FsOps, Operation], None]
) -> Refusal | None:
    """From the commit point to the end; where it cannot go on, back to the beginning."""
    try:
        for folder in journal.folders:
            _ensure_folder(fs, folder)
        for operation in journal.operations:
            step(fs, operation)
        _tidy(fs, journal, floors)
        _sync_parents(fs, journal)
    except (OSError, TreeError, _RefusedError) as error:
        journal = journal._replace(undo=True)
        write_journal(fs, journal)
        _undo(fs, journal)
        if isinstance(error, _RefusedError):
            return error.refusal
        raise
    _finish(fs, journal)
    return None


def _apply(fs: FsOps, operation: Operation) -> None:
    """Swap one file and look at what came out: only what the plan saw may be replaced."""
    path, staged, before, after = operation
    try:
        if before is None:
            fs.rename_new(staged, path)
            return
        if after is None:
            fs.rename_new(path, staged)
        else:
            fs.exchange(staged, path)
    except (FileExistsError, FileNotFoundError) as error:
        raise _RefusedError(path, "appeared or disappeared while this pass was at work") from error
    if fs.found(staged) != before:
        _put_back(fs, operation)
        raise _RefusedError(path, "was edited while this pass was at work")


def _apply_if_not_done(fs: FsOps, operation: Operation) -> None:
    """Apply one operation of an interrupted commit unless the digests show that it has been."""
    path, staged, before, after = operation
    aside = fs.found(staged)
    if after is None and aside is None:
        here = fs.found(path)
        if here is not None:
            _expect(here, before, path)
            _apply(fs, operation)
    elif after is not None and aside == after:
        _expect(fs.found(path), before, path)
        _apply(fs, operation)
    elif aside not in {before, None}:
        _put_back(fs, operation)
        raise _RefusedError(path, "was edited while a pass was at work")


def _expect(found: Found, before: Digest | None, path: RelPath) -> None:
    if found != before:
        raise _RefusedError(path, "was edited after a pass had been interrupted")


def _put_back(fs: FsOps, operation: Operation) -> None:
    """Give a save that raced us its place again; a newer save that arrives meanwhile wins over it."""
    path, staged, _, after = operation
    if after is None:
        if fs.found(path) is None:
            fs.rename_new(staged, path)
        return
    expected: Found = after
    while True:
        putting = fs.found(staged)
        fs.exchange(staged, path)
        if fs.found(staged) == expected:
            return
        expected = putting


def _undo(fs: FsOps, journal: Journal) -> None:
    """Take an unfinished commit back, newest first; what a person saved meanwhile stays in the tree."""
    for operation in reversed(journal.operations):
        _undo_one(fs, operation)
    for folder in reversed(journal.folders):
        _remove_if_empty(fs, folder)
    _sync_parents(fs, journal)
    _finish(fs, journal)


def _undo_one(fs: FsOps, operation: Operation) -> None:
    path, staged, before, after = operation
    aside = fs.found(staged)
    if before is None:
        if aside is None and fs.found(path) == after:
            fs.rename_new(path, staged)
    elif aside == before and fs.found(path) == after:
        if after is None:
            fs.rename_new(staged, path)
        else:
            fs.exchange(staged, path)
            if fs.found(staged) != after:
                _put_back(fs, operation._replace(after=before))


def _finish(fs: FsOps, journal: Journal) -> None:
    """Set the journal aside with what was replaced: from here on the commit is history, for `rollback`."""
    fs.rename(JOURNAL, RelPath(f"{journal.stage}/journal"))
    fs.sync_folder(FOLDER)
    _keep(fs, journal.id)


def _keep(fs: FsOps, commit: str) -> None:
    if not fs.status(KEPT):
        fs.make_folder(KEPT, 0o700)
    fs.rename(stage_folder(commit), RelPath(f"{KEPT}/{commit}"))


def _ensure_folder(fs: FsOps, folder: RelPath) -> None:
    try:
        fs.make_folder(folder)
    except FileExistsError:
        return


def _missing_folders(fs: FsOps, paths: Iterable[RelPath]) -> Iterable[RelPath]:
    """The folders that must be made before these files can stand, parents first."""
    seen: set[RelPath] = set()
    for path in paths:
        missing = []
        for folder in parents(path):
            if folder in seen or fs.status(folder):
                break
            missing.append(folder)
        seen.update(missing)
        yield from reversed(missing)


def _tidy(fs: FsOps, journal: Journal, floors: frozenset[RelPath]) -> None:
    """Remove the folders that the deleted files leave empty, up to the project's own folders."""
    for operation in journal.operations:
        if operation.after is None:
            for folder in parents(operation.path):
                if folder in floors or not _remove_if_empty(fs, folder):
                    break


def _remove_if_empty(fs: FsOps, folder: RelPath) -> bool:
    """Remove a folder that has nothing in it, or nothing but Python's own cache of what was in it."""
    cache = RelPath(f"{folder}/__pycache__")
    names = fs.names(folder)
    if names == ["__pycache__"] and all(name.endswith(".pyc") for name in fs.names(cache)):
        for name in fs.names(cache):
            fs.remove_file(RelPath(f"{cache}/{name}"))
        fs.remove_folder(cache)
    try:
        fs.remove_folder(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _sync_parents(fs: FsOps, journal: Journal) -> None:
    """Make every name that changed durable: the targets' folders, the folders above new ones, and the stage."""
    touched: set[RelPath | None] = {journal.stage}
    for path in (*(operation.path for operation in journal.operations), *journal.folders):
        touched.add(parents(path)[0] if "/" in path else None)
    for folder in sorted(touched, key=lambda path: path or ""):
        if folder is None or fs.status(folder):
            fs.sync_folder(folder)


def _sweep(fs: FsOps) -> None:
    """Remove what crashes left before their commit point, and the oldest of what was kept.

    A stage that has its journal in it is a finished commit on its way to `kept`: it may hold a person's bytes.
    """
    for name in fs.names(TXN):
        stage = stage_folder(name)
        if fs.status(RelPath(f"{stage}/journal")):
            _keep(fs, name)
        else:
            _remove_stage(fs, stage)
    kept = fs.names(KEPT)
    if len(kept) > _COMMITS_KEPT:
        ages = sorted(kept, key=lambda name: _age(fs, RelPath(f"{KEPT}/{name}")))
        for name in ages[:-_COMMITS_KEPT]:
            _remove_stage(fs, RelPath(f"{KEPT}/{name}"))


def _age(fs: FsOps, path: RelPath) -> int:
    status = fs.status(path)
    return status.st_mtime_ns if status else 0


def _remove_stage(fs: FsOps, stage: RelPath) -> None:
    for name in fs.names(stage):
        fs.remove_file(RelPath(f"{stage}/{name}"))
    if fs.status(stage):
        fs.remove_folder(stage)


def _refused_by_disk(error: OSError) -> TreeError:
    reason = (error.strerror or str(error)).lower()
    hint = "free some space and run again" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
    return TreeError(f"the disk refused a write: {reason}", where=str(error.filename or FOLDER), hint=hint)
