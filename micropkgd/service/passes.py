"""Run passes in threads, with one set of sources for all of them (decision 0005).

The sources' network runs on the service's loop: limits and connections are shared by all projects, and stopping ends
every download at once, while a commit that has begun goes on to its end.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from micropkgd.annotations import Any, Final, TypeVar
from micropkgd.errors import MicropkgError, ShortageError
from micropkgd.machine.config import (
    cache_of,
    formatter_of,
    least_speed_of,
    permits_of,
    rate_limit_of,
    remote_cache_of,
    signer_of,
)
from micropkgd.machine.trust import UntrustedError
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.model.settings import Settings
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.commit.preview import Check
from micropkgd.reconcile.cycle import run_pass
from micropkgd.reconcile.news import SourceNews, seek_news
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.service.liveness import Liveness
from micropkgd.service.timing.agenda import MOST_UNDER_WAY
from micropkgd.service.watching.relevant_paths import RelevantPaths
from micropkgd.sources.gather import Sources
from micropkgd.sources.hosts import HostTrouble, hosts_of_a_process
from micropkgd.sources.traffic import Traffic
from micropkgd.workspace.memory.settling import settled_outcome
from micropkgd.workspace.root import MANIFEST_NAME

T = TypeVar("T")

_MISSING: Final = Failure(
    2,
    "ProjectMissing",
    f"there is no {MANIFEST_NAME} in this folder",
    "it is served as soon as there is one; or `micropkgd service remove FOLDER` takes it out of the config",
)


class PassResult(NamedTuple):
    """What came of a pass, and what the project depends on since."""

    outcome: Outcome | None  # None: it was stopped before it had written anything
    relevant: RelevantPaths | None  # None: its manifest could never be read


class Passes:
    """What passes need in common. Made, used and closed on one loop.

    `on_back` is told of each host that answers again after it had been left alone, `on_wait` how many more passes (or
    fewer) wait for a source: such a pass lets another one into its place. `liveness` is told how passes get on.
    `distrust` says before each pass, in its thread, why nothing may be done in a project: trust can be taken back at
    any time. `on_late` is told of each project for which a download has ended that no pass waited for. `relevant` says,
    in that thread too, what a project depends on. `on_trouble` is told what ails the cache that machines share;
    `traffic` counts downloads.
    """

    def __init__(
        self,
        settings: Settings,
        liveness: Liveness,
        on_back: Callable[[str], None],
        on_wait: Callable[[int], None],
        distrust: Callable[[str], Failure | None],
        on_late: Callable[[str], None],
        relevant: Callable[[str], RelevantPaths | None],
        on_trouble: Callable[[str], None],
        *,
        traffic: Traffic,
    ) -> None:
        self._liveness = liveness
        self._distrust = distrust
        self._relevant = relevant
        self._places = threading.Semaphore(settings.limits.passes)
        self._loop = asyncio.get_running_loop()
        self._on_wait = on_wait
        self._cache = cache_of(settings)
        self._settings = settings
        self._hosts = hosts_of_a_process(on_back)
        self._sources = Sources(
            self._cache,
            progress=liveness.received,
            at_once=settings.limits.downloads,
            per_host=settings.limits.downloads_per_host,
            loop=self._loop,
            permits=permits_of(settings),
            hosts=self._hosts,
            rate_limit=rate_limit_of(settings),
            least_speed=least_speed_of(settings),
            wait=settings.limits.source_wait,
            on_late=on_late,
            waiting=self._out_of_its_place,
            note=partial(traffic.note, shared=False),
        )
        self._remote = remote_cache_of(
            settings,
            self._sources,
            lambda text: self._on_loop(on_trouble, text),
            hosts=self._hosts,
            note=partial(traffic.note, shared=True),
        )
        self._traffic = traffic
        self._pool = ThreadPoolExecutor(MOST_UNDER_WAY, thread_name_prefix="pass")
        self._under_way: set[asyncio.Future[Any]] = set()

    async def run(self, root: str, options: PassOptions, check: Check | None = None) -> PassResult:
        """Run one pass."""
        return await self._in_thread(lambda: self._run(root, options, check))

    async def look(self, root: str, work: Callable[[Callable[[str], Fetcher]], T]) -> T | None:
        """Look at a project with the sources that passes have; None where the service is stopping."""
        return await self._in_thread(lambda: self._look(root, work))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        running = self._loop.run_in_executor(self._pool, work)
        self._under_way.add(running)
        running.add_done_callback(self._under_way.discard)
        return await running

    @property
    def hosts(self) -> Collection[str]:
        """All hosts that were asked."""
        return self._hosts.known

    @property
    def troubles(self) -> Mapping[str, HostTrouble]:
        """The hosts that failed lately."""
        return self._hosts.troubles

    def forget_outages(self) -> None:
        """Ask every host again, whatever it did."""
        self._hosts.forget()

    def stop(self) -> None:
        """End every download, and let no new one begin."""
        for sources in self._all_sources:
            sources.stop()

    async def retire(self) -> None:
        """Close when the passes and looks under way have ended; others are run by another config."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self.close()

    async def close(self) -> None:
        """Let go of connections; passes must have ended."""
        for sources in self._all_sources:
            await sources.aclose()
        self._pool.shutdown(wait=False)

    def _on_loop(self, tell: Callable[[str], None], text: str) -> None:
        self._loop.call_soon_threadsafe(tell, text)

    @property
    def _all_sources(self) -> tuple[Sources, ...]:
        return (self._sources,) if self._remote is None else (self._sources, self._remote.sources)

    def _run(self, root: str, options: PassOptions, check: Check | None) -> PassResult:
        with self._places:
            self._liveness.works()
            try:
                if (doubt := self._doubt(root)) is not None:
                    return PassResult(Outcome(root, failure=doubt), None)
                outcome = self._pass(root, options, check)
                return PassResult(outcome, self._relevant(root))
            finally:
                self._liveness.ends()

    def _look(self, root: str, work: Callable[[Callable[[str], Fetcher]], T]) -> T | None:
        with self._places:
            self._liveness.works()
            try:
                if (doubt := self._doubt(root)) is not None:
                    raise UntrustedError(doubt.problem, where=root, hint=doubt.hint)
                return work(self._fetcher)
            except CancelledError:
                return None
            finally:
                self._liveness.ends()

    def _doubt(self, root: str) -> Failure | None:
        """Why nothing may be done in a project now, or cannot be known to be."""
        try:
            return self._distrust(root)
        except MicropkgError as error:
            return Failure.of(error)

    @contextmanager
    def _out_of_its_place(self) -> Iterator[None]:
        """While a pass waits for a source, another one has its place."""
        self._loop.call_soon_threadsafe(self._on_wait, 1)
        self._places.release()
        self._liveness.waits()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._on_wait, -1)
            self._places.acquire()
            self._liveness.works()

    def _pass(self, root: str, options: PassOptions, check: Check | None) -> Outcome | None:
        """The short way where nothing moved, else a whole pass; what goes wrong is its outcome."""
        if not os.path.isfile(os.path.join(root, MANIFEST_NAME)):
            return Outcome(root, failure=_MISSING)
        settled = settled_outcome(root, apply=options.apply) if options.is_plain else None
        if settled is not None and not settled.asking:
            return settled.outcome
        try:
            sought = seek_news(settled, options, self._fetcher) if settled is not None else SourceNews()
            return sought.outcome or run_pass(root, options, sought.telling(self._fetcher), check=check)
        except MicropkgError as error:
            return Outcome(root, failure=Failure.of(error))
        except CancelledError:
            return None
        except OSError as error:  # of the machine: no descriptors or no memory left, a disk that fails
            return Outcome(root, failure=Failure.of(ShortageError.of(error, root)))

    def _fetcher(self, root: str) -> Fetcher:
        return Fetcher(
            root,
            self._sources,
            self._cache,
            os.environ,
            remote=self._remote,
            formatter=formatter_of(self._settings, root),
            sign=signer_of(self._settings, root),
            on_cached=self._note_cached,
        )

    def _note_cached(self, archives: int) -> None:
        self._loop.call_soon_threadsafe(self._traffic.note_cached, archives)
