"""Hosts that failed, and until when each is left alone: every time is given, on a clock that never jumps.

A host is left alone when it asks for it (429, 503 with Retry-After), or when three requests in a row came to nothing:
one object that a good host cannot give is no reason to ask it for no other. When the time is over one request alone
tries it; what comes of that counts for all. So a host that is away costs a pass over a thousand of its refs no more
than one over four.
"""

import random
import time
from collections.abc import Callable, Collection, Mapping

from micropkgd.annotations import Final
from micropkgd.model.backoff import pause
from micropkgd.model.ref import RefKind
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.redaction import origin
from micropkgd.sources.source import Answer, Failed, FailureKind, Request

_ENOUGH: Final = 3  # requests in a row
_MOST_KNOWN: Final = 1000
_OFTEN_OURS: Final = frozenset({FailureKind.REFUSED, FailureKind.DENIED})  # said without asking the host, too

Pause = Callable[[int, float | None], float]
"""Seconds to leave a host alone after so many failures in a row, and what it asked for itself."""


class HostTrouble(NamedTuple):
    """What is known of a host that failed."""

    failures: int  # in a row
    last: Failed
    until: float = 0.0
    said: str = ""  # of `until`, for people
    probing: bool = False


class Hosts:
    """All hosts that one process asks."""

    def __init__(self, pause: Pause, show: Callable[[float], str], on_back: Callable[[str], None]) -> None:
        self._pause = pause
        self._show = show  # seconds from now, as a time of day
        self._on_back = on_back  # told of a host that answers after it had been left alone
        self._troubles: dict[str, HostTrouble] = {}
        self._known: dict[str, None] = {}  # hosts that were asked

    def objection(self, host: str, now: float) -> Failed | None:
        """Why a host is not asked now; None where it may be, and `note` must be told what came of it."""
        trouble = self._troubles.get(host)
        if trouble is None or not trouble.said:
            return None
        if now >= trouble.until and not trouble.probing:
            self._troubles[host] = trouble._replace(probing=True)
            return None
        kind, problem = trouble.last.kind, trouble.last.problem
        left = f"{host} is left alone until {trouble.said} after {trouble.failures} failures in a row"
        return Failed(kind, f"{left}, the last: {problem}", retry_after=max(0.0, trouble.until - now))

    def note(self, host: str, answer: Answer, now: float) -> None:
        """Take note of what a request that was not objected to came to."""
        if len(self._known) < _MOST_KNOWN:
            self._known[host] = None
        trouble = self._troubles.get(host)
        if isinstance(answer, Failed) and answer.kind in _OFTEN_OURS:
            self.give_up(host)
            return
        if not isinstance(answer, Failed) or not answer.kind.transient:
            self._troubles.pop(host, None)
            if trouble is not None and trouble.said:
                self._on_back(host)
            return
        if trouble is not None and trouble.said and not trouble.probing:
            return  # it had begun before the host was left alone, and says nothing new
        failures = trouble.failures + 1 if trouble is not None else 1
        if failures < _ENOUGH and answer.kind is not FailureKind.THROTTLED:
            self._troubles[host] = HostTrouble(failures, answer)
            return
        seconds = self._pause(failures, answer.retry_after)
        self._troubles[host] = HostTrouble(failures, answer, now + seconds, self._show(seconds))

    @property
    def known(self) -> Collection[str]:
        """The hosts that were asked since the start: as many as anybody will look at."""
        return self._known

    @property
    def troubles(self) -> Mapping[str, HostTrouble]:
        """The hosts that failed, until they answer again."""
        return self._troubles

    def ails(self, host: str) -> bool:
        """Whether a host is left alone, or is to be tried by one request alone."""
        return host in self._troubles and bool(self._troubles[host].said)

    def give_up(self, host: str) -> None:
        """Take note that a request that was not objected to was broken off: another one may try."""
        trouble = self._troubles.get(host)
        if trouble is not None:
            self._troubles[host] = trouble._replace(probing=False)

    def forget(self) -> None:
        """Ask every host again: the network, or the machine, is another one."""
        self._troubles.clear()


def hosts_of_a_process(on_back: Callable[[str], None] | None = None) -> Hosts:
    """Hosts with the usual pauses, which are told in the time of day."""
    return Hosts(_pause, _time_of_day, on_back or _tell_nobody)


def host_of(request: Request) -> str:
    """What answers a request, as far as it can be told: an origin, or the bucket of a store that is not named."""
    if request.kind in {RefKind.S3, RefKind.GCS} and (endpoint := _endpoint(request.options)):
        return origin(endpoint).lower()
    return origin(request.ref.location if request.lookup is None else request.lookup.index_url).lower()


def _endpoint(options: Mapping[str, object]) -> str:
    inner = options.get("client_kwargs")
    named = options.get("endpoint_url") or (inner.get("endpoint_url") if isinstance(inner, Mapping) else None)
    return named if isinstance(named, str) else ""


def _pause(failures: int, asked: float | None) -> float:
    return pause(failures, random.random(), asked)  # noqa: S311 - no secret


def _time_of_day(ahead: float) -> str:
    return time.strftime("%H:%M:%SZ", time.gmtime(time.time() + ahead))


def _tell_nobody(host: str) -> None:
    del host
