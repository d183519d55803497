"""Makes the outcome of a pass."""

from micropkgd.model.entry_key import NOWHERE
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome
from micropkgd.model.plan import EntryPlan
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.planned import Proposal
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.transaction.commit import Recovery


def outcome_of(root: str, proposal: Proposal, recovery: Recovery, *, applied: bool) -> Outcome:
    """What a proposal came to, or in a dry run would come to."""
    locked = proposal.lock.by_key()
    entries = []
    for desired, plan, hold, question in ((one.desired, one.plan, one.hold, one.question) for one in proposal.entries):
        target = desired.target
        keys = [desired.key, *([desired.before.key] if desired.before is not None else [])]
        after = next((locked[key] for key in keys if key in locked), None)
        block = desired.after or desired.before
        entries.append(
            EntryOutcome(
                ref=desired.ref,
                target=target,
                name=block.name if block else "",
                before=Installed.of(desired.before),
                after=Installed.of(after),
                plan=plan,
                failure=desired.failure,
                notes=desired.notes,
                remarks=desired.remarks,
                moved_from=_moved_from(desired, plan),
                waiting=_waiting(desired, plan, hold),
                step_back=desired.step_back,
                signed_by=after.signed.identity if after is not None and after.signed is not None else "",
                question=question if applied or question.is_laid else question._replace(folder=NOWHERE),
                index_url=(desired.entry.index_url or "") if desired.entry is not None else "",
            )
        )
    return Outcome(
        root,
        tuple(entries),
        shared=proposal.shared,
        applied=applied,
        recovered=recovery.journal is not None,
        set_aside=recovery.foreign,
        contents=proposal.contents,
    )


def _waiting(desired: Desired, plan: EntryPlan | None, hold: Hold | None) -> Installed | None:
    """The version that somebody must choose for, or that waits for a checkout that has all files."""
    hold = hold or desired.held_back
    if hold is not None:
        return Installed(hold.version, hold.archive)
    return Installed.of(desired.after if plan is not None and plan.held else desired.waits)


def _moved_from(desired: Desired, plan: EntryPlan | None) -> RelPath:
    """Where an entry's code stood that has come to another place, in the tree or, by `lock`, in the lock alone."""
    before, after = desired.before, desired.after
    if before is None or after is None or (plan is not None and plan.held):
        return NOWHERE
    old = before.made if before.superseded is None or plan is None else before.superseded
    writes = plan is None or bool(plan.writes)
    return old.target if old.target != after.target and writes else NOWHERE
