"""Connecting to who listens at a path on this machine: a full queue is waited for, as the kernel does over TCP."""

import socket
import time

from micropkgd.annotations import Final

_PAUSE: Final = 0.02  # seconds between two tries


def connect_unix(path: str, patience: float | None) -> socket.socket:
    """A connection to who listens at `path`, with `patience` as its timeout (seconds; None: for ever).

    connect(2) of a unix socket says `EAGAIN` at once where as many wait already as its listener lets wait, unlike TCP.
    `BlockingIOError` where that lasts; any other `OSError` at once.
    """
    deadline = None if patience is None else time.monotonic() + patience
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        caller.setblocking(False)
        while not _is_taken(caller, path, deadline):
            time.sleep(_PAUSE)
        caller.settimeout(patience)
    except BaseException:
        caller.close()
        raise
    return caller


def _is_taken(caller: socket.socket, path: str, deadline: float | None) -> bool:
    """Whether there was room for one more."""
    try:
        caller.connect(path)
    except BlockingIOError:
        if deadline is not None and time.monotonic() >= deadline:
            raise
        return False
    return True
