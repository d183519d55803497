"""The short way of the next pass: what it depends on, and the record that lets it be taken where nothing moved."""

from collections.abc import Iterator, Mapping

from micropkgd.model.lock import LOCK_NAME, Lock
from micropkgd.model.outcome import Outcome
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.news import asking
from micropkgd.reconcile.plan.planned import Planned, Proposal
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Follow
from micropkgd.reconcile.resolve.question import EntryQuestion
from micropkgd.reconcile.this_pass import Pass
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.settled import Signature
from micropkgd.workspace.memory.settling import AskedSources, Watched, can_settle, settle, watch
from micropkgd.workspace.memory.state import STATE, State
from micropkgd.workspace.memory.suspension import SUSPENDED
from micropkgd.workspace.project import Project, see_layout, texts_now
from micropkgd.workspace.root import MANIFEST_NAME


def depended_on(project: Project) -> tuple[list[str], list[str]]:
    """The files and folders besides the installed ones that decide what a pass comes to."""
    layout = project.layout
    folders = ["tests", f"{layout.source_dir}/tests"]
    return [MANIFEST_NAME, *layout.settings, SUSPENDED, *_archives(project)], folders


def leave_record(this: Pass, proposal: Proposal, watched: Watched, after: State, outcome: Outcome) -> None:
    """Let the next pass take the short way, if it would find nothing to do and to say."""
    fs, project = this.fs, this.project
    if not can_settle(outcome) or after.holds:
        return
    if _have_more(this, proposal, after):
        return
    hashes = after.hashes
    # These the pass itself may just have written; the manifest, too, where it had the requirements.
    places = [project.layout.requirements, *({project.lock.place.path} & watched.files.keys())]
    written = watch(project.root, (LOCK_NAME, STATE, *places, *_records(project)), ())
    installed: dict[str, Signature | None] = {}
    for entry, path in _installed(proposal):
        if path not in hashes and (_may_stand(fs, path) or not _was_away(entry, path)):
            return
        installed[path] = hashes[path][0] if path in hashes else None
    packaged = _packaged(fs, project)
    if packaged is not None and _is_as_used(project, proposal):
        before = watched._replace(files={**watched.files, **written.files})
        settle(fs, project.root, before, {**installed, **packaged}, outcome, _asked(project, proposal.lock, after))


def _is_as_used(project: Project, proposal: Proposal) -> bool:
    """Whether manifest and lock are what the pass has read or written, to the byte, and the layout is as it was."""
    written = {step.path: proposal.contents[step.after] for step in proposal.shared if step.after is not None}
    used = {name: written.get(RelPath(name), text) for name, text in project.texts.items()}
    return texts_now(project.root) == used and see_layout(project.root, project.manifest) == project.layout


def _archives(project: Project) -> dict[str, None]:
    """The archives that lie on this machine."""
    pulls = project.manifest.pulls
    return {entry.ref.location: None for entry in pulls if entry.ref.kind is RefKind.LOCAL}


def _asked(project: Project, lock: Lock, after: State) -> AskedSources:
    """Where the entries come from, and who signed them."""
    pulls, blocks = project.manifest.pulls, current_blocks(project._replace(lock=lock))
    signed = {block.ref: block.signed.identity for block in lock.blocks if block.signed is not None}
    origins = {entry.ref.text: (entry.index_url or "", signed.get(entry.ref.text, "")) for entry in pulls}
    questions = [
        EntryQuestion.of(entry, blocks[entry.ref.text], after.known.get(entry.ref.text))
        for entry in pulls
        if entry.ref.kind is not RefKind.LOCAL
    ]
    return AskedSources(_archives(project), asking(project.manifest, questions), origins)


def _records(project: Project) -> list[RelPath]:
    """What is known of the archives that were made; without it nothing is said of them."""
    if not project.manifest.packages:
        return []
    from micropkgd.reconcile.package.record import BUILDS

    return [BUILDS]


def _have_more(this: Pass, proposal: Proposal, after: State) -> bool:
    """Whether a pass that follows would find other archives than what is locked, as far as this one can tell."""
    locked = {(block.ref, block.archive) for block in proposal.lock.blocks}
    for entry in this.project.manifest.pulls:
        known, ref = after.known.get(entry.ref.text), entry.ref.text
        follows = this.follow[ref] is Follow.REFS or (ref, entry.sha256) in locked
        if not follows and (known is None or (ref, known.archive) not in locked):
            return True
    return False


def _installed(proposal: Proposal) -> Iterator[tuple[Planned, RelPath]]:
    return ((entry, path) for entry in proposal.entries for path in entry.desired.files)


def _was_away(entry: Planned, path: RelPath) -> bool:
    """Whether the pass left a path empty; one that is so now may have been emptied since by a person."""
    plan, subject = entry.plan, entry.subject
    if plan is None or subject is None:
        return True
    return subject.found.get(path) is None and all(change.path != path for change in plan.changes)


def _may_stand(fs: FsOps, path: RelPath) -> bool:
    try:
        return fs.status(path) is not None
    except PermissionError:
        return True


def _packaged(fs: FsOps, project: Project) -> Mapping[str, Signature | None] | None:
    """What the project's own archives were made from, and they themselves; None where one has to be made."""
    if not project.manifest.packages:
        return {}
    from micropkgd.reconcile.package.entries import looked_at

    return looked_at(fs, project)
