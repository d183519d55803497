"""The bridge from threads that wait to an event loop that works: a loop of their own, or that of another thread.

Rule: asyncio is imported when something is first run, for most commands run nothing.
"""

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext

from micropkgd.annotations import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

T = TypeVar("T")


class OwnLoop:
    """Runs work on a loop of this thread, which is made when it is first needed."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Run some work to its end."""
        import asyncio

        from micropkgd.sources.foreign import EventLoop

        self._runner = self._runner or asyncio.Runner(loop_factory=EventLoop)
        return self._runner.run(work)

    def stop(self) -> None:
        """Nothing can be under way: whoever would ask is waiting."""

    def leave(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run somebody's last work on the loop, if there is one."""
        if self._runner is not None:
            self._runner.run(last())

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run the last work on the loop, if there is one, and end it."""
        if self._runner is not None:
            try:
                self._runner.run(last())
            finally:
                self._runner.close()
                self._runner = None


class SharedLoop:
    """Runs work on the running loop of another thread, for any number of threads that wait for it."""

    def __init__(
        self,
        loop: "asyncio.AbstractEventLoop",
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._loop = loop
        self._waiting = waiting  # what a thread is within while it waits
        self._under_way: set[Future[Any]] = set()
        self._stopped = False

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Run some work to its end; `concurrent.futures.CancelledError` where it was stopped."""
        import asyncio

        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._under_way.add(future)
        if self._stopped:
            future.cancel()
        try:
            with self._waiting():
                return future.result()
        finally:
            self._under_way.discard(future)

    def stop(self) -> None:
        """End what is under way, and whatever begins from now on."""
        self._stopped = True
        for future in list(self._under_way):
            future.cancel()
