"""One process at a time in a project: `flock` on `.micropkgd/lock`, which is never removed.

The holder is not written into the file, for a pass with nothing to do writes nothing (promise P11): who waits asks
the kernel who holds it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from micropkgd.errors import ProjectBusyError, TreeError

_FOLDER = ".micropkgd"
_PAUSE = 0.05  # seconds between two tries


@contextmanager
def hold(root: str, timeout: float) -> Iterator[None]:
    """Hold a project; `ProjectBusyError` naming the holder after `timeout` seconds."""
    descriptor = _open(root)
    try:
        deadline = time.monotonic() + timeout
        while not _try(descriptor):
            if time.monotonic() >= deadline:
                raise ProjectBusyError(
                    f"another process holds this project: {_holder(descriptor)}",
                    where=root,
                    hint="wait for it, or give more time with --lock-timeout",
                )
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


def _open(root: str) -> int:
    folder = os.path.join(root, _FOLDER)
    try:
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o700)
            with open(os.path.join(folder, ".gitignore"), "w", encoding="ascii") as stream:
                stream.write("*\n")
        return os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return _open(root)
    except OSError as error:
        raise TreeError(
            f"cannot write here: {(error.strerror or '').lower()}", where=folder, hint=f"see `ls -ld {root}`"
        ) from error


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    """Name the process that holds the lock, as far as this machine can tell."""
    inode = os.fstat(descriptor).st_ino
    try:
        with open("/proc/locks", encoding="ascii") as stream:
            rows = [line.split() for line in stream]
        pid = next(row[4] for row in rows if row[1] == "FLOCK" and row[5].rpartition(":")[2] == str(inode))
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            words = stream.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except (OSError, StopIteration, IndexError):
        return "unknown"
    return f"pid {pid} ({words})"
