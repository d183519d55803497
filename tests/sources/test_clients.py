"""Clients are made once for each way of asking, each in its own time."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from micropkgd.sources.clients import Clients
from micropkgd.sources.retry import FetchError
from micropkgd.sources.source import Failed, FailureKind
from tests.kit.daemon import PATIENCE

MORE_THAN_KEPT = 20


class House:
    """Makes clients, which are their own names, and counts who comes and goes."""

    def __init__(self) -> None:
        self.made = Counter[str]()
        self.left = Counter[str]()
        self.clients = Clients(self._leave, renew_after=0.0)

    async def ask(self, name: str, at: Callable[[], Awaitable[object]] | None = None) -> str:
        """Ask the client of this name, which takes as long to make as `at` does."""

        async def make() -> str:
            self.made[name] += 1
            await (at() if at is not None else asyncio.sleep(0))
            return name

        return await self.clients.ask(name, make, _itself)

    async def _leave(self, client: str) -> None:
        await asyncio.sleep(0)
        self.left[client] += 1


async def _itself(client: str) -> str:
    await asyncio.sleep(0)
    return client


async def _in_time(work: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(PATIENCE):
        await work


def test_a_slow_one_holds_up_nobody_else() -> None:
    """Those who ask in another way are answered while it is being made."""
    house, gate = House(), asyncio.Event()

    async def play() -> None:
        slow = asyncio.ensure_future(house.ask("slow", gate.wait))
        await asyncio.sleep(0)
        assert await house.ask("quick") == "quick"
        assert not slow.done()
        gate.set()
        assert await slow == "slow"

    asyncio.run(_in_time(play()))


def test_many_who_ask_alike_share_one() -> None:
    """Also while it is being made, and where the first of them gives up."""
    house, gate = House(), asyncio.Event()

    async def play() -> None:
        first, *rest = [asyncio.ensure_future(house.ask("one", gate.wait)) for _ in range(9)]
        await asyncio.sleep(0)
        assert house.made == {"one": 1}
        first.cancel()
        gate.set()
        assert await asyncio.gather(*rest) == ["one"] * 8
        assert house.made == {"one": 2}  # of the first nothing came

    asyncio.run(_in_time(play()))


def test_the_oldest_go_once_each() -> None:
    """However many come at a time."""
    house = House()
    names = [str(number) for number in range(MORE_THAN_KEPT * 3)]

    async def play() -> None:
        assert await asyncio.gather(*map(house.ask, names)) == names
        await asyncio.gather(house.clients.close(), house.clients.close())

    asyncio.run(_in_time(play()))
    assert house.made == house.left == dict.fromkeys(names, 1)


def test_one_that_is_denied_is_made_anew_once() -> None:
    """By however many were denied."""
    house = House()

    async def deny(client: str) -> str:
        raise FetchError(Failed(FailureKind.DENIED, client), again=False)

    async def make() -> str:
        house.made["one"] += 1
        return "one"

    async def play() -> None:
        with pytest.raises(FetchError):
            await house.clients.ask("one", make, deny)

    asyncio.run(_in_time(play()))
    assert (house.made, house.left) == ({"one": 2}, {"one": 1})
