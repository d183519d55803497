"""The unix socket by which the service is spoken to: where it is, and who may come in (docs/http.md, rule 1).

The folder is 0700 and the socket 0600; the kernel says who the other side is. A socket that nobody answers at is
removed, anything else that stands there is not. A socket that systemd has opened (sd_listen_fds(3)) comes before all
that; it stays systemd's, also when the service ends.
"""

import fcntl
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from micropkgd.annotations import Final
from micropkgd.errors import ProjectBusyError, TreeError, UsageError, words_of
from micropkgd.machine.places import socket_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.unix_connection import connect_unix

_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2
_XUCRED = "IIh16I"  # version, user, and groups
_FIRST_PASSED: Final = 3  # SD_LISTEN_FDS_START
_BACKLOG: Final = 1024
_PATIENCE: Final = 2.0  # seconds


class UnixSocket(NamedTuple):
    """The open socket."""

    listener: socket.socket
    path: str
    inode: tuple[int, int] | None  # of what this process made there: device and number; None where systemd made it

    def stands(self) -> bool:
        """Whether who comes by its path comes in here."""
        found = _inode(self.path)
        return found is not None and self.inode in {found, None}

    def remove(self) -> None:
        """Leave nothing behind that this process has made, and touch nothing that another has."""
        if self.inode is not None and _inode(self.path) == self.inode:
            with suppress(OSError):
                os.unlink(self.path)


def open_unix_socket(chosen: str | None, environ: Mapping[str, str]) -> UnixSocket:
    """Take the socket that systemd has passed, or make one; `chosen` is the path that the config says."""
    passed = _passed_socket(environ)
    if passed is not None:
        return UnixSocket(passed, str(passed.getsockname()), None)
    path = socket_path(chosen, environ)
    return UnixSocket(listen(path), path, _inode(path))


def open_again(opened: UnixSocket) -> UnixSocket:
    """Make a socket anew whose path leads to it no more; `MicropkgError` where that cannot be."""
    if opened.inode is None:
        hint = "`systemctl restart` of its socket unit makes it again"
        raise TreeError("systemd made it, and its file was removed", where=opened.path, hint=hint)
    return UnixSocket(listen(opened.path), opened.path, _inode(opened.path))


def listen(path: str) -> socket.socket:
    """Open the socket; `ProjectBusyError` where another service answers there, `TreeError` where it cannot be made."""
    folder = os.path.dirname(path)
    try:
        with suppress(FileExistsError):
            os.makedirs(folder, mode=0o700)
        _check_folder(folder)
        with _alone_in(folder):
            _remove_dead(path)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                _bind_private(listener, path)
                listener.listen(_BACKLOG)
            except OSError:
                listener.close()
                raise
    except OSError as error:
        raise TreeError(
            f"the control socket cannot be made: {words_of(error)}",
            where=path,
            hint="name another place with `socket` in the config",
        ) from error
    return listener


def _bind_private(listener: socket.socket, path: str) -> None:
    """Give it its place, for nobody but this user."""
    if sys.platform == "darwin":
        before = os.umask(0o177)  # of the whole process: what another thread makes meanwhile has it too
        try:
            listener.bind(path)
        finally:
            os.umask(before)
    else:
        os.fchmod(listener.fileno(), 0o600)  # what stands there then has this mode
        listener.bind(path)


def _inode(path: str) -> tuple[int, int] | None:
    """What stands at a path: device and number."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """The process and the user on the other side, as the kernel says."""
    if sys.platform == "darwin":  # unix(4) there; the standard library has no names for these
        credentials = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, struct.calcsize(_XUCRED))
        (pid,) = struct.unpack("i", connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID, struct.calcsize("i")))
        _, uid, *_ = struct.unpack(_XUCRED, credentials)
    else:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, _ = struct.unpack("3i", credentials)
    return pid, uid


def _passed_socket(environ: Mapping[str, str]) -> socket.socket | None:
    """The listening socket that systemd has passed, if it has; `UsageError` where it passed anything else."""
    passed = environ.get("LISTEN_FDS", "0")
    if environ.get("LISTEN_PID") != str(os.getpid()) or passed == "0":
        return None
    listener = socket.socket(fileno=_FIRST_PASSED) if passed == "1" and _is_socket(_FIRST_PASSED) else None
    if listener is None or not _listens(listener):
        raise UsageError(
            "systemd has passed something else than one unix socket that listens",
            where="LISTEN_FDS",
            hint="give the socket unit one ListenStream= with a path",
        )
    listener.set_inheritable(False)
    return listener


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _listens(passed: socket.socket) -> bool:
    unix = passed.family == socket.AF_UNIX and passed.type == socket.SOCK_STREAM
    return unix and passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) != 0


def _check_folder(folder: str) -> None:
    status = os.stat(folder)
    if status.st_uid not in {os.getuid(), 0} or (status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX):
        raise TreeError(
            "others may write to the folder of the control socket", where=folder, hint=f"see `ls -ld {folder}`"
        )


@contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """Be the only one who makes a socket there: between a look at a dead one and its removal another may make his."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + _PATIENCE  # in a folder of all users anybody may keep it
        while time.monotonic() < deadline:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _remove_dead(path: str) -> None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise TreeError("something else than a socket stands here", where=path, hint="move it away")
    try:
        connect_unix(path, 0).close()
    except (ConnectionRefusedError, FileNotFoundError):
        with suppress(FileNotFoundError):
            os.unlink(path)
        return
    except BlockingIOError:
        pass  # it listens, and very many wait already
    except OSError as error:
        raise TreeError(f"does not answer: {words_of(error)}", where=path) from error
    raise ProjectBusyError("another micropkgd serves here", where=path, hint="ask it with `micropkgd status --all`")
