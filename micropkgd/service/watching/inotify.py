"""The kernel's watch over folders, inotify(7): one instance for all of them, to which folders are added one by one.

The standard library lacks it, and what watches by it either cannot add to a watch that stands or wakes for ever
(decision 0050). Adding and taking away are safe from any thread; what happened is read on one.

A watch belongs to a folder, not to its name: it goes on under the old name when the folder is moved. So a folder that
says that it was moved is let go, and adding one that is watched already finds out whether it is still the same.
"""

import errno
import os
import struct
import threading
from collections.abc import Iterator

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import c_function

_MODIFY: Final = 0x2
_ATTRIB: Final = 0x4
_CLOSE_WRITE: Final = 0x8
_MOVED_FROM: Final = 0x40
_MOVED_TO: Final = 0x80
_CREATE: Final = 0x100
_DELETE: Final = 0x200
_DELETE_SELF: Final = 0x400
_MOVE_SELF: Final = 0x800
_OVERFLOW: Final = 0x4000
_IGNORED: Final = 0x8000  # the kernel has taken the watch away
_ONLY_FOLDERS: Final = 0x1000000
_NAMED: Final = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_GONE: Final = _DELETE_SELF | _MOVE_SELF | _IGNORED
_ASKED: Final = _NAMED | _DELETE_SELF | _MOVE_SELF | _ONLY_FOLDERS

_HEAD: Final = struct.Struct("iIII")  # number of the watch, what happened, a cookie, length of the name
_AT_ONCE: Final = 64 * 1024  # bytes of events


class WatchEvents(NamedTuple):
    """What one look at the watch told."""

    paths: frozenset[str]  # of what changed in a watched folder, and of watched folders that went
    lost: bool  # whether the kernel could not keep all of it


class Inotify:
    """One instance; `OSError` where this system has none, or none left."""

    def __init__(self) -> None:
        self.fd = _call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._folders: dict[int, set[str]] = {}  # two names may stand for one folder

    def __contains__(self, folder: str) -> bool:
        return folder in self._numbers

    @property
    def watches(self) -> int:
        """How many folders it watches."""
        return len(self._folders)

    def add(self, folder: str) -> bool:
        """Watch what stands at a path from now on; whether that was not watched under this name before."""
        with self._lock:
            number = _call("inotify_add_watch", self.fd, os.fsencode(folder), _ASKED)
            if self._numbers.get(folder) == number:
                return False
            self._let_go(folder)
            self._numbers[folder] = number
            self._folders.setdefault(number, set()).add(folder)
            return True

    def remove(self, folder: str) -> bool:
        """Watch a folder no more; whether it was watched."""
        with self._lock:
            return self._let_go(folder)

    def read(self) -> WatchEvents:
        """What happened since, as far as the kernel has told it; never waits."""
        try:
            data = os.read(self.fd, _AT_ONCE)
        except BlockingIOError:
            return WatchEvents(frozenset(), lost=False)
        events = list(_events(data))
        with self._lock:
            paths = frozenset(path for number, what, name in events for path in self._paths(number, what, name))
        return WatchEvents(paths, any(what & _OVERFLOW for _, what, _ in events))

    def close(self) -> None:
        """Let go of all of it."""
        os.close(self.fd)

    def _paths(self, number: int, what: int, name: str) -> list[str]:
        folders = list(self._folders.get(number, ()))
        if what & _GONE:
            for folder in folders:
                self._let_go(folder)
            return folders
        return [os.path.join(folder, name) for folder in folders] if name else []

    def _let_go(self, folder: str) -> bool:
        number = self._numbers.pop(folder, None)
        if number is None:
            return False
        names = self._folders[number]
        names.discard(folder)
        if not names:
            del self._folders[number]
            try:
                _call("inotify_rm_watch", self.fd, number)
            except OSError as error:
                if error.errno != errno.EINVAL:  # the kernel did it before us
                    raise
        return True


def _events(data: bytes) -> Iterator[tuple[int, int, str]]:
    at = 0
    while at < len(data):
        number, what, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        yield number, what, os.fsdecode(data[at : at + length].rstrip(b"\0"))
        at += length


def _call(name: str, *arguments: int | bytes) -> int:
    function = c_function(name)
    if function is None:
        raise OSError(errno.ENOSYS, "this system has no inotify")
    result = function(*arguments)
    if result < 0:
        from ctypes import get_errno

        raise OSError(get_errno(), os.strerror(get_errno()))
    return result
