"""A transaction over files: all changes of a pass are applied, or none (docs/architecture.md).

    stage every new file, make them durable      a crash leaves debris in `.micropkgd/txn`, swept later
    check every precondition again               an edit since the plan refuses the commit
    write the journal                            the commit point
    apply each operation, look at what came out  an edit that raced us goes back, and the commit is undone
    make the folders durable, set the journal aside

Every step after the commit point is a function of the digests on disk, so it may be cut short and repeated, by
`recover` in another process too. What was replaced is kept below `.micropkgd/kept`. A failed sync ends the commit and
is never tried again (PostgreSQL's lesson, docs/faults.md, F26).
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from micropkgd.errors import TreeError
from micropkgd.model.contents import pieces_of
from micropkgd.model.plan import Change
from micropkgd.model.tree import Digest, Found, Obstacle, RelPath, parents
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import HALFWAY, FsOps, LinkInTheWayError, refused_by_disk
from micropkgd.workspace.transaction.journal import (
    FOLDER,
    JOURNAL,
    ForeignJournalError,
    Journal,
    Operation,
    read_journal,
    stage_folder,
    write_journal,
)
from micropkgd.workspace.transaction.kept import KEPT, TXN, set_aside, sweep
from micropkgd.workspace.trees import is_folder, make_own_folder, refuse_obstacle, remove_tree

# What a move answers when someone else has put something there, or taken something away, since we looked.
_DISPLACED = (FileExistsError, FileNotFoundError, NotADirectoryError, BlockingIOError, LinkInTheWayError)


# What no look ahead can tell: an immutable file, a mount point in the same file system, a rule of the kernel's. It
# concerns this one file, so that the other entries can go on.
_NOT_TO_BE_MOVED = {
    errno.EPERM: "may not be replaced, not even by its owner",
    errno.EACCES: "may not be replaced",
    errno.EXDEV: f"cannot be replaced at once: its folder and {FOLDER} are mounted on their own",
    errno.EBUSY: "cannot be replaced at once: it is mounted on its own",
}


class Refusal(NamedTuple):
    """Why a commit was not made: the tree is as it was, but for what others did to it."""

    path: RelPath
    problem: str
    raced: bool  # someone else was at work on the file; False: it may not be written at all


class Recovery(NamedTuple):
    """What was found of earlier passes, and dealt with."""

    journal: Journal | None = None  # of a commit of ours that had been interrupted; it is finished or taken back
    foreign: RelPath | None = None  # where a journal was set aside that is not ours; nothing it says was done


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
    last file was deleted. Raises `TreeError` where the disk refuses; the tree is then as before, or `recover` makes
    it whole.
    """
    try:
        journal = _stage(fs, changes, contents)._replace(floors=tuple(sorted(floors)))
        _set_in_motion(fs, journal)
        return _carry_out(fs, journal, _apply)
    except _RefusedError as raced:
        return raced.refusal
    except OSError as error:
        raise refused_by_disk(error) from error


def recover(fs: FsOps) -> Recovery:
    """Finish what an interrupted commit began, or take it back where it had begun to; then sweep its debris.

    A journal that is not ours is set aside, and the tree is taken as it is.
    """
    journal = foreign = None
    try:
        try:
            journal = read_journal(fs)
        except ForeignJournalError:
            from micropkgd.workspace.transaction.foreign import set_foreign_aside

            foreign = set_foreign_aside(fs)
        if journal is not None and journal.undo:
            _undo(fs, journal)
        elif journal is not None:
            _carry_out(fs, journal, _apply_if_not_done)
        sweep(fs)
    except OSError as error:
        raise refused_by_disk(error) from error
    return Recovery(journal, foreign)


def _stage(fs: FsOps, changes: Sequence[Change], contents: Mapping[Digest, bytes]) -> Journal:
    """Write every new file aside and make it durable; nothing of the user's is touched yet."""
    name = os.urandom(8).hex()
    stage = stage_folder(name)
    try:
        operations = _write_staged(fs, stage, changes, contents)
        _check_preconditions(fs, operations)
        folders = tuple(_missing_folders(fs, (operation.path for operation in operations if operation.after)))
    except BaseException:
        with suppress(OSError):
            remove_tree(fs, stage)
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
            remove_tree(fs, journal.stage)
        raise


def _write_staged(
    fs: FsOps, stage: RelPath, changes: Sequence[Change], contents: Mapping[Digest, bytes]
) -> tuple[Operation, ...]:
    """Write the new files below `stage`, and make them and their folders durable."""
    refuse_obstacle(fs, KEPT)  # now, while nothing is changed yet
    for folder in (TXN, stage):
        make_own_folder(fs, folder)
    operations = []
    for number, change in enumerate(changes):
        operation = Operation(change.path, RelPath(f"{stage}/{number}"), change.before, change.after)
        if change.after is not None:
            old = fs.status(change.path) if change.before is not None else None
            mode = None if old is None else stat.S_IMODE(old.st_mode) & 0o777
            pieces = pieces_of(contents, change.after)
            fs.write_pieces(operation.staged, pieces, mode, executable=change.executable)
        operations.append(operation)
    fs.sync_files([operation.staged for operation in operations if operation.after is not None])
    for above in (stage, TXN, FOLDER, None):
        fs.sync_folder(above)
    return tuple(operations)


def _check_preconditions(fs: FsOps, operations: Iterable[Operation]) -> None:
    """Whether every file is still as the plan saw it, and every folder, looked at once, takes a file from the stage."""
    problems: dict[RelPath | None, str] = {}
    for operation in operations:
        _check_file(fs, operation)
        folder = parents(operation.path)[0] if "/" in operation.path else None
        if folder not in problems:
            problems[folder] = _problem_of(fs, folder)
        if problems[folder]:
            raise _RefusedError(operation.path, problems[folder], raced=False)


def _check_file(fs: FsOps, operation: Operation) -> None:
    try:
        found = fs.found(operation.path)
    except PermissionError as error:
        raise _RefusedError(operation.path, "no permission to read it", raced=False) from error
    if isinstance(found, Obstacle):
        raise _RefusedError(operation.path, f"{found.what} is in the way", raced=False)
    if found != operation.before:
        raise _RefusedError(operation.path, "changed while this pass was at work")


def _problem_of(fs: FsOps, folder: RelPath | None) -> str:
    """Why no file can be moved into a folder; empty where one can."""
    if not fs.is_writable(folder):
        return "no permission to write into its folder"
    if _device(fs, folder) != _device(fs, FOLDER):  # no move leads there
        return f"is on another file system than {FOLDER}"
    return ""


def _device(fs: FsOps, folder: RelPath | None) -> int:
    """The device of a folder, or of the nearest one above it that is there."""
    above = () if folder is None else (folder, *parents(folder))
    return next(status.st_dev for each in (*above, RelPath(".")) if (status := fs.status(each)) is not None)


def _carry_out(fs: FsOps, journal: Journal, step: Callable[[FsOps, Operation], None]) -> Refusal | None:
    """From the commit point to the end; where it cannot go on, back to the beginning."""
    try:
        for folder in journal.folders:
            _ensure_folder(fs, folder)
        for operation in journal.operations:
            step(fs, operation)
        _sync_parents(fs, journal)
    except (OSError, TreeError, _RefusedError) as error:
        journal = journal._replace(undo=True)
        write_journal(fs, journal)
        _undo(fs, journal)
        if isinstance(error, _RefusedError):
            return error.refusal
        raise
    _tidy(fs, journal)
    set_aside(fs, journal)
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
    except _DISPLACED as error:
        raise _RefusedError(path, "appeared or disappeared while this pass was at work") from error
    except OSError as error:
        if error.errno in _NOT_TO_BE_MOVED:
            raise _RefusedError(path, _NOT_TO_BE_MOVED[error.errno], raced=False) from error
        raise
    if fs.found(staged) != before:
        _put_back(fs, path, staged, after)
        raise _RefusedError(path, "was edited while this pass was at work")


def _apply_if_not_done(fs: FsOps, operation: Operation) -> None:
    """Apply one operation of an interrupted commit unless the digests show that it has been."""
    _settle(fs, operation)
    path, staged, before, after = operation
    aside, here = fs.found(staged), fs.found(path)
    if aside == after:  # not begun: what is to come waits there, or nothing was taken away yet
        if here is not None or after is not None:
            _expect(here, before, path)
            _apply(fs, operation)
    elif aside is None:  # it moved into place, where a person may have edited it since; or someone removed it
        if here is None or before is not None:
            _expect(here, after, path)
    else:  # what came out is what the plan saw, or an edit that goes back when all is taken back
        _expect(aside, before, path)


def _expect(found: Found, wanted: Digest | None, path: RelPath) -> None:
    if found != wanted:
        raise _RefusedError(path, "was changed after a pass had been interrupted")


def _settle(fs: FsOps, operation: Operation) -> None:
    """Where there is no `renameat2` a move has two halves: one cut in between is brought to its end or beginning."""
    halfway = RelPath(f"{operation.staged}{HALFWAY}")
    if fs.status(halfway):
        if fs.status(operation.staged):
            fs.remove_file(halfway)
        else:
            fs.rename_new(halfway, operation.staged)
    aside, here = fs.status(operation.staged), fs.status(operation.path)
    if aside and here and os.path.samestat(aside, here):
        fs.remove_file(operation.staged)


def _put_back(fs: FsOps, path: RelPath, staged: RelPath, expected: Found) -> None:
    """Give a save that raced us its place again, where `expected` stands now.

    A newer save, or a deletion, that arrives meanwhile is the person's last word and wins over it.
    """
    with suppress(*_DISPLACED):
        if expected is None:
            fs.rename_new(staged, path)
            return
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
    set_aside(fs, journal)


def _undo_one(fs: FsOps, operation: Operation) -> None:
    """Take one operation back if it was applied, and only where our own bytes stand in the way."""
    _settle(fs, operation)
    path, staged, before, after = operation
    aside = fs.found(staged)
    if after is None and aside is not None:
        for folder in reversed(parents(path)):
            _ensure_folder(fs, folder)
        _put_back(fs, path, staged, None)
    elif after is not None and aside != after and (aside is None) == (before is None) and fs.found(path) == after:
        with suppress(*_DISPLACED):
            if before is None:
                fs.rename_new(path, staged)
            else:
                fs.exchange(staged, path)
            if fs.found(staged) not in {after, None}:
                _put_back(fs, path, staged, aside)


def _ensure_folder(fs: FsOps, folder: RelPath) -> None:
    """Make a folder; where something stands already, what comes next finds out whether it is one."""
    with suppress(*_DISPLACED):
        fs.make_folder(folder)


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


def _tidy(fs: FsOps, journal: Journal) -> None:
    """Remove the folders that the deleted files leave empty, up to the project's own folders."""
    for operation in journal.operations:
        if operation.after is None:
            for folder in parents(operation.path):
                if folder in journal.floors or not _remove_if_empty(fs, folder):
                    break


def _remove_if_empty(fs: FsOps, folder: RelPath) -> bool:
    """Remove a folder that has nothing in it, or nothing but Python's own cache of what was in it."""
    cache = RelPath(f"{folder}/__pycache__")
    try:
        if fs.names(folder) == ["__pycache__"] and all(name.endswith(".pyc") for name in fs.names(cache)):
            remove_tree(fs, cache)
        fs.remove_folder(folder)
    except FileNotFoundError:
        return True
    except (OSError, LinkInTheWayError):
        return False
    return True


def _sync_parents(fs: FsOps, journal: Journal) -> None:
    """Make every name that changed durable: the targets' folders, the folders above new ones, and the stage."""
    touched: set[RelPath | None] = {journal.stage}
    for path in (*(operation.path for operation in journal.operations), *journal.folders):
        touched.add(parents(path)[0] if "/" in path else None)
    for folder in sorted(touched, key=lambda path: path or ""):
        if folder is None or is_folder(fs, folder):
            fs.sync_folder(folder)
