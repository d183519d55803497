"""When a project is due: intervals, cron as cron has it, and clocks that jump."""

from datetime import UTC, datetime

import pytest

from micropkgd.errors import DocumentError
from micropkgd.machine.cron import seconds_until
from micropkgd.model.settings import Group
from micropkgd.service.timing.schedule import pause_until_next


def wall(text: str) -> float:
    """Seconds since the epoch."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def due(cron: str, now: str) -> str:
    """When a project with a cron is due next."""
    pause = pause_until_next(Group((), every=None, jitter=0.0, cron=cron), wall(now), 0.0, seconds_until)
    assert pause is not None
    return datetime.fromtimestamp(wall(now) + pause, UTC).strftime("%a %Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        pytest.param("0 0 * * 0", "Sun 2026-11-29 00:00", id="0-is-sunday"),
        pytest.param("0 0 * * 7", "Sun 2026-11-29 00:00", id="7-is-sunday-too"),
        pytest.param("0 0 * * 1", "Mon 2026-11-23 00:00", id="1-is-monday"),
        pytest.param("0 0 * * 6", "Sat 2026-11-28 00:00", id="6-is-saturday"),
        pytest.param("0 0 * * 2-4", "Tue 2026-11-24 00:00", id="range"),
        pytest.param("0 0 * * 5-7", "Fri 2026-11-27 00:00", id="range-to-sunday"),
        pytest.param("0 0 * * 2,4", "Tue 2026-11-24 00:00", id="list"),
        pytest.param("0 0 * * 1-5/2", "Mon 2026-11-23 00:00", id="step"),
        pytest.param("0 0 * * wed", "Wed 2026-11-25 00:00", id="name"),
        pytest.param("*/15 * * * *", "Sun 2026-11-22 12:15", id="minutes"),
        pytest.param("30 6 1 1 *", "Fri 2027-01-01 06:30", id="new-year"),
    ],
)
def test_cron_means_what_cron_means(cron: str, expected: str) -> None:
    """Weekdays count from Sunday, and all is UTC."""
    assert due(cron, "2026-11-22 12:00:30") == expected


@pytest.mark.parametrize("cron", ["60 * * * *", "* * * * 8", "x * * * *", "* * * * 5-2"])
def test_a_cron_that_cannot_be_is_said(cron: str) -> None:
    """With the text itself, and what the fields are."""
    with pytest.raises(DocumentError, match="cannot be read") as caught:
        due(cron, "2026-11-22 12:00:30")
    assert caught.value.hint == "minute hour day month weekday"


def test_an_interval_has_jitter_that_is_never_longer_than_itself() -> None:
    """Half a minute on five minutes, one second on one second."""
    assert pause_until_next(Group((), every=300.0, jitter=30.0), 0.0, 1.0, seconds_until) == 330.0
    assert pause_until_next(Group((), every=300.0, jitter=30.0), 0.0, 0.0, seconds_until) == 300.0
    assert pause_until_next(Group((), every=1.0, jitter=30.0), 0.0, 1.0, seconds_until) == 2.0


def test_neither_interval_nor_cron_is_never() -> None:
    """Nothing is planned."""
    assert pause_until_next(Group((), every=None), 0.0, 0.5, seconds_until) is None


def test_a_day_that_is_an_hour_longer_has_no_double_run() -> None:
    """In UTC no hour comes twice: a cron at 1 o'clock runs once in the night of the change."""
    group = Group((), every=None, jitter=0.0, cron="0 1 * * *")
    now, runs = wall("2026-10-24 12:00"), []
    for _ in range(3):
        pause = pause_until_next(group, now, 0.0, seconds_until)
        assert pause is not None
        now += pause
        runs.append(datetime.fromtimestamp(now, UTC).strftime("%d %H:%M"))

    assert runs == ["25 01:00", "26 01:00", "27 01:00"]
