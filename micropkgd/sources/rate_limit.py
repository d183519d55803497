"""Limits the speed of downloads: so many bytes a second, over all of a process together.

Each chunk books its time behind those before it, and its reader waits until that time has come. What was not used is
lost after a second, so that a pause is no leave to take the whole line afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable

from micropkgd.annotations import Final

_BURST: Final = 1.0  # seconds whose bytes may come at once


class RateLimit:
    """One limit, shared by all who hold it."""

    def __init__(self, bytes_per_second: int, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._rate = bytes_per_second
        self._sleep = sleep
        self._booked = 0.0  # until when the line is taken, on a clock that never jumps

    def book(self, size: int, now: float) -> float:
        """Seconds to wait before going on, after so many bytes came."""
        self._booked = max(self._booked, now - _BURST) + size / self._rate
        return max(0.0, self._booked - now)

    async def keep(self, size: int) -> None:
        """Wait as long as so many bytes ask for."""
        if (seconds := self.book(size, asyncio.get_running_loop().time())) > 0:
            await self._sleep(seconds)
