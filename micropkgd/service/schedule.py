"""When a project is looked at without anybody asking: every so often with jitter, or by cron in UTC. Pure.

Intervals count on a clock that never jumps. Cron needs the calendar: its next time is computed again whenever the clock
was set, so that a jump leads to one pass and no storm (reliability.md F69, F70).
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from micropkgd.errors import DocumentError
from micropkgd.model.settings import Group

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def pause_until_next(group: Group, wall: float, chance: float) -> float | None:
    """Seconds until a project is due again; None for never. `wall` is the time of day, in seconds since the epoch."""
    if group.every is not None:
        return group.every + min(group.jitter, group.every) * chance
    if group.cron is None:
        return None
    now = datetime.fromtimestamp(wall, UTC)
    # A second later, for a pass that comes a little before its time must not be planned for that time again.
    fires = cron_trigger(group.cron).get_next_fire_time(None, now + timedelta(seconds=1))
    return None if fires is None else (fires - now).total_seconds() + group.jitter * chance


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
