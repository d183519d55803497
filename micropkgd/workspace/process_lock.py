"""One process at a time in a project: `flock` on `.micropkgd/lock`, which is never removed.

The holder is not written into the file, for a pass with nothing to do writes nothing (promise P11): who waits asks
the kernel who holds it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from micropkgd.errors import ProjectBusyError, ShortageError, TreeError, is_shortage, words_of

_FOLDER = ".micropkgd"
_PAUSE = 0.05  # seconds between two tries


@contextmanager
def hold(root: str, timeout: float) -> Iterator[None]:
    """Hold a project; `ProjectBusyError` naming the holder after `timeout` seconds."""
    descriptor = _open(root)
    try:
        deadline = time.monotonic() + timeout
        while not _try(root, descriptor):
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


def is_held(root: str) -> bool:
    """Whether a process holds a project now; nothing is made to find out."""
    try:
        descriptor = _open_in(os.path.join(root, _FOLDER), os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try(root, descriptor)
    finally:
        os.close(descriptor)


def _open(root: str) -> int:
    """Open the lock. It is made after all else, so that where it stands the folder is complete."""
    folder = os.path.join(root, _FOLDER)
    try:
        with suppress(FileNotFoundError):
            return _open_in(folder, os.O_RDWR)
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        _hide_from_git(folder)
        return _open_in(folder, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise _unwritable(root, error) from error


def _open_in(folder: str, flags: int) -> int:
    """Open the lock in the folder itself: a link to one elsewhere is not ours to write to."""
    above = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.open("lock", flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=above)
    finally:
        os.close(above)


def _hide_from_git(folder: str) -> None:
    above = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe is not waited for
        ignore = os.open(".gitignore", flags, 0o666, dir_fd=above)
        with open(ignore, "w", encoding="utf-8") as stream:
            stream.write("*\n")
    finally:
        os.close(above)


def _try(root: str, descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _unwritable(root, error) from error
    return True


def _unwritable(root: str, error: OSError) -> TreeError:
    folder = os.path.join(root, _FOLDER)
    if os.path.islink(folder) or (os.path.lexists(folder) and not os.path.isdir(folder)):
        return TreeError("something else than a folder stands here", where=folder, hint="move it away and run again")
    if is_shortage(error):
        return ShortageError(words_of(error), where=root, hint="give micropkgd more, or let go of some")
    return TreeError(
        f"cannot write here: {words_of(error)}", where=folder, hint=f"see `ls -ld {root}`"
    )  # fmt: skip


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
