"""What a pass means for how a project stands, and what of that is news. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from micropkgd.model.condition import Condition, Failure, Standing
from micropkgd.model.outcome import EntryOutcome, Outcome, Verb
from micropkgd.model.packaged import PackageOutcome, Step
from micropkgd.model.plan import Kind
from micropkgd.model.status import EntryStatus, PackageStatus, PassStatus, ProjectStatus, worst_standing

_IN_SYNC: Final = "InSync"
_WAITING: Final = frozenset({Condition.RETRYING.value, Condition.STALE.value})
_DONE: Final = {
    Verb.INSTALL: "Installed",
    Verb.UPDATE: "Updated",
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


def stands(before: ProjectStatus | None, outcome: Outcome, moment: Moment, last_pass: PassStatus) -> ProjectStatus:
    """How a project stands after a pass."""
    known = {entry.ref: entry.standing for entry in before.entries} if before else {}
    known_packages = {package.module: package.standing for package in before.packages} if before else {}
    if outcome.failure is not None:
        was = before.standing if before else None
        standing = _since(_failed(outcome.failure, "", moment), was, moment)
        kept = before or ProjectStatus(outcome.root, standing)
        return kept._replace(standing=standing, last_pass=last_pass)
    entries = tuple(
        _entry(entry, known.get(entry.ref), moment) for entry in outcome.entries if entry.verb is not Verb.REMOVE
    )
    packages = tuple(_package(package, known_packages.get(package.module), moment) for package in outcome.packages)
    standing = worst_standing([entry.standing for entry in entries] + [package.standing for package in packages])
    if standing.state == Condition.READY.value:
        standing = Standing(Condition.READY.value, _IN_SYNC, "", "")
    standing = _since(standing, before.standing if before else None, moment)
    return ProjectStatus(outcome.root, standing, entries, packages, last_pass=last_pass)


def waits_for_a_source(status: ProjectStatus) -> bool:
    """Whether anything of a project is to be tried again."""
    return any(standing.state in _WAITING for _, standing in _standings(status))


def news_of(before: ProjectStatus | None, after: ProjectStatus, outcome: Outcome) -> Iterator[News]:
    """What is worth a line in the log and an event: what was done, and what stands otherwise than before."""
    if outcome.recovered:
        yield News("Recovered", "", "an interrupted pass was finished or taken back")
    for entry in outcome.entries:
        if entry.verb in _DONE and entry.plan is not None and (entry.plan.changes or entry.verb is Verb.REMOVE):
            version = entry.after or entry.before
            yield News(_DONE[entry.verb], entry.ref, f"{version.version} -> {entry.target}" if version else "")
    for package in outcome.packages:
        if package.step in {Step.CREATE, Step.UPDATE} and package.archived is not None:
            yield News("Packaged", package.module, package.archived.path)
    yield from _turned(before, after)


def _turned(before: ProjectStatus | None, after: ProjectStatus) -> Iterator[News]:
    """Conditions that changed; that all is well from the start is no news."""
    known = dict(_standings(before)) if before else {}
    for subject, standing in _standings(after):
        was = known.get(subject)
        was_so = (was.state, was.reason) if was else (Condition.READY.value, _IN_SYNC)
        if (standing.state, standing.reason) != was_so:
            message = f": {standing.message}" if standing.message else ""
            yield News("ConditionChanged", subject, f"{standing.state} ({standing.reason}){message}")


def _standings(status: ProjectStatus) -> Iterable[tuple[str, Standing]]:
    yield from ((entry.ref, entry.standing) for entry in status.entries)
    yield from ((package.module, package.standing) for package in status.packages)
    yield "", status.standing


def _entry(entry: EntryOutcome, was: Standing | None, moment: Moment) -> EntryStatus:
    plan = entry.plan
    merged = [change.path for change in plan.changes if change.kind is Kind.MERGE] if plan else []
    drifted = tuple(sorted((*plan.drifted, *merged))) if plan else ()
    if entry.failure is not None:
        standing = _failed(entry.failure, entry.failing_since, moment)
    elif plan is not None and plan.held:
        held = ", ".join(change.path for change in plan.held)
        standing = Standing(Condition.HELD.value, "LocalEdits", held, "")
    elif drifted:
        standing = Standing(Condition.READY.value, "Drifted", ", ".join(drifted), "")
    else:
        standing = Standing(Condition.READY.value, _IN_SYNC, "", "")
    return EntryStatus(
        ref=entry.ref,
        target=entry.target or "",
        version=entry.after.version if entry.after else "",
        archive=entry.after.archive if entry.after else "",
        standing=_since(standing, was, moment),
        drifted=drifted,
        waiting=entry.waiting.version if entry.waiting else "",
    )


def _package(package: PackageOutcome, was: Standing | None, moment: Moment) -> PackageStatus:
    standing = Standing(Condition.READY.value, _IN_SYNC, "", "")
    if package.failure is not None:
        standing = _failed(package.failure, "", moment)
    archived = package.archived
    return PackageStatus(
        package.module,
        archived.path if archived else "",
        archived.version if archived else "",
        _since(standing, was, moment),
    )


def _failed(failure: Failure, since: str, moment: Moment) -> Standing:
    if not failure.transient:
        return Standing(failure.condition.value, failure.reason, failure.problem, since)
    stale = bool(since) and since < moment.stale_before
    state = Condition.STALE if stale else Condition.RETRYING
    return Standing(state.value, failure.reason, failure.problem, since, moment.next_try)


def _since(standing: Standing, was: Standing | None, moment: Moment) -> Standing:
    """Since when it stands so: what it was before, if that is the same."""
    if was is not None and (was.state, was.reason) == (standing.state, standing.reason) and was.since:
        return standing._replace(since=was.since)
    return standing if standing.since else standing._replace(since=moment.now)
