"""One service for one config of one user: a lock in the state folder, which the kernel lets go of with its process.

Two would run hooks twice, ask sources twice, and answer at one socket by turns. The socket alone cannot tell, for it
may vanish. The file is never removed; it says who serves.
"""

import fcntl
import os
import socket
from collections.abc import Mapping
from contextlib import suppress

from micropkgd.errors import ProjectBusyError, words_of
from micropkgd.machine.places import service_place
from micropkgd.named_tuples import NamedTuple


class ServiceClaim(NamedTuple):
    """That this process serves; held until `let_go`, or the end of the process."""

    descriptor: int | None  # None: it could not be made sure of
    problem: str = ""  # why not

    @property
    def is_sure(self) -> bool:
        """Whether no other process can serve the same."""
        return self.descriptor is not None

    def let_go(self) -> None:
        """Let another service begin."""
        if self.descriptor is not None:
            os.close(self.descriptor)


def claim(what: str, environ: Mapping[str, str]) -> ServiceClaim:
    """Be the one service of `what`; `ProjectBusyError` naming the process where another is."""
    path = service_place(what, environ)
    descriptor = None
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
    except BlockingIOError:
        raise ProjectBusyError(
            f"another micropkgd serves this: {_who(descriptor)}",
            where=what,
            hint="ask it with `micropkgd status --all`, or end it first",
        ) from None
    except OSError as error:  # a state folder that cannot be written to must not keep a service from its work
        if descriptor is not None:
            os.close(descriptor)
        return ServiceClaim(None, f"nothing keeps a second service from starting: {path}: {words_of(error)}")
    return ServiceClaim(descriptor)


def _who(descriptor: int | None) -> str:
    """The process that holds the lock, as it says itself."""
    said = ""
    if descriptor is not None:
        with suppress(OSError, ValueError):
            said = os.pread(descriptor, 300, 0).decode("ascii")
        os.close(descriptor)
    pid, _, host = said.strip().partition(" ")
    if not pid.isdecimal():
        return "a process that does not say which"
    return f"pid {pid}" if host in {"", socket.gethostname()} else f"pid {pid} on {host}"
