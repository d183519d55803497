"""Tracks whether running passes make progress; feeds `/livez` and systemd's watchdog.

A pass gets on by coming from one kind of work to the other: in its place among those at work, or waiting for its
sources. While it waits, every byte that arrives from any source counts, for it may be waiting for its turn behind other
passes' downloads. How long all of it takes is nobody's concern: a large archive over a slow line is no reason for a
restart.
"""

import threading
import time
from collections.abc import Callable

from micropkgd.model.ref import Ref
from micropkgd.named_tuples import NamedTuple


class _Work(NamedTuple):
    since: float
    waits: bool


class Liveness:
    """Fed by the threads of passes, each for its own pass, and by whatever receives; read by any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._received = clock()
        self._passes: dict[int, _Work] = {}  # by thread

    def works(self) -> None:
        """The pass of this thread is at work from now on."""
        self._passes[threading.get_ident()] = _Work(self._clock(), waits=False)

    def waits(self) -> None:
        """It waits for its sources from now on."""
        self._passes[threading.get_ident()] = _Work(self._clock(), waits=True)

    def ends(self) -> None:
        """It has ended."""
        del self._passes[threading.get_ident()]

    def received(self, ref: Ref, received: int, total: int | None) -> None:
        """Some bytes arrived."""
        del ref, received, total
        self._received = self._clock()

    def stands_still(self, longest: float) -> bool:
        """Whether a pass has not got on for so many seconds."""
        then = self._clock() - longest
        return any(
            max(work.since, self._received if work.waits else 0.0) <= then for work in list(self._passes.values())
        )
