"""Makes the state that a pass leaves for the next: validators, hashes, what was applied, how each entry stands.

Written only when it says something new, so that a pass with nothing to do writes nothing (promise P11).
"""

from collections.abc import Iterator, Mapping, Sequence

from micropkgd.clock import let_grain_pass
from micropkgd.model.condition import Standing
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.lock import Block
from micropkgd.model.outcome import EntryOutcome, Outcome, Verb
from micropkgd.model.packaged import PackageOutcome
from micropkgd.model.standing import entry_standing, is_failing, package_standing, since
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.plan.holds import is_about, new_hold
from micropkgd.reconcile.plan.planned import Planned, Proposal
from micropkgd.reconcile.record.failures import failing_after
from micropkgd.reconcile.resolve.fetcher import Resolution
from micropkgd.reconcile.this_pass import Pass
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import Applied, Hold, LastAnswer, State, write_state
from micropkgd.workspace.observe import Hashes, see
from micropkgd.workspace.transaction.kept import KEPT, history


def caught_up(fs: FsOps, state: State) -> State:
    """The state without what it says of files that a later commit changed: its pass ended before it could remember.

    The lock that this commit left then says what is in the tree.
    """
    if state.commits.issuperset(fs.names(KEPT)):
        return state
    missed = [commit for commit in history(fs) if commit.id not in state.commits]
    steps = {step.path for commit in missed for step in commit.operations}
    applied = {key: one for key, one in state.applied.items() if steps.isdisjoint(one.files)}
    return state._replace(applied=applied)


def remember(this: Pass, proposal: Proposal, outcome: Outcome, resolutions: Sequence[Resolution]) -> State:
    """Write the state after a pass, unless it is the state before it."""
    before = this.state
    applied = {entry.desired.key: one for entry in proposal.entries if (one := _applied(before, entry))}
    hashes = proposal.hashes
    if proposal.plan.writes or outcome.recovered:
        hashes = _seen_again(this, proposal, {path for one in applied.values() for path in one.files})
    after = before._replace(
        hashes=hashes,
        applied=applied,
        known=_known(this, resolutions),
        standing=dict(_standings(this, outcome)),
        packages=dict(_packages(this, outcome)),
        holds=holds_after(this, proposal),
        failing=failing_after(this, outcome, resolutions),
        layouts={ours: seen for entry in proposal.entries for ours, seen in entry.layouts.items()},
    )
    if after != before:
        write_state(this.fs, after)
    return after


def holds_after(this: Pass, proposal: Proposal) -> dict[str, Hold]:
    """The holds to remember, by ref: those that the pass found, and those of which it learnt nothing."""
    before, holds = this.state.holds, dict[str, Hold]()
    for entry in proposal.entries:
        desired = entry.desired
        new = new_hold(desired, entry.plan) if entry.hold is None else None
        if new is not None:
            holds[desired.ref] = new
        elif desired.entry is not None and desired.ref in before and _goes_on(this, entry, before[desired.ref]):
            holds[desired.ref] = before[desired.ref]
    return holds


def _goes_on(this: Pass, entry: Planned, hold: Hold) -> bool:
    """Whether nothing was learnt that could end a hold."""
    desired = entry.desired
    silent = not desired.asked and (entry.plan is None or not is_about(hold, desired.before))
    out_of_reach = desired.failure is not None and desired.ref in this.at_work.union(this.options.choices)
    return entry.hold is not None or silent or out_of_reach or this.by_lock


def with_since(this: Pass, outcome: Outcome) -> Outcome:
    """Say of each entry since when it stands as it does, and of one that fails and failed before, since when."""
    return outcome._replace(
        entries=tuple(_entry_since(this, entry) for entry in outcome.entries),
        packages=tuple(_package_since(this, package) for package in outcome.packages),
    )


def _entry_since(this: Pass, entry: EntryOutcome) -> EntryOutcome:
    if entry.verb is Verb.SUSPEND:
        return entry._replace(since=this.suspension.since(entry.ref))
    before, stands = this.state.standing.get(entry.key), _standing_after(this, entry) or entry_standing(entry)
    failed_before = before.since if before is not None and is_failing(before) else ""
    return entry._replace(
        since=since(stands, before, this.stamp), failing_since=failed_before if is_failing(stands) else ""
    )


def _package_since(this: Pass, package: PackageOutcome) -> PackageOutcome:
    if package.failure is not None and package.failure.suspended:
        return package._replace(since=this.suspension.since(package.module))
    before = this.state.packages.get(package.module)
    return package._replace(since=since(package_standing(package), before, this.stamp))


def _applied(before: State, entry: Planned) -> Applied | None:
    """What an entry has on this machine: the new version where it is in the tree, else the one it had."""
    if entry.applies:
        return _of_block(entry.desired.after)
    return before.applied.get(entry.desired.key) or _of_block(entry.desired.before)


def _of_block(block: Block | None) -> Applied | None:
    return Applied(block.archive, block.files, block.version) if block is not None and block.files else None


def _seen_again(this: Pass, proposal: Proposal, paths: set[RelPath]) -> Hashes:
    """Look once more at what a commit wrote, and at what was too young, when the clock has ticked past its last write.

    What the pass saw of other files stands: where one was saved since, its next look tells.
    """
    written = {step.path for step in proposal.plan.writes}
    known = {path: one for path, one in proposal.hashes.items() if path in paths and path not in written}
    again = sorted(paths - known.keys())
    newest = max((_changed_at(this.fs, path) for path in again), default=0)
    let_grain_pass(newest)
    return {**known, **see(this.fs, this.project.root, again, {}).hashes}


def _changed_at(fs: FsOps, path: RelPath) -> int:
    """When a file changed, in nanoseconds since the epoch; 0 where there is none, or none that may be looked at."""
    try:
        status = fs.status(path)
    except PermissionError:
        return 0
    return 0 if status is None else status.st_ctime_ns


def _known(this: Pass, resolutions: Sequence[Resolution]) -> Mapping[str, LastAnswer]:
    known = {}
    for entry, resolution in zip(this.project.manifest.pulls, resolutions, strict=True):
        seen = resolution.known or this.state.known.get(entry.ref.text)
        if seen is not None:
            known[entry.ref.text] = seen
    return known


def _standings(this: Pass, outcome: Outcome) -> Iterator[tuple[EntryKey, Standing]]:
    """How the entries stand that did not leave, as far as anything is known of it."""
    for entry in outcome.entries:
        stands = _standing_after(this, entry)
        if stands is not None and entry.verb is not Verb.REMOVE:
            yield entry.key, stands


def _standing_after(this: Pass, entry: EntryOutcome) -> Standing | None:
    """How an entry stands: of one that was left alone, or whose tree was, as it did when a pass last looked at it."""
    before = this.state.standing.get(entry.key)
    if entry.verb is Verb.SUSPEND or (this.by_lock and before is not None and entry.ref in this.state.holds):
        return before
    if this.options.lock_only and (entry.failure or entry.last_failure) is None:
        return None if before is None or is_failing(before) else before
    return entry_standing(entry)


def _packages(this: Pass, outcome: Outcome) -> Iterator[tuple[str, Standing]]:
    """How the modules of the manifest stand; of one that was not tried, how it stood when it last was."""
    tried = {package.module: package for package in outcome.packages}
    for module in (entry.module for entry in this.project.manifest.packages):
        package = tried.get(module)
        if package is not None and not (package.failure is not None and package.failure.suspended):
            yield module, package_standing(package)
        elif module in this.state.packages:
            yield module, this.state.packages[module]
