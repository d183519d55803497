"""Keeps holds: what is known of a held entry stays known until something newer is learnt of its source. Pure.

A pass that asked nobody, or got no answer, keeps a hold: only three things end one. The local edit is gone, the waiting
version is replaced by one that fits, or somebody resolves it.
"""

from collections.abc import Mapping

from micropkgd.model.choice import Decision
from micropkgd.model.lock import Block, Release
from micropkgd.model.plan import Change, ChangeKind, EntryPlan
from micropkgd.model.tree import Found, RelPath
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.resolve.fetcher import Resolution
from micropkgd.workspace.memory.state import Hold


def plan_with_hold(desired: Desired, plan: EntryPlan, found: Mapping[RelPath, Found], hold: Hold) -> EntryPlan | None:
    """The plan of an entry that an earlier pass found held, where this one learnt nothing newer; None if it did."""
    if desired.asked or plan.held or not is_about(hold, desired.before) or not _stands(hold, desired.before, found):
        return None
    return plan if desired.failure is not None else _held(plan, hold, found)


def decided(hold: Hold | None, block: Block | None) -> Resolution | None:
    """What a person decides on: the very version that waits, whatever its source has by now."""
    if hold is None or not is_about(hold, block):
        return None
    release = Release(hold.name, hold.version, hold.url, hold.index_url) if hold.index_url else None
    return Resolution(hold.archive, release=release, asked=True)


def is_about(hold: Hold, block: Block | None) -> bool:
    """Whether a hold was found where this is installed: another branch's lock says nothing of this one's edits."""
    return hold.base == (block.archive if block is not None else "")


def still_asked(choices: Mapping[str, Decision], holds: Mapping[str, Hold]) -> Mapping[str, Decision]:
    """What was decided on the very version that waits by now, or on whichever waits."""
    return {
        ref: decision
        for ref, decision in choices.items()
        if decision.waiting is None or (ref in holds and holds[ref].archive == decision.waiting)
    }


def new_hold(desired: Desired, plan: EntryPlan | None) -> Hold | None:
    """The hold that a pass found."""
    if desired.held_back is not None:
        return desired.held_back
    after, rendering, before = desired.after, desired.rendering, desired.before
    if plan is None or not plan.held or after is None or rendering is None:
        return None
    return Hold(
        base=before.archive if before is not None else "",
        archive=after.archive,
        version=after.version,
        name=after.name,
        url=after.url,
        index_url=after.index_url,
        label=rendering.place.requirements_label,
        paths=tuple(change.path for change in plan.held),
        signature=after.signed.signature if after.signed is not None else "",
    )


def _held(plan: EntryPlan, hold: Hold, found: Mapping[RelPath, Found]) -> EntryPlan:
    reason = f"edited here and changed upstream when its source was last asked: {hold.version} waits"
    changes = [
        Change(ChangeKind.HOLD, path, ours if isinstance(ours := found.get(path), str) else None, None, reason)
        for path in hold.paths
    ]
    others = (change for change in plan.changes if change.path not in hold.paths)
    drifted = tuple(path for path in plan.drifted if path not in hold.paths)
    return plan._replace(changes=(*others, *changes), drifted=drifted)


def _stands(hold: Hold, block: Block | None, found: Mapping[RelPath, Found]) -> bool:
    """Whether any of the files that it is about still differs from what is locked."""
    locked = block.files if block is not None else {}
    return any(found.get(path) != locked.get(path) for path in hold.paths)
