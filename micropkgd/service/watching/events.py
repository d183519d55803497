"""Events of the file system, and what takes their place where there are none.

Folders are watched one by one, not with all that is below them: a project's tree holds much that is nobody's concern.
Adding some costs the same however many are watched already. What the kernel cannot watch (no watches are left, or a
folder is on another machine's disk) is looked at every few seconds instead, and `degraded` says so (docs/faults.md,
F53, F54 and F55).
"""

import asyncio
import errno
from collections.abc import Callable, Collection, Iterable

from micropkgd.annotations import Final
from micropkgd.service.watching.inotify import Inotify
from micropkgd.service.watching.polling import PolledFolders, is_below, remote_mounts, with_mounted_files

_SETTLED: Final = 0.02  # seconds without another event, after which what happened is told
_LONGEST: Final = 0.2  # seconds after which it is told in any case
_MANY: Final = 5000  # paths at once: who has so many to look at looks at everything
_NONE_LEFT: Final = {
    errno.ENOSPC: "no watches are left; raise fs.inotify.max_user_watches (sysctl)",
    errno.EMFILE: "no watch or descriptor is left; raise fs.inotify.max_user_instances (sysctl)",
    errno.ENFILE: "the machine has no descriptors left",
    errno.ENOMEM: "the machine has no memory left for watches",
    errno.ENOSYS: "this system has no inotify",
}


class Watcher:
    """What wakes the service.

    `on_change` is told absolute paths, `on_overflow` that nobody knows what changed, and `on_degraded` why folders are
    scanned from now on, or nothing where they are not any more: all on the loop's thread, once `open` was called there.
    `add` and `remove` may be called on another one, one at a time: when `add` returns, every later change is seen.
    """

    def __init__(
        self,
        on_change: Callable[[set[str]], None],
        on_overflow: Callable[[], None],
        on_degraded: Callable[[str], None],
    ) -> None:
        self._on_change = on_change
        self._on_overflow = on_overflow
        self._on_degraded = on_degraded
        self._kernel: Inotify | None = None
        self._scans = PolledFolders()
        self._short: set[str] = set()  # folders that are scanned for want of watches
        self._scanning = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop
        self._paths: set[str] = set()  # that changed and are not told yet
        self._since = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self.degraded = ""  # why folders are scanned that could be watched; empty where none are

    def open(self) -> None:
        """Be told by the kernel, as far as it has that; may be tried again."""
        self._loop = asyncio.get_running_loop()
        if self._kernel is None:
            try:
                self._kernel = Inotify()
            except OSError as error:
                self._complain(error)
                return
            self._loop.add_reader(self._kernel.fd, self._read, self._kernel)

    def add(self, folders: Iterable[str]) -> set[str]:
        """Watch these folders, too: those that were not watched, and those that were and went or are others now."""
        folders = list(folders)
        mounts, unheard = remote_mounts(), with_mounted_files(frozenset(folders))
        return {folder for folder in folders if self._add(folder, remote=folder in unheard or is_below(folder, mounts))}

    def poll(self, folders: Iterable[str]) -> set[str]:
        """Look at these every few seconds, but for those that are watched anyway: those that were not looked at."""
        kernel = self._kernel or ()
        return {folder for folder in folders if folder not in kernel and self._scan(folder, short=False)}

    def add_short(self) -> set[str]:
        """Try once more to watch what is scanned for want of watches: the folders that are watched since."""
        added = set()
        for folder in sorted(self._short):
            self._add(folder, remote=False)
            if folder in self._short:
                break
            added.add(folder)
        self._recover()
        return added

    def remove(self, folders: Iterable[str]) -> None:
        """Watch these folders no more."""
        for folder in folders:
            if self._kernel is not None:
                self._kernel.remove(folder)
            self._scans.remove(folder)
            self._short.discard(folder)
        self._recover()

    @property
    def watches(self) -> int:
        """How many folders the kernel watches."""
        return self._kernel.watches if self._kernel is not None else 0

    @property
    def untold(self) -> Collection[str]:
        """The paths that changed and that `on_change` is told in a moment."""
        return self._paths

    def is_scanned(self, folder: str) -> bool:
        """Whether a folder is looked at from time to time, since there are no events of it."""
        return folder in self._scans

    async def run(self) -> None:
        """Scan what cannot be watched, until cancelled."""
        try:
            while True:
                await self._scanning.wait()
                await asyncio.sleep(self._scans.rest)
                if paths := await asyncio.to_thread(self._scans.look):
                    self._on_change(paths)
                if not len(self._scans):
                    self._scanning.clear()
        finally:
            self._close()

    def _add(self, folder: str, *, remote: bool) -> bool:
        if remote or self._kernel is None:
            return self._scan(folder, short=not remote)
        try:
            added = self._kernel.add(folder)
        except OSError as error:
            was_watched = self._kernel.remove(folder)
            if error.errno not in _NONE_LEFT:  # it went meanwhile, or is not for us to read
                self._short.discard(folder)
                return self._scans.remove(folder) or was_watched
            self._complain(error)
            return self._scan(folder, short=True)
        self._scans.remove(folder)
        self._short.discard(folder)
        return added

    def _scan(self, folder: str, *, short: bool) -> bool:
        if short:
            self._short.add(folder)
        self._loop.call_soon_threadsafe(self._scanning.set)
        return self._scans.add(folder)

    def _complain(self, error: OSError) -> None:
        self._degrade(_NONE_LEFT.get(error.errno or 0, str(error)))

    def _recover(self) -> None:
        if not self._short and self._kernel is not None:
            self._degrade("")

    def _degrade(self, why: str) -> None:
        if bool(why) != bool(self.degraded):
            self._loop.call_soon_threadsafe(self._on_degraded, why)
        self.degraded = why

    def _read(self, kernel: Inotify) -> None:
        happened, now = kernel.read(), self._loop.time()
        if happened.lost:
            self._on_overflow()
        if not happened.paths:
            return
        if self._telling is None:
            self._since = now
        else:
            self._telling.cancel()
        self._paths |= happened.paths
        at = now if len(self._paths) >= _MANY else min(now + _SETTLED, self._since + _LONGEST)
        self._telling = self._loop.call_at(at, self._tell)

    def _tell(self) -> None:
        paths, self._paths, self._telling = self._paths, set(), None
        if len(paths) >= _MANY:
            self._on_overflow()
        else:
            self._on_change(paths)

    def _close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        if self._kernel is not None:
            self._loop.remove_reader(self._kernel.fd)
            self._kernel.close()
            self._kernel = None
