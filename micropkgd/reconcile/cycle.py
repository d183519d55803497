"""One pass: observe, resolve, render, plan, commit, package, report (docs/architecture.md).

A pass reads everything again, whatever triggered it. It is synchronous and has one writer, the transaction; where a
person's save races it, the commit is taken back, that entry is left out, and the rest is planned again.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import OutOfStepError
from micropkgd.model.choice import Conflict
from micropkgd.model.condition import LEFT_ALONE
from micropkgd.model.outcome import Outcome
from micropkgd.model.packaged import PackageOutcome, Step
from micropkgd.reconcile.commit.carry_out import carry_out
from micropkgd.reconcile.commit.conflicts import lay_beside
from micropkgd.reconcile.options import Following, PassOptions
from micropkgd.reconcile.plan.desire import desire
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.holds import decided, still_asked
from micropkgd.reconcile.plan.planned import Proposal
from micropkgd.reconcile.plan.proposal import Proposer
from micropkgd.reconcile.record.failures import asked_again, out_of_reach, with_last_failures
from micropkgd.reconcile.record.outcome import outcome_of
from micropkgd.reconcile.record.pass_log import give_account
from micropkgd.reconcile.record.short_way import depended_on, leave_record
from micropkgd.reconcile.record.state import caught_up, holds_after, remember, with_since
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Fetcher, Resolution, fetcher_for
from micropkgd.reconcile.resolve.modes import as_wanted, check_lock, follow_of, frozen, why_lock_holds
from micropkgd.reconcile.resolve.rules import as_signed, rules_of
from micropkgd.reconcile.this_pass import Pass
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.git import PATIENCE, checked_out, wait_for_git
from micropkgd.workspace.memory.laid import begun, beside
from micropkgd.workspace.memory.settling import watch
from micropkgd.workspace.memory.state import read_state
from micropkgd.workspace.memory.suspension import read_suspension
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import (
    Project,
    check_config,
    check_package,
    left_manifest,
    placed,
    read_project,
    with_requirements_file,
)
from micropkgd.workspace.transaction.commit import Recovery, recover
from micropkgd.workspace.transaction.kept import KEPT

if TYPE_CHECKING:
    from micropkgd.reconcile.commit.preview import Check
    from micropkgd.reconcile.package.publish import Publisher
    from micropkgd.reconcile.package.release import ReleaseOptions

_BEGUN = "nothing newer is looked for while somebody settles what lies beside"


def run_pass(
    root: str,
    options: PassOptions,
    make_fetcher: Callable[[str], Fetcher],
    *,
    check: "Check | None" = None,
    fsops: Callable[[str], FsOps] = FsOps,
) -> Outcome:
    """Bring one project into line with its manifest and lock; do nothing if it already is.

    `check` may object to a commit before it is made; what would have changed then fails, and stays as it was.
    What is wrong with one entry is in its outcome. Raises `MicropkgError` where the project as a whole cannot be
    worked on; nothing was changed then.
    """
    with fsops(root) as fs, _held(root, options):
        recovery = recover(fs) if options.apply else Recovery()
        if options.apply:
            wait_for_git(root, PATIENCE, amid=options.lock_only)
        project = _with_requirements_kept(fs, _observe(root, options), options)
        state = caught_up(fs, read_state(fs))
        options = options._replace(choices=still_asked(options.choices, state.holds))
        watched = watch(root, *depended_on(project))
        now = time.time()
        manifest, policy = project.manifest, project.manifest.policy
        fetcher = as_wanted(fetcher_for(root, manifest, make_fetcher), policy, options, now)
        lock_holds = why_lock_holds(policy, options, checked_out(root), in_conflict=project.in_conflict)
        again, away = asked_again(project, state), out_of_reach(state)
        follow = follow_of(manifest, current_blocks(project), options, lock_holds, again, away)
        kept = frozenset(fs.names(KEPT))
        this = Pass(fs, project, options, fetcher, read_suspension(fs), state, now, follow, kept)
        this = this._replace(at_work=frozenset() if this.by_lock else begun(fs, state.holds))
        resolutions = _resolve(this)
        holds = {} if this.by_lock else state.holds
        desired = desire(
            project,
            fetcher,
            resolutions,
            frozen=options.frozen,
            chosen=_taken(options),
            holds=holds,
            installs=not options.lock_only,
        )
        desired = [_with_way_out(this, one) for one in desired]
        as_locked = options.locked or options.frozen
        proposer = Proposer(fs, project, state, fetcher, options.choices, holds, as_locked)
        make = proposer.relock if options.lock_only else proposer.propose
        proposal = carry_out(proposer, make, desired, check) if options.apply else make(desired, {})
        outcome = _with_requirements(this, proposal, outcome_of(root, proposal, recovery, applied=options.apply))
        outcome = _as_kedro_sees_it(this, proposal, outcome)
        outcome = _gated(this, proposal, outcome)
        outcome = _package(this, proposal, outcome._replace(lock_holds="" if options.upgrade else lock_holds))
        outcome = with_since(this, with_last_failures(this, outcome, resolutions))
        if options.apply:
            try:
                lay_beside(fs, proposal, holds_after(this, proposal).values(), options.choices)
                after = remember(this, proposal, outcome, resolutions)
                give_account(this, outcome)
                if options.is_plain and not rules_of(root, policy, fetcher):  # of which a record knows nothing
                    leave_record(this, proposal, watched, after, outcome)
            except OSError as error:
                raise refused_by_disk(error) from error
        return outcome


@contextmanager
def _held(root: str, options: PassOptions) -> Iterator[None]:
    """Only a pass that may write needs the project for itself."""
    if not options.apply:
        yield
        return
    with hold(root, options.lock_timeout):
        yield


def _observe(root: str, options: PassOptions) -> Project:
    """Read the project as the options want it seen."""
    project = with_requirements_file(_read(root, options), options.requirements_file)
    manifest = project.manifest
    check_package(project)
    check_config(project.layout, [row.env for row in manifest.pulls] + [row.env for row in manifest.packages])
    if not options.allow_empty and not options.frozen:
        _refuse_slip(project)
    if options.locked:
        check_lock(project)
    return frozen(project) if options.frozen else project


def _with_requirements_kept(fs: FsOps, project: Project, options: PassOptions) -> Project:
    """By `--frozen` requirements stay where they stand; by `--locked` they must be where they should."""
    lock, wanted = project.lock, project.layout.requirements_place
    if lock.place == wanted or not lock.requires or not (options.locked or options.frozen):
        return project
    from micropkgd.reconcile.plan.requirements_move import is_left

    if not is_left(fs, project):  # there is nothing to move, and the lock stays as it is
        return project._replace(lock=lock._replace(place=wanted))
    if options.frozen:
        return placed(project, lock.place)
    problem = f"requirements stand in {lock.place.spoken}, and are to stand in {wanted.spoken}"
    raise OutOfStepError(problem, where="micropkg.lock", hint="run `micropkgd reconcile --once`")


def _read(root: str, options: PassOptions) -> Project:
    return read_project(root, merging=options.lock_only, manifest_text=options.manifest)


def _refuse_slip(project: Project) -> None:
    """Where rows went, or there are none, the header above them may be misspelt."""
    lost = left_manifest(project)
    if lost or not project.manifest.pulls:
        from micropkgd.workspace.lost_rows import refuse_slip

        refuse_slip(project.root, lost)


def _gated(this: Pass, proposal: Proposal, outcome: Outcome) -> Outcome:
    """By `--locked`, what was edited beside accepted edits; the gate is imported where there may be one."""
    if not this.options.locked or not any(block.edited for block in proposal.lock.blocks):
        return outcome
    from micropkgd.reconcile.record.gate import with_unaccepted

    return with_unaccepted(this, proposal, outcome)


def _with_way_out(this: Pass, desired: Desired) -> Desired:
    """What to do where the version that somebody began to settle cannot be had any more."""
    if desired.failure is None or desired.ref not in this.at_work:
        return desired
    folder = beside(this.state.holds[desired.ref].label)
    hint = f"{folder} is of that version: move it away to go on with what is newest, or bring that archive back"
    return desired._replace(failure=desired.failure._replace(hint=hint))


def _taken(options: PassOptions) -> frozenset[str]:
    """The refs of which somebody takes what they have now."""
    forward = {Conflict.TAKE, Conflict.MERGE, Conflict.JOINED}
    chosen = (ref for ref, choice in options.choices.items() if forward & {choice.rest, *choice.paths.values()})
    return options.upgrade.union(chosen)


def _resolve(this: Pass) -> Sequence[Resolution]:
    """Find the archive that answers each entry; of those that are left alone or decided on nobody is asked."""
    blocks = current_blocks(this.project)
    refs = [entry.ref.text for entry in this.project.manifest.pulls]
    known = {ref: Resolution(failure=LEFT_ALONE) for ref in refs if this.suspension.covers(ref)}
    for ref in (this.at_work - known.keys()).union(this.options.choices):
        if ref in blocks and (answer := decided(this.state.holds.get(ref), blocks[ref])) is not None:
            known[ref] = answer if ref in this.options.choices else answer._replace(notes=(_BEGUN,))
    asked = [(entry, blocks[entry.ref.text]) for entry in this.project.manifest.pulls if entry.ref.text not in known]
    answers = iter(this.fetcher.resolve(asked, this.state.known, this.follow))
    found = [known[ref] if ref in known else next(answers) for ref in refs]
    return as_signed(this.project, this.fetcher, found, this.state.holds)


def _with_requirements(this: Pass, proposal: Proposal, outcome: Outcome) -> Outcome:
    """The outcome with what installs the requirements that came or went, and what is wrong with them."""
    shared = any(change.path == this.project.layout.requirements for change in proposal.shared)
    if not shared and not (this.project.manifest.project.requires_python and _renders(proposal)):
        return outcome
    from micropkgd.reconcile.record.requirements_notes import with_requirements

    return with_requirements(this, proposal, outcome)


def _renders(proposal: Proposal) -> bool:
    return any(one.desired.rendering is not None and one.desired.rendering.requires_python for one in proposal.entries)


def _as_kedro_sees_it(this: Pass, proposal: Proposal, outcome: Outcome) -> Outcome:
    """The outcome with what Kedro would refuse or overlook of what was written; looked for where something was."""
    if not this.project.manifest.project.init_version or not any(plan.writes for plan in proposal.plan.entries):
        return outcome
    from micropkgd.reconcile.kedro.remarks import with_remarks

    return with_remarks(this.fs, this.project, proposal, outcome)


def _package(this: Pass, proposal: Proposal, outcome: Outcome) -> Outcome:
    """Pack the project's own modules that changed; the packer is imported where there is one to pack."""
    entries, left_alone = this.project.manifest.packages, this.suspension.covers
    if not entries or this.options.lock_only:
        return outcome
    from micropkgd.reconcile.package.entries import package_entries

    def make_publisher(root: str) -> "Publisher":
        from micropkgd.reconcile.package.publish import Publisher

        fetcher = this.fetcher
        return Publisher(root, fetcher.sources, fetcher.environ, fetcher.remote, fetcher.sign)

    def is_named(folder: str) -> bool:
        named = this.fetcher.sources.permits_for(this.project.root).publishing
        return named is not None and named.allows(folder)

    project = this.project._replace(lock=proposal.lock)
    wanted = [entry for entry in entries if not left_alone(entry.module)]
    packed = package_entries(
        this.fs,
        project,
        wanted,
        apply=this.options.apply,
        make_publisher=make_publisher,
        how=_release_options(this),
        outside=is_named,
    )
    done = iter(packed)
    packages = (
        PackageOutcome(entry.module, Step.NONE, failure=LEFT_ALONE) if left_alone(entry.module) else next(done)
        for entry in entries
    )
    return outcome._replace(packages=tuple(packages))


def _release_options(this: Pass) -> "ReleaseOptions | None":
    """How archives are released: their places are sources, too, and asked where sources are."""
    if all(entry.publish is None for entry in this.project.manifest.packages):
        return None
    from micropkgd.reconcile.package.release import ReleaseOptions

    asks = this.options.following is not Following.NOTHING and not this.options.offline
    return ReleaseOptions(follow=asks, full_check=this.fetcher.full_check)
