"""Events of the file system, and what takes their place where there are none.

Folders are watched one by one, not with all that is below them: a project's tree holds much that is nobody's concern.
When the set of folders changes, the new watch stands before the old one goes, and the old one goes only when it has
told what it saw before that. Where the machine has no watches left
(or a folder is on another machine's disk) it is looked at every few seconds instead, and `degraded` says so
(docs/faults.md, F53, F54 and F55).
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from micropkgd.service.watching.polling import Picture, changed, is_below, remote_mounts, take_picture

_STEP_MS: Final = 50  # the thread of a watch wakes this often: 20 times a second for ever
_DEBOUNCE_MS: Final = 200
_LAST_WORDS: Final = 1.0  # seconds that a watch goes on beside the one that follows it; more than it holds events back
_SCAN_EVERY: Final = 2.0  # seconds
_TRY_AGAIN: Final = 60.0  # seconds after which watching is tried anew
_MANY: Final = 5000  # events at once: the kernel's queue may have overflown, and some may be missing


class Watcher:
    """What wakes the service.

    `on_change` is told absolute paths, `on_overflow` that nobody knows what changed, and `on_armed` that from now on
    every change in the folders that were set is seen.
    """

    def __init__(
        self,
        on_change: Callable[[set[str]], None],
        on_armed: Callable[[], None],
        on_overflow: Callable[[], None],
        on_degraded: Callable[[str], None],
    ) -> None:
        self._on_change = on_change
        self._on_armed = on_armed
        self._on_overflow = on_overflow
        self._on_degraded = on_degraded
        self._wanted: frozenset[str] = frozenset()
        self._folders: frozenset[str] = frozenset()  # those that are there
        self._moved = False
        self._inodes: dict[str, tuple[int, int]] = {}
        self._stop: asyncio.Event | None = None
        self._leaving: set[asyncio.Event] = set()  # of watches that have one after them
        self._tasks: set[asyncio.Task[None]] = set()
        self._scanned: frozenset[str] = frozenset()
        self._picture: Picture = {}
        self._again_at = 0.0
        self.degraded = ""  # why folders are scanned that could be watched; empty where none are

    def set_folders(self, folders: Iterable[str]) -> set[str]:
        """Watch these folders from now on, and no others: those that were not watched before, or were exchanged."""
        wanted, now = frozenset(folders), asyncio.get_running_loop().time()
        if wanted == self._wanted and not self._moved and (not self.degraded or now < self._again_at):
            return set()
        inodes = {folder: inode for folder in wanted if (inode := _inode(folder)) is not None}
        new = {folder for folder, inode in inodes.items() if self._inodes.get(folder) != inode}
        self._wanted, self._inodes, self._moved = wanted, inodes, False
        self._folders = frozenset(inodes)
        mounts = remote_mounts()
        remote = frozenset(folder for folder in self._folders if is_below(folder, mounts))
        self._scan(remote)
        self._watch(self._folders - remote)
        return new

    def moved(self) -> set[str]:
        """The folders that came or went since, or have another one in their place; one `stat` each."""
        moved = {folder for folder in self._wanted if _inode(folder) != self._inodes.get(folder)}
        self._moved = self._moved or bool(moved)
        return moved

    async def run(self) -> None:
        """Scan what cannot be watched, until cancelled."""
        try:
            while True:
                await asyncio.sleep(_SCAN_EVERY)
                if self._scanned:
                    await self._look()
        finally:
            for stop in (*self._leaving, *filter(None, [self._stop])):
                stop.set()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look(self) -> None:
        folders, before = self._scanned, self._picture
        after = await asyncio.to_thread(take_picture, folders)
        if folders is not self._scanned:
            return
        self._picture = after
        if paths := changed(before, after):
            self._on_change(paths)

    def _scan(self, folders: frozenset[str]) -> None:
        if folders != self._scanned:
            self._scanned = folders
            self._picture = take_picture(folders)

    def _watch(self, folders: frozenset[str]) -> None:
        old, self._stop = self._stop, asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._follow(folders, self._stop, old))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, folders: frozenset[str], stop: asyncio.Event, old: asyncio.Event | None) -> None:
        """Follow the events of folders until told to stop; the watch before ends when this one stands."""
        import watchfiles

        try:
            while folders:
                events = watchfiles.awatch(
                    *sorted(folders), watch_filter=None, debounce=_DEBOUNCE_MS, step=_STEP_MS, stop_event=stop,
                    rust_timeout=60_000, recursive=False,
                )  # fmt: skip
                following = asyncio.ensure_future(anext(events, None))
                await asyncio.sleep(0)  # its first step arms the watch
                if following.done():
                    try:
                        following.result()  # raises where it could not
                    except (FileNotFoundError, PermissionError):  # one went meanwhile, or is not for us to read
                        before, folders = folders, frozenset(filter(_can_be_read, folders))
                        if folders == before:
                            raise
                        continue
                self._stand(old, "")
                while (batch := await following) is not None:
                    self._tell({path for _, path in batch})
                    following = asyncio.ensure_future(anext(events, None))
                return
            self._stand(old, "")
        except (OSError, RuntimeError) as error:  # watchfiles' own error of the kernel is a RuntimeError
            self._scan(self._folders)
            self._stand(old, str(error))

    def _stand(self, old: asyncio.Event | None, trouble: str) -> None:
        if old is not None:
            self._leaving.add(old)
            asyncio.get_running_loop().call_later(_LAST_WORDS, self._end, old)
        if trouble:
            self._again_at = asyncio.get_running_loop().time() + _TRY_AGAIN
        if trouble != self.degraded:
            self.degraded = trouble
            self._on_degraded(trouble)
        self._on_armed()

    def _end(self, stop: asyncio.Event) -> None:
        stop.set()
        self._leaving.discard(stop)

    def _tell(self, paths: set[str]) -> None:
        """Tell of changes. The watch of a folder goes with its name, also where the very same folder comes back."""
        for folder in paths & self._wanted:
            self._inodes.pop(folder, None)
            self._moved = True
        if len(paths) >= _MANY:
            self._on_overflow()
        else:
            self._on_change(paths)


def _can_be_read(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK)


def _inode(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
