"""Changes to files with several owners: packages above entries, the requirements file, and the lock, always last."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from micropkgd.errors import TreeError
from micropkgd.model import requirements
from micropkgd.model.layout import Layout
from micropkgd.model.lock import LOCK_NAME, Block, Lock
from micropkgd.model.plan import Change, Kind
from micropkgd.model.tree import Digest, Obstacle, RelPath, digest_of
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project, lock_text, read_lock

Lines = Mapping[str, tuple[str, ...]]


class Written(NamedTuple):
    """A change, and the bytes it writes."""

    change: Change
    data: bytes


def shared_changes(
    fs: FsOps, project: Project, scaffolds: Sequence[RelPath], lock: Lock, owned: Lines
) -> tuple[Written, ...]:
    """Say what the shared files need so that they agree with a lock; `TreeError` where something odd stands there.

    `owned` are the requirement lines that the entries are known to have in the requirements file.
    """
    missing = [path for path in sorted(set(scaffolds)) if fs.status(path) is None]
    packages = [_written(path, None, b"", "makes the folder a package") for path in missing]
    return (*packages, *_requirements(fs, project, lock, owned), *lock_changes(fs, project, lock))


def lock_changes(fs: FsOps, project: Project, lock: Lock) -> tuple[Written, ...]:
    """The change of the lock file, if it says something new.

    Fetching may have taken long since the lock was read: one that says something else by now, as after a `git pull`,
    asks for another plan from its first step on.
    """
    if lock == project.lock and not project.in_conflict:
        return ()
    before = _digest(_bytes(fs, project.record))
    if project.record == LOCK_NAME and _lock_now(project) != project.lock:
        hint = "run again when nobody else writes this file"
        raise TreeError("changed while this pass was at work", where=LOCK_NAME, hint=hint)
    return (_written(project.record, before, lock_text(lock, project.record), "says what is installed"),)


def _lock_now(project: Project) -> Lock:
    return read_lock(project.root, project.layout, merging=project.in_conflict)


def contents_of(written: Iterable[Written]) -> dict[Digest, bytes]:
    """The bytes that changes write, by digest."""
    return {one.change.after: one.data for one in written if one.change.after is not None}


def requirement_lines(blocks: Sequence[Block], layout: Layout) -> Lines:
    """Requirement lines by the label of the entry that owns them."""
    prefix = f"{layout.package_folder}/"
    return {
        block.target.removeprefix(prefix).replace("/", "."): block.requirements
        for block in blocks
        if block.requirements
    }


def _requirements(fs: FsOps, project: Project, lock: Lock, owned: Lines) -> tuple[Written, ...]:
    layout = project.layout
    wanted = requirement_lines(lock.blocks, layout)
    if fs.status(layout.requirements) is None:
        owned = {}
    if owned == wanted:
        return ()
    # What the change is made from is also what it may replace: a save after this one look must refuse the commit.
    found = _bytes(fs, layout.requirements)
    text = _text(layout.requirements, found) if found is not None else _seed(fs, layout)
    updated = requirements.update(text, owned if found is not None else {}, wanted)
    if updated == text:
        return ()
    return (_written(layout.requirements, _digest(found), updated.encode(), "requirements of the entries"),)


def _seed(fs: FsOps, layout: Layout) -> str:
    return _text(layout.requirements_seed, _bytes(fs, layout.requirements_seed) or b"")


def _bytes(fs: FsOps, path: RelPath) -> bytes | None:
    """The bytes of a shared file, looked at once; None where there is none."""
    found = fs.found(path)
    if isinstance(found, Obstacle):
        raise TreeError(f"{found.what} stands in the way", where=path, hint="move it away and run again")
    try:
        return None if found is None else fs.read(path)
    except FileNotFoundError:  # somebody took it away between the two looks
        return None


def _text(path: RelPath, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TreeError("the requirements file is not UTF-8", where=path, hint="save it as UTF-8") from error


def _digest(data: bytes | None) -> Digest | None:
    return None if data is None else digest_of(data)


def _written(path: RelPath, before: Digest | None, data: bytes, reason: str) -> Written:
    kind = Kind.CREATE if before is None else Kind.UPDATE
    return Written(Change(kind, path, before, digest_of(data), reason), data)
