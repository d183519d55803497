"""How a project and its entries stand: what the last pass left, and what the tree shows now. Asks no source."""

from contextlib import suppress

from micropkgd.errors import MicropkgError, UsageError
from micropkgd.model.condition import LEFT_ALONE, Condition, Standing
from micropkgd.model.manifest import PackageEntry
from micropkgd.model.packaged import Published
from micropkgd.model.status import EntryStatus, PackageStatus, ProjectStatus, worst_standing
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.commit.conflicts import beside
from micropkgd.reconcile.package.jobs import job_of
from micropkgd.reconcile.package.record import Build, Builds, read_builds
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import State, read_state
from micropkgd.workspace.memory.suspension import Suspension, read_suspension
from micropkgd.workspace.observe import see
from micropkgd.workspace.project import Project, read_project
from micropkgd.workspace.transaction.journal import JOURNAL

_LEFT_ALONE = Standing(Condition.SUSPENDED.value, "Suspended", LEFT_ALONE.problem, "")
_NEVER = Standing("Pending", "NotLocked", "no pass has installed it yet", "")


def project_status(root: str) -> ProjectStatus:
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


def _standing(state: State, ref: str, target: RelPath | None) -> Standing:
    """How an entry stood after the last pass; where it could not move yet, its new place counts and its old one."""
    known = [standing for key, standing in state.standing.items() if key.ref == ref]
    if known:
        return worst_standing(known)
    return Standing("Ready", "Locked", "", "") if target is not None else _NEVER
