"""Seeing changes without events: what stands in folders, compared with what stood there before.

For network file systems, and where the machine has no watches left. Our own, for the polling of watchfiles compares
times to the second (docs/faults.md, "How files are watched").
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

_REMOTE: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs"}
)

Picture = Mapping[str, tuple[int, int, int]]
"""Of every entry of some folders: mtime_ns, size, inode."""


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
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as stream:
            rows = [line.split(" ") for line in stream]
    except OSError:
        return ()
    return tuple(
        row[1].replace("\\040", " ")
        for row in rows
        if row[2] in _REMOTE or (row[2].startswith("fuse.") and row[1] != "/")
    )


def is_below(path: str, mounts: Iterable[str]) -> bool:
    """Whether a path is on one of these mounts."""
    return any(path == mount or path.startswith(f"{mount.rstrip('/')}/") for mount in mounts)
