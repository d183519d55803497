"""Servers out there do not choose what is asked on this machine or its network.

What is public is played by a proxy of the environment: names below `.example` are asked through it, numbers of this
machine never are.
"""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from micropkgd.model.ref import Ref
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.http.private import PrivateAddressError, RecordingResolver, is_private
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Lookup, Request
from tests.kit.permits import held_to
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.indexes import sdist

OUTSIDE = "http://outside.example"
DATA = sdist("ds", "1.0")


class Names(AbstractResolver):
    """Stands for the name server: every name has these numbers."""

    def __init__(self, *numbers: str) -> None:
        self.numbers = numbers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The numbers."""
        return [
            ResolveResult(hostname=host, host=number, port=port, family=family, proto=0, flags=0)
            for number in self.numbers
        ]

    async def close(self) -> None:
        """Have nothing to close."""


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """All servers beyond this machine; scripts are named by whole addresses."""
    with FaultServer() as server:
        for variable in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "all_proxy"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("http_proxy", server.url(""))
        yield server


def ask(tmp_path: Path, url: str, origins: tuple[str, ...] | None = None, lookup: Lookup | None = None) -> Answer:
    """Ask for one archive."""
    permits = held_to(origins) if origins is not None else None
    with Sources(ArchiveCache(tmp_path / "cache"), permits=permits) as sources:
        return sources.answer([Request(Ref.parse(url), lookup=lookup)], tmp_path)[0]


def leads_to(server: FaultServer, address: str) -> str:
    """An address out there that redirects to another one."""
    server.script(f"{OUTSIDE}/x.tar.gz", Reply(302, headers={"Location": address}))
    return f"{OUTSIDE}/x.tar.gz"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST.", "2130706433", "127.1", "0x7f.1", "[::ffff:127.0.0.1]"]
)
def test_redirect_from_outside_to_this_machine_is_refused(
    internet: FaultServer, faults: FaultServer, tmp_path: Path, host: str
) -> None:
    """However the machine is written; it is not asked, not even once."""
    faults.script("/secret", Reply(body=b"x"))
    answer = ask(tmp_path, leads_to(internet, f"http://{host}:{faults.port}/secret?key=canary"))

    assert isinstance(answer, Failed)
    assert (answer.kind, "private network" in answer.problem) == (FailureKind.REFUSED, True)
    assert "canary" not in answer.problem
    assert "allowed-origins" in answer.hint
    assert faults.seen == []


def test_redirect_on_the_way_counts_too(internet: FaultServer, faults: FaultServer, tmp_path: Path) -> None:
    """It is the first address that somebody here wrote down."""
    internet.script("http://second.example/y", Reply(302, headers={"Location": faults.url("/secret")}))
    answer = ask(tmp_path, leads_to(internet, "http://second.example/y"))

    assert isinstance(answer, Failed)
    assert len(internet.seen) == 2
    assert faults.seen == []


def test_redirect_to_this_machine_is_followed_where_the_config_names_it(
    internet: FaultServer, faults: FaultServer, tmp_path: Path
) -> None:
    """Whoever runs the machine may say so."""
    url = leads_to(internet, faults.script("/x", Reply(body=b"x")))

    assert isinstance(ask(tmp_path, url, (OUTSIDE, faults.url("/"))), Fetched)


def test_redirect_within_this_machine_is_followed(internet: FaultServer, faults: FaultServer, tmp_path: Path) -> None:
    """Also by way of a server out there: who asks here first means here."""
    with FaultServer() as other:
        here = faults.script("/x", Reply(302, headers={"Location": leads_to(internet, other.url("/y"))}))
        other.script("/y", Reply(body=b"x"))
        assert isinstance(ask(tmp_path, here), Fetched)


def test_index_out_there_does_not_lead_in(internet: FaultServer, faults: FaultServer, tmp_path: Path) -> None:
    """A page that names a file on this machine is like a redirect to it."""
    page = f'<a href="{faults.url("/ds-1.0.tar.gz")}">ds-1.0.tar.gz</a></html>'.encode()
    internet.script(f"{OUTSIDE}/simple/ds/", Reply(body=page, headers={"Content-Type": "text/html"}))
    faults.script("/ds-1.0.tar.gz", Reply(body=DATA))
    answer = ask(tmp_path, "ds", lookup=Lookup(f"{OUTSIDE}/simple/"))

    assert isinstance(answer, Failed)
    assert (answer.kind, "private network" in answer.problem) == (FailureKind.REFUSED, True)
    assert faults.seen == []


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True), ("127.255.0.9", True), ("10.1.2.3", True), ("172.16.0.1", True), ("172.32.0.1", False),
        ("192.168.7.7", True), ("169.254.169.254", True), ("100.64.0.1", True), ("0.0.0.0", True), ("224.0.0.1", True),
        ("255.255.255.255", True), ("8.8.8.8", False), ("8.8.8.8.", False), ("2852039166", True), ("0251.0376.1", True),
        ("::1", True), ("::", True), ("fe80::1", True), ("fe80::1%eth0", True), ("fd00:ec2::254", True),
        ("ff02::1", True), ("::ffff:10.0.0.1", True), ("::ffff:8.8.8.8", False), ("64:ff9b::a9fe:a9fe", True),
        ("64:ff9b::808:808", False), ("2002:7f00:1::", True), ("2001:4860:4860::8888", False), ("localhost", True),
        ("a.localhost", True), ("localhost.example", False), ("outside.example", False), ("", False),
    ],
)  # fmt: skip
def test_private_addresses_are_known_by_their_text(host: str, private: bool) -> None:
    """Loopback, link-local, private, shared, group and wrapped ones, in every way of writing them."""
    assert is_private(host) is private


@pytest.mark.parametrize(
    ("numbers", "only_public", "left", "private"),
    [
        pytest.param(("8.8.8.8",), True, ["8.8.8.8"], False, id="public"),
        pytest.param(("10.0.0.1",), True, None, True, id="private"),
        pytest.param(("10.0.0.1",), False, ["10.0.0.1"], True, id="private-and-meant"),
        pytest.param(("8.8.8.8", "127.0.0.1"), True, ["8.8.8.8"], True, id="mixed"),
        pytest.param(("::1", "169.254.169.254"), True, None, True, id="metadata-service"),
    ],
)
def test_names_are_judged_by_the_numbers_that_are_connected_to(
    numbers: tuple[str, ...], only_public: bool, left: list[str] | None, private: bool
) -> None:
    """Only what is left can be connected to, so the name cannot come to mean something else in between."""
    seen: dict[str, bool] = {}

    async def resolve() -> list[str]:
        resolver = RecordingResolver(seen, only_public=only_public, resolver=Names(*numbers))
        return [one["host"] for one in await resolver.resolve("name.example", 443)]

    if left is None:
        with pytest.raises(PrivateAddressError):
            asyncio.run(resolve())
    else:
        assert asyncio.run(resolve()) == left
    assert seen == {"name.example": private}


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, internet: FaultServer) -> str:
    """A name that is asked without the proxy and stands for this machine."""
    monkeypatch.setenv("no_proxy", "inside.example")
    monkeypatch.setattr("aiohttp.ThreadedResolver", lambda: Names("127.0.0.1"))
    return "http://inside.example"


def test_redirect_to_a_name_of_this_machine_is_refused(
    internet: FaultServer, faults: FaultServer, inside: str, tmp_path: Path
) -> None:
    """The name itself tells nothing."""
    faults.script("/secret", Reply(body=b"x"))
    answer = ask(tmp_path, leads_to(internet, f"{inside}:{faults.port}/secret"))

    assert isinstance(answer, Failed)
    assert (answer.kind, "private network" in answer.problem) == (FailureKind.REFUSED, True)
    assert faults.seen == []


def test_redirect_from_a_name_of_this_machine_is_followed(faults: FaultServer, inside: str, tmp_path: Path) -> None:
    """A server of the own network may send us on within it."""
    faults.script("/x", Reply(302, headers={"Location": faults.url("/y")}))
    faults.script("/y", Reply(body=b"x"))

    assert isinstance(ask(tmp_path, f"{inside}:{faults.port}/x"), Fetched)
