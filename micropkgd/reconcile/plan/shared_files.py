"""Changes to files with several owners: packages above entries, the requirements file, and the lock, always last."""

from collections.abc import Sequence

from micropkgd.errors import TreeError
from micropkgd.model.lock import LOCK_NAME, Lock
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.plan.requirements_file import Asking, requirements_change
from micropkgd.reconcile.plan.whole_file import WrittenChange, bytes_of, written
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project, lock_text, read_lock
from micropkgd.workspace.reading import LOCK


def shared_changes(
    fs: FsOps, project: Project, scaffolds: Sequence[RelPath], lock: Lock, asking: Sequence[Asking]
) -> tuple[WrittenChange, ...]:
    """Say what the shared files need so that they agree with a lock, and with what its entries ask for.

    Requirements that stand elsewhere come to where the layout has them.

    `RequirementsFileError` where requirements cannot be written, `TreeError` where anything else stands in the way.
    """
    missing = [path for path in sorted(set(scaffolds)) if fs.status(path) is None]
    packages = [written(path, None, b"", "makes the folder a package") for path in missing]
    return (*packages, *_requirements(fs, project, lock, asking), *lock_changes(fs, project, lock))


def _requirements(fs: FsOps, project: Project, lock: Lock, asking: Sequence[Asking]) -> tuple[WrittenChange, ...]:
    """What a pull by hand asks for is this machine's alone, and a group is for all: it gets a file's lines, or none."""
    stands = project.lock.place if project.record == LOCK_NAME else project.layout.requirements_place
    if stands != project.layout.requirements_place and (changes := _moved(fs, project, lock, asking)):
        return changes
    if not project.layout.requirements_group:
        return requirements_change(fs, project.layout, asking)
    if project.record != LOCK_NAME:
        return ()
    from micropkgd.reconcile.plan.requirements_group import group_change

    return group_change(fs, project.layout, lock, asking)


def _moved(fs: FsOps, project: Project, lock: Lock, asking: Sequence[Asking]) -> tuple[WrittenChange, ...]:
    """What a move of requirements changes; none where nothing of an entry stands where they stood."""
    from micropkgd.reconcile.plan.requirements_move import leaving, move

    left = leaving(fs, project)
    return move(fs, project.layout, lock, asking, left) if left is not None else ()


def lock_changes(fs: FsOps, project: Project, lock: Lock) -> tuple[WrittenChange, ...]:
    """The change of the lock file, if it says something new.

    Fetching may have taken long since the lock was read: one that says something else by now, as after a `git pull`,
    asks for another plan from its first step on.
    """
    if lock == project.lock and not project.in_conflict:
        return ()
    found = bytes_of(fs, project.record, at_most=LOCK)
    if project.record == LOCK_NAME and found != project.texts[LOCK_NAME] and _lock_now(project) != project.lock:
        hint = "run again when nobody else writes this file"
        raise TreeError("changed while this pass was at work", where=LOCK_NAME, hint=hint)
    return (written(project.record, found, lock_text(lock, project.record), "says what is installed"),)


def _lock_now(project: Project) -> Lock:
    return read_lock(project.root, project.layout, merging=project.in_conflict)
