"""Very many who connect and say nothing, or not all, or do not read: who asks beside them is answered (threat T32)."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from micropkgd.service.unix_connection import connect_unix
from tests.kit.daemon import PATIENCE, Daemon, served
from tests.kit.servers.nginx import Nginx
from tests.kit.site import Site, ask_tls, config, listening, rest_of

MANY = 400  # more than there may be at once, and than wait in the kernel for less
DESCRIPTORS = 250  # of the service, with all of them there
MORE = 40 * 1024  # KiB: eight of a head, of 160 connections, many times over

SLOW = {
    "silent": b"",
    "half a head": b"GET /livez HTTP/1.1\r\nHost: local",
    "a head without its body": b"POST /v1/login HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
    "what is not read": b"GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


class Place(NamedTuple):
    """One of the three where the service listens."""

    connect: Callable[[], socket.socket]
    honest: bytes


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A service with one project that listens everywhere."""
    folder = tmp_path_factory.mktemp("slow")
    world = served(folder / "src")
    with Daemon(folder, config(folder)) as running:
        running.ready(world.root)
        yield running


@pytest.fixture(params=["http.listen", "http.probes", "socket"])
def place(daemon: Daemon, request: pytest.FixtureRequest) -> Place:
    """Each of them, with what is asked there."""
    if request.param == "socket":
        return Place(
            lambda: connect_unix(daemon.socket, PATIENCE), b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
    site = listening(daemon, request.param)
    token = f"Authorization: Bearer {site.token}\r\n" if request.param == "http.listen" else ""
    path = "/v1/status" if token else "/readyz"
    return Place(site.connect, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}\r\n".encode())


def _memory(daemon: Daemon) -> int:
    """What the service has in memory now, in KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{daemon.process.pid}/status").read_text())
    assert found is not None
    return int(found[1])


def _crowd(stack: ExitStack, connect: Callable[[], socket.socket], said: bytes) -> None:
    """Many at once; those for whom others make room may hear that."""
    for _ in range(MANY):
        slow = stack.enter_context(connect())
        with suppress(BrokenPipeError, ConnectionResetError):
            slow.sendall(said)


@pytest.mark.parametrize("said", SLOW.values(), ids=SLOW)
def test_who_asks_is_answered(daemon: Daemon, place: Place, said: bytes) -> None:
    """At the first try, every time; and nobody's number is paid for with memory or descriptors."""
    before = _memory(daemon)
    with ExitStack() as stack:
        for _ in range(3):
            _crowd(stack, place.connect, said)
            with place.connect() as honest:
                honest.sendall(place.honest)
                assert rest_of(honest).startswith(b"HTTP/1.1 200")
        assert len(os.listdir(f"/proc/{daemon.process.pid}/fd")) < DESCRIPTORS
        assert _memory(daemon) < before + MORE


def test_one_who_floods_pushes_out_nobody_of_elsewhere(daemon: Daemon) -> None:
    """The oldest goes of the address that has most of them, whoever came before all of those."""
    site = listening(daemon, "http.listen")
    with socket.create_connection((site.host, site.port), PATIENCE, ("127.0.0.2", 0)) as honest, ExitStack() as stack:
        honest.sendall(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n")
        _crowd(stack, site.connect, b"")
        honest.sendall(f"Authorization: Bearer {site.token}\r\n\r\n".encode())
        assert rest_of(honest).startswith(b"HTTP/1.1 200")


def test_half_a_handshake_keeps_nobody_out(tmp_path: Path, nginx: Nginx) -> None:
    """Over TLS a connection is counted, and let go, before there is one for HTTP."""
    folder, certificate = nginx.authority.parent, tmp_path / "certificate.pem"
    certificate.write_bytes((folder / "good.pem").read_bytes() + (folder / "good.key").read_bytes())
    more = f'certificate = "{certificate}"\nallow-remote = true'
    with Daemon(tmp_path, config(tmp_path, more).replace('listen = "127.0.0.1:0"', 'listen = "0.0.0.0:0"')) as daemon:
        site = Site("127.0.0.1", *listening(daemon, "http.listen")[1:])
        for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
            with ExitStack() as stack:
                _crowd(stack, site.connect, said)
                assert ask_tls(site, nginx.authority, "/v1/status").status == 200
        assert len(os.listdir(f"/proc/{daemon.process.pid}/fd")) < DESCRIPTORS
