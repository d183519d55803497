"""When a project is due: intervals, cron as cron has it, and clocks that jump."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st

from micropkgd.errors import DocumentError
from micropkgd.machine.cron import read_cron, seconds_until
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
        pytest.param("0 0 13 * fri", "Fri 2026-11-27 00:00", id="day-or-weekday"),
        pytest.param("0 0 23 * fri", "Mon 2026-11-23 00:00", id="weekday-or-day"),
        pytest.param("0 0 13 * *", "Sun 2026-12-13 00:00", id="day-alone"),
        pytest.param("0 0 */13 * fri", "Fri 2026-11-27 00:00", id="star-with-step-is-no-restriction"),
        pytest.param("0 0 1-31/13 * fri", "Fri 2026-11-27 00:00", id="range-with-step-is-one"),
        pytest.param("0 0 * * */2", "Tue 2026-11-24 00:00", id="steps-from-sunday"),
        pytest.param("0 0 * * */3", "Wed 2026-11-25 00:00", id="steps-of-three"),
        pytest.param("0 0 * * 5/2", "Fri 2026-11-27 00:00", id="step-after-one"),
        pytest.param("0 0 * * FRI-mon", "Mon 2026-11-23 00:00", id="names-round-the-end"),
        pytest.param("0 0 * * sat-sun", "Sat 2026-11-28 00:00", id="weekend"),
        pytest.param("0 0 * * 5-2", "Mon 2026-11-23 00:00", id="numbers-round-the-end"),
        pytest.param("0 23-1 * * *", "Sun 2026-11-22 23:00", id="hours-round-the-end"),
        pytest.param("0 0 1 nov-feb *", "Tue 2026-12-01 00:00", id="months-round-the-end"),
        pytest.param("0 0 1 jan,Mar,8 *", "Fri 2027-01-01 00:00", id="names-in-a-list"),
        pytest.param("0 0 29 2 *", "Tue 2028-02-29 00:00", id="leap-day"),
        pytest.param("0 0 30 2 fri", "Fri 2027-02-05 00:00", id="no-such-day-or-a-weekday"),
        pytest.param("5/20 * * * *", "Sun 2026-11-22 12:05", id="minutes-from-one-on"),
        pytest.param("@hourly", "Sun 2026-11-22 13:00", id="hourly"),
        pytest.param("@weekly", "Sun 2026-11-29 00:00", id="weekly"),
        pytest.param("0\t0 * * 1", "Mon 2026-11-23 00:00", id="tabs"),
    ],
)
def test_cron_means_what_cron_means(cron: str, expected: str) -> None:
    """Weekdays count from Sunday, a day and a weekday are either enough, and all is UTC."""
    assert due(cron, "2026-11-22 12:00:30") == expected


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("60 * * * *", "`60` is not a minute: 0 to 59"),
        ("* * * * 8", "`8` is not a weekday: 0 to 7, or sun to sat"),
        ("* * 0 * *", "`0` is not a day of the month: 1 to 31"),
        ("x * * * *", "`x` is not a minute: 0 to 59"),
        ("* * * jna *", "`jna` is not a month: 1 to 12, or jan to dec"),
        ("* * * * fri-", "`` is not a weekday: 0 to 7, or sun to sat"),
        ("1,,2 * * * *", "`` is not a minute: 0 to 59"),
        ("*/0 * * * *", "the step of `*/0` is not a number from 1 on"),
        ("1-5/x * * * *", "the step of `1-5/x` is not a number from 1 on"),
        ("* * l * *", "`l` is not a day of the month: 1 to 31"),
        ("\u0663 * * * *", "`\u0663` is not a minute: 0 to 59"),
        ("* * * *", "4 fields where there are 5"),
        ("@reboot", "`@reboot` is not one of @annually, @daily, @hourly, @midnight, @monthly, @weekly, @yearly"),
    ],
)
def test_a_cron_that_cannot_be_is_said(cron: str, words: str) -> None:
    """With the field, and what it may say."""
    with pytest.raises(DocumentError) as caught:
        read_cron(cron)
    assert caught.value.problem == f"cron `{cron}` cannot be read: {words}"
    assert caught.value.hint == "minute hour day month weekday, such as `*/15 8-18 * * mon-fri`"


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 4,jun *", "0 0 31 2 */2", "0 0 30-31 feb *"])
def test_a_cron_that_never_fires_is_an_error(cron: str) -> None:
    """Nobody means it."""
    with pytest.raises(DocumentError, match=r"never fires: its longest month has (29|30) days"):
        read_cron(cron)


def spans(low: int, high: int, names: Sequence[str] = ()) -> st.SearchStrategy[tuple[str, str]]:
    """One part of a field, as cron has it and without ranges that go round the end."""
    values = st.integers(low, high)
    said = values.map(lambda value: names[value - low] if names and value - low < len(names) else str(value))
    steps = st.sampled_from(("", "", "/1", "/2", "/3", "/7", "/40"))
    ranges = st.tuples(values, values).map(lambda ends: span(*ends, low, high))
    return st.one_of(
        said.map(lambda text: (text, text)), st.just(("*", "*")), steps.map(lambda step: (f"*{step}",) * 2), ranges
    )


def span(first: int, last: int, low: int, high: int) -> tuple[str, str]:
    """A range, and the same as a list where it goes round the end."""
    if first <= last:
        return f"{first}-{last}", f"{first}-{last}"
    top = 6 if (low, high) == (0, 7) else high
    around = [*range(first, top + 1), *range(low, last + 1)] if first <= top else range(last + 1)
    return f"{first}-{last}", ",".join(map(str, around))


def fields(low: int, high: int, names: Sequence[str] = ()) -> st.SearchStrategy[tuple[str, str]]:
    """A field of one part or several, in both spellings."""
    parts = st.lists(spans(low, high, names), min_size=1, max_size=3)
    return parts.map(lambda found: (",".join(one for one, _ in found), ",".join(other for _, other in found)))


CRONS = st.tuples(
    fields(0, 59),
    fields(0, 23),
    fields(1, 31),
    fields(1, 12, ["JAN", "FEB", "mar", "apr", "May", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    fields(0, 7, ["sun", "mon", "Tue", "wed", "thu", "FRI", "sat"]),
)


@given(CRONS, st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
@settings(max_examples=600, deadline=None)
def test_another_implementation_says_the_same(found: Sequence[tuple[str, str]], now: datetime) -> None:
    """The next three times, for whatever both can read; and both say it where none will ever come."""
    ours, theirs = (" ".join(field[which] for field in found) for which in (0, 1))
    try:
        expected = CronSim(theirs, now.replace(microsecond=0))
    except CronSimError:
        with pytest.raises(DocumentError, match="never fires"):
            read_cron(ours)
        return
    for _ in range(3):
        now = read_cron(ours).next(now + timedelta(microseconds=1)) or now
        assert now == next(expected)


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
