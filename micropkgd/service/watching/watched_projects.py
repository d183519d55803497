"""Over which folders the watcher watches, and whose concern an event is.

The folders of a project are listed when its manifest changed, when a folder came or went among them, and when one was
exchanged; in between, a look from time to time costs one `stat` a folder.
"""

import os
import time
from collections.abc import Callable, Iterable

from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.watching.events import Watcher
from micropkgd.service.watching.relevant_paths import RelevantPaths, folders_of

_QUIET = 0.2  # seconds that a document must have been left alone: it may be half written

Ask = Callable[[str, Trigger, float], None]
"""Called with a project, why a pass is due, and when on the monotonic clock; a later call puts an earlier one off."""


class WatchedProjects:
    """What is watched for all projects together."""

    def __init__(
        self,
        ask: Ask,
        on_newcomer: Callable[[], None],
        on_overflow: Callable[[], None],
        on_degraded: Callable[[str], None],
    ) -> None:
        self._ask = ask
        self._on_newcomer = on_newcomer
        self._watcher = Watcher(self._changed, self._armed, on_overflow, on_degraded)
        self._relevant_paths: dict[str, RelevantPaths] = {}
        self._folders: dict[str, frozenset[str]] = {}
        self._anchors: frozenset[str] = frozenset()
        self._fresh: set[str] = set()  # projects with folders that are being armed

    @property
    def degraded(self) -> str:
        """Why folders are scanned that could be watched; empty where none are."""
        return self._watcher.degraded

    async def run(self) -> None:
        """Scan what cannot be watched, until cancelled."""
        await self._watcher.run()

    def set_anchors(self, anchors: Iterable[str]) -> None:
        """The folders in which projects may appear."""
        self._anchors = frozenset(anchors)

    def follow(self, root: str, relevant: RelevantPaths) -> None:
        """Watch what a project depends on, from the next `arm` on."""
        if self._relevant_paths.get(root) != relevant or root not in self._folders:
            self._relevant_paths[root] = relevant
            self._folders[root] = frozenset(folders_of(relevant))

    def drop(self, root: str) -> None:
        """Watch nothing for a project any more."""
        self._relevant_paths.pop(root, None)
        self._folders.pop(root, None)

    def look(self) -> None:
        """Find the folders that were exchanged or went, list again what belongs to them, and watch that."""
        moved = self._watcher.moved()
        for root, folders in self._folders.items():
            if moved & folders:
                self._folders[root] = frozenset(folders_of(self._relevant_paths[root]))
        self.arm()

    def arm(self) -> None:
        """Watch what matters now."""
        new = self._watcher.set_folders(self._anchors.union(*self._folders.values()))
        self._fresh |= set(self._concerned(new))

    def _armed(self) -> None:
        """Look once more at what was not watched until now: files may have changed unseen, and folders come."""
        fresh, self._fresh = self._fresh & self._folders.keys(), set()
        now = time.monotonic()
        for root in fresh:
            self._folders[root] = frozenset(folders_of(self._relevant_paths[root]))
            self._ask(root, Trigger(TriggerKind.SCAN, "watched from now on"), now)
        if fresh:
            self.arm()

    def _changed(self, paths: set[str]) -> None:
        """File events: ask for passes of the projects that they concern."""
        now = time.monotonic()
        rearm = False
        for root in self._concerned(paths):
            relevant = self._relevant_paths[root]
            concerned = sorted(path for path in paths if relevant.concerns(path))
            documents = [path for path in concerned if not relevant.is_near(path)]
            detail = os.path.relpath((documents or concerned)[0], root)
            quiet = _QUIET if documents or not relevant.commits.isdisjoint(concerned) else 0.0
            kind, at = TriggerKind.FILES if documents else TriggerKind.EDIT, now + quiet
            self._ask(root, Trigger(kind, detail), at)
            if any(path in self._folders[root] or os.path.isdir(path) for path in concerned):
                self._folders[root] = frozenset(folders_of(relevant))
                rearm = True
        if rearm:
            self.arm()
        if any(os.path.dirname(path) in self._anchors for path in paths):
            self._on_newcomer()

    def _concerned(self, paths: set[str]) -> list[str]:
        return [root for root, relevant in self._relevant_paths.items() if any(map(relevant.concerns, paths))]
