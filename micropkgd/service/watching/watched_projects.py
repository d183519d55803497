"""Over which folders the watcher watches, and whose concern an event is.

The folders of a project are listed and watched in a thread, some projects at a time: before its first pass, so that
this looks at what is watched already; when its manifest changed; when a folder came or went among them; and when one
was exchanged. Folders inside a project tell of that themselves. What is above a project cannot, so its edge is looked
at from time to time.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from concurrent.futures import Executor
from itertools import islice

from micropkgd.annotations import Final
from micropkgd.machine.watches import most_watches
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.watching.events import Watcher
from micropkgd.service.watching.folder_owners import FolderOwners
from micropkgd.service.watching.known_paths import KnownPaths
from micropkgd.service.watching.links import with_links
from micropkgd.service.watching.relevant_paths import RelevantPaths, folders_of, least_relevant_paths

_QUIET: Final = 0.2  # seconds that a document must have been left alone (it may be half written), or be missing
_AT_ONCE: Final = 50  # projects whose folders are listed in one turn of the thread
_NOBODY: Final = ""  # owns the folders in which projects may appear

Ask = Callable[[str, Trigger, float], None]
"""Called with a project, why a pass is due, and when on the monotonic clock; a later call puts an earlier one off."""


class _WatchedProject(NamedTuple):
    """What is watched of a project since this moment."""

    relevant: RelevantPaths
    named: RelevantPaths  # the same under every name that links give
    folders: frozenset[str]
    new: frozenset[str]  # of the folders, those that were not watched before, or are others
    too_many: int = 0  # of the folders, those that are beyond the project's share of watches


class WatchedProjects:
    """What is watched for all projects together. Its threads are those of `disk`, one at a time."""

    def __init__(
        self,
        ask: Ask,
        on_newcomer: Callable[[], None],
        on_overflow: Callable[[], None],
        on_degraded: Callable[[str], None],
        disk: Executor,
        on_crowded: Callable[[str, int, int], None] = lambda *_: None,
        on_anchored: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_crowded` is told of a project how many folders are beyond its share of watches, and of how many.

        `on_anchored` is called once folders are watched in which projects may appear: some may have come before.
        """
        self._ask = ask
        self._on_newcomer = on_newcomer
        self._on_overflow = on_overflow
        self._disk = disk
        self._on_crowded = on_crowded
        self._on_anchored = on_anchored
        self._crowded: set[str] = set()  # projects with more folders than their share of watches
        self._watcher = Watcher(self._changed, self._overflowed, on_degraded)
        self.known = KnownPaths()
        self._relevant: dict[str, RelevantPaths | None] = {}  # of the projects that are followed; None: not watched yet
        self._named: dict[str, RelevantPaths] = {}  # the same under every name, as it was when the folders were listed
        self._owners = FolderOwners()
        self._waiting: dict[str, None] = {}  # projects to be listed, in the order of asking
        self._in_hand: frozenset[str] = frozenset()  # those of them that are being listed
        self._gone: set[str] = set()  # folders that may be let go
        self._anchors: frozenset[str] = frozenset()
        self._look_due = False
        self._due = asyncio.Event()

    @property
    def degraded(self) -> str:
        """Why folders are scanned that could be watched; empty where none are."""
        return self._watcher.degraded

    @property
    def watches(self) -> int:
        """How many folders the kernel watches."""
        return self._watcher.watches

    @property
    def stirred(self) -> Set[str]:
        """The projects of which something was heard, or is to be found out, that may ask for a pass in a moment."""
        return self._waiting.keys() | self._in_hand | self._concerned(self._watcher.untold).keys()

    def is_scanned(self, root: str) -> bool:
        """Whether anything of a project is looked at from time to time, since there are no events of it."""
        return any(map(self._watcher.is_scanned, self._owners.of(root)))

    async def run(self) -> None:
        """Watch what is asked for, until cancelled."""
        self._watcher.open()
        self._waiting.update(dict.fromkeys(self._relevant))
        self._due.set()
        scanning = asyncio.create_task(self._watcher.run())
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                if scanning.done():  # only ever by an error, and the kernel's watch goes with it
                    scanning.result()
                while self._waiting or self._gone:
                    await self._arm(list(islice(self._waiting, _AT_ONCE)))
                if self._look_due:
                    await self._look()
        finally:
            scanning.cancel()
            await asyncio.gather(scanning, return_exceptions=True)

    def set_anchors(self, anchors: Iterable[str]) -> None:
        """The folders in which projects may appear."""
        self._anchors = frozenset(anchors)
        self._list(_NOBODY)

    def welcome(self, root: str) -> None:
        """Watch a project, and ask for its first pass as soon as it is watched."""
        self._relevant[root] = None
        self._list(root)

    def follow(self, root: str, relevant: RelevantPaths) -> None:
        """Watch what a project depends on from now on."""
        if self._relevant.get(root) != relevant:
            self._relevant[root] = relevant
            self._list(root)

    def drop(self, root: str) -> None:
        """Watch nothing for a project any more."""
        self._relevant.pop(root, None)
        self._named.pop(root, None)
        self.known.forget(root)
        self._let_go(self._owners.drop(root))

    def look(self) -> None:
        """Find the folders that were exchanged or went without a word, soon, and list again what belongs to them."""
        self._look_due = True
        self._due.set()

    def _list(self, root: str) -> None:
        self._waiting[root] = None
        self._due.set()

    def _let_go(self, folders: Iterable[str]) -> None:
        self._gone.update(folders)
        if self._gone:
            self._due.set()

    async def _arm(self, roots: list[str]) -> None:
        """List and watch the folders of some projects."""
        for root in roots:
            del self._waiting[root]
        self._in_hand = frozenset(roots)
        gone, self._gone = self._owners.unclaimed(self._gone), set()
        known = {root: self._relevant.get(root) for root in roots}
        armed = await asyncio.get_running_loop().run_in_executor(self._disk, self._watch, known, gone)
        concerned: set[str] = set()
        for root, one in armed.items():
            if root == _NOBODY or root in self._relevant:
                self._tell_crowded(root, one)
                fresh = one.folders - self._owners.of(root)
                self._named[root] = one.named
                self._let_go(self._owners.claim(root, one.folders))
                concerned |= {root} if fresh else set()
                if root == _NOBODY and fresh:
                    self._on_anchored()
                concerned |= set(self._owners.owners(*one.new))
            else:  # it was dropped meanwhile
                self._let_go(one.folders)
        for root in concerned & self._relevant.keys():
            self._ask_for(root, armed.get(root))
        self._in_hand = frozenset()

    def _tell_crowded(self, root: str, one: _WatchedProject) -> None:
        if one.too_many and root not in self._crowded:
            self._on_crowded(root, one.too_many, len(one.folders))
        (self._crowded.add if one.too_many else self._crowded.discard)(root)

    def _ask_for(self, root: str, armed: _WatchedProject | None) -> None:
        """Look at what was not watched until now: files may have changed unseen."""
        first = self._relevant[root] is None
        trigger = Trigger(TriggerKind.START) if first else Trigger(TriggerKind.SCAN, "watched from now on")
        if first and armed is not None:
            self._relevant[root] = armed.relevant
        self._ask(root, trigger, time.monotonic())

    async def _look(self) -> None:
        self._look_due = False
        self._watcher.open()
        edges = {edge for root, folders in self._owners.folders.items() for edge in _edges(root, folders)}
        moved = await asyncio.get_running_loop().run_in_executor(self._disk, self._look_at, edges)
        self._let_go(self._owners.unclaimed(edges))  # meanwhile
        for root in self._owners.owners(*moved):
            self._list(root)

    def _watch(self, known: Mapping[str, RelevantPaths | None], gone: set[str]) -> dict[str, _WatchedProject]:
        """In a thread: read what must be known, list the folders, and watch them."""
        self._watcher.remove(gone)
        return {root: self._watch_one(root, relevant) for root, relevant in known.items()}

    def _watch_one(self, root: str, known: RelevantPaths | None) -> _WatchedProject:
        if root == _NOBODY:
            nothing = least_relevant_paths(root)
            return _WatchedProject(nothing, nothing, self._anchors, frozenset(self._watcher.add(self._anchors)))
        try:
            relevant = known or self.known.of(root) or least_relevant_paths(root)
        except Exception:  # noqa: BLE001 - its pass meets the same, and says so
            relevant = least_relevant_paths(root)
        folders, new, room = dict[str, None](), set[str](), most_watches()
        linked = with_links(relevant)
        # Some may come before those above are watched.
        while missing := [folder for folder in dict.fromkeys(folders_of(*linked)) if folder not in folders]:
            at = max(0, room - len(folders))
            folders |= dict.fromkeys(missing)
            new |= self._watcher.add(missing[:at]) | self._watcher.poll(missing[at:])
            linked = with_links(relevant)
        crowd = max(0, len(folders) - room)
        return _WatchedProject(relevant, linked.relevant, frozenset(folders), frozenset(new), crowd)

    def _look_at(self, edges: set[str]) -> set[str]:
        """In a thread: the folders that are not what they were."""
        return self._watcher.add(edges) | self._watcher.add_short()

    def _overflowed(self) -> None:
        for root in self._relevant:
            self._list(root)
        self._on_overflow()

    def _changed(self, paths: set[str]) -> None:
        """File events: ask for passes of the projects that they concern."""
        now = time.monotonic()
        for root, (relevant, concerned) in self._concerned(paths).items():
            documents = [path for path in concerned if not relevant.is_near(path)]
            detail = os.path.relpath((documents or concerned)[0], root)
            slow = any(path in relevant.commits or relevant.misses(path) for path in concerned)
            quiet = _QUIET if documents or slow else 0.0
            kind, at = TriggerKind.FILES if documents else TriggerKind.EDIT, now + quiet
            self._ask(root, Trigger(kind, detail), at)
            if any(path in self._owners.of(root) or _leads_on(path) for path in concerned):
                self._list(root)
        if any(os.path.dirname(path) in self._anchors for path in paths):
            self._on_newcomer()

    def _concerned(self, paths: Iterable[str]) -> Mapping[str, tuple[RelevantPaths, list[str]]]:
        """The projects to which some of these paths matter: what each depends on, and which they are."""
        found = {}
        for root, near in self._by_owner(paths).items():
            relevant = self._named.get(root) or self._relevant.get(root)
            concerned = sorted(path for path in near if _matters(relevant, path)) if relevant is not None else []
            if relevant is not None and concerned:
                found[root] = relevant, concerned
        return found

    def _by_owner(self, paths: Iterable[str]) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in paths:
            for root in self._owners.owners(path, os.path.dirname(path)):
                found.setdefault(root, []).append(path)
        return found


def _leads_on(path: str) -> bool:
    """Whether there may be other folders to watch since something changed there."""
    return os.path.isdir(path) or os.path.islink(path)


def _edges(root: str, folders: Iterable[str]) -> Iterator[str]:
    """The folders of an owner of which nothing that is watched for it can say that they were exchanged."""
    return (folder for folder in folders if not root or not folder.startswith(f"{root}/"))


def _matters(relevant: RelevantPaths, path: str) -> bool:
    return relevant.concerns(path) or relevant.misses(path)
