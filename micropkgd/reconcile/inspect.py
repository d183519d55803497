"""Look at a project without asking any source: how its entries stand, and whether its files are what the lock says."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from micropkgd.errors import MicropkgError, TreeError, UsageError
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.manifest import PackageEntry
from micropkgd.model.packaged import Published
from micropkgd.model.status import EntryStatus, PackageStatus, ProjectStatus, worst_standing
from micropkgd.model.tree import Digest, Found, Obstacle, RelPath
from micropkgd.reconcile.blocks import current_blocks
from micropkgd.reconcile.conflicts import beside
from micropkgd.reconcile.package.jobs import job_of
from micropkgd.reconcile.package.record import Build, Builds, read_builds
from micropkgd.reconcile.suspend import LEFT_ALONE
from micropkgd.workspace.diary import Page, pages
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.journal import JOURNAL
from micropkgd.workspace.observe import see
from micropkgd.workspace.project import Project, read_by_hand, read_project
from micropkgd.workspace.reading import read_regular
from micropkgd.workspace.state import State, read_state
from micropkgd.workspace.suspension import Suspension, read_suspension

_EXIT_DIFFERS = 6
_LEFT_ALONE = Standing(Condition.SUSPENDED.value, "Suspended", LEFT_ALONE.problem, "")
_NEVER = Standing("Pending", "NotLocked", "no pass has installed it yet", "")


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


def status(root: str) -> ProjectStatus:
    """Say how each entry stands: what the last pass left, and what the tree shows now."""
    project = read_project(root)
    blocks = current_blocks(project)
    paths = [path for block in project.lock.blocks for path in block.files]
    with FsOps(root) as fs:
        state = read_state(fs)
        found = see(fs, root, paths, state.hashes).found
        interrupted = fs.status(JOURNAL) is not None
        suspension = read_suspension(fs)
        builds = read_builds(fs) if project.manifest.packages else {}
    entries = []
    for entry in project.manifest.pulls:
        block = blocks[entry.ref.text]
        standing = _standing(state, entry.ref.text, block.target if block else None)
        if suspension.covers(entry.ref.text):
            standing = _LEFT_ALONE
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
    packages = tuple(
        _package_status(project, entry, builds, suspension, state.unpacked.get(entry.module))
        for entry in project.manifest.packages
    )
    standing = worst_standing([entry.standing for entry in entries] + [package.standing for package in packages])
    return ProjectStatus(root, standing, tuple(entries), packages, interrupted=interrupted)


def _package_status(
    project: Project, entry: PackageEntry, builds: Builds, suspension: Suspension, failed: Standing | None
) -> PackageStatus:
    """How a package entry stands: as the last pass failed with it, else as far as the archives tell that were made."""
    if suspension.covers(entry.module):
        return PackageStatus(entry.module, "", "", _LEFT_ALONE)
    with suppress(MicropkgError):
        build = builds.get(job_of(project, entry).label)
        if build is not None:
            archived = build.archived
            return PackageStatus(entry.module, archived.path, archived.version, failed or _packaged(entry, build))
    return PackageStatus(
        entry.module, "", "", failed or Standing("Pending", "NotPackaged", "no pass has packaged it yet", "")
    )


def _packaged(entry: PackageEntry, build: Build) -> Standing:
    if entry.publish is None or build.published == Published(entry.publish.text, build.archived.digest):
        return Standing("Ready", "Packaged", "", "")
    return Standing("Pending", "NotPublished", f"it is packaged, and not known to be at {entry.publish.text}", "")


def verify(root: str) -> Verification:
    """Hash every file of the inventory, trusting no remembered hash."""
    project = read_project(root)
    locked = {path: digest for block in project.lock.blocks for path, digest in block.files.items()}
    with FsOps(root) as fs:
        found = see(fs, root, locked, {}).found
    differing = ((path, _instead(found[path])) for path, digest in sorted(locked.items()) if found[path] != digest)
    return Verification(root, len(locked), tuple(differing))


class Reason(NamedTuple):
    """Why one file is where it is."""

    path: str
    entry: str  # ref, or module that was packaged
    target: str
    version: str
    archive: str
    action: str = ""  # of the pass that last wrote it, as far as it is remembered
    pass_id: str = ""
    time: str = ""
    trigger: str = ""
    state: str = ""  # what stands there now, where that is not what was put there

    def document(self) -> dict[str, object]:
        """For programs."""
        return self._asdict()


def reasons(root: str, path: str) -> list[Reason]:
    """Why a file, or each file below a folder, is where it is: by the lock, pulls by hand, and accounts of passes."""
    project = read_project(root)
    owned = {block.target for block in project.lock.blocks}
    by_hand = (block for block in read_by_hand(root, project.layout).blocks if block.target not in owned)
    blocks = (*project.lock.blocks, *by_hand)
    with FsOps(root) as fs:
        found: list[Reason] = []
        remembered = list(pages(fs))
        for block in blocks:
            names = (name for name in block.files if name == path or name.startswith(f"{path}/"))
            found += [Reason(name, block.ref, block.target, block.version, block.archive) for name in names]
        for entry in project.manifest.packages:
            deeds = (deed for page in remembered for deed in page.deeds)
            made = next((deed for deed in deeds if deed.entry == entry.module and path in deed.paths), None)
            if made is not None:
                found.append(Reason(path, made.entry, made.target, made.version, made.archive))
        state = read_state(fs)
        standing = see(fs, root, [RelPath(reason.path) for reason in found], state.hashes).found
    locked = {name: digest for block in blocks for name, digest in block.files.items()}
    return [
        _with_pass(reason, remembered)._replace(
            state=_state_of(standing[RelPath(reason.path)], locked.get(RelPath(reason.path)))
        )
        for reason in found
    ]


def _with_pass(reason: Reason, remembered: Iterable[Page]) -> Reason:
    for page in remembered:
        for deed in page.deeds:
            if deed.entry == reason.entry and reason.path in deed.paths:
                return reason._replace(action=deed.action, pass_id=page.id, time=page.time, trigger=page.trigger)
    return reason


def _state_of(found: Found, locked: Digest | None) -> str:
    return "" if locked is None or found == locked else _instead(found)


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
        try:
            found[path] = read_regular(os.path.join(root, path))
        except OSError as error:
            raise TreeError(f"cannot be read: {(error.strerror or '').lower()}", where=path) from error
    return found


def _standing(state: State, ref: str, target: RelPath | None) -> Standing:
    """How an entry stood after the last pass; where it could not move yet, its new place counts and its old one."""
    known = [standing for label, standing in state.standing.items() if label.rpartition(" -> ")[0] == ref]
    if known:
        return worst_standing(known)
    return Standing("Ready", "Locked", "", "") if target is not None else _NEVER


def _instead(found: Found) -> str:
    if found is None:
        return "missing"
    return found.what if isinstance(found, Obstacle) else "modified"
