"""Who may ask over TCP: the rules of docs/http.md, tried on the real service with bytes as they come."""

import gzip
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from micropkgd.machine.token import rotate_token
from micropkgd.service.http.bucket import Buckets
from micropkgd.service.http.guard import HEADERS
from tests.kit.canaries import CANARY
from tests.kit.daemon import Daemon, served, until
from tests.kit.servers.nginx import Nginx
from tests.kit.site import Site, ask_tls, config, listening, rest_of

SECRET = f"token-{CANARY}-which-is-long-enough"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A service with one project, that listens on TCP."""
    folder = tmp_path_factory.mktemp("guard")
    world = served(folder / "src")
    with Daemon(folder, config(folder)) as running:
        running.ready(world.root)
        yield running


@pytest.fixture
def site(daemon: Daemon) -> Site:
    """Where it listens, with the token it has now."""
    return listening(daemon, "http.listen")


def request(site: Site, *lines: str, host: str | None = None, start: str = "GET /v1/status HTTP/1.1") -> bytes:
    """A request with the token and these lines; `host` in place of the right one, and none where it is empty."""
    named = f"127.0.0.1:{site.port}" if host is None else host
    whole = [start, *([f"Host: {named}"] if named else []), f"Authorization: Bearer {site.token}", *lines, "", ""]
    return "\r\n".join(whole).encode("latin-1")


def status(answer: bytes) -> int:
    """The code of an answer."""
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "localhost:{port}", "127.0.0.1:{port}", "[::1]:1"])
def test_a_host_of_this_machine_is_served(site: Site, host: str) -> None:
    """With a port or without: behind a tunnel it is another one."""
    assert status(site.say(request(site, host=host.format(port=site.port)))) == 200


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.evil.com", "localhost.evil.com", "evil.com", "evil.com:{port}", "0.0.0.0", "0.0.0.0:{port}",
        "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "localhost.", "127.0.0.1.", "LOCALHOST", "LocalHost",
        "localhost:", "localhost:0", "localhost:99999", "localhost:80:80", "localhost:+80", "user@localhost", "::1",
        "[::1", "localhost/", "localhost evil.com", "localhost,evil.com", "127.0.0.2", "löcalhost",
    ],
)  # fmt: skip
def test_any_other_host_is_refused(site: Site, host: str) -> None:
    """A name that leads here may be anybody's."""
    assert status(site.say(request(site, host=host.format(port=site.port)))) in {400, 403}


def test_a_request_without_a_host_is_refused(site: Site) -> None:
    """Also in the old form of HTTP, which knows none."""
    assert status(site.say(request(site, host=""))) == 400
    assert status(site.say(request(site, host="", start="GET /v1/status HTTP/1.0"))) == 400


def test_two_hosts_are_refused(site: Site) -> None:
    """Whoever stands between might read the other one."""
    assert status(site.say(request(site, "Host: localhost"))) == 400
    assert status(site.say(request(site, "host: evil.com"))) == 400


@pytest.mark.parametrize("target", ["http://localhost/v1/status", "http://evil.com/v1/status", "*", "localhost:80"])
def test_a_target_that_is_no_path_is_refused(site: Site, target: str) -> None:
    """Its host might be another than the one that is checked."""
    assert status(site.say(request(site, start=f"GET {target} HTTP/1.1"))) == 400


def test_a_body_of_two_lengths_is_refused(site: Site) -> None:
    """So that nothing can be smuggled behind a request."""
    both = ("Content-Type: application/json", "Content-Length: 2", "Transfer-Encoding: chunked")
    answer = site.say(request(site, *both, start="POST /v1/trigger HTTP/1.1") + b"2\r\n{}\r\n0\r\n\r\n")

    assert status(answer) == 400


def test_one_connection_carries_one_request(site: Site) -> None:
    """What is sent behind it gets no answer."""
    answer = site.say(request(site) + request(site))

    assert status(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(
    "path", ["/v1/status", "/v1/events", "/v1/openapi.json", "/metrics", "/nowhere", "/hooks/a", "/v1/../v1/status"]
)
def test_nothing_is_told_without_the_token(site: Site, path: str) -> None:
    """Not even which paths there are."""
    answer = site.get(path, token="")

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["problem"]


@pytest.mark.parametrize("path", ["/v1/trigger", "/v1/reconcile", "/v1/suspend", "/v1/resume", "/livez", "/"])
def test_nothing_is_done_without_the_token(site: Site, path: str) -> None:
    """A probe that is posted to is no probe."""
    assert site.ask("POST", path, b"{}", {"Content-Type": "application/json"}, token="").status == 401


@pytest.mark.parametrize(
    "given",
    [
        "Bearer", "Bearer ", "Basic {token}", "{token}", "Bearer x{token}", "Bearer {token}x", "Bearer \xff",
        "Bearer {half}",
    ],
)  # fmt: skip
def test_a_wrong_token_is_none(site: Site, given: str) -> None:
    """Whatever is wrong with it."""
    header = given.format(token=site.token, half=site.token[:20])
    answer = site.say(
        f"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: {header}\r\n\r\n".encode("latin-1")
    )

    assert status(answer) == 401
    assert site.token.encode() not in answer


def test_the_token_is_for_its_owner_alone(daemon: Daemon) -> None:
    """It is made where there is none: 32 random bytes, 0600."""
    found = os.stat(daemon.folder / "token")

    assert stat.S_IMODE(found.st_mode) == 0o600
    assert len((daemon.folder / "token").read_text().strip()) == 43


def test_a_rotated_token_holds_at_once(daemon: Daemon, site: Site) -> None:
    """The old one is none from then on; while the file holds none, nobody is let in."""
    new = rotate_token(str(daemon.folder / "token"))
    assert site.get("/v1/status").status == 401
    assert site.get("/v1/status", token=new).status == 200

    (daemon.folder / "token").write_text("")
    assert site.get("/v1/status", token=new).status == 401
    rotate_token(str(daemon.folder / "token"))


@pytest.mark.parametrize(
    "lines",
    [
        ("Origin: http://evil.com",),
        ("Origin: null",),
        ("Origin: http://localhost:1",),
        ("Origin: https://127.0.0.1:{port}",),
        ("Origin: http://127.0.0.1:{port}", "Origin: http://evil.com"),
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site",),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
    ],
)
def test_a_page_of_another_origin_may_not_ask(site: Site, lines: tuple[str, ...]) -> None:
    """Not for anything, not even with the token."""
    given = [line.format(port=site.port) for line in lines]

    assert status(site.say(request(site, *given))) == 403
    post = request(site, *given, "Content-Type: application/json", start="POST /v1/trigger HTTP/1.1")
    assert status(site.say(post)) == 403


def test_our_own_page_may_ask(site: Site) -> None:
    """As a browser sends it."""
    lines = (f"Origin: http://127.0.0.1:{site.port}", "Sec-Fetch-Site: same-origin", "Content-Type: application/json")

    assert status(site.say(request(site, *lines, start="POST /v1/trigger HTTP/1.1"))) == 202


def test_only_json_is_taken(site: Site) -> None:
    """A form, which every page can send, is none."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", ""):
        assert site.ask("POST", "/v1/trigger", b"{}", {"Content-Type": kind}).status == 415


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"])
def test_no_other_method_is_answered(site: Site, method: str) -> None:
    """There is no preflight that would allow another origin anything."""
    answer = site.say(request(site, "Origin: http://evil.com", start=f"{method} /v1/trigger HTTP/1.1"))

    assert status(answer) in {400, 403, 405}
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize("path", ["/", "/livez", "/v1/status", "/v1/openapi.json", "/nowhere", "/page.js"])
@pytest.mark.parametrize("token", [None, ""])
def test_every_answer_has_the_headers_that_bind_a_browser(site: Site, path: str, token: str | None) -> None:
    """And none that would let another origin read it."""
    answer = site.get(path, token=token)

    assert {name: answer.headers.get(name.lower()) for name in HEADERS} == HEADERS
    assert not [name for name in answer.headers if name.startswith("access-control") or name == "set-cookie"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nAuthorization: Bearer " + SECRET.encode() + b"\x00\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n" + SECRET.encode() + b"\r\n\r\n",
        b"GET /" + SECRET.encode() + b" HTTP/9.9\r\n\r\n",
        SECRET.encode() + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/status?token=" + SECRET.encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: " + SECRET.encode() + b"\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
    ],
)
def test_what_is_no_request_is_not_said_again(daemon: Daemon, site: Site, data: bytes) -> None:
    """A credential may stand in it: neither the answer nor the log has it (`say` looks at the answer)."""
    answer = site.say(data)

    assert answer == b"" or status(answer) in {400, 401, 403}
    assert CANARY not in daemon.log.read_text()


def test_too_large_a_head_is_refused(site: Site) -> None:
    """8 KiB are enough for every line together."""
    lines = [f"X-{number}: {'a' * 1000}" for number in range(9)]

    assert status(site.say(request(site, *lines[:7]))) == 200
    assert status(site.say(request(site, *lines))) == 431
    assert status(site.say(b"GET /" + b"a" * 9000)) == 431


def test_too_large_a_body_is_refused(site: Site) -> None:
    """With a length or in chunks."""
    typed = {"Content-Type": "application/json"}
    assert site.ask("POST", "/v1/trigger", b" " * (64 * 1024 - 2) + b"{}", typed).status == 202
    assert site.ask("POST", "/v1/trigger", b" " * (64 * 1024) + b"{}", typed).status == 413

    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n2\r\n{}\r\n0\r\n\r\n"
    lines = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    assert status(site.say(request(site, *lines, start="POST /v1/trigger HTTP/1.1") + chunk)) == 413


def test_a_packed_body_stays_packed(site: Site) -> None:
    """Nothing small becomes large here."""
    typed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    assert site.ask("POST", "/v1/trigger", gzip.compress(b" " * 1000 + b"{}"), typed).status == 400


def test_who_sends_no_request_is_let_go(site: Site) -> None:
    """Nothing, or half a head: the connection ends without an answer."""
    with site.connect() as silent, site.connect() as slow:
        slow.sendall(b"GET /v1/status HTTP/1.1\r\nHost: local")

        assert rest_of(silent) == b""
        assert rest_of(slow) == b""


def test_connections_are_numbered(daemon: Daemon, site: Site) -> None:
    """Of those with the token the 33rd is closed at once; when one of the others ends, there is room again."""
    unfinished = request(site, "Content-Length: 9", "Expect: 100-continue", start="POST /v1/trigger HTTP/1.1")
    with ExitStack() as stack:
        for _ in range(32):
            connection = stack.enter_context(site.connect())
            connection.sendall(unfinished)
            assert status(connection.recv(100)) == 100
        assert site.say(request(site)) == b""
    until(lambda: site.say(request(site)) != b"")
    assert daemon.process.poll() is None


def test_followers_of_events_are_numbered(site: Site) -> None:
    """The ninth is told to come again; the place of one that went away is free at once."""
    start = "GET /v1/events?follow=1 HTTP/1.1"
    following = [site.connect() for _ in range(8)]
    try:
        for connection in following:
            connection.sendall(request(site, start=start))
            assert status(connection.recv(1 << 16)) == 200
        answer = site.get("/v1/events?follow=1")
        assert (answer.status, answer.headers["retry-after"]) == (503, "15")
    finally:
        for connection in following:
            connection.close()

    def answered() -> bool:
        with site.connect() as connection:
            connection.sendall(request(site, start=start))
            return status(connection.recv(1 << 16)) == 200

    until(answered)


def test_who_asks_too_often_is_put_off(site: Site) -> None:
    """Who has the token is not put off by those who have none."""
    codes = site.flood(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert set(codes) == {200, 429}
    assert site.get("/v1/status").status == 200


def test_a_bucket_is_full_again_in_time() -> None:
    """A hundred at once, then fifty a second; each peer has its own, and those of long ago are forgotten."""
    buckets = Buckets()
    assert [buckets.take("a", 0.0) for _ in range(101)] == [True] * 100 + [False]
    assert buckets.take("b", 0.0)
    assert [buckets.take("a", 1.0) for _ in range(51)] == [True] * 50 + [False]
    assert [buckets.take("a", 1000.0) for _ in range(101)].count(True) == 100
    for peer in range(2000):
        buckets.take(peer, 1000.0)
    assert buckets.take("a", 1000.0)


def test_what_was_done_is_an_event_that_names_who_asked(daemon: Daemon, site: Site) -> None:
    """By the begin of the token's digest over TCP, by user and process on the socket; the token itself is not told."""
    assert site.post("/v1/trigger", {}).status == 202
    assert daemon.until("Asked", subject="/v1/trigger", message="by token ")["message"] != f"by token {site.token[:8]}"

    daemon.ask().post("/v1/trigger", {})
    daemon.until("Asked", subject="/v1/trigger", message=f"by user {os.getuid()}, process {os.getpid()}")


def test_other_machines_are_spoken_to_on_tls(tmp_path: Path, nginx: Nginx) -> None:
    """On an address that is no loopback only; a renewed certificate is used without a restart."""
    certificate = tmp_path / "certificate.pem"
    folder = nginx.authority.parent

    def put(name: str) -> None:
        beside = tmp_path / "new"
        beside.write_bytes((folder / f"{name}.pem").read_bytes() + (folder / f"{name}.key").read_bytes())
        beside.rename(certificate)

    put("expired")
    more = f'certificate = "{certificate}"\nallow-remote = true'
    with Daemon(tmp_path, config(tmp_path, more).replace('listen = "127.0.0.1:0"', 'listen = "0.0.0.0:0"')) as daemon:
        site = listening(daemon, "http.listen")._replace(host="127.0.0.1")
        with pytest.raises(OSError, match="expired"):
            ask_tls(site, nginx.authority, "/v1/status")
        assert site.say(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        put("good")
        assert ask_tls(site, nginx.authority, "/v1/status").status == 200


def test_an_address_that_is_taken_is_said(tmp_path: Path) -> None:
    """Before anything is served: exit 2, with the key and the address, and no socket left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = config(tmp_path).replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{taken.getsockname()[1]}"')
        daemon = Daemon(tmp_path, text)
        command = ["-m", "micropkgd", "reconcile", "--config", str(daemon.config)]
        ended = subprocess.run(
            [sys.executable, *command], env=daemon.environ, capture_output=True, text=True, timeout=60, check=False
        )

    assert ended.returncode == 2
    assert "http.listen = 127.0.0.1:" in ended.stderr
    assert "address already in use" in ended.stderr
    assert not os.path.exists(daemon.socket)


def test_a_reload_moves_the_listeners(tmp_path: Path) -> None:
    """To the new address, and back to the old where the new one cannot be had."""
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        old = listening(daemon, "http.listen")
        daemon.until("Listening", subject="http.probes")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            number = taken.getsockname()[1]
            daemon.config.write_text(
                config(tmp_path).replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{number}"')
            )
            daemon.process.send_signal(signal.SIGHUP)
            assert f"127.0.0.1:{number}" in daemon.until("ConfigRefused")["message"]
            daemon.until("Listening", subject="http.listen")
        daemon.process.send_signal(signal.SIGHUP)
        assert daemon.until("Listening", subject="http.listen")["message"] == f"http://127.0.0.1:{number}"
        assert Site("127.0.0.1", number, old.token).get("/v1/status").status == 200


def test_a_service_ends_soon_whoever_listens(tmp_path: Path) -> None:
    """Who follows the events, and who says nothing, is let go; the exit is a clean one."""
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        site = listening(daemon, "http.listen")
        with site.connect() as following, site.connect() as silent:
            following.sendall(request(site, start="GET /v1/events?follow=1 HTTP/1.1"))
            assert status(following.recv(1 << 16)) == 200
            assert daemon.end() == 0
            rest_of(following)
            assert rest_of(silent) == b""


@pytest.mark.parametrize(
    "target",
    ["/v1/status?projet=a", "/v1/events?folow=1", "/v1/events?follow=yes", "/v1/events?since=-1", "/v1/events?since=x"],
)
def test_a_query_that_means_nothing_is_refused(site: Site, target: str) -> None:
    """It may be a known one misspelt."""
    assert site.get(target).status == 400
    assert site.get("/v1/events?since=0", {"Last-Event-ID": "x"}).status == 400
