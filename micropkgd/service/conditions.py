"""Derives a project's conditions from a pass, and what of that is news. Pure."""

from collections.abc import Iterable, Iterator

from micropkgd.annotations import Final
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.outcome import EntryOutcome, Outcome, StepBack, Verb
from micropkgd.model.packaged import PackageOutcome, Step
from micropkgd.model.standing import IN_SYNC, entry_standing, failed, package_standing, since
from micropkgd.model.status import EntryStatus, PackageStatus, PassStatus, ProjectStatus, status_of
from micropkgd.model.tree import short
from micropkgd.named_tuples import NamedTuple

BUG: Final = "Bug"  # the reason of a pass that ended by an error nobody foresaw
KINDS: Final = frozenset(
    {
        "Adopted", "Asked", "Bug", "CacheTrouble", "ConditionChanged", "ConfigRefused", "ConfigReloaded", "Downgrade",
        "EventsKept", "EventsNotKept", "HookFailed", "HookRan", "HostBack", "Installed", "Listening", "Moved",
        "NoProjects", "NotAlone", "Packaged", "ProjectAdded", "ProjectRemoved", "ProjectUntrusted", "Published",
        "QueueMessageRefused", "QueueRecovered", "QueueUnreachable", "Rebuilt", "Recovered", "Removed", "Repaired",
        "Resumed", "SocketLost", "SocketMadeAgain", "StartProgress", "Started", "Stopping", "SurroundingsChanged",
        "Suspended", "Updated", "WatchDegraded", "WatchLimited", "WatchOverflow", "WatchRecovered",
    }
)  # fmt: skip
"""What an event may be of; who counts them begins at nought."""

_WEIGHTY: Final = frozenset(
    {
        "Bug", "CacheTrouble", "ConfigRefused", "Downgrade", "EventsNotKept", "HookFailed", "NoProjects", "NotAlone",
        "ProjectUntrusted", "QueueMessageRefused", "QueueUnreachable", "Rebuilt", "Recovered", "SocketLost",
        "SocketMadeAgain", "WatchDegraded", "WatchLimited", "WatchOverflow",
    }
)  # fmt: skip
_WEIGHTY_STATES: Final = (Condition.STALLED.value, Condition.HELD.value, Condition.STALE.value)
_WAITING: Final = frozenset({Condition.RETRYING.value, Condition.STALE.value})
_FAILED: Final = _WAITING | {Condition.STALLED.value}
_STEPS_BY_REASON: Final = {step.reason: step for step in StepBack}
_DONE: Final = {
    Verb.INSTALL: "Installed",
    Verb.UPDATE: "Updated",
    Verb.MOVE: "Moved",
    Verb.REPAIR: "Repaired",
    Verb.REMOVE: "Removed",
    Verb.ADOPT: "Adopted",
}


class Moment(NamedTuple):
    """When a pass ended, in words that can be compared: ISO 8601, UTC."""

    now: str
    stale_before: str  # a failure that began before this makes an entry stale
    next_try: str = ""  # when what failed is tried again


class News(NamedTuple):
    """One thing that happened."""

    kind: str  # "Updated", "ConditionChanged"
    subject: str  # ref or module; empty for the project
    message: str
    hint: str = ""  # what to do about it


def stands(before: ProjectStatus | None, outcome: Outcome, moment: Moment, last_pass: PassStatus) -> ProjectStatus:
    """How a project stands after a pass."""
    if outcome.failure is not None:
        standing = failed(outcome.failure, "")
        standing = standing._replace(since=since(standing, before.standing if before else None, moment.now))
        kept = before or ProjectStatus(outcome.root, standing)
        return kept._replace(standing=_with_next_try(standing, moment), last_pass=last_pass)
    entries = [_entry(entry) for entry in outcome.entries if entry.verb is not Verb.REMOVE]
    status = status_of(outcome.root, entries, [_package(package) for package in outcome.packages], moment.stale_before)
    return status._replace(
        standing=_with_next_try(status.standing, moment),
        entries=tuple(one._replace(standing=_with_next_try(one.standing, moment)) for one in status.entries),
        packages=tuple(one._replace(standing=_with_next_try(one.standing, moment)) for one in status.packages),
        last_pass=last_pass,
    )


def is_weighty(kind: str, message: str) -> bool:
    """Whether somebody should know of an event without asking: it waits for them, or something went wrong."""
    return kind in _WEIGHTY or (kind == "ConditionChanged" and message.startswith(_WEIGHTY_STATES))


def waits_for_a_source(status: ProjectStatus) -> bool:
    """Whether anything of a project is to be tried again."""
    return any(standing.state in _WAITING for _, standing in _standings(status))


def has_failed(status: ProjectStatus) -> bool:
    """Whether anything of a project is not as it should be, and nobody asked for it to be left alone."""
    return any(standing.state in _FAILED for _, standing in _standings(status))


def news_of(before: ProjectStatus | None, after: ProjectStatus, outcome: Outcome) -> Iterator[News]:
    """What is worth a line in the log and an event: what was done, and what stands otherwise than before."""
    if outcome.recovered:
        yield News("Recovered", "", "an interrupted pass was finished or taken back")
    for entry in outcome.entries:
        if entry.verb in _DONE and entry.plan is not None and (entry.plan.changes or entry.verb is Verb.REMOVE):
            version = entry.after or entry.before
            yield News(_DONE[entry.verb], entry.ref, f"{version.version} -> {entry.target}" if version else "")
        yield from _of_step_back(before, entry)
    for package in outcome.packages:
        if package.step in {Step.CREATE, Step.UPDATE} and package.archived is not None:
            yield News("Packaged", package.module, package.archived.path)
        if package.sent and package.published is not None and package.archived is not None:
            what = f"{package.archived.version} ({short(package.published.digest)})"
            yield News("Published", package.module, f"{what} at {package.published.to}")
    if outcome.failure is not None and outcome.failure.reason == BUG:  # each one is, also where nothing changed
        yield News(BUG, "", outcome.failure.problem)
    else:
        yield from turned(before, after)


def _of_step_back(before: ProjectStatus | None, entry: EntryOutcome) -> Iterator[News]:
    """An update that went backwards, each time; one that is held, once."""
    step = entry.step_back or _STEPS_BY_REASON.get(entry.failure.reason if entry.failure else "")
    if step is None:
        return
    old, new = entry.before, entry.waiting or entry.after
    versions = ""
    if old is not None and new is not None and old != new:  # what an index refuses is not at hand
        versions = f": {old.version} ({short(old.archive)}) -> {new.version} ({short(new.archive)})"
    if entry.failure is None:
        if entry.plan is not None and entry.plan.changes:
            yield News(step.reason, entry.ref, f"followed{versions}")
        return
    known = next((one for one in before.entries if one.ref == entry.ref), None) if before is not None else None
    waiting = entry.waiting.version if entry.waiting else ""
    was = known is not None and (known.waiting == waiting if waiting else known.standing.reason == step.reason)
    if not was:
        yield News(step.reason, entry.ref, f"held{versions}: {entry.failure.problem}")


def turned(before: ProjectStatus | None, after: ProjectStatus) -> Iterator[News]:
    """Conditions that changed; that all is well from the start is no news.

    A project stands as the worst of its entries: that is told of it where they do not tell it themselves.
    """
    known = dict(_standings(before)) if before else {}
    news = [
        _turn(subject, standing) for subject, standing in _standings(after) if _is_new(known.get(subject), standing)
    ]
    yield from (one for one in news if one.subject)
    was_whole = before is not None and before.standing[:3] not in {one[:3] for one in before.standings}
    is_whole = after.standing[:3] not in {one[:3] for one in after.standings}
    said = {(one.message, one.hint) for one in news if one.subject}
    for one in news:
        if not one.subject and (was_whole or is_whole) and (one.message, one.hint) not in said:
            yield one


def _is_new(was: Standing | None, standing: Standing) -> bool:
    was_so = (was.state, was.reason) if was else (Condition.READY.value, IN_SYNC)
    return (standing.state, standing.reason) != was_so


def _turn(subject: str, standing: Standing) -> News:
    message = f": {standing.message}" if standing.message else ""
    return News("ConditionChanged", subject, f"{standing.state} ({standing.reason}){message}", standing.hint)


def _standings(status: ProjectStatus) -> Iterable[tuple[str, Standing]]:
    yield from ((entry.ref, entry.standing) for entry in status.entries)
    yield from ((package.module, package.standing) for package in status.packages)
    yield "", status.standing


def _entry(entry: EntryOutcome) -> EntryStatus:
    return EntryStatus(
        ref=entry.ref,
        target=entry.target or "",
        version=entry.after.version if entry.after else "",
        archive=entry.after.archive if entry.after else "",
        standing=entry_standing(entry),
        drifted=entry.plan.edited if entry.plan else (),
        waiting=entry.waiting.version if entry.waiting else "",
        index_url=entry.index_url,
        signed_by=entry.signed_by,
    ).asked(entry.question)


def _package(package: PackageOutcome) -> PackageStatus:
    path, version = (package.archived.path, package.archived.version) if package.archived else ("", "")
    return PackageStatus(package.module, path, version, package_standing(package))


def _with_next_try(standing: Standing, moment: Moment) -> Standing:
    """What waits for a source is tried again."""
    return standing._replace(next_try=moment.next_try) if standing.state in _WAITING else standing
