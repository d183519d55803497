"""Gives up a body that comes too slowly. Pure: the time spent waiting for it is given.

A server that sends a little now and then is no outage that a silence would tell, and could be waited for without end:
so a download as a whole has a time, and after its first minute a least speed (docs/threats.md, T10). What the reader
takes, or our own limit of speed, is not counted.
"""

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple

GRACE: Final = 60.0  # seconds that a server may take before its speed counts


class LeastSpeed(NamedTuple):
    """What is asked of a download."""

    longest: float = 3600.0  # seconds of waiting, in all
    least: int = 1024  # bytes a second, on the whole


class BodyProgress:
    """One body on its way."""

    def __init__(self, least_speed: LeastSpeed) -> None:
        self._least_speed = least_speed
        self.seconds = 0.0
        self.received = 0

    def note(self, received: int, seconds: float) -> None:
        """So many more bytes came after so many seconds of waiting."""
        self.received += received
        self.seconds += seconds

    @property
    def left(self) -> float:
        """Seconds after which it is given up if nothing more comes."""
        by_speed = max(GRACE, self.received / self._least_speed.least)
        return max(0.0, min(self._least_speed.longest, by_speed) - self.seconds)

    @property
    def fault(self) -> str:
        """What is wrong with it, to be said of its server; empty while it may go on."""
        if self.seconds >= self._least_speed.longest:
            return f"took {self.seconds:.0f} s for a download that was not at its end"
        if self.seconds >= GRACE and self.received <= self.seconds * self._least_speed.least:
            return f"sent {self.received} bytes in {self.seconds:.0f} s, less than {self._least_speed.least} a second"
        return ""
