"""Waiting for a server that was started, and ending it: however long a busy machine takes for it."""

import socket
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import subprocess

_PATIENCE: Final = 90.0  # seconds
_PAUSE: Final = 0.02
_ONE_TRY: Final = 10.0


def await_server(process: "subprocess.Popen[bytes]", answers: Callable[[], bool], log: Path) -> None:
    """Wait until a server answers; where it does not, or has ended, its log says why."""
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            if answers():
                return
        time.sleep(_PAUSE)
    raise RuntimeError(f"the server does not answer: {log.read_text(errors='replace')[-2000:]}")


def listens(port: int) -> bool:
    """Whether somebody takes connections."""
    socket.create_connection(("127.0.0.1", port), _ONE_TRY).close()
    return True


def is_well(url: str) -> bool:
    """Whether an address is answered, and not by an error."""
    with urllib.request.urlopen(url, timeout=_ONE_TRY):
        return True


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a server and wait for it: at once, for nothing of it is needed any more."""
    process.kill()
    process.wait(_PATIENCE)
