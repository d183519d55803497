"""Foreign code that blocks, perhaps for ever: each call has a thread of its own, which nobody waits for at the end.

Keyrings wait for somebody to unlock them, Google's credentials and drivers for servers that are away, the system for
the number of a host. In the loop's pool they would take the places of work that ends in time, and keep the process.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Thread

from micropkgd.annotations import Any, TypeVar

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T], name: str) -> T:
    """What some work gives or raises; whoever stops waiting leaves it to itself."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            given = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the work was asked for
            result.set_exception(error)
        else:
            result.set_result(given)

    result.set_running_or_notify_cancel()  # nobody can take it back from now on
    Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(result)


class EventLoop(asyncio.SelectorEventLoop):
    """The loop of asyncio, where the system may take its time for the number of a host, too."""

    async def getaddrinfo(self, host: Any, port: Any, **asked: int) -> Any:
        """Ask the system, as libraries do for each connection."""
        return await in_own_thread(partial(socket.getaddrinfo, host, port, **asked), f"look up {host}")
