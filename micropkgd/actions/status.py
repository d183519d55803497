"""Reports how a project and its entries stand: what the last pass left, and what the tree shows. Asks no source."""

from collections.abc import Collection, Mapping
from contextlib import suppress

from micropkgd.errors import MicropkgError, UsageError
from micropkgd.model.choice import Conflict
from micropkgd.model.collision import HeldQuestion
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.entry_key import NOWHERE, EntryKey
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block
from micropkgd.model.package_entry import PackageEntry
from micropkgd.model.pull_entry import PullEntry, stays_deleted
from micropkgd.model.standing import (
    AHEAD,
    LEAVING,
    LOCKED,
    NOT_LOCKED,
    NOT_PACKAGED,
    UNRELEASED,
    behind,
    in_sync,
    left_alone,
    unreleased,
    worst_standing,
)
from micropkgd.model.status import EntryStatus, PackageStatus, ProjectStatus, status_of
from micropkgd.model.tree import LEFT_OUT, Digest, Found, RelPath
from micropkgd.reconcile.package.jobs import job_of
from micropkgd.reconcile.package.record import Build, Builds, read_builds
from micropkgd.reconcile.plan.facts import tree_version
from micropkgd.reconcile.plan.holds import is_about
from micropkgd.reconcile.resolve.blocks import current_blocks, is_of_row
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.laid import beside, read_laid
from micropkgd.workspace.memory.state import Hold, State, read_state
from micropkgd.workspace.memory.suspension import Suspension, read_suspension
from micropkgd.workspace.observe import as_texts, see, unfetched
from micropkgd.workspace.project import Project, read_project
from micropkgd.workspace.transaction.journal import JOURNAL


def project_status(root: str, stale_before: str = "") -> ProjectStatus:
    """Say how each entry stands: what the last pass left, and what the tree shows now.

    What began to fail before `stale_before` (ISO 8601, UTC) makes its entry stale.
    """
    project = read_project(root)
    paths = [path for block in project.lock.blocks for path in block.paths]
    with FsOps(root) as fs:
        state = read_state(fs)
        there = see(fs, root, paths, state.hashes).found
        found = as_texts(fs, there, _locked(project))
        pointers = unfetched(fs, paths, there, found)
        interrupted = fs.status(JOURNAL) is not None
        suspension = read_suspension(fs)
        builds = read_builds(fs) if project.manifest.packages else {}
        questions = {ref: _question(fs, hold) for ref, hold in state.holds.items()}
    blocks = current_blocks(project)
    leaving = {block.ref: block for block in project.lock.blocks if block.ref not in blocks}
    left = _by_ref(state)
    rows = {entry.ref.text: entry for entry in project.manifest.pulls}
    entries = [
        _entry_status(ref, block, state, left.get(ref, {}), suspension, found, pointers, rows.get(ref)).asked(
            questions.get(ref, HeldQuestion())
        )
        for ref, block in {**blocks, **leaving}.items()
    ]
    entries = [_by_row(one, rows.get(one.ref), blocks.get(one.ref), project.layout) for one in entries]
    packages = [_package_status(project, entry, builds, suspension, state) for entry in project.manifest.packages]
    return status_of(root, entries, packages, stale_before)._replace(interrupted=interrupted)


def _question(fs: FsOps, hold: Hold) -> HeldQuestion:
    """What a held entry asks, as far as it lies beside."""
    laid, folder = read_laid(fs, hold.label), beside(hold.label)
    if laid is None or not laid.is_of(hold):
        return HeldQuestion()
    return HeldQuestion(folder, is_laid=True, decided=laid.choices, joined=tuple(laid.merged), marked=laid.marked)


def _locked(project: Project) -> Mapping[RelPath, set[Digest]]:
    known: dict[RelPath, set[Digest]] = {}
    for path, digest in (pair for block in project.lock.blocks for one in block.versions for pair in one.files.items()):
        known.setdefault(path, set()).add(digest)
    return known


def _entry_status(
    ref: str,
    block: Block | None,
    state: State,
    known: Mapping[EntryKey, Standing],
    suspension: Suspension,
    found: Mapping[RelPath, Found],
    pointers: Collection[RelPath],
    row: PullEntry | None,
) -> EntryStatus:
    """How an entry stands by the lock; one that left the manifest has no row."""
    standing = left_alone(suspension.since(ref)) if suspension.covers(ref) else _standing(known, block)
    if row is None and standing.state == Condition.READY.value:
        standing = LEAVING
    hold = state.holds.get(ref)
    waiting = hold.version if hold is not None and is_about(hold, block) else ""
    if block is None:  # one that is held since its first pull has a place all the same
        target = next((key.target for key in known), NOWHERE)
        return EntryStatus(ref, target, "", "", standing, waiting=waiting)
    there = tree_version(block, found)
    if there != block.made and standing.state == Condition.READY.value:
        standing, waiting = behind(block.version), block.version
    deleted = {path for path in there.files if row is not None and stays_deleted(path, row.keep_deleted)}
    signed_by = block.signed.identity if block.signed is not None else ""
    status = EntryStatus(
        ref, block.target, there.version, there.archive, standing, waiting=waiting, signed_by=signed_by
    )
    drifted = [path for path, digest in there.files.items() if found[path] not in {digest, None, LEFT_OUT}]
    missing = [path for path in there.files if found[path] is None and path not in deleted]
    formatted = (path for path in drifted if state.is_formatted(there.files[path], found[path]))
    left_out = (path for path in there.files if found[path] == LEFT_OUT)
    return status.in_tree(drifted, missing, formatted, left_out, (path for path in there.files if path in pointers))


def _by_row(status: EntryStatus, row: PullEntry | None, block: Block | None, layout: Layout) -> EntryStatus:
    """How an entry stands by its row in the manifest, too: what is locked may have been for another."""
    if row is None:
        return status
    is_ready = status.standing.state == Condition.READY.value
    if is_ready and block is not None and not is_of_row(block, row, layout):
        status = status._replace(standing=AHEAD)
    return status._replace(index_url=row.index_url or "")


def _package_status(
    project: Project, entry: PackageEntry, builds: Builds, suspension: Suspension, state: State
) -> PackageStatus:
    """How a package entry stands: as the last pass failed with it, else as far as the archives tell that were made."""
    if suspension.covers(entry.module):
        return PackageStatus(entry.module, "", "", left_alone(suspension.since(entry.module)))
    build: Build | None = None
    with suppress(MicropkgError):
        build = builds.get(job_of(project, entry).label)
    known = state.packages.get(entry.module, in_sync(""))
    standing = known if known.state != Condition.READY.value else _packaged(entry, build, known)
    path, version = (build.archived.path, build.archived.version) if build is not None else ("", "")
    return PackageStatus(entry.module, path, version, standing)


def _packaged(entry: PackageEntry, build: Build | None, known: Standing) -> Standing:
    if build is None:
        return NOT_PACKAGED
    ahead = known.reason == UNRELEASED
    if entry.publish is None or build.is_at(entry.publish.text):
        return in_sync("") if ahead else known  # by hand, since the last pass
    return known if ahead else unreleased(f"it is not known to be at {entry.publish.text}", "")


def require_choice(root: str, ref: str, choice: Conflict) -> None:
    """`UsageError` where there is nothing to choose: the last pass did not hold this entry.

    `--take` is also how a person takes their edits of an entry back.
    """
    with FsOps(root) as fs:
        state = read_state(fs)
        block = current_blocks(read_project(root)).get(ref)
        found = see(fs, root, block.files, state.hashes).found if block is not None else {}
    drifted = block is not None and any(found[path] not in {digest, LEFT_OUT} for path, digest in block.files.items())
    hold = state.holds.get(ref)
    if hold is not None and hold.step_back and choice is Conflict.KEEP:
        problem = f"`{ref}` is held because its ref went back to {hold.version}; it keeps what it has without a word"
        raise UsageError(problem, hint="`--take` installs the other one; a pin (`sha256` in its row) ends the question")
    held = hold is not None or _standing(_by_ref(state).get(ref, {}), block).state == Condition.HELD.value
    if not held and not (choice is Conflict.TAKE and drifted):
        raise UsageError(
            f"`{ref}` is not held",
            hint="see `micropkgd status`; what must be decided is held by a pass: `micropkgd reconcile --once`",
        )


def _by_ref(state: State) -> Mapping[str, Mapping[EntryKey, Standing]]:
    """What the last pass left of each entry, by its places: an entry that could not move yet has its old one, too."""
    found: dict[str, dict[EntryKey, Standing]] = {}
    for key, standing in state.standing.items():
        found.setdefault(key.ref, {})[key] = standing
    return found


def _standing(known: Mapping[EntryKey, Standing], block: Block | None) -> Standing:
    """How an entry stood after the last pass, in all its places."""
    if known:
        return worst_standing(list(known.values()))
    return LOCKED if block is not None else NOT_LOCKED
