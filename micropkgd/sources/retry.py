"""The retry policy of a source: how often and how long it tries, the same for every network.

Rule: trying again right away is for what may mend itself within seconds; the rest is an answer, and the loop's next
pass asks again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from micropkgd.annotations import TypeVar
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.least_speed import LeastSpeed
from micropkgd.sources.source import Failed

T = TypeVar("T")


class RetryPolicy(NamedTuple):
    """How long to wait, and how often; seconds."""

    tries: int = 3
    pause: float = 0.5  # before the second try, at most; doubled for each further one
    longest_wait: float = 3.0  # a server that asks for more is left alone until the next pass
    connect: float = 10.0
    silence: float = 30.0  # without the head of an answer, or without 1 KiB more of its body
    least_speed: LeastSpeed = LeastSpeed()  # of a body as a whole


class FetchError(Exception):
    """One try came to nothing; `again` says whether another one, right away, may fare better."""

    def __init__(self, failed: Failed, *, again: bool) -> None:
        super().__init__(failed.problem)
        self.failed = failed
        self.again = again


async def patiently(
    attempt: Callable[[], Awaitable[T]], patience: RetryPolicy, chance: Callable[[], float] = random.random
) -> T | Failed:
    """Try until there is an answer, or a reason why there is none for now."""
    tried = 0
    while True:
        try:
            return await attempt()
        except FetchError as error:
            tried += 1
            pause = _pause(error, tried, patience, chance)
            if pause is None:
                return error.failed
        await asyncio.sleep(pause)


def _pause(error: FetchError, tried: int, patience: RetryPolicy, chance: Callable[[], float]) -> float | None:
    """How long to wait before the next try; None for no further one."""
    asked = error.failed.retry_after or 0.0
    if not error.again or tried >= patience.tries or asked > patience.longest_wait:
        return None
    return max(asked, patience.pause * 2.0 ** (tried - 1) * chance())
