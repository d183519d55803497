"""The loop of the service: who asks is noted in the agenda, what is due is run, what came of it is told.

Everything here happens on one thread but the passes themselves. From time to time it looks whether projects came or
went, whether watched folders were exchanged, and whether the clock or the network jumped; nothing depends on an event
that could be missed.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from micropkgd.actions import suspend as suspending
from micropkgd.clock import utc
from micropkgd.errors import ShortageError
from micropkgd.machine.projects import anchors, find_projects, named_projects
from micropkgd.machine.trust import distrust, strangers
from micropkgd.model.condition import Condition, Failure, Standing
from micropkgd.model.outcome import Outcome
from micropkgd.model.settings import Group, Queue, Settings, Trust
from micropkgd.model.status import PassStatus, ProjectStatus
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.reconcile.options import Options
from micropkgd.service.board import Board, Event
from micropkgd.service.conditions import Moment, News, news_of, stands, waits_for_a_source
from micropkgd.service.hooks.service_hooks import ServiceHooks
from micropkgd.service.liveness import Pulse
from micropkgd.service.passes import Passes
from micropkgd.service.sqs import Queues, pulls_from
from micropkgd.service.timing.agenda import Agenda, Due
from micropkgd.service.timing.jumps import Surroundings
from micropkgd.service.timing.retries import Retries
from micropkgd.service.timing.schedule import pause_until_next
from micropkgd.service.waiting_callers import Wishes
from micropkgd.service.watching.relevant_paths import Interest, least_interest
from micropkgd.service.watching.watched_projects import Vigil
from micropkgd.workspace.root import MANIFEST_NAME

TICK: Final = 5.0  # seconds between two looks around
_SEARCH_EVERY: Final = 30.0  # seconds between two searches for projects that gave no event
_LOOK_EVERY: Final = 15.0  # seconds between two looks whether watched folders were exchanged: a `stat` for each
_SOON: Final = 5.0  # seconds over which passes are spread that one event asks of many projects
_HELD_FOR: Final = 10.0  # seconds to wait for a pass to end before something else is written

Say = Callable[[Event], None]


class Supervisor:
    """The service at work."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self.settings = settings
        self.board = Board(_utc)
        self._say = say
        self._agenda = Agenda(settings.limits.passes)
        self._pulse = Pulse()
        self._passes = self._make_passes(settings)
        self._hooks = ServiceHooks(settings.hooks, self.tell)
        self._queues = Queues(self._object_changed, self.tell)
        self._groups: Mapping[str, Group] = {}
        self._named: frozenset[str] = frozenset()  # projects that the config names without a wildcard
        self._strangers: Mapping[str, Failure] = {}  # projects that are left alone until somebody trusts them
        self._retries = Retries()
        self._wishes = Wishes()
        self._wake = asyncio.Event()
        self._stopping = False
        self._running: dict[str, asyncio.Task[None]] = {}
        self._vigil = Vigil(self._wake_for, self._find_newcomers, self._overflowed, self._watch_degraded)
        self._surroundings = Surroundings()
        self._searched, self._looked = -_SEARCH_EVERY, -_LOOK_EVERY
        self.last_turn = time.monotonic()  # when the loop last had done all it had to do

    async def run(self) -> None:
        """Serve until `stop`; what is under way then has `drain` seconds to end."""
        watching = asyncio.create_task(self._vigil.run())
        self._look_around()
        self._miss_projects()
        self._queues.read(self.settings.queues)
        try:
            while not self._stopping:
                self._start_due()
                await self._sleep()
                if time.monotonic() - self.last_turn >= TICK:
                    self._look_around()
        finally:
            self._wishes.abandon_all()
            self._passes.stop()
            self._hooks.stop()
            await self._queues.close()
            if self._running:
                await asyncio.wait(self._running.values(), timeout=self.settings.drain)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._hooks.close()
            await self._passes.close()

    def stop(self) -> None:
        """Start nothing more, and let `run` end."""
        self._stopping = True
        self._wake.set()

    def trigger(self, trigger: Trigger, projects: Iterable[str] | None = None, *, spread: float = 0.0) -> list[str]:
        """Ask for a pass of projects (all, if none is named), spread by chance over some seconds."""
        now = time.monotonic()
        asked = [root for root in (projects if projects is not None else self._groups) if root in self._groups]
        for root in asked:
            self._ask(root, trigger, now + spread * random.random())  # noqa: S311 - no secret
        self._wake.set()
        return asked

    async def reconcile(self, root: str, options: Options, trigger: Trigger) -> Outcome | None:
        """Run a pass with these options as soon as there is room, and give what came of it; None if stopped before."""
        wish = self._wishes.add(root, options)
        if not self.trigger(trigger, [root]):
            self._wishes.abandon(root)
        return await wish.answer

    def reload(self, settings: Settings) -> None:
        """Serve by another config from now on; passes under way end by the old one."""
        old, self.settings = self.settings, settings
        self._agenda.passes = settings.limits.passes
        if _reach(old) != _reach(settings):
            self._retire(self._passes)
            self._passes = self._make_passes(settings)
        self._hooks.reload(settings.hooks)
        self._queues.read(settings.queues)
        self.tell(News("ConfigReloaded", "", "the config was read again"))
        self._groups, self._searched, self._looked = {}, -_SEARCH_EVERY, -_LOOK_EVERY
        self._look_around()
        self._miss_projects()
        self.trigger(Trigger(TriggerKind.CONFIG), spread=_SOON)

    def tell(self, news: News, project: str = "", pass_id: str = "", trigger: str = "") -> None:
        """Make something known: on the board, and to the log."""
        event = self.board.say(news, project, pass_id, trigger)
        self._say(event)
        self._hooks.post(event)

    def summary(self) -> str:
        """All projects in one line, for `systemctl status`."""
        states = [status.standing.state for status in self.board.projects.values()]
        counts = [f"{states.count(word)} {word.lower()}" for word in dict.fromkeys(sorted(states))]
        noun = "project" if len(states) == 1 else "projects"
        return f"{len(states)} {noun}{': ' + ', '.join(counts) if counts else ''}"

    @property
    def served(self) -> Collection[str]:
        """The projects that passes are run for."""
        return self._groups.keys()

    @property
    def strangers(self) -> Mapping[str, Failure]:
        """The projects that are left alone until somebody trusts them, and why."""
        return self._strangers

    def look_again_at(self, projects: Collection[str]) -> None:
        """Search anew where one of these is left alone: who asks for it may just have trusted it."""
        if not self._strangers.keys().isdisjoint(projects):
            self._find_projects()

    @property
    def running(self) -> Mapping[str, float]:
        """The projects with a pass under way, and since when on the monotonic clock."""
        return self._agenda.running

    @property
    def waiting(self) -> int:
        """How many passes are due and have not begun."""
        now = time.monotonic()
        due = (self._agenda.next_pass(root) for root in self._agenda.projects)
        return sum(1 for at in due if at is not None and at <= now)

    @property
    def unfinished(self) -> bool:
        """Whether passes were still at work when `run` ended."""
        return bool(self._running)

    def alive(self, longest: float) -> bool:
        """Whether work gets done: the loop turns, and no pass has stood still for `longest` seconds."""
        return time.monotonic() - self.last_turn < 3 * TICK and not self._pulse.stands_still(longest)

    async def suspend(self, root: str, names: Sequence[str], *, suspended: bool) -> None:
        """Leave entries of a project alone (all, if none is named), or look after them again."""
        change = suspending.suspend if suspended else suspending.resume
        await asyncio.to_thread(change, root, names, _HELD_FOR)
        self.tell(News("Suspended" if suspended else "Resumed", ", ".join(names), ""), root)
        self.trigger(Trigger(TriggerKind.COMMAND, "suspend" if suspended else "resume"), [root])

    @property
    def degraded(self) -> str:
        """Why folders are scanned that could be watched; empty where none are."""
        return self._vigil.degraded

    async def _sleep(self) -> None:
        """Wait for somebody to ask, for the next thing that is due, or for the next look around."""
        now = time.monotonic()
        due = self._agenda.next_at()
        until = self.last_turn + TICK if due is None else min(due, self.last_turn + TICK)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(0.0, until - now))
        self._wake.clear()

    def _look_around(self) -> None:
        if time.monotonic() - self._searched >= _SEARCH_EVERY:
            self._find_projects()
        for kind, what in self._surroundings.jumped():
            self.tell(News("SurroundingsChanged", "", what))
            self._reschedule()
            self._retries.forget_all()
            self._passes.forget_outages()
            self.trigger(Trigger(kind, what), spread=_SOON)
        if time.monotonic() - self._looked >= _LOOK_EVERY:
            self._looked = time.monotonic()
            self._vigil.look()
        self.last_turn = time.monotonic()

    def _find_projects(self) -> None:
        """Take on the projects that came, and let those go that went or are not to be trusted any more."""
        found, self._strangers = self._search()
        now = self._searched = time.monotonic()
        for root in found.keys() - self._groups.keys():
            new = root not in self._agenda.projects
            self._agenda.add(root)
            if new:
                pending = Standing(Condition.PENDING.value, "NotSeen", "no pass has looked at it yet", _utc())
                self.board.put(ProjectStatus(root, pending, watching=self._how_watched(found[root])))
                self.tell(News("ProjectAdded", "", "is served from now on"), root)
                self._ask(root, Trigger(TriggerKind.START), now)
            if new and found[root].watch:
                self._vigil.follow(root, least_interest(root))
            elif not found[root].watch:
                self._vigil.drop(root)
            self._schedule(root, found[root])
        for root in set(self._agenda.projects) - found.keys():
            self._agenda.remove(root)
            self._vigil.drop(root)
            self._retries.forget(root)
            self._wishes.abandon(root)
            self.board.remove(root)
            self.tell(News("ProjectRemoved", "", "is no longer served"), root)
        self._groups = found
        self._show_strangers()
        self._vigil.set_anchors(anchors(group for group in self.settings.groups if group.watch))

    def _make_passes(self, settings: Settings) -> Passes:
        return Passes(settings, self._pulse, self._host_is_back, self._pass_waits, self._distrust)

    def _search(self) -> tuple[Mapping[str, Group], Mapping[str, Failure]]:
        """The projects to be served, and why others that a glob found are left alone."""
        found = find_projects(self.settings.groups)
        if self.settings.trust is Trust.EVERYTHING:
            return found, {}
        self._named = named_projects(self.settings.groups)
        try:
            doubts = strangers(found, self._named)
        except ShortageError:  # nothing is known now: it stays as it was until the next search
            return self._groups, self._strangers
        return {root: group for root, group in found.items() if root not in doubts}, doubts

    def _distrust(self, root: str) -> Failure | None:
        """Why nothing may be done in a project now; called in the threads of passes."""
        if self.settings.trust is Trust.EVERYTHING or root in self._named:
            return None
        return distrust(root)

    def _show_strangers(self) -> None:
        """Put on the board what is left alone, and tell of what was not so before."""
        for root in list(self.board.projects):
            if root not in self._groups and root not in self._strangers:
                self.board.remove(root)
        for root, doubt in self._strangers.items():
            was = self.board.projects.get(root)
            if was is None or was.standing.reason != doubt.reason:
                standing = Standing(Condition.UNTRUSTED.value, doubt.reason, doubt.problem, _utc())
                self.board.put(ProjectStatus(root, standing))
                self.tell(News("ProjectUntrusted", "", doubt.problem), root)

    def _miss_projects(self) -> None:
        """Say that there is nothing to do: a slip in a glob looks like a service that works."""
        if not self.board.projects:
            paths = ", ".join(path for group in self.settings.groups for path in group.paths)
            self.tell(News("NoProjects", "", f"no folder whose {MANIFEST_NAME} speaks of micro-packages is at {paths}"))

    def _schedule(self, root: str, group: Group) -> None:
        """Plan the next look at the sources, and the slow look behind the watch."""
        now = time.monotonic()
        pause = pause_until_next(group, time.time(), random.random())  # noqa: S311 - no secret
        if pause is not None:
            self._put_off(root, Trigger(TriggerKind.SCHEDULE), now + pause)
        slow = self.settings.scan_every * (1 + random.random() / 10)  # noqa: S311 - no secret
        self._put_off(root, Trigger(TriggerKind.SCAN), now + slow)

    def _plan_next(self, due: Due) -> None:
        """Plan the next look, whatever came of the one that was planned."""
        group = self._groups.get(due.project)
        if group is not None and any(one.kind in {TriggerKind.SCHEDULE, TriggerKind.SCAN} for one in due.triggers):
            self._schedule(due.project, group)

    def _reschedule(self) -> None:
        for root, group in self._groups.items():
            self._schedule(root, group)

    def _ask(self, root: str, trigger: Trigger, at: float) -> None:
        self._agenda.ask(root, trigger, at)
        self._show_next(root)

    def _put_off(self, root: str, trigger: Trigger, at: float) -> None:
        self._agenda.put_off(root, trigger, at)
        self._show_next(root)

    def _show_next(self, root: str) -> None:
        """Let the board say when a project's next pass is due."""
        status = self.board.projects.get(root)
        if status is not None:
            self.board.put(status._replace(next_pass=self._next_pass(root)))

    def _wake_for(self, root: str, trigger: Trigger, at: float) -> None:
        self._put_off(root, trigger, at)
        self._wake.set()

    def _find_newcomers(self) -> None:
        self._find_projects()
        self._vigil.arm()

    def _overflowed(self) -> None:
        self.tell(News("WatchOverflow", "", "too many events at once: every project is looked at"))
        self.trigger(Trigger(TriggerKind.SCAN, "events may have been lost"), spread=_SOON)

    def _watch_degraded(self, why: str) -> None:
        if why:
            hint = "raise fs.inotify.max_user_watches or max_user_instances (sysctl)"
            self.tell(News("WatchDegraded", "", f"folders are scanned, not watched: {why}; {hint}"))
        else:
            self.tell(News("WatchRecovered", "", "folders are watched again"))
        for root, status in list(self.board.projects.items()):
            self.board.put(status._replace(watching=self._how_watched(self._groups.get(root))))

    def _how_watched(self, group: Group | None) -> str:
        if group is None or not group.watch:
            return ""
        return "scans" if self._vigil.degraded else "events"

    def _start_due(self) -> None:
        for due in self._agenda.take(time.monotonic()):
            task = asyncio.create_task(self._work(due))
            self._running[due.project] = task

    async def _work(self, due: Due) -> None:
        """One pass from the reasons for it to what is said of it; nothing that goes wrong here stops the others."""
        root = due.project
        wish = self._wishes.take(root)
        options = wish.options if wish is not None else Options(lock_timeout=0.0, near=_is_near(due))
        pass_id = os.urandom(6).hex()
        reason = ", ".join(map(str, due.triggers))
        options = options._replace(pass_id=pass_id, trigger=reason, full_check=self.settings.full_check)
        before = self.board.projects.get(root)
        if before is not None:
            self.board.put(before._replace(running=True))
        started = time.monotonic()
        outcome: Outcome | None = None
        try:
            outcome, interest = await self._passes.run(root, options, self._hooks.check_for(pass_id, due.triggers))
            self._follow(root, interest)
            if outcome is not None and options.apply:
                self._settle(outcome, before, PassStatus(pass_id, reason, _utc(), _since(started), outcome.exit_code))
        except Exception as error:  # noqa: BLE001 - a bug in one pass must not end the service (promise P7)
            what = f"{type(error).__name__}: {error}"
            self.tell(News("Bug", "", what), root, pass_id)
            again = self._retry_in(root, self._retries.after_bug(root, random.random()))  # noqa: S311 - no secret
            if before is not None and root in self.board.projects:
                self.board.put(before._replace(standing=Standing(Condition.RETRYING.value, "Bug", what, _utc(), again)))
        finally:
            self._agenda.done(root, time.monotonic())
            self._plan_next(due)
            now_on_board = self.board.projects.get(root)
            if now_on_board is not None:
                self.board.put(now_on_board._replace(running=False, next_pass=self._next_pass(root)))
            self._running.pop(root, None)
            if wish is not None:
                wish.grant(outcome)
                self._ask_again(due, wish.options)
            self._wake.set()

    def _ask_again(self, due: Due, options: Options) -> None:
        """Ask for what a pass by somebody's wish has not answered: another wish, or a pass without its restrictions."""
        if self._wishes.has(due.project) or options != Options(lock_timeout=options.lock_timeout):
            for trigger in due.triggers:
                self._ask(due.project, trigger, time.monotonic())

    def _settle(self, outcome: Outcome, before: ProjectStatus | None, last: PassStatus) -> None:
        """Draw the conclusions of a pass: how the project stands, what is news, when it is looked at again."""
        root = outcome.root
        if outcome.failure is not None and outcome.failure.condition is Condition.UNTRUSTED:
            self._find_projects()
            return
        group = self._groups.get(root)
        if group is None:
            return
        pause = self._retries.after(outcome, random.random())  # noqa: S311 - no secret
        next_try = "" if pause is None else self._retry_in(root, pause)
        moment = Moment(_utc(), _utc(-self.settings.max_staleness), next_try)
        status = stands(before, outcome, moment, last)._replace(watching=self._how_watched(group))
        self.board.put(status)
        for news in news_of(before, status, outcome):
            self.tell(news, root, last.id, last.trigger)
        self._hooks.after_pass(before, status, outcome)

    def _retry_in(self, root: str, pause: float) -> str:
        self._put_off(root, Trigger(TriggerKind.RETRY), time.monotonic() + pause)
        return _utc(pause)

    def _host_is_back(self, host: str) -> None:
        """An outage is over: whoever waits for a source is looked at, though most wait for other hosts than this."""
        waiting = [root for root, status in self.board.projects.items() if waits_for_a_source(status)]
        what = f"{host} answers again"
        self.tell(News("HostBack", "", what))
        self.trigger(Trigger(TriggerKind.NETWORK, what), waiting, spread=_SOON)

    def _pass_waits(self, change: int) -> None:
        """So many more passes wait for a source: others may start."""
        self._agenda.waiting += change
        self._wake.set()

    def _object_changed(self, queue: Queue, bucket: str, what: str) -> None:
        """A queue names an object: the projects that the queue is for are looked at, or those that pull from there."""
        if queue.projects:
            named = list(find_projects((Group(queue.projects),)))
        else:
            named = [root for root, status in self.board.projects.items() if pulls_from(status, bucket)]
        self.trigger(Trigger(TriggerKind.QUEUE, what), named)

    def _next_pass(self, root: str) -> str:
        at = self._agenda.next_pass(root)
        return "" if at is None else _utc(at - time.monotonic())

    def _follow(self, root: str, interest: Interest | None) -> None:
        """Watch what the manifest names now; one that cannot be read leaves the watch as it was."""
        group = self._groups.get(root)
        if interest is not None and group is not None and group.watch:
            self._vigil.follow(root, interest)
            self._vigil.arm()

    def _retire(self, passes: Passes) -> None:
        """Close what the old config made, when nothing uses it any more."""

        async def close() -> None:
            if self._running:
                await asyncio.wait(list(self._running.values()))
            await passes.close()

        task = asyncio.create_task(close())
        self._running[f"closing {id(passes)}"] = task
        task.add_done_callback(lambda _: self._running.pop(f"closing {id(passes)}", None))


def _reach(settings: Settings) -> tuple[object, ...]:
    """All that passes reach sources by."""
    return (
        settings.limits, settings.cache_dir, settings.usual, settings.tables, settings.credential_endpoints,
        settings.environment,
    )  # fmt: skip


def _is_near(due: Due) -> bool:
    """Whether nothing was said that has to do with a remote source."""
    return all(trigger.kind in {TriggerKind.EDIT, TriggerKind.SCAN} for trigger in due.triggers)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _utc(ahead: float = 0.0) -> str:
    """A time of day, now or some seconds ahead: ISO 8601, UTC."""
    return utc(time.time() + ahead)
