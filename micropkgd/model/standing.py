"""The rule by which an entry, a module and a project stand: one for `status`, the service, and memory.

Pure. The words come from what a pass came to, the time from how it stood before: `since` is when it came to stand so.
"""

from collections.abc import Sequence

from micropkgd.annotations import Final
from micropkgd.model.condition import LEFT_ALONE, Condition, Failure, Standing
from micropkgd.model.outcome import EntryOutcome
from micropkgd.model.packaged import PackageOutcome

IN_SYNC: Final = "InSync"
DRIFTED: Final = "Drifted"
LOCAL_EDITS: Final = "LocalEdits"
UNRELEASED: Final = "Unreleased"
WAITING: Final = "Waiting"
UNFETCHED: Final = "Unfetched"
NOT_LOCKED: Final = Standing(Condition.PENDING.value, "NotLocked", "no pass has installed it yet", "")
LOCKED: Final = Standing(Condition.READY.value, "Locked", "", "")  # by a lock that another machine wrote
LEAVING: Final = Standing(Condition.PENDING.value, "LeftManifest", "the next pass removes it", "")
AHEAD: Final = Standing(
    Condition.PENDING.value, "ManifestAhead", "its row changed since it was locked; the next pass follows it", ""
)
NOT_PACKAGED: Final = Standing(Condition.PENDING.value, "NotPackaged", "no pass has packaged it yet", "")

_FAILING: Final = frozenset({Condition.RETRYING.value, Condition.STALLED.value})
_WORST_FIRST: Final = (
    Condition.UNTRUSTED,
    Condition.STALLED,
    Condition.HELD,
    Condition.STALE,
    Condition.RETRYING,
    Condition.PENDING,
    Condition.SUSPENDED,
    Condition.READY,
)


def entry_standing(entry: EntryOutcome) -> Standing:
    """How a pull entry stands after a pass."""
    plan = entry.plan
    if (failure := entry.failure or entry.last_failure) is not None:
        return failed(failure, entry.since)
    if plan is not None and plan.held:
        held = ", ".join(change.path for change in plan.held)
        return Standing(Condition.HELD.value, LOCAL_EDITS, held, entry.since, hint=entry.to_choose)
    if plan is not None and (edited := plan.edited):
        return Standing(Condition.READY.value, DRIFTED, ", ".join(edited), entry.since)
    if plan is not None and plan.unfetched:
        return unfetched(plan.unfetched, entry.since)
    if entry.waiting is not None:
        why = f"{entry.waiting.version} waits for a checkout that has all files"
        return Standing(Condition.READY.value, WAITING, why, entry.since)
    return in_sync(entry.since)


def package_standing(package: PackageOutcome) -> Standing:
    """How a package entry stands after a pass."""
    if package.failure is not None:
        return failed(package.failure, package.since)
    return unreleased(package.unreleased, package.since) if package.unreleased else in_sync(package.since)


def project_standing(standings: Sequence[Standing]) -> Standing:
    """How a project stands: as the worst of its entries; where all are well, since the last of them came to be so."""
    worst = worst_standing(standings)
    if worst.state != Condition.READY.value:
        return worst
    return in_sync(max((standing.since for standing in standings), default=""))


def worst_standing(standings: Sequence[Standing]) -> Standing:
    """The one that speaks for all: the first of the worst; in sync where there are none."""
    found = sorted(standings, key=lambda standing: _WORST_FIRST.index(Condition(standing.state)))
    return found[0] if found else in_sync("")


def urgency(standing: Standing) -> int:
    """How soon somebody must look at it: the least first."""
    return _WORST_FIRST.index(Condition(standing.state))


def in_sync(since: str) -> Standing:
    """All is as the manifest wants it."""
    return Standing(Condition.READY.value, IN_SYNC, "", since)


def failed(failure: Failure, since: str) -> Standing:
    """Somebody must act, trying again may help, or somebody asked for it to be left alone."""
    return Standing(failure.condition.value, failure.reason, failure.problem, since, hint=failure.hint)


def left_alone(since: str) -> Standing:
    """Somebody asked for it."""
    return failed(LEFT_ALONE, since)


def unreleased(why: str, since: str) -> Standing:
    """The archive was made, and is not known to be at the place that the manifest names."""
    return Standing(Condition.READY.value, UNRELEASED, why, since)


def unfetched(paths: Sequence[str], since: str) -> Standing:
    """What is installed is right, and pointers of Git LFS stand for some of it."""
    return Standing(Condition.READY.value, UNFETCHED, ", ".join(paths), since, hint="`git lfs pull` fetches them")


def behind(locked: str) -> Standing:
    """The lock moved on, and left the tree as it was."""
    return Standing(Condition.PENDING.value, "LockAhead", f"{locked} is locked; the next pass installs it", "")


def in_tree(ready: Standing, drifted: Sequence[str], missing: Sequence[str], pointers: Sequence[str] = ()) -> Standing:
    """How what was ready stands by what its files show now; files that are not there the next pass brings back."""
    if missing:
        return Standing(Condition.PENDING.value, "Missing", ", ".join(missing), "")
    since = ready.since if bool(drifted) == (ready.reason == DRIFTED) else ""
    if drifted:
        return Standing(Condition.READY.value, DRIFTED, ", ".join(drifted), since)
    if pointers:
        return unfetched(pointers, ready.since if ready.reason == UNFETCHED else "")
    return in_sync(since) if ready.reason in {DRIFTED, UNFETCHED} else ready


def is_failing(standing: Standing) -> bool:
    """Whether the last pass could not bring it into line."""
    return standing.state in _FAILING


def since(standing: Standing, before: Standing | None, now: str) -> str:
    """When it came to stand so: before, if it stood so then. An outage goes on also where its words change."""
    if before is None or not before.since:
        return now
    goes_on = is_failing(standing) and is_failing(before)
    return before.since if goes_on or before[:2] == standing[:2] else now


def overdue(standing: Standing, since: str, now: str) -> Standing:
    """What was in sync is stale while a pass has been under way for too long: nobody knows what it will find."""
    if standing.state != Condition.READY.value:
        return standing
    return Standing(Condition.STALE.value, "LongPass", f"a pass has been under way since {since}", now)


def aged(standing: Standing, stale_before: str) -> Standing:
    """An outage that began before this moment (ISO 8601, UTC) makes stale what is installed."""
    stale = standing.state == Condition.RETRYING.value and standing.since and standing.since < stale_before
    return standing._replace(state=Condition.STALE.value) if stale else standing
