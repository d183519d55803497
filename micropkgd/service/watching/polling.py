"""Seeing changes without events: what stands in folders, compared with what stood there before.

For network file systems, and where the machine has no watches left (docs/faults.md, "How files are watched").
"""

import os
import re
import threading
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress

from micropkgd.annotations import Final

_REMOTE: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs"}
)

_MOUNTS: Final = "/proc/self/mounts"
_WHERE: Final = 1
_KIND: Final = 2
_OCTAL: Final = rb"\\([0-3][0-7]{2})"

_EVERY: Final = 2.0  # seconds between two looks
_SHARE: Final = 20  # times as long as a look took, before the next one

Picture = Mapping[str, tuple[int, int, int]]
"""Of every entry of some folders: mtime_ns, size, inode."""


class PolledFolders:
    """Folders that are looked at again and again; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: dict[str, Picture] = {}
        self._took = 0.0

    def __len__(self) -> int:
        return len(self._pictures)

    def __contains__(self, folder: str) -> bool:
        return folder in self._pictures

    @property
    def rest(self) -> float:
        """Seconds until the next look, so that many folders do not keep a processor busy."""
        return max(_EVERY, _SHARE * self._took)

    def add(self, folder: str) -> bool:
        """Compare a folder with how it is now from now on; whether that was not done before."""
        with self._lock:
            if folder in self._pictures:
                return False
            self._pictures[folder] = take_picture([folder])
            return True

    def remove(self, folder: str) -> bool:
        """Look at it no more; whether that was done."""
        with self._lock:
            return self._pictures.pop(folder, None) is not None

    def look(self) -> set[str]:
        """The paths that came, went or changed since the last look."""
        began, found = time.monotonic(), set[str]()
        for folder in list(self._pictures):
            after = take_picture([folder])
            with self._lock:
                if folder in self._pictures:
                    found |= changed(self._pictures[folder], after)
                    self._pictures[folder] = after
        self._took = time.monotonic() - began
        return found


def take_picture(folders: Iterable[str]) -> Picture:
    """Look at each entry of each folder once; what is not there is not in the picture."""
    seen: dict[str, tuple[int, int, int]] = {}
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    # A folder's own time changes with every file in it, which is seen by itself.
                    when = 0 if entry.is_dir(follow_symlinks=False) else status.st_mtime_ns
                    seen[entry.path] = (when, 0 if not when else status.st_size, status.st_ino)
    return seen


def changed(before: Picture, after: Picture) -> set[str]:
    """The paths that came, went or changed."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def remote_mounts() -> tuple[str, ...]:
    """Where file systems of other machines are mounted, on which no watch sees what others write."""
    return tuple(where for where, kind in _mounts() if kind in _REMOTE or (kind.startswith("fuse.") and where != "/"))


def with_mounted_files(folders: Container[str]) -> frozenset[str]:
    """Those in which a single file is mounted: what is written to it elsewhere is told to no watch here.

    No other mount is looked at: one whose server is away keeps whoever asks it waiting.
    """
    inside = [(os.path.dirname(where), where) for where, _ in _mounts()]
    return frozenset(folder for folder, where in inside if folder in folders and not os.path.isdir(where))


def _mounts() -> list[tuple[str, str]]:
    """Every mount point, and the kind of file system."""
    try:
        with open(_MOUNTS, "rb") as stream:
            return list(mounts_in(stream.read()))
    except OSError:
        return []


def mounts_in(table: bytes) -> Iterator[tuple[str, str]]:
    """The mount points and kinds of a table as proc(5) has it: what would end a field or a line is written in octal."""
    for line in table.split(b"\n"):
        if len(fields := line.split(b" ")) > _KIND:
            where = re.sub(_OCTAL, lambda found: bytes([int(found[1], 8)]), fields[_WHERE])
            yield os.fsdecode(where), fields[_KIND].decode(errors="replace")


def is_below(path: str, mounts: Iterable[str]) -> bool:
    """Whether a path is on one of these mounts."""
    return any(path == mount or path.startswith(f"{mount.rstrip('/')}/") for mount in mounts)
