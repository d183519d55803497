"""Jumps of the world around the service: a clock that was set, a machine that slept, a network that came back.

Each leads to one pass per project, spread over a few seconds, and never to a storm of missed ones.
"""

import time

from micropkgd.annotations import Final
from micropkgd.model.trigger import TriggerKind

_JUMP: Final = 30.0  # seconds by which the time of day may drift from the monotonic clock between two looks
_ROUTES: Final = "/proc/net/route"
_ROUTES_6: Final = "/proc/net/ipv6_route"


class LastLook:
    """What was seen at the last look."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._routed = has_default_route()

    def jumped(self) -> list[tuple[TriggerKind, str]]:
        """What jumped since the last look, as the trigger it is and in words."""
        jumps = []
        offset = time.time() - time.monotonic()
        if abs(offset - self._offset) > _JUMP:
            jumps.append(
                (TriggerKind.SCHEDULE, f"the clock moved by {offset - self._offset:+.0f} s, or the machine slept")
            )
        self._offset = offset
        routed = has_default_route()
        if routed and not self._routed:
            jumps.append((TriggerKind.NETWORK, "there is a way into the network again"))
        self._routed = routed
        return jumps


def has_default_route() -> bool:
    """Whether the kernel knows a way to other networks, as far as it says."""
    return leads_out(_read(_ROUTES), _read(_ROUTES_6))


def leads_out(routes: str, routes_6: str) -> bool:
    """Whether one of the kernel's tables, of IPv4 and of IPv6, has a default route that is not a refusal."""
    rows = [line.split() for line in routes.splitlines()[1:]]
    if any(row[1] == row[7] == "00000000" for row in rows if len(row) > 7):
        return True
    rows = [line.split() for line in routes_6.splitlines()]
    return any(row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo" for row in rows if len(row) > 9)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read()
    except OSError:
        return ""
