"""Cron's five fields, in UTC, as crontab(5) has them: read once, and asked when they fire next."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from micropkgd.errors import DocumentError

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


@lru_cache(maxsize=64)
def cron_trigger(text: str) -> "CronTrigger":
    """Read the five fields of cron; `DocumentError` says which of them cannot be."""
    from apscheduler.triggers.cron import CronTrigger

    minute, hour, day, month, weekday = text.split()
    try:
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_named(weekday), timezone=UTC
        )  # fmt: skip
    except ValueError as error:
        raise DocumentError(f"cron `{text}` cannot be read: {error}", hint="minute hour day month weekday") from error


def seconds_until(text: str, wall: float) -> float | None:
    """Seconds until a cron fires next after a time of day in seconds since the epoch; None for never again."""
    now = datetime.fromtimestamp(wall, UTC)
    # A second later, for a pass that comes a little before its time must not be planned for that time again.
    fires = cron_trigger(text).get_next_fire_time(None, now + timedelta(seconds=1))
    return None if fires is None else (fires - now).total_seconds()


def _named(weekday: str) -> str:
    """Name the days: APScheduler counts from Monday, cron from Sunday."""
    parts = [_days(part) for part in weekday.split(",")]
    return ",".join(parts)


def _days(part: str) -> str:
    match = re.fullmatch(r"([0-7])(?:-([0-7]))?(/\d+)?", part)
    if match is None:
        return part
    first, last, step = int(match[1]), match[2], match[3]
    if last is None and step is None:
        return _WEEKDAYS[first]
    days = range(first, int(last or 6) + 1, int((step or "/1")[1:]))
    if not days:
        raise ValueError(f"`{part}` names no day")
    return ",".join(dict.fromkeys(_WEEKDAYS[day] for day in days))
