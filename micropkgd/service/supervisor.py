"""The loop of the service: what is due is run in a thread, and what came of it is concluded and told.

Everything here happens on one thread but the passes themselves. Nothing depends on an event that could be missed: the
fleet is searched and the folders looked at from time to time, and so are the clock and the network.
"""

import asyncio
import math
import os
import random
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Set
from contextlib import suppress

from micropkgd.annotations import Any, Final, TypeVar
from micropkgd.clock import utc
from micropkgd.machine.cron import seconds_until
from micropkgd.machine.memory.standing_memory import StandingMemory
from micropkgd.model.condition import Condition
from micropkgd.model.event import Event
from micropkgd.model.outcome import Outcome
from micropkgd.model.settings import Queue, Settings
from micropkgd.model.status import ProjectStatus
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.reconcile.options import Following, PassOptions
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.service.board import NOT_SEEN, Board
from micropkgd.service.conclusion import PassEnd, bug, conclude, overdue
from micropkgd.service.conditions import News, has_failed, waits_for_a_source
from micropkgd.service.fleet import SOON, Fleet
from micropkgd.service.hooks.service_hooks import HookClock, ServiceHooks
from micropkgd.service.liveness import Liveness
from micropkgd.service.passes import Passes, PassResult
from micropkgd.service.sqs import Queues, pulls_from
from micropkgd.service.timing.agenda import Agenda, Due
from micropkgd.service.timing.jumps import LastLook
from micropkgd.service.timing.retries import BUSY_AGAIN
from micropkgd.service.timing.schedule import Instant
from micropkgd.service.timing.timetable import Timetable
from micropkgd.service.waiting_callers import WaitingCallers
from micropkgd.sources.hosts import HostTrouble
from micropkgd.sources.traffic import Traffic

TICK: Final = 5.0  # seconds between two looks at the clock and the network

_FOLLOWS: Final = frozenset(
    {
        TriggerKind.START,
        TriggerKind.SCHEDULE,
        TriggerKind.WEBHOOK,
        TriggerKind.QUEUE,
        TriggerKind.NETWORK,
        TriggerKind.RETRY,
    }
)

T = TypeVar("T")

Say = Callable[[Event], None]


class Supervisor:
    """The service at work."""

    def __init__(
        self, settings: Settings, say: Say, board: Board | None = None, memory: StandingMemory | None = None
    ) -> None:
        self.settings = settings
        self.board = board or Board(utc)
        self._memory = memory or StandingMemory()
        self.agenda = Agenda(settings.limits.passes)
        self._times = Timetable(self.agenda, random.random, seconds_until)
        self._wake = asyncio.Event()
        self._callers = WaitingCallers()
        self.fleet = Fleet(settings, self._times, self.board, self._memory, self._wake.set, self._callers.abandon)
        self.on_hook: list[HookClock] = []  # who is told how long hooks took
        self._hooks = ServiceHooks(settings.hooks, self.board.say, self._measure_hook)
        self.board.tell(say)
        self.board.tell(self._hooks.post)
        self._liveness = Liveness()
        self.traffic = Traffic()
        self._passes = self._passes_by(settings)
        self._retired: set[Passes] = set()  # of an older config, with passes under way
        self._queues = Queues(self._object_changed, self.board.say)
        self._surroundings = LastLook()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._progress = ""  # of the start, as last told
        self.last_turn = time.monotonic()  # when the loop last had done all it had to do

    async def run(self) -> None:
        """Serve until `stop`; what is under way then has `drain` seconds to end."""
        keeping = asyncio.create_task(self._keep_fleet())
        self._queues.read(self.settings.queues)
        try:
            while not self._stopping:
                for due in self._times.take(_now()):
                    self._run_beside(self._work(due))
                await self._sleep()
                if time.monotonic() - self.last_turn >= TICK:
                    self._look_around()
        finally:
            self._callers.close()
            for passes in (self._passes, *self._retired):
                passes.stop()
            self._hooks.stop()
            await self._queues.close()
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            if self._running:
                await asyncio.wait(self._running, timeout=self.settings.drain)
            self.fleet.close()
            await self._hooks.close()
            await self._passes.close()

    def stop(self) -> None:
        """Start nothing more, and let `run` end."""
        self._stopping = True
        self._wake.set()

    def trigger(self, trigger: Trigger, projects: Iterable[str] | None = None, *, spread: float = 0.0) -> list[str]:
        """Ask for a pass of projects (all, if none is named), spread by chance over some seconds."""
        now, served = time.monotonic(), self.fleet.groups
        asked = [root for root in (projects if projects is not None else served) if root in served]
        for root in asked:
            self.agenda.ask(root, trigger, now + spread * random.random())  # noqa: S311 - no secret
        self._wake.set()
        return asked

    async def reconcile(self, root: str, options: PassOptions, trigger: Trigger) -> Outcome | None:
        """Run a pass with these options as soon as there is room, and give what came of it; None if stopped before."""
        caller = self._callers.add(root, options)
        if not self.trigger(trigger, [root]):
            self._callers.abandon(root)
        return await caller.answer

    async def look(self, root: str, work: Callable[[Callable[[str], Fetcher]], T]) -> T | None:
        """Look at a project with the sources that passes have; None where the service is stopping."""
        return None if self._stopping else await self._passes.look(root, work)

    async def reload(self, settings: Settings) -> None:
        """Serve by another config from now on; passes under way end by the old one."""
        if self._stopping:
            return
        old, self.settings = self.settings, settings
        self.agenda.passes = settings.limits.passes
        if _reach(old) != _reach(settings):
            self._retired.add(self._passes)
            self._run_beside(self._retire(self._passes))
            self._passes = self._passes_by(settings)
        self._hooks.reload(settings.hooks)
        self._queues.read(settings.queues)
        self.board.say(News("ConfigReloaded", "", "the config was read again"))
        await self.fleet.reload(settings)
        self.fleet.report_none()
        self._times.forget_outages()
        failing = [root for root, status in self.board.projects.items() if has_failed(status)]
        self.trigger(Trigger(TriggerKind.CONFIG), spread=SOON)
        self.trigger(Trigger(TriggerKind.RETRY, "the config was read again"), failing, spread=SOON)

    def statuses(self, roots: Iterable[str] | None = None) -> list[ProjectStatus]:
        """How projects stand (all, if none is named), with what is under way and planned."""
        running, stirred = self.agenda.running, self.fleet.stirred
        served = self.board.projects
        return [self._of_now(served[root], running, stirred) for root in (sorted(served) if roots is None else roots)]

    @property
    def unfinished(self) -> bool:
        """Whether threads were still at work when `run` ended."""
        return bool(self._running) or self.fleet.is_searching

    def alive(self, longest: float) -> bool:
        """Whether work gets done: the loop turns, and no pass has stood still for `longest` seconds."""
        return time.monotonic() - self.last_turn < 3 * TICK and not self._liveness.stands_still(longest)

    async def _keep_fleet(self) -> None:
        """Search and watch for as long as the service runs, whatever goes wrong there."""
        while True:
            try:
                await self.fleet.search()
                self.fleet.report_none()
                self._memory.sweep(self.board.projects)
                await self.fleet.run()
            except Exception as error:  # noqa: BLE001 - who searches again finds what this one has not
                self.board.say(News("Bug", "", f"{type(error).__name__}: {error}"))
                await asyncio.sleep(TICK)

    async def _sleep(self) -> None:
        """Wait for somebody to ask, for the next thing that is due, or for the next look around."""
        now = time.monotonic()
        due = self.agenda.next_at()
        until = self.last_turn + TICK if due is None else min(due, self.last_turn + TICK)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - now)):
                await self._wake.wait()
        self._wake.clear()

    def _look_around(self) -> None:
        """Look for what gives no event: jumps of the clock, another network, passes that take too long."""
        for kind, what in self._surroundings.jumped():
            self.board.say(News("SurroundingsChanged", "", what))
            self._times.forget_outages()
            self._passes.forget_outages()
            self.trigger(Trigger(kind, what), spread=SOON)
        for root, began in self.agenda.running.items():
            if time.monotonic() - began > self.settings.max_staleness:
                self._call_overdue(root, began)
        self._tell_progress()
        self.last_turn = time.monotonic()

    def _tell_progress(self) -> None:
        """Say how far the start has come, where it takes so long that somebody may ask."""
        progress = self.board.progress() if self.fleet.known.is_set() else self._progress
        if progress != self._progress:
            all_of_them = f"all {len(self.board.projects):,} projects looked at"
            self.board.say(News("StartProgress", "", progress or all_of_them))
        self._progress = progress

    def _call_overdue(self, root: str, began: float) -> None:
        """A pass that has been under way for so long says nothing of what is true now."""
        before = self.board.projects.get(root)
        conclusion = overdue(before, _wall(began), utc()) if before is not None else None
        if conclusion is not None:
            self.board.put(conclusion.status)
            for news in conclusion.news:
                self.board.say(news, root)

    async def _work(self, due: Due) -> None:
        """One pass from the reasons for it to its conclusion; nothing that goes wrong here stops the others."""
        root, pass_id, began = due.project, os.urandom(6).hex(), time.monotonic()
        caller = self._callers.take(root)
        options = caller.options if caller is not None else PassOptions(lock_timeout=0.0, following=_following(due))
        options = options._replace(pass_id=pass_id, trigger=due.reasons, full_check=self.settings.full_check)
        counts = options.apply  # what a dry run finds says nothing of how the project stands
        try:
            ran = await self._passes.run(root, options, self._hooks.check_for(pass_id, due.triggers))
        except Exception as error:  # noqa: BLE001 - a bug in one pass must not end the service (promise P7)
            ran, counts = PassResult(bug(root, error), None), True
        self.agenda.done(root, time.monotonic())
        self.fleet.follow(root, ran.relevant)
        outcome = ran.outcome if counts else None
        if outcome is not None:
            try:
                self._conclude(due, pass_id, time.monotonic() - began, outcome)
            except Exception as error:  # noqa: BLE001 - who waits for the pass is answered all the same
                self.board.say(News("Bug", "", f"{type(error).__name__}: {error}"), root, pass_id)
            if not outcome.downloading:
                self._callers.answer_parked(root, outcome)
        if caller is not None:
            if outcome is not None and outcome.downloading:
                self._callers.park(root, caller, outcome)
            else:
                caller.reply(ran.outcome)
            # What it has not answered: another wish, or a pass without its restrictions.
            if self._callers.has(root) or caller.options != PassOptions(lock_timeout=caller.options.lock_timeout):
                self._times.ask_again(root, due.triggers, time.monotonic())
        self._wake.set()

    def _conclude(self, due: Due, pass_id: str, seconds: float, outcome: Outcome) -> None:
        """Do what follows from a pass."""
        root = due.project
        before = self.board.projects.get(root)
        if outcome.failure is not None and outcome.failure.condition is Condition.UNTRUSTED:
            self.fleet.search_soon()
            return
        if before is None or root not in self.fleet.groups:  # it went meanwhile, or is trusted no more
            return
        scheduled = self.agenda.planned(root, TriggerKind.SCHEDULE)
        ended = PassEnd(due, pass_id, seconds, _now(), random.random(), scheduled, self.settings.max_staleness)  # noqa: S311 - no secret
        told = self._memory.recall(root) if before.standing.reason == NOT_SEEN else None
        conclusion = conclude(told or before, outcome, ended, self._times.outage(root))
        self.board.put(conclusion.status)
        self.board.show(outcome)
        self._times.plan_retry(root, conclusion.outage)
        if conclusion.is_busy:
            self._times.ask_again(root, due.triggers, ended.now.clock + BUSY_AGAIN)
        for news in conclusion.news:
            self.board.say(news, root, pass_id, due.reasons)
        self._memory.note(conclusion.status)
        self._hooks.after_pass(before, conclusion.status, outcome)

    def _of_now(self, status: ProjectStatus, running: Mapping[str, float], stirred: Set[str]) -> ProjectStatus:
        root, at = status.root, self.agenda.next_pass(status.root)
        if root in stirred and root not in running:
            at = min(time.monotonic(), at or math.inf)
        return status._replace(
            running=root in running,
            running_since=_wall(began) if (began := running.get(root)) is not None else "",
            watching=self.fleet.how_watched(root),
            next_pass="" if at is None else _wall(at),
        )

    @property
    def hosts(self) -> Collection[str]:
        """All hosts that were asked."""
        return self._passes.hosts

    @property
    def troubles(self) -> Mapping[str, HostTrouble]:
        """The hosts that failed lately."""
        return self._passes.troubles

    def _passes_by(self, settings: Settings) -> Passes:
        return Passes(
            settings, self._liveness, self._host_is_back, self._pass_waits, self.fleet.distrust, self._download_ended,
            self.fleet.relevant, self._cache_ails, traffic=self.traffic,
        )  # fmt: skip

    def _host_is_back(self, host: str) -> None:
        """An outage is over: whoever waits for a source is looked at, though most wait for other hosts than this."""
        waiting = [root for root, status in self.board.projects.items() if waits_for_a_source(status)]
        what = f"{host} answers again"
        self.board.say(News("HostBack", "", what))
        self.trigger(Trigger(TriggerKind.NETWORK, what), waiting, spread=SOON)

    def _cache_ails(self, problem: str) -> None:
        """The cache that machines share is away, full, or holds what it should not: nothing waits for it."""
        self.board.say(News("CacheTrouble", "", problem))

    def _download_ended(self, root: str) -> None:
        """What a pass went on without is there, or known not to come."""
        self.trigger(Trigger(TriggerKind.NETWORK, "a download has ended"), [root])

    def _measure_hook(self, hook: str, seconds: float, *, failed: bool) -> None:
        for measure in self.on_hook:
            measure(hook, seconds, failed=failed)

    async def _retire(self, passes: Passes) -> None:
        """Close what the old config made, when nothing uses it any more."""
        await passes.retire()
        self._retired.discard(passes)

    def _pass_waits(self, change: int) -> None:
        """So many more passes wait for a source: others may start."""
        self.agenda.waiting += change
        self._wake.set()

    async def _object_changed(self, queue: Queue, bucket: str, what: str) -> None:
        """A queue names an object: the projects that the queue is for are looked at, or those that pull from there."""
        if queue.projects:
            named = await self.fleet.matching(queue.projects)
        else:
            named = [root for root, status in self.board.projects.items() if pulls_from(status, bucket)]
        self.trigger(Trigger(TriggerKind.QUEUE, what), named)

    def _run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _reach(settings: Settings) -> tuple[object, ...]:
    """All that passes reach sources by."""
    return (
        settings.limits, settings.cache_dir, settings.usual, settings.tables, settings.credential_endpoints,
        settings.environment,
    )  # fmt: skip


def _following(due: Due) -> Following:
    """Whether a pass takes what is newer at the sources: one that only a saved file led to does not."""
    if due.kinds & {TriggerKind.COMMAND, TriggerKind.SIGNAL}:
        return Following.ASKED
    return Following.UNASKED if due.kinds & _FOLLOWS else Following.NOTHING


def _wall(at: float) -> str:
    """A time of the agenda's clock as people read it."""
    return utc(time.time() + at - time.monotonic())


def _now() -> Instant:
    return Instant(time.monotonic(), time.time())
