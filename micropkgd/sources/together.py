"""Shares one listing of a folder among all requirements that are asked for at a time."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable

from micropkgd.annotations import Any, TypeVar

T = TypeVar("T")


class Together:
    """The answers so far. It lives as long as one round of questions, so that none of them is old."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Any] = {}
        self._turns: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def once(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to the question of this key; whoever comes while it is asked waits for it."""
        async with self._turns[key]:
            if key not in self._answers:
                self._answers[key] = await ask()
            answer: T = self._answers[key]
            return answer
