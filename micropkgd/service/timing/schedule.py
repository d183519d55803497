"""When a project is looked at without anybody asking: every so often with jitter, or by cron in UTC. Pure.

Intervals count on a clock that never jumps. Cron needs the calendar: its next time is computed again whenever the clock
was set, so that a jump leads to one pass and no storm (reliability.md F69, F70).
"""

from datetime import UTC, datetime, timedelta

from micropkgd.machine.cron import cron_trigger
from micropkgd.model.settings import Group


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
