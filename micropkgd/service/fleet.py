"""The projects that are served: which there are, the group that each belongs to, its times, and what of it is watched.

They are searched for from time to time, and when something comes into a folder where one may appear. A search reads
much of the disk and happens in a thread; what it found is taken on here, on the loop.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from micropkgd.annotations import Final
from micropkgd.clock import utc
from micropkgd.errors import ShortageError
from micropkgd.machine.memory.standing_memory import StandingMemory
from micropkgd.machine.projects import anchors, find_projects, glance, named_projects
from micropkgd.machine.trust import distrust, found_by
from micropkgd.machine.trust import glance as glance_at_trust
from micropkgd.model.condition import Condition, Failure, Standing
from micropkgd.model.settings import Group, Settings, Trust
from micropkgd.model.standing import failed
from micropkgd.model.status import ProjectStatus
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.board import NOT_SEEN, Board
from micropkgd.service.conditions import News
from micropkgd.service.timing.schedule import Instant
from micropkgd.service.timing.timetable import Timetable
from micropkgd.service.watching.relevant_paths import RelevantPaths
from micropkgd.service.watching.watched_projects import WatchedProjects
from micropkgd.workspace.root import MANIFEST_NAME

SOON: Final = 5.0  # seconds over which passes are spread that one event asks of many projects
_LOOK_EVERY: Final = 15.0  # seconds between two looks whether watched folders were exchanged: a `stat` for each
_SEARCH_EVERY: Final = 30.0  # seconds between two searches for projects that gave no event
_REST: Final = 4.0  # times as long as a search took, before the next one


class _Found(NamedTuple):
    """What a search found."""

    groups: Mapping[str, Group]
    strangers: Mapping[str, Failure]
    named: frozenset[str]
    anchors: frozenset[str]  # watched folders in which projects may appear
    ready: frozenset[str]  # those that readiness depends on, where the config names some


_Glance = tuple[Settings, Mapping[str, object], tuple[int, int, int]]
"""What a search depends on: the config, what stands at its paths, and the list of trusted folders."""


class Fleet:
    """All of them. `on_due` is called when the timetable has something new, `on_gone` with a project that went."""

    def __init__(
        self,
        settings: Settings,
        timetable: Timetable,
        board: Board,
        memory: StandingMemory,
        on_due: Callable[[], None],
        on_gone: Callable[[str], None],
    ) -> None:
        self.groups: Mapping[str, Group] = {}  # of those that passes are run for
        self.strangers: Mapping[str, Failure] = {}  # those that are left alone until somebody trusts them, and why
        self.known = asyncio.Event()  # set once a search has come to its end
        self._settings = settings
        self._timetable = timetable
        self.ready: frozenset[str] = frozenset()  # those that readiness depends on, where the config names some
        self._named: frozenset[str] = frozenset()  # those that the config names without a wildcard
        self._board = board
        self._memory = memory
        self._on_due = on_due
        self._on_gone = on_gone
        self._disk = ThreadPoolExecutor(2, thread_name_prefix="disk")
        self._glance: _Glance | None = None  # at what the last search depended on
        self._searching = asyncio.Lock()
        self._search_now = asyncio.Event()
        self._anew = False  # whether the search that is due reads the disk, whatever a glance shows
        self._watched = WatchedProjects(
            self._ask, self.search_soon, self._overflowed, self._watch_degraded, self._disk, self._crowded,
            self._search_now.set,
        )  # fmt: skip

    @property
    def degraded(self) -> str:
        """Why folders are scanned that could be watched; empty where none are."""
        return self._watched.degraded

    @property
    def watches(self) -> int:
        """How many folders the kernel watches."""
        return self._watched.watches

    @property
    def stirred(self) -> Set[str]:
        """The projects of which something was heard that may ask for a pass in a moment."""
        return self._watched.stirred

    @property
    def is_searching(self) -> bool:
        """Whether the disk is being read."""
        return self._searching.locked()

    async def run(self) -> None:
        """Watch, and look for what gave no event, until cancelled."""
        watching = asyncio.create_task(self._watched.run())
        searched = time.monotonic()
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY):
                        await self._search_now.wait()
                began = time.monotonic()
                if self._search_now.is_set() or began - searched >= _SEARCH_EVERY:
                    await self.search(anew=False)
                    searched = time.monotonic()
                    await asyncio.sleep(_REST * (searched - began))
                self._watched.look()
                if watching.done():  # only ever by an error
                    watching.result()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def close(self) -> None:
        """Let go of the threads; whoever reads the disk in one ends as it will."""
        self._disk.shutdown(wait=False, cancel_futures=True)

    async def search(self, *, anew: bool = True) -> None:
        """Take on the projects that came, and let those go that went or are not to be trusted any more.

        Unless it is to be done `anew`, or `search_soon` asked for that, nothing is read where a glance shows that all
        is as the last search found it.
        """
        async with self._searching:
            anew = anew or self._anew
            self._search_now.clear()
            self._anew = False
            settings, last = self._settings, None if anew else self._glance
            try:
                glance, found = await asyncio.get_running_loop().run_in_executor(self._disk, _search, settings, last)
            except ShortageError:  # nothing is known now: it stays as it was until the next search
                self._anew = anew
                return
            # Another config may have been read meanwhile, and its search comes next.
            if found is not None and settings is self._settings:
                self._glance = glance
                self._named, self.ready = found.named, found.ready
                self._take_on(found.groups)
                self._leave_alone(found.strangers)
                self._watched.set_anchors(found.anchors)
                self.known.set()

    def search_soon(self) -> None:
        """Search anew, and do not wait for it."""
        self._anew = True
        self._search_now.set()

    async def look_again_at(self, projects: Collection[str]) -> None:
        """Search anew where one of these is left alone: who asks for it may just have trusted it."""
        if not self.strangers.keys().isdisjoint(projects):
            await self.search()

    def distrust(self, root: str) -> Failure | None:
        """Why nothing may be done in a project now; called in the threads of passes."""
        if self._settings.trust is Trust.EVERYTHING or root in self._named:
            return None
        return distrust(root)

    def relevant(self, root: str) -> RelevantPaths | None:
        """What a project depends on now; called in the threads of passes."""
        return self._watched.known.of(root)

    async def reload(self, settings: Settings) -> None:
        """Serve by another config from now on."""
        self._settings = settings
        await self.search()

    def report_none(self) -> None:
        """Report where there is no project to serve: a slip in a glob looks like a service that works."""
        if not self._board.projects:
            paths = ", ".join(path for group in self._settings.groups for path in group.paths)
            what = f"no folder whose {MANIFEST_NAME} speaks of micro-packages is at {paths}"
            self._board.say(News("NoProjects", "", what))

    async def matching(self, paths: Iterable[str]) -> list[str]:
        """The projects that paths and globs stand for now."""
        groups = (Group(tuple(paths)),)
        found = await asyncio.get_running_loop().run_in_executor(self._disk, find_projects, groups)
        return [root for root in found if root in self.groups]

    def follow(self, root: str, relevant: RelevantPaths | None) -> None:
        """Watch what the manifest names now; one that cannot be read leaves the watch as it was."""
        group = self.groups.get(root)
        if relevant is not None and group is not None and group.watch:
            self._watched.follow(root, relevant)

    def how_watched(self, root: str) -> str:
        """Whether a project is watched by events or by scans; empty where it is not."""
        group = self.groups.get(root)
        if group is None or not group.watch:
            return ""
        return "scans" if self._watched.is_scanned(root) else "events"

    def ask_all(self, trigger: Trigger) -> None:
        """Ask for a pass of every project, spread over a few seconds."""
        now = time.monotonic()
        for root in self.groups:
            self._timetable.agenda.ask(root, trigger, now + SOON * random.random())  # noqa: S311 - no secret
        self._on_due()

    def _take_on(self, found: Mapping[str, Group]) -> None:
        """Serve what was found, and let go of what was served and is no more among it."""
        before, self.groups = self.groups, found
        now = Instant(time.monotonic(), time.time())
        for root, group in found.items():
            self._timetable.serve(root, group, self._settings.scan_every, now)
            if root not in before:
                self._welcome(root, group, now)
            elif not group.watch:
                self._watched.drop(root)
        for root in before.keys() - found.keys():
            self._let_go(root)
        self._on_due()

    def _welcome(self, root: str, group: Group, now: Instant) -> None:
        """Begin to serve a project: it is `Pending`, and asks for its first pass."""
        pending = Standing(Condition.PENDING.value, NOT_SEEN, "no pass has looked at it yet", utc(now.wall))
        self._board.put(ProjectStatus(root, pending))
        told = self._memory.recall(root)
        if told is None or told.standing.state == Condition.UNTRUSTED.value:
            self._board.say(News("ProjectAdded", "", "is served from now on"), root)
        if group.watch:
            self._watched.welcome(root)  # which asks for its first pass
        else:
            self._timetable.agenda.ask(root, Trigger(TriggerKind.START), now.clock)

    def _let_go(self, root: str) -> None:
        """Forget a project that went."""
        self._timetable.drop(root)
        self._watched.drop(root)
        self._board.remove(root)
        self._memory.forget(root)
        self._board.say(News("ProjectRemoved", "", "is no longer served"), root)
        self._on_gone(root)

    def _leave_alone(self, doubts: Mapping[str, Failure]) -> None:
        """Put on the board what nobody trusts, and tell of what was not so before."""
        for root in self.strangers.keys() - doubts.keys() - self.groups.keys():
            self._board.remove(root)
        self.strangers = doubts
        for root, doubt in doubts.items():
            was = self._board.projects.get(root)
            if was is None or was.standing.reason != doubt.reason:
                self._board.put(status := ProjectStatus(root, failed(doubt, utc())))
                told = self._memory.recall(root) if was is None else was
                if told is None or told.standing.reason != doubt.reason:
                    self._board.say(News("ProjectUntrusted", "", doubt.problem), root)
                    self._memory.note(status)

    def _ask(self, root: str, trigger: Trigger, at: float) -> None:
        """Plan a pass. Where somebody's own came before the watch stood, sources are not asked for a second time."""
        if trigger.kind is TriggerKind.START and self._timetable.agenda.is_running(root):
            trigger = Trigger(TriggerKind.SCAN, "watched from now on")
        self._timetable.agenda.plan(root, trigger, at)
        self._on_due()

    def _overflowed(self) -> None:
        self._board.say(News("WatchOverflow", "", "too many events at once: every project is looked at"))
        self.ask_all(Trigger(TriggerKind.SCAN, "events may have been lost"))

    def _crowded(self, root: str, too_many: int, folders: int) -> None:
        most = folders - too_many
        what = f"{too_many} of {folders} folders are looked at every few seconds: a project has {most} watches"
        self._board.say(News("WatchLimited", "", what), root)

    def _watch_degraded(self, why: str) -> None:
        if why:
            self._board.say(News("WatchDegraded", "", f"folders are scanned, not watched: {why}"))
        else:
            self._board.say(News("WatchRecovered", "", "folders are watched again"))


def _search(settings: Settings, last: _Glance | None) -> tuple[_Glance | None, _Found | None]:
    """Search for projects, and say what that depended on; nothing is found anew where that is as it was."""
    paths = [*(path for group in settings.groups for path in group.paths), *settings.http.ready_projects]
    there, list_of_trust = glance(paths), glance_at_trust()
    now = (settings, there, list_of_trust) if there is not None and list_of_trust is not None else None
    return now, None if now is not None and now == last else _look_for(settings)


def _look_for(settings: Settings) -> _Found:
    """Read the disk; `ShortageError` where the machine is too short of something to find out."""
    groups = settings.groups
    trusted, doubts = found_by(groups, settings.trust)
    watched = anchors(group for group in groups if group.watch)
    ready = frozenset[str]().union(*map(_named_by, settings.http.ready_projects))
    return _Found(trusted, doubts, named_projects(groups), watched, ready)


def _named_by(path: str) -> Iterable[str]:
    """The projects that a path stands for; one that stands for none is waited for under its own name."""
    return find_projects((Group((path,)),)) or (path,)
