"""The unix socket by which the service is spoken to: where it is, and who may come in (docs/http.md, rule 1).

The folder is 0700 and the socket 0600; the kernel says who the other side is. A socket that nobody answers at is
removed, anything else that stands there is not. A socket that systemd has opened (sd_listen_fds(3)) comes before all
that; it stays systemd's, also when the service ends.
"""

import os
import socket
import stat
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from micropkgd.errors import ProjectBusyError, TreeError, UsageError, words_of
from micropkgd.machine.places import socket_path

_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2
_XUCRED = "IIh16I"  # version, user, and groups
_FIRST_PASSED: Final = 3  # SD_LISTEN_FDS_START


class UnixSocket(NamedTuple):
    """The open socket."""

    listener: socket.socket
    made: str | None  # where this process made it; None where systemd did

    def remove(self) -> None:
        """Leave nothing behind that this process has made."""
        if self.made is not None:
            with suppress(OSError):
                os.unlink(self.made)


def open_unix_socket(chosen: str | None, environ: Mapping[str, str]) -> UnixSocket:
    """Take the socket that systemd has passed, or make one; `chosen` is the path that the config says."""
    passed = _passed_socket(environ)
    if passed is not None:
        return UnixSocket(passed, None)
    path = socket_path(chosen, environ)
    return UnixSocket(listen(path), path)


def listen(path: str) -> socket.socket:
    """Open the socket; `ProjectBusyError` where another service answers there, `TreeError` where it cannot be made."""
    folder = os.path.dirname(path)
    try:
        with suppress(FileExistsError):
            os.makedirs(folder, mode=0o700)
        _check_folder(folder)
        _remove_dead(path)
        before = os.umask(0o177)
        try:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen(32)
    except OSError as error:
        raise TreeError(
            f"the control socket cannot be made: {words_of(error)}",
            where=path,
            hint="name another place with `socket` in the config",
        ) from error
    return listener


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


def _remove_dead(path: str) -> None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise TreeError("something else than a socket stands here", where=path, hint="move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(FileNotFoundError):
                os.unlink(path)
            return
        except OSError as error:
            raise TreeError(f"does not answer: {error}", where=path) from error
    raise ProjectBusyError("another micropkgd serves here", where=path, hint="ask it with `micropkgd status --all`")
