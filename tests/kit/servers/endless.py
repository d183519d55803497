"""A hostile web server: what it sends never ends, comes by the byte, or says something else than it is.

Each path has a way of answering, which is given the connection's `send`. All that was sent is counted: a client that
takes everything would be seen by the number. It ends when the client hangs up, or the server.
"""

import socket
import time
from collections.abc import Callable
from typing import Final

from tests.kit.servers.accepting import AcceptingServer

Send = Callable[[bytes], None]
Way = Callable[[Send, str], None]
"""Answers one request, given its target."""

OK: Final = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


class HostileServer(AcceptingServer):
    """Use it in a `with`."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0  # bytes, as far as the kernel took them
        self.asked: list[str] = []
        self._ways: dict[str, Way] = {}

    def way(self, path: str, way: Way) -> str:
        """Set how paths that begin so are answered, and give the address."""
        self._ways[path] = way
        return f"http://127.0.0.1:{self.port}{path}"

    def drip(self, send: Send, piece: bytes = b"x", pause: float = 0.05) -> None:
        """Send a little, again and again."""
        while not self.over.wait(pause):
            send(piece)

    def serve(self, connection: socket.socket) -> None:
        """Answer one request the way that its path has."""

        def send(data: bytes) -> None:
            if self.over.is_set():
                raise ConnectionError
            connection.sendall(data)
            self.sent += len(data)

        target = _target(connection)
        self.asked.append(target)
        way = next((way for path, way in self._ways.items() if target.startswith(path)), None)
        if way is None:
            send(b"HTTP/1.1 404 None\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            way(send, target)


class SilentTls(AcceptingServer):
    """Takes connections and speaks no TLS: silent, or a byte of a record now and then."""

    def __init__(self, *, drips: bool) -> None:
        super().__init__()
        self._drips = drips
        self.url = f"https://127.0.0.1:{self.port}/ds.tar.gz"

    def serve(self, connection: socket.socket) -> None:
        """Send the beginning of a record, or nothing."""
        for byte in b"\x16\x03\x03\x3f\xff" + bytes(16_000):
            if self.over.wait(0.1):
                return
            if self._drips:
                connection.sendall(bytes([byte]))


def _target(connection: socket.socket) -> str:
    data = b""
    deadline = time.monotonic() + 30
    while b"\r\n\r\n" not in data and time.monotonic() < deadline:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError
        data += more
    return data.split(b" ", 2)[1].decode("latin-1")
