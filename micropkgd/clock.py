"""Time as it is written for people and programs: ISO 8601, UTC, by the second. So written, times compare as texts."""

import time
from typing import Final

UTC: Final = "%Y-%m-%dT%H:%M:%SZ"


def utc(at: float | None = None) -> str:
    """The stamp of a moment in seconds since the epoch, or of now."""
    return time.strftime(UTC, time.gmtime(at))
