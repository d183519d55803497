"""Cron's five fields, in UTC, as crontab(5) has them: read once, and asked when they fire next.

Rules: where both the day of the month and the weekday are restricted, either is enough; a field that begins with `*` is
not restricted. Weekdays are counted from Sunday, which is 0 and 7. Names are the first three letters, in ranges and
lists too; a range may go round the end (`22-2`, `fri-mon`); a step after a single value goes to the end of the field.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.named_tuples import NamedTuple

_HINT: Final = "minute hour day month weekday, such as `*/15 8-18 * * mon-fri`"
_SHORT: Final = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class _Field(NamedTuple):
    """One of the five, and what it may say."""

    name: str
    first: int
    last: int
    round: int  # how many there are until the first comes again
    names: tuple[str, ...] = ()


_FIELDS: Final = (
    _Field("minute", 0, 59, 60),
    _Field("hour", 0, 23, 24),
    _Field("day of the month", 1, 31, 31),
    _Field("month", 1, 12, 12, _MONTHS),
    _Field("weekday", 0, 7, 7, _DAYS),
)


class Schedule(NamedTuple):
    """When something is due."""

    minutes: Sequence[int]
    hours: Sequence[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    either: bool  # one of day and weekday is enough

    def has(self, day: date) -> bool:
        """Whether anything is due on a day."""
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (by_day or by_weekday if self.either else by_day and by_weekday)

    def next(self, moment: datetime) -> datetime | None:
        """The first time that is not before a moment; None where the calendar ends before it."""
        for day in _days_from(moment.date()):
            if self.has(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        due = datetime.combine(day, time(hour, minute), UTC)
                        if due >= moment:
                            return due
        return None


@lru_cache(maxsize=64)
def read_cron(text: str) -> Schedule:
    """Read a cron; `DocumentError` says which of the fields cannot be, or that it never fires."""
    fields = _SHORT.get(text.strip().lower(), text).split()
    try:
        minutes, hours, days, months, weekdays = _read(fields)
    except ValueError as error:
        raise DocumentError(f"cron `{text}` cannot be read: {error}", hint=_HINT) from error
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    longest = max(_LONGEST_MONTH[month - 1] for month in months)
    if not either and min(days) > longest:
        raise DocumentError(f"cron `{text}` never fires: its longest month has {longest} days", hint=_HINT)
    return Schedule(
        sorted(minutes), sorted(hours), days, months, frozenset(weekday % 7 for weekday in weekdays), either
    )


def seconds_until(text: str, wall: float) -> float | None:
    """Seconds until a cron fires next after a time of day in seconds since the epoch; None for never again."""
    now = datetime.fromtimestamp(wall, UTC)
    # A second later, for a pass that comes a little before its time must not be planned for that time again.
    fires = read_cron(text).next(now + timedelta(seconds=1))
    return None if fires is None else (fires - now).total_seconds()


def _days_from(day: date) -> Iterator[date]:
    while True:
        yield day
        if day == date.max:
            return
        day += timedelta(days=1)


def _read(fields: Sequence[str]) -> list[frozenset[int]]:
    if fields[:1] and fields[0].startswith("@"):
        raise ValueError(f"`{fields[0]}` is not one of {', '.join(sorted(_SHORT))}")
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{len(fields)} fields where there are {len(_FIELDS)}")
    return [_values(said, field) for said, field in zip(fields, _FIELDS, strict=True)]


def _values(text: str, field: _Field) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _part(part, field))


def _part(text: str, field: _Field) -> Iterator[int]:
    """`*`, `5`, `1-5` or `fri-mon`, each with a step or without."""
    span, slash, step_said = text.partition("/")
    low, dash, high = span.partition("-")
    first = field.first if span == "*" else _value(low, field)
    last = _value(high, field) if dash else field.last if slash or span == "*" else first
    step = int(step_said) if step_said.isascii() and step_said.isdigit() else 0
    if slash and step < 1:
        raise ValueError(f"the step of `{text}` is not a number from 1 on")
    last += field.round if last < first else 0
    for value in range(first, last + 1, step or 1):
        yield value if value <= field.last else value - field.round


def _value(text: str, field: _Field) -> int:
    if text.lower() in field.names:
        return field.first + field.names.index(text.lower())
    value = int(text) if text.isascii() and text.isdigit() else -1
    if not field.first <= value <= field.last:
        names = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
        raise ValueError(f"`{text}` is not a {field.name}: {field.first} to {field.last}{names}")
    return value
