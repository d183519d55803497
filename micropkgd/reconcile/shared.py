"""Changes to files with several owners: packages above entries, the requirements file, and the lock, always last."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from micropkgd.errors import TreeError
from micropkgd.model import requirements
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block, Lock
from micropkgd.model.plan import Change, Kind
from micropkgd.model.tree import Digest, Obstacle, RelPath, digest_of
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project, lock_text

Lines = Mapping[str, tuple[str, ...]]


class Shared(NamedTuple):
    """The changes, and the bytes they write."""

    changes: tuple[Change, ...]
    contents: Mapping[Digest, bytes]


def shared_changes(fs: FsOps, project: Project, scaffolds: Sequence[RelPath], lock: Lock, owned: Lines) -> Shared:
    """Say what the shared files need so that they agree with a lock; `TreeError` where something odd stands there.

    `owned` are the requirement lines that the entries are known to have in the requirements file.
    """
    contents: dict[Digest, bytes] = {}
    missing = [path for path in sorted(set(scaffolds)) if fs.status(path) is None]
    changes = [_write(fs, path, b"", contents, "makes the folder a package") for path in missing]
    if (change := _requirements(fs, project, lock, owned, contents)) is not None:
        changes.append(change)
    return Shared((*changes, *lock_changes(fs, project, lock, contents)), contents)


def lock_changes(fs: FsOps, project: Project, lock: Lock, contents: dict[Digest, bytes]) -> tuple[Change, ...]:
    """The change of the lock file, if it says something new; its bytes go to `contents`."""
    if lock == project.lock:
        return ()
    return (_write(fs, project.record, lock_text(lock, project.record), contents, "says what is installed"),)


def requirement_lines(blocks: Sequence[Block], layout: Layout) -> Lines:
    """Requirement lines by the label of the entry that owns them."""
    prefix = f"{layout.package_folder}/"
    return {
        block.target.removeprefix(prefix).replace("/", "."): block.requirements
        for block in blocks
        if block.requirements
    }


def _requirements(
    fs: FsOps, project: Project, lock: Lock, owned: Lines, contents: dict[Digest, bytes]
) -> Change | None:
    layout = project.layout
    wanted = requirement_lines(lock.blocks, layout)
    exists = fs.status(layout.requirements) is not None
    if not exists:
        owned = {}
    if owned == wanted:
        return None
    text = _text(fs, layout.requirements if exists else layout.requirements_seed)
    updated = requirements.update(text, owned, wanted)
    if updated == text:
        return None
    return _write(fs, layout.requirements, updated.encode(), contents, "requirements of the entries")


def _text(fs: FsOps, path: RelPath) -> str:
    """The text of a requirements file; an empty one where there is none."""
    found = fs.found(path)
    if isinstance(found, Obstacle):
        raise TreeError(f"{found.what} stands where the requirements file should be", where=path)
    if found is None:
        return ""
    try:
        return fs.read(path).decode()
    except UnicodeDecodeError as error:
        raise TreeError("the requirements file is not UTF-8", where=path, hint="save it as UTF-8") from error


def _write(fs: FsOps, path: RelPath, data: bytes, contents: dict[Digest, bytes], reason: str) -> Change:
    before = fs.found(path)
    if isinstance(before, Obstacle):
        raise TreeError(f"{before.what} stands in the way", where=path, hint="move it away and run again")
    after = digest_of(data)
    contents[after] = data
    return Change(Kind.CREATE if before is None else Kind.UPDATE, path, before, after, reason)
