"""Derives from a pass which hooks are to be told, and of which entries."""

from collections.abc import Iterable, Iterator, Mapping

from micropkgd.annotations import Final
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.outcome import Outcome
from micropkgd.model.packaged import Step
from micropkgd.model.status import ProjectStatus
from micropkgd.named_tuples import NamedTuple

AFTER_COMMIT: Final = "after-commit"
ON_HELD: Final = "on-held"
ON_STALLED: Final = "on-stalled"
TOUCH_FILE: Final = "touch-file"
HEARTBEAT: Final = "heartbeat"

_TURNS: Final = ((ON_HELD, Condition.HELD.value), (ON_STALLED, Condition.STALLED.value))


class Notification(NamedTuple):
    """One thing to be told."""

    hook: str
    project: str
    pass_id: str
    trigger: str
    entries: tuple[str, ...] = ()  # refs, and modules; none where the project as a whole is meant
    turns: tuple[tuple[str, str], ...] = ()  # those that came to stand so, each with since when (ISO 8601, UTC)

    def joined(self, newer: "Notification") -> "Notification":
        """Both in one: what could not be told of the older is told with the newer."""
        turns = {**dict(self.turns), **dict(newer.turns)}
        return newer._replace(entries=tuple(dict.fromkeys((*self.entries, *newer.entries))), turns=tuple(turns.items()))

    def without(self, told: Mapping[str, str]) -> "Notification":
        """What is left of it where some turns were told before."""
        turns = tuple((subject, since) for subject, since in self.turns if told.get(subject) != since)
        return self._replace(turns=turns, entries=tuple(subject for subject, _ in turns if subject))


def errands_of(before: ProjectStatus | None, after: ProjectStatus, outcome: Outcome) -> Iterator[Notification]:
    """What is to be told after a pass; each turn of an entry once, not at every pass that finds it so."""
    last = after.last_pass
    about = (outcome.root, last.id if last else "", last.trigger if last else "")
    if outcome.applied and (outcome.pending or outcome.recovered):
        entries = tuple(changed(outcome))
        yield Notification(AFTER_COMMIT, *about, entries)
        yield Notification(TOUCH_FILE, *about, entries)
    for hook, state in _TURNS:
        turned = list(_turned(before, after, state, project_failed=outcome.failure is not None))
        if turned:
            yield Notification(hook, *about, tuple(subject for subject, _ in turned if subject), tuple(turned))
    if outcome.exit_code == 0 and outcome.applied:
        yield Notification(HEARTBEAT, *about)


def changed(outcome: Outcome) -> Iterator[str]:
    """The refs and modules that a pass did something for."""
    yield from (entry.ref for entry in outcome.entries if entry.plan is not None and entry.plan.writes)
    yield from (package.module for package in outcome.packages if package.step in {Step.CREATE, Step.UPDATE})


def _turned(
    before: ProjectStatus | None, after: ProjectStatus, state: str, *, project_failed: bool
) -> Iterator[tuple[str, str]]:
    """What stands so now and did not before, and since when; a project only where no pass could work on it."""
    known = dict(_standings(before)) if before is not None else {}
    for subject, standing in _standings(after):
        if standing.state == state and (subject not in known or known[subject].state != state):
            yield subject, standing.since
    was = before.standing[:2] if before is not None else None
    if project_failed and after.standing.state == state and was != after.standing[:2]:
        yield "", after.standing.since


def _standings(status: ProjectStatus) -> Iterable[tuple[str, Standing]]:
    yield from ((entry.ref, entry.standing) for entry in status.entries)
    yield from ((package.module, package.standing) for package in status.packages)
