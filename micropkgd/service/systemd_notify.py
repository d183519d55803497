"""Tell systemd how the service is, by its datagram socket (sd_notify(3)); without one, nothing is told.

Whoever reads the socket may be slow or gone: that never holds the service up.
"""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from micropkgd.annotations import Final

_PATIENCE: Final = 0.5  # seconds that a message may wait for room in the socket's queue


class Notifier:
    """The socket that systemd named, if it named one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        own = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC", "0")
        self.watchdog_interval = int(usec) / 2e6 if own and usec.isdecimal() and int(usec) else None  # seconds

    def ready(self, status: str) -> None:
        """Say that the service serves."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}")

    def reloading(self) -> None:
        """Say that the config is being read again; systemd 253 needs to know when that began."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def status(self, text: str) -> None:
        """Say in one line how things are."""
        self._send(f"STATUS={_one_line(text)}")

    def alive(self) -> None:
        """Say that work goes on."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the service ends."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_PATIENCE)
            sender.sendto(text.encode(errors="replace"), self._address)


def _one_line(text: str) -> str:
    """A text that cannot be taken for a second message."""
    return " ".join(text.split())
