"""Concludes from a pass that ended: how the project stands, what is news, when it is tried again. Pure.

The supervisor draws it once for each pass, and does what it says.
"""

from micropkgd.clock import utc
from micropkgd.model import standing
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.model.status import PassStatus, ProjectStatus
from micropkgd.model.trigger import TriggerKind
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.conditions import BUG, Moment, News, news_of, stands, turned
from micropkgd.service.timing.agenda import Due
from micropkgd.service.timing.retries import BUSY_AGAIN, Outage, is_busy, not_asked_before, outage_after
from micropkgd.service.timing.schedule import Instant


class PassEnd(NamedTuple):
    """When and how a pass ended."""

    due: Due
    pass_id: str
    seconds: float  # that it took
    now: Instant
    chance: float  # from 0 to 1
    scheduled: float | None  # when sources are next asked by schedule, on the clock of the agenda
    max_staleness: float  # seconds


class Conclusion(NamedTuple):
    """What is to be done about it."""

    status: ProjectStatus
    news: tuple[News, ...]
    outage: Outage  # with when it is tried again, if trying again may help
    is_busy: bool  # another process was at it: the same reasons hold a little later


def conclude(before: ProjectStatus | None, outcome: Outcome, ended: PassEnd, outage: Outage) -> Conclusion:
    """Draw the conclusion of a pass over a project that stood as `before`, after so many failures."""
    busy = is_busy(outcome)
    tried_again = TriggerKind.RETRY in ended.due.kinds
    after = outage_after(outage, outcome, ended.now.clock, ended.chance, tried_again=tried_again)
    stale_before = utc(ended.now.wall - ended.max_staleness)
    moment = Moment(utc(ended.now.wall), stale_before, _next_try(after, outcome, ended))
    status = stands(before, outcome, moment, _last_pass(outcome, ended))
    return Conclusion(status, tuple(news_of(before, status, outcome)), after, busy)


def overdue(before: ProjectStatus, since: str, now: str) -> Conclusion | None:
    """What follows from a pass that is under way for longer than anything may go unseen; None where that is known."""
    entries = tuple(one._replace(standing=standing.overdue(one.standing, since, now)) for one in before.entries)
    packages = tuple(one._replace(standing=standing.overdue(one.standing, since, now)) for one in before.packages)
    whole = standing.overdue(before.standing, since, now)
    after = before._replace(standing=whole, entries=entries, packages=packages)
    return None if after == before else Conclusion(after, tuple(turned(before, after)), Outage(), is_busy=False)


def bug(root: str, error: Exception) -> Outcome:
    """What came of a pass that ended by an error nobody foresaw: it may have struck by chance."""
    return Outcome(root, failure=Failure(1, BUG, f"{type(error).__name__}: {error}", transient=True))


def _last_pass(outcome: Outcome, ended: PassEnd) -> PassStatus:
    return PassStatus(ended.pass_id, ended.due.reasons, utc(ended.now.wall), round(ended.seconds, 3), outcome.exit_code)


def _next_try(outage: Outage, outcome: Outcome, ended: PassEnd) -> str:
    """When sources are really asked again: at the first time that is planned; empty where none is."""
    now = ended.now.clock
    when_free = now + BUSY_AGAIN if is_busy(outcome) else None
    planned = (outage.retry_at, when_free, _asked_by_schedule(outcome, ended))
    first = min((at for at in planned if at is not None), default=None)
    return "" if first is None else utc(ended.now.wall + max(0.0, first - now))


def _asked_by_schedule(outcome: Outcome, ended: PassEnd) -> float | None:
    """When the schedule asks; None without one, or where every source that failed is left alone for longer."""
    if ended.scheduled is None:
        return None
    at = max(ended.scheduled, ended.now.clock)  # one that is overdue comes now
    return at if at >= ended.now.clock + not_asked_before(outcome) else None
