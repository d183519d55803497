"""Time: how it is written, and how old a file's must be to be believed.

Written it is ISO 8601, UTC, by the second, so that times compare as texts. File systems stamp files by a clock that
ticks: two writes within a tick leave one time, so what `stat` says of a younger file proves nothing (git's rule for
racily clean entries). Only the change time counts: each write sets it, and nobody else can.
"""

import time

from micropkgd.annotations import Final

UTC: Final = "%Y-%m-%dT%H:%M:%SZ"
GRAIN_NS: Final = 10_000_000  # the kernel's tick, at most
_COARSE_GRAIN_NS: Final = 2_000_000_000  # of file systems that keep whole seconds, or two


def utc(at: float | None = None) -> str:
    """The stamp of a moment in seconds since the epoch, or of now."""
    return time.strftime(UTC, time.gmtime(at))


def is_young(ctime_ns: int, now_ns: int) -> bool:
    """Whether another write could still leave a file the same change time."""
    return ctime_ns > now_ns - (GRAIN_NS if ctime_ns % 1_000_000_000 else _COARSE_GRAIN_NS)


def let_grain_pass(ctime_ns: int) -> None:
    """Wait until a write would leave another change time, and never longer than a tick of the kernel."""
    if (left := ctime_ns + GRAIN_NS - time.time_ns()) > 0:
        time.sleep(min(GRAIN_NS, left) / 1e9)
