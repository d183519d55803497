"""When sources are asked again after a pass, by what is planned first."""

import pytest

from micropkgd.clock import utc
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.conclusion import PassEnd, conclude
from micropkgd.service.timing.agenda import Due
from micropkgd.service.timing.retries import Outage
from micropkgd.service.timing.schedule import Instant
from tests.service.test_conditions import DOWN, entry

NOW, MIDNIGHT = 1000.0, 1_790_000_000.0
LEFT_ALONE = DOWN._replace(retry_after=60.0)  # by everybody
BUSY = Failure(7, "ProjectBusy", "another process holds this project", transient=True)
GONE = Failure(1, "Gone", "404")
FIRST_PAUSE = 5.0  # where chance has its way
ASKED_FOR = 66.0  # where a server asked for a minute, likewise


@pytest.mark.parametrize(
    ("failures", "scheduled", "seconds"),
    [
        pytest.param((GONE,), None, None, id="nothing-is-planned"),
        pytest.param((DOWN,), None, FIRST_PAUSE, id="by-the-outage"),
        pytest.param((DOWN,), 3600.0, FIRST_PAUSE, id="before-the-schedule"),
        pytest.param((DOWN,), 2.0, 2.0, id="by-the-schedule"),
        pytest.param((DOWN,), 0.0, 0.0, id="by-a-schedule-that-is-due"),
        pytest.param((DOWN,), -30.0, 0.0, id="by-a-schedule-that-is-overdue"),
        pytest.param((DOWN,), -NOW, 0.0, id="by-a-schedule-of-the-beginning-of-the-clock"),
        pytest.param((LEFT_ALONE,), 59.0, ASKED_FOR, id="not-by-a-schedule-while-it-is-left-alone"),
        pytest.param((LEFT_ALONE,), -30.0, ASKED_FOR, id="nor-by-one-that-is-overdue"),
        pytest.param((LEFT_ALONE, DOWN), 2.0, 2.0, id="another-may-be-asked-before"),
        pytest.param((BUSY,), None, 2.0, id="when-the-project-is-free"),
        pytest.param((BUSY,), 1.0, 1.0, id="by-the-schedule-before-it-is-free"),
        pytest.param((BUSY, DOWN), 3600.0, 2.0, id="free-before-the-outage-says"),
    ],
)
def test_sources_are_asked_at_the_first_time_that_is_planned(
    failures: tuple[Failure, ...], scheduled: float | None, seconds: float | None
) -> None:
    """Seconds from now on, as people are told them."""
    due = Due("/p", (Trigger(TriggerKind.RETRY),))
    at = None if scheduled is None else NOW + scheduled
    ended = PassEnd(due, "1", 0.1, Instant(NOW, MIDNIGHT), 1.0, at, 3600.0)

    status = conclude(None, Outcome("/p", tuple(map(entry, failures))), ended, Outage()).status

    told = {one.standing.next_try for one in status.entries}
    assert told - {""} == (set() if seconds is None else {utc(MIDNIGHT + seconds)})
