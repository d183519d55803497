"""One pass: observe, resolve, render, plan, commit, report (design.md section 5).

A pass reads everything again, whatever triggered it. It is synchronous and has one writer, the transaction; where a
person's save races it, the commit is taken back, that entry is left out, and the rest is planned again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from micropkgd.errors import OutOfStepError, TreeError
from micropkgd.model.condition import EntryOutcome, Failure, Installed, Outcome
from micropkgd.model.lock import LOCK_NAME, Block
from micropkgd.model.manifest import Update
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.conflicts import lay_beside
from micropkgd.reconcile.desired import Desired, current_blocks, desire
from micropkgd.reconcile.options import Options
from micropkgd.reconcile.propose import Proposal, Proposer
from micropkgd.reconcile.remember import remember
from micropkgd.reconcile.rendering import RENDERER, requested
from micropkgd.reconcile.resolve import Fetcher, Follow
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.hold import hold
from micropkgd.workspace.observe import Hashes, wait_for_git
from micropkgd.workspace.project import Project, read_project, with_requirements_file
from micropkgd.workspace.root import MANIFEST_NAME
from micropkgd.workspace.settled import Signature, Watched, can_settle, settle, watch
from micropkgd.workspace.state import read_state
from micropkgd.workspace.transaction import Refusal, commit, recover

GIT_PATIENCE = 10.0  # seconds
_TRIES = 5  # to plan anew around somebody who writes a file that entries share


def run_pass(
    root: str, options: Options, make_fetcher: Callable[[str], Fetcher], *, fsops: Callable[[str], FsOps] = FsOps
) -> Outcome:
    """Bring one project into line with its manifest and lock; do nothing if it already is.

    What is wrong with one entry is in its outcome. Raises `MicropkgError` where the project as a whole cannot be
    worked on; nothing was changed then.
    """
    with fsops(root) as fs, _held(root, options):
        recovered = options.apply and recover(fs) is not None
        if options.apply:
            wait_for_git(root, GIT_PATIENCE)
        project, state = with_requirements_file(read_project(root), options.requirements_file), read_state(fs)
        project = _frozen(project) if options.frozen else project
        if options.locked:
            check_lock(project)
        watched = watch(root, *_depended_on(project))
        fetcher = make_fetcher(root)._replace(
            protocols=project.manifest.policy.protocols,
            requires_python=project.manifest.project.requires_python,
            allow_downgrade=options.allow_downgrade,
        )
        blocks = current_blocks(project)
        entries = [(entry, blocks[entry.ref.text]) for entry in project.manifest.pulls]
        resolutions = fetcher.resolve(entries, state.known, _follow(project, options))
        desired = desire(project, fetcher, resolutions, frozen=options.frozen)
        proposer = Proposer(fs, project, state, fetcher, options.choices)
        make = proposer.relock if options.lock_only else proposer.propose
        proposal = carry_out(proposer, make, desired) if options.apply else make(desired, {})
        outcome = outcome_of(root, proposal, recovered=recovered, applied=options.apply)
        if options.apply:
            try:
                lay_beside(fs, proposal)
                state = remember(fs, project, state, proposal, outcome, resolutions)
                if options.is_plain and can_settle(outcome):
                    _leave_record(fs, project, proposal, watched, state.hashes, outcome)
            except OSError as error:
                raise refused_by_disk(error) from error
        return outcome


def carry_out(
    proposer: Proposer, make: Callable[[Sequence[Desired], Mapping[str, Failure]], Proposal], desired: list[Desired]
) -> Proposal:
    """Commit what is proposed; leave out, one by one, the entries that race with a person or that the disk refuses."""
    refused: dict[str, Failure] = {}
    shared_races = 0
    while True:
        proposal = make(desired, refused)
        if not proposal.plan.writes:
            return proposal
        layout = proposer.project.layout
        floors = frozenset(RelPath(folder) for folder in (layout.source_dir, layout.package_folder, layout.conf_dir))
        refusal = commit(proposer.fs, proposal.plan.writes, proposal.contents, floors)
        if refusal is None:
            return proposal
        culprit = _owner(proposal, refusal.path)
        if culprit is not None and culprit not in refused:
            refused[culprit] = _failure_of(refusal)
        elif not refusal.raced or shared_races == _TRIES or refusal.path == LOCK_NAME:
            # A lock that somebody else wrote, as git does, may ask for another plan from its first step on.
            hint = "run again when nobody else writes this file" if refusal.raced else "see `ls -ld` of its folder"
            raise TreeError(refusal.problem, where=refusal.path, hint=hint)
        else:
            shared_races += 1


def _owner(proposal: Proposal, path: RelPath) -> str | None:
    return next(
        (plan.ref for plan in proposal.plan.entries if any(change.path == path for change in plan.writes)), None
    )  # fmt: skip


def _failure_of(refusal: Refusal) -> Failure:
    if refusal.raced:
        return Failure(4, "Raced", f"{refusal.path} {refusal.problem}", "the next pass looks again", transient=True)
    return Failure(1, "Tree", f"{refusal.path}: {refusal.problem}", "see `ls -ld` of its folder")


@contextmanager
def _held(root: str, options: Options) -> Iterator[None]:
    """Only a pass that may write needs the project for itself."""
    if not options.apply:
        yield
        return
    with hold(root, options.lock_timeout):
        yield


def check_lock(project: Project) -> None:
    """Manifest and lock must say the same; `OutOfStepError` names the first entry that differs."""
    blocks = current_blocks(project)
    for entry in project.manifest.pulls:
        block = blocks[entry.ref.text]
        if block is None or block.requested != requested(entry, project.layout) or block.renderer != RENDERER:
            what = "is not locked" if block is None else "changed since it was locked"
            raise OutOfStepError(f"`{entry.ref.text}` {what}", where="micropkg.lock", hint="run `micropkgd lock`")
    for extra in project.lock.blocks:
        if extra.ref not in blocks:
            raise OutOfStepError(f"`{extra.ref}` is locked but not in the manifest", where="micropkg.lock")


def _frozen(project: Project) -> Project:
    """The project as if the manifest asked for what is locked and nothing else; nothing is pruned."""
    locked = {block.ref for block in project.lock.blocks}
    manifest = project.manifest._replace(
        pulls=tuple(entry for entry in project.manifest.pulls if entry.ref.text in locked),
        policy=project.manifest.policy._replace(prune=False),
    )
    return project._replace(manifest=manifest)


def _follow(project: Project, options: Options) -> dict[str, Follow]:
    """Whether each entry follows its ref or stays with the lock."""
    stay = options.locked or options.frozen or project.manifest.policy.update is Update.LOCKED
    follow = {}
    for entry in project.manifest.pulls:
        out_of_reach = options.offline and entry.ref.kind is not RefKind.LOCAL
        locked = (stay and entry.ref.text not in options.upgrade) or out_of_reach
        follow[entry.ref.text] = Follow.LOCK if locked else Follow.REFS
    return follow


def _depended_on(project: Project) -> tuple[list[str], list[str]]:
    """The files and folders besides the installed ones that decide what a pass comes to."""
    layout = project.layout
    settings = f"{layout.package_folder}/settings.py"
    archives = [entry.ref.location for entry in project.manifest.pulls if entry.ref.kind is RefKind.LOCAL]
    folders = ["tests", f"{layout.source_dir}/tests"]
    return [MANIFEST_NAME, settings, *archives], folders


def _leave_record(
    fs: FsOps, project: Project, proposal: Proposal, watched: Watched, hashes: Hashes, outcome: Outcome
) -> None:
    """Let the next pass take the short way, if what was read is still what stands there."""
    if any(entry.ref.kind is not RefKind.LOCAL for entry in project.manifest.pulls):
        return
    # These two the pass itself may just have written.
    written = watch(project.root, (LOCK_NAME, project.layout.requirements), ())
    installed: dict[RelPath, Signature | None] = {}
    for path in (path for entry in proposal.entries for path in entry.desired.files):
        if path not in hashes and fs.status(path) is not None:
            return
        installed[path] = hashes[path][0] if path in hashes else None
    if read_project(project.root) == project._replace(lock=proposal.lock):
        depended_on = watched._replace(files={**watched.files, **written.files})
        settle(fs, project.root, depended_on, installed, outcome)


def outcome_of(root: str, proposal: Proposal, *, recovered: bool, applied: bool) -> Outcome:
    """What a proposal came to, or in a dry run would come to."""
    locked = proposal.lock.by_key()
    entries = []
    for desired, plan in ((entry.desired, entry.plan) for entry in proposal.entries):
        target = desired.target
        after = locked.get((desired.ref, target)) if target is not None else None
        block = desired.after or desired.before
        entries.append(
            EntryOutcome(
                ref=desired.ref,
                target=target,
                name=block.name if block else "",
                before=_installed(desired.before),
                after=_installed(after),
                plan=plan,
                failure=desired.failure,
                notes=desired.notes,
                waiting=_installed(desired.after) if plan is not None and plan.held else None,
            )
        )
    return Outcome(
        root, tuple(entries), proposal.shared, applied=applied, recovered=recovered, contents=proposal.contents
    )


def _installed(block: Block | None) -> Installed | None:
    return Installed(block.version, block.archive) if block else None
