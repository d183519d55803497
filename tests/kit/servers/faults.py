"""A web server that misbehaves to order.

Each path has a script: its replies, one a request, the last one for ever. Every request is noted before it is
answered, so that a test can say what was sent, and what was not. One request a connection, one thread each.
"""

import socket
import struct
import threading
from collections.abc import Mapping
from typing import NamedTuple

from tests.kit.servers.accepting import AcceptingServer


class Reply(NamedTuple):
    """What is sent back. The body's framing is told by `length`: a number, "chunked" or "none"."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    length: int | str | None = None  # None: the true one
    cut_after: int | None = None  # body bytes, then the connection ends
    stall_after: int | None = None  # body bytes, then silence until the client or the test gives up
    gate: threading.Event | None = None  # the body is sent once this is set
    rate_limit: tuple[int, float] | None = None  # so many bytes, then so many seconds of pause
    reset: bool = False  # end the connection with a reset
    raw: bytes | None = None  # exactly this, at this pace, in place of all else

    def head(self) -> bytes:
        """Status line and headers."""
        length = len(self.body) if self.length is None else self.length
        framing = {"chunked": "Transfer-Encoding: chunked", "none": "X-Framing: none"}.get(
            str(length), f"Content-Length: {length}"
        )
        lines = [f"HTTP/1.1 {self.status} Said", framing, "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def payload(self) -> bytes:
        """The body as it goes over the wire."""
        if self.length != "chunked":
            return self.body
        return b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.body), self.body)

    def for_method(self, method: str) -> "Reply":
        """What it is without its body, where it answers a HEAD."""
        return self._replace(raw=self.head()) if method == "HEAD" and self.raw is None else self


class Seen(NamedTuple):
    """One request as it came in; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]


class FaultServer(AcceptingServer):
    """Use it in a `with`; `script` before asking."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Seen] = []
        self._scripts: dict[str, list[Reply]] = {}

    def script(self, path: str, *replies: Reply) -> str:
        """Set what a path answers, and give its address."""
        self._scripts[path] = list(replies)
        return self.url(path)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def requests_for(self, path: str) -> list[Seen]:
        """What came in for a path, in order."""
        return [seen for seen in self.seen if seen.target.partition("?")[0] == path]

    def serve(self, connection: socket.socket) -> None:
        """Note one request, and send its reply."""
        seen = _read_request(connection)
        self.seen.append(seen)
        script = self._scripts.get(seen.target.partition("?")[0], [Reply(status=404)])
        reply = script.pop(0) if len(script) > 1 else script[0]
        self._send(connection, reply.for_method(seen.method))

    def _send(self, connection: socket.socket, reply: Reply) -> None:
        if reply.raw is not None:
            self._send_body(connection, reply.raw, reply.rate_limit)
            return
        connection.sendall(reply.head())
        if reply.gate is not None:
            self._wait_at(reply.gate)
        ends = [at for at in (reply.cut_after, reply.stall_after) if at is not None]
        self._send_body(connection, reply.payload()[: min(ends, default=None)], reply.rate_limit)
        if reply.stall_after is not None:
            self.over.wait()
        if reply.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _wait_at(self, gate: threading.Event) -> None:
        while not gate.wait(0.05) and not self.over.is_set():
            pass

    def _send_body(self, connection: socket.socket, body: bytes, rate_limit: tuple[int, float] | None) -> None:
        size, pause = rate_limit or (len(body) or 1, 0.0)
        for start in range(0, len(body), size):
            connection.sendall(body[start : start + size])
            if self.over.wait(pause):
                return


def _read_request(connection: socket.socket) -> Seen:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    left = int(headers.get("content-length", 0)) - len(body)
    while left > 0 and (more := connection.recv(min(left, 65536))):  # what is not read would reset the answer
        left -= len(more)
    return Seen(method, target, headers)
