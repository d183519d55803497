"""Look at a project without asking any source: how its entries stand, and whether its files are what the lock says."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from micropkgd.errors import UsageError
from micropkgd.model.tree import Digest, Found, Obstacle, RelPath, short
from micropkgd.reconcile.conflicts import beside
from micropkgd.reconcile.desired import current_blocks
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.journal import JOURNAL
from micropkgd.workspace.observe import see
from micropkgd.workspace.project import Project, read_project
from micropkgd.workspace.state import Standing, State, read_state

_EXIT_DIFFERS = 6
_NEVER = Standing("Pending", "NotLocked", "no pass has installed it yet", "")


class EntryStatus(NamedTuple):
    """How one entry stands."""

    ref: str
    target: str
    version: str
    archive: str
    standing: Standing
    drifted: tuple[RelPath, ...]


class Status(NamedTuple):
    """How a project stands."""

    root: str
    entries: tuple[EntryStatus, ...]
    interrupted: bool  # a journal waits for the next pass

    def lines(self) -> Iterator[str]:
        """For people."""
        for entry in self.entries:
            standing = entry.standing
            what = f"  {entry.version} ({short(Digest(entry.archive))})" if entry.archive else ""
            place = f" -> {entry.target}" if entry.target else ""
            yield f"{standing.state:<9} {entry.ref}{place}{what}"
            if standing.message and standing.reason != "Drifted":
                since = f", since {standing.since}" if standing.since else ""
                yield f"  {standing.reason}: {standing.message}{since}"
            yield from (f"  drifted: {path} (your edit is kept)" for path in entry.drifted)
        if self.interrupted:
            yield "an interrupted pass waits to be finished: run `micropkgd reconcile --once`"
        if not self.entries:
            yield "no entries"

    def document(self) -> dict[str, object]:
        """For programs."""
        entries = [{**entry._asdict(), "standing": entry.standing._asdict()} for entry in self.entries]
        return {"project": self.root, "interrupted": self.interrupted, "entries": entries}


class Verification(NamedTuple):
    """Which files are not what the lock says."""

    root: str
    checked: int
    differing: tuple[tuple[RelPath, str], ...]  # path, and what is there instead

    @property
    def exit_code(self) -> int:
        """6 where anything differs."""
        return _EXIT_DIFFERS if self.differing else 0

    def lines(self) -> Iterator[str]:
        """For people."""
        yield from (f"{what:<9} {path}" for path, what in self.differing)
        yield f"{self.checked} files checked, {len(self.differing)} not as locked"

    def document(self) -> dict[str, object]:
        """For programs."""
        differing = [{"path": path, "found": what} for path, what in self.differing]
        return {"project": self.root, "checked": self.checked, "differing": differing}


def status(root: str) -> Status:
    """Say how each entry stands: what the last pass left, and what the tree shows now."""
    project = read_project(root)
    blocks = current_blocks(project)
    paths = [path for block in project.lock.blocks for path in block.files]
    with FsOps(root) as fs:
        state = read_state(fs)
        found = see(fs, root, paths, state.hashes).found
        interrupted = fs.status(JOURNAL) is not None
    entries = []
    for entry in project.manifest.pulls:
        block = blocks[entry.ref.text]
        standing = _standing(state, entry.ref.text, block.target if block else None)
        drifted = tuple(path for path, digest in block.files.items() if found[path] != digest) if block else ()
        entries.append(
            EntryStatus(
                ref=entry.ref.text,
                target=block.target if block else "",
                version=block.version if block else "",
                archive=block.archive if block else "",
                standing=standing,
                drifted=drifted,
            )
        )
    return Status(root, tuple(entries), interrupted)


def verify(root: str) -> Verification:
    """Hash every file of the inventory, trusting no remembered hash."""
    project = read_project(root)
    locked = {path: digest for block in project.lock.blocks for path, digest in block.files.items()}
    with FsOps(root) as fs:
        found = see(fs, root, locked, {}).found
    differing = ((path, _instead(found[path])) for path, digest in sorted(locked.items()) if found[path] != digest)
    return Verification(root, len(locked), tuple(differing))


def require_held(root: str, ref: str) -> None:
    """`UsageError` where the last pass did not hold this entry: there is nothing to choose."""
    with FsOps(root) as fs:
        state = read_state(fs)
    project: Project = read_project(root)
    block = current_blocks(project)[ref]
    if _standing(state, ref, block.target if block else None).state != "Held":
        raise UsageError(
            f"`{ref}` is not held", hint="see `micropkgd status`; what is held is laid in " + beside("...")
        )


def read_files(root: str, paths: Iterable[RelPath]) -> dict[RelPath, bytes]:
    """The bytes of files as they are now."""
    found = {}
    for path in paths:
        with open(os.path.join(root, path), "rb") as stream:
            found[path] = stream.read()
    return found


def _standing(state: State, ref: str, target: RelPath | None) -> Standing:
    known = state.standing.get(f"{ref} -> {target or '?'}")
    if known is None:
        known = next((standing for label, standing in state.standing.items() if label.startswith(f"{ref} -> ")), None)
    if known is None and target is not None:
        return Standing("Ready", "Locked", "", "")
    return known or _NEVER


def _instead(found: Found) -> str:
    if found is None:
        return "missing"
    return found.what if isinstance(found, Obstacle) else "modified"
