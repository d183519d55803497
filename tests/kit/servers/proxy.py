"""A proxy before a real server, which counts what passes, and fails to order.

It passes requests on as they are, signatures included, one a connection. A rule sees each request first: it may answer
in the server's place, cut the server's answer short, or do something to the server at that moment.
"""

import socket
import threading
from collections.abc import Callable
from typing import NamedTuple

from tests.kit.servers.faults import FaultServer, Reply, Seen, _read_request


class Cut(NamedTuple):
    """Pass so many bytes of the answer's body on, then do something, then end the connection or go on."""

    after: int
    then: Callable[[], object] = lambda: None
    go_on: bool = False


Rule = Callable[[Seen], Reply | Cut | None]


class Proxy(FaultServer):
    """Use it in a `with`; `rule` may be set at any time."""

    def __init__(self, upstream: int) -> None:
        super().__init__()
        self.rule: Rule = lambda seen: None
        self._upstream = upstream
        self._turn = threading.Lock()

    def serve(self, connection: socket.socket) -> None:
        """Pass one request on, or do as the rule says."""
        seen = _read_request(connection)
        with self._turn:
            self.seen.append(seen)
            what = self.rule(seen)
        if isinstance(what, Reply):
            self._send(connection, what.for_method(seen.method))
        else:
            self._pass_on(connection, seen, what)

    def _pass_on(self, connection: socket.socket, seen: Seen, cut: Cut | None) -> None:
        headers = {**seen.headers, "connection": "close"}
        lines = [f"{seen.method} {seen.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        with socket.create_connection(("127.0.0.1", self._upstream)) as server:
            server.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            head, body = _head(server)
            connection.sendall(head)
            left = cut.after if cut else -1
            while True:
                if cut and len(body) >= left >= 0:
                    connection.sendall(body[:left])
                    body, left = body[left:], -1
                    cut.then()
                    if not cut.go_on:
                        return
                connection.sendall(body)
                left -= len(body) if left >= 0 else 0
                body = server.recv(65536)
                if not body:
                    return


def _head(server: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = server.recv(65536)
        if not more:
            break
        data += more
    head, end, body = data.partition(b"\r\n\r\n")
    return head + end, body
