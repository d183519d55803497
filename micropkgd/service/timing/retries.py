"""Plans when a pass with failures that may mend themselves is tried again. Pure: time and chance are given.

Pauses grow from one try to the next. What other triggers find meanwhile neither puts a try off nor makes the next
pause longer: an outage that the schedule looks at every minute is not left alone for longer because of that.
"""

from collections.abc import Iterator

from micropkgd.annotations import Final
from micropkgd.errors import ProjectBusyError
from micropkgd.model.backoff import pause
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.named_tuples import NamedTuple

BUSY_AGAIN: Final = 2.0  # seconds: another process is at it, which is no reason to go slow


class Outage(NamedTuple):
    """What is known of a project that failed, until a pass finds nothing that trying again could mend."""

    tries: int = 0  # in a row that came to nothing
    retry_at: float | None = None  # on the clock of the agenda


def is_busy(outcome: Outcome) -> bool:
    """Whether another process was at it, so that the pass has looked at nothing, or not at all of it."""
    return any(failure.exit_code == ProjectBusyError.exit_code for failure in _transient(outcome))


def outage_after(before: Outage, outcome: Outcome, now: float, chance: float, *, tried_again: bool) -> Outage:
    """What is known after a pass; `tried_again` where it was run because the time of `before` had come."""
    transient = [one for one in _transient(outcome) if one.exit_code != ProjectBusyError.exit_code]
    if not transient:
        return before if is_busy(outcome) else Outage()
    asked = max((one.retry_after for one in transient if one.retry_after is not None), default=None)
    if before.retry_at is None or tried_again:
        tries = before.tries + 1
        return Outage(tries, now + pause(tries, chance, asked))
    least = now if asked is None else now + pause(1, 0.0, asked)
    return before._replace(retry_at=max(before.retry_at, least))


def not_asked_before(outcome: Outcome) -> float:
    """Seconds for which every source that failed is left alone; 0 where one of them may be asked at once."""
    return min((one.retry_after or 0.0 for one in _transient(outcome)), default=0.0)


def _transient(outcome: Outcome) -> Iterator[Failure]:
    """What trying again may mend; of a download that is on its way the end is told."""
    entries = (entry.failure or entry.last_failure for entry in outcome.entries)
    packages = (package.failure for package in outcome.packages)
    parts = (outcome.failure, *entries, *packages)
    return (one for one in parts if one is not None and one.transient and not one.downloading)
