"""Clients of cloud libraries: made once for each way of asking, kept, and made anew when their credentials die.

Rules: one client serves all refs with the same fs-args, since making one costs 0.2 s and some memory for ever; no
client is ever shared between different fs-args; one that is in use is closed by its last user. One that takes long to
make, as where credentials come from a server that is away, holds nobody up who asks in another way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from micropkgd.sources.retry import FetchError
from micropkgd.sources.source import FailureKind

C = TypeVar("C")
T = TypeVar("T")

RENEW_AFTER = 30.0
_MOST = 16


class _Kept(Generic[C]):
    """One client, how old it is, and how many use it."""

    def __init__(self, client: C, born: float) -> None:
        self.client = client
        self.born = born
        self.users = 0
        self.retired = False


class Clients(Generic[C]):
    """The clients of one source. `close` takes leave of one client; a younger one than `renew_after` is not renewed."""

    def __init__(self, close: Callable[[C], Awaitable[None]], renew_after: float = RENEW_AFTER) -> None:
        self._leave = close
        self._renew_after = renew_after
        self._kept: dict[str, _Kept[C]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # of those that are being made

    async def ask(self, name: str, make: Callable[[], Awaitable[C]], question: Callable[[C], Awaitable[T]]) -> T:
        """Put a question to the client of this name; where it is denied, once more to a client made anew.

        Libraries read credentials when a client is made: what has expired, or was exchanged on disk, needs a new one.
        """
        async with self._use(name, make) as kept:
            try:
                return await question(kept.client)
            except FetchError as error:
                if error.failed.kind is not FailureKind.DENIED or not await self._renew(name, kept):
                    raise
        async with self._use(name, make) as kept:
            return await question(kept.client)

    async def close(self) -> None:
        """Take leave of all."""
        while self._kept:
            await self._retire(next(iter(self._kept)))

    @asynccontextmanager
    async def _use(self, name: str, make: Callable[[], Awaitable[C]]) -> AsyncIterator[_Kept[C]]:
        async with self._turns.setdefault(name, asyncio.Lock()):
            kept = self._kept.pop(name, None) or _Kept(await make(), asyncio.get_running_loop().time())
            self._kept[name] = kept  # the last used stands last
            kept.users += 1
        try:
            while len(self._kept) > _MOST:
                await self._retire(next(iter(self._kept)))
            yield kept
        finally:
            kept.users -= 1
            if kept.retired and not kept.users:
                await self._leave(kept.client)

    async def _renew(self, name: str, kept: _Kept[C]) -> bool:
        """Whether asking again reaches another client than this one."""
        if self._kept.get(name) is kept:
            if asyncio.get_running_loop().time() - kept.born < self._renew_after:
                return False
            await self._retire(name)
        return True

    async def _retire(self, name: str) -> None:
        kept = self._kept.pop(name)
        kept.retired = True
        if not kept.users:
            await self._leave(kept.client)


def forget_ambient_settings() -> None:
    """Drop what fsspec took from `~/.config/fsspec` and `FSSPEC_*`: it would be mixed into every project's fs-args."""
    from fsspec.config import conf

    conf.clear()
