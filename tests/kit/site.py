"""The service's listeners as the tests speak to them: well-formed requests, and bytes as they come."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from tests.kit.canaries import look
from tests.kit.daemon import PATIENCE, Daemon, until

_AT_ONCE = 24  # of the 32 connections that a listener has
_NOTHING: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What came back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as a document."""
        return json.loads(self.body)


class Site(NamedTuple):
    """One address that listens."""

    host: str
    port: int
    token: str = ""

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] = _NOTHING,
        token: str | None = None,
    ) -> Answer:
        """Send one request, with the token; `token=""` sends none."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        return ask(connection, method, target, body, self.signed(headers, token))

    def get(self, target: str, headers: Mapping[str, str] = _NOTHING, token: str | None = None) -> Answer:
        """Ask for something."""
        return self.ask("GET", target, headers=headers, token=token)

    def post(self, target: str, document: object, headers: Mapping[str, str] = _NOTHING) -> Answer:
        """Ask for something to be done."""
        typed = {"Content-Type": "application/json", **headers}
        return self.ask("POST", target, json.dumps(document).encode(), typed)

    def begin(self, target: str, document: object) -> http.client.HTTPConnection:
        """Ask for something to be done by a service that may be asleep: what was sent is before it when it wakes."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        typed = self.signed({"Content-Type": "application/json"})
        connection.request("POST", target, json.dumps(document).encode(), typed)
        return connection

    def signed(self, headers: Mapping[str, str] = _NOTHING, token: str | None = None) -> dict[str, str]:
        """Headers with the token among them."""
        given = self.token if token is None else token
        return {**({"Authorization": f"Bearer {given}"} if given else {}), **headers}

    def say(self, data: bytes) -> bytes:
        """Send bytes, and give all that comes back until the other side ends it."""
        with self.connect() as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # who is refused may be so before all is sent
                connection.sendall(data)
            return rest_of(connection)

    def flood(self, data: bytes) -> list[int]:
        """Send a request many times at once, again and again, until somebody is put off: the codes of all answers."""
        codes: list[int] = []

        def is_put_off() -> bool:
            with ExitStack() as stack:
                asking = [stack.enter_context(self.connect()) for _ in range(_AT_ONCE)]
                for connection in asking:
                    connection.sendall(data)
                codes.extend(int(rest_of(connection).split(b" ", 2)[1]) for connection in asking)
            return HTTPStatus.TOO_MANY_REQUESTS in codes

        until(is_put_off)
        return codes

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)


def ask(
    connection: http.client.HTTPConnection, method: str, target: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    """Send one request over a connection; no answer may tell a credential of the tests."""
    try:
        connection.request(method, target, body or None, dict(headers))
        response = connection.getresponse()
        given = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, given, response.read())
    finally:
        connection.close()
    look(answer.body.decode(errors="replace") + str(given), f"the answer to {method}")
    return answer


def ask_tls(site: Site, authority: Path, target: str) -> Answer:
    """Ask over TLS, with the token, and trust one authority alone."""
    context = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection(site.host, site.port, timeout=PATIENCE, context=context)
    return ask(connection, "GET", target, b"", site.signed())


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the other side ends the connection, kindly or not."""
    received = b""
    try:
        while chunk := connection.recv(1 << 16):
            received += chunk
    except ConnectionResetError:
        pass
    look(received.decode(errors="replace"), "an answer")
    return received


def listening(daemon: Daemon, key: str, known: int = 0) -> Site:
    """The address that a service tells for `http.listen` or `http.probes`, at its last opening after an event."""
    events = daemon.ask().get(f"/v1/events?since={max(known, daemon.begun)}")["events"]
    told = [event["message"] for event in events if (event["kind"], event["subject"]) == ("Listening", key)]
    if not told:
        address = daemon.until("Listening", subject=key)["message"]
        told = [address]
    host, _, port = told[-1].partition("://")[2].rpartition(":")
    return Site(host, int(port), (daemon.folder / "token").read_text().strip())


def config(daemon_folder: Path, more: str = "", *, projects: str = "src/*") -> str:
    """A config with both listeners on free ports; projects stand below the folder."""
    return f"""\
projects = ["{daemon_folder}/{projects}"]
every = "1d"
[http]
listen = "127.0.0.1:0"
probes = "127.0.0.1:0"
token-file = "{daemon_folder}/token"
{more}
"""
