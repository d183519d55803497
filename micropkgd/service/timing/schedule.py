"""Plans when a project is looked at without anybody asking: at intervals with jitter, or by cron in UTC. Pure.

Intervals count on a clock that never jumps. Cron needs the calendar: its next time is computed again whenever a pass
begins by it, and a clock that was set leads to such a pass at once (docs/faults.md, F69, F70).
"""

from collections.abc import Callable

from micropkgd.model.settings import Group
from micropkgd.named_tuples import NamedTuple

Cron = Callable[[str, float], float | None]
"""Seconds until a cron fires next after a time of day in seconds since the epoch; None for never again."""


class Instant(NamedTuple):
    """One moment by both clocks."""

    clock: float  # seconds of the clock that never jumps
    wall: float  # the time of day, in seconds since the epoch


def pause_until_next(group: Group, wall: float, chance: float, cron: Cron) -> float | None:
    """Seconds until a project is due again; None for never. `wall` is the time of day, in seconds since the epoch."""
    if group.every is not None:
        return group.every + min(group.jitter, group.every) * chance
    if group.cron is None:
        return None
    pause = cron(group.cron, wall)
    return None if pause is None else pause + group.jitter * chance
