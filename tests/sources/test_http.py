import asyncio
import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from micropkgd.errors import DocumentError
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import digest_of
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.http.failures import retry_after
from micropkgd.sources.http.options import HttpOptions
from micropkgd.sources.http.source import HttpSource
from micropkgd.sources.redaction import redacted
from micropkgd.sources.retry import RetryPolicy
from micropkgd.sources.source import (
    Answer,
    Failed,
    FailureKind,
    Fetched,
    Request,
    Unchanged,
    Validator,
    no_progress,
)
from tests.kit.canaries import CANARY, hold
from tests.kit.patience import IMPATIENT, QUICK
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.nginx import PASSWORD, USER, Nginx

BODY = os.urandom(40_000)
OK = Reply(body=BODY)
BROKEN_CHUNK = Reply(
    headers={"Transfer-Encoding": "chunked"}, length="none", body=b"3\r\nabc\r\nxyz\r\n", rate_limit=(8, 0.05)
)

Ask = Callable[..., Answer]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask a source of its own for one address, in an environment that says nothing."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def ask_once(url: str, patience: RetryPolicy = QUICK, **request: Any) -> Answer:
        async def fetch() -> Answer:
            source = HttpSource(patience)
            try:
                made = Request(Ref(url, RefKind.HTTP, url))._replace(**request)
                return await source.fetch(made, ArchiveCache(tmp_path / "cache"), no_progress)
            finally:
                await source.close()

        return asyncio.run(fetch())

    return ask_once


def failed(answer: Answer, kind: FailureKind) -> Failed:
    """Check that there is no answer, for this reason."""
    assert isinstance(answer, Failed), answer
    assert answer.kind is kind, answer
    return answer


def is_body(answer: Answer) -> bool:
    """Whether the archive of this module was fetched whole."""
    return isinstance(answer, Fetched) and answer[:2] == (digest_of(BODY), len(BODY))


def validator_of(answer: Answer) -> Validator:
    """What to send along the next time."""
    assert isinstance(answer, Fetched)
    assert answer.validator is not None
    return answer.validator


class TestConditions:
    """A known archive is asked for on a condition, and not sent again."""

    @pytest.mark.parametrize("place", [pytest.param("", id="etag"), pytest.param("no-etag/", id="last-modified")])
    def test_known_archive_is_not_sent_again(self, nginx: Nginx, ask: Ask, place: str) -> None:
        """A real server says 304 to what it said itself."""
        nginx.publish("known.tar.gz", BODY)
        url = nginx.url(f"{place}known.tar.gz")
        assert ask(url, validator=validator_of(ask(url))) == Unchanged()

    def test_touched_archive_is_the_same_archive(self, nginx: Nginx, ask: Ask) -> None:
        """A new ETag over the same bytes gives the same digest, so that nothing follows from it."""
        nginx.publish("touched.tar.gz", BODY)
        first = ask(nginx.url("touched.tar.gz"))
        nginx.publish("touched.tar.gz", BODY)
        second = ask(nginx.url("touched.tar.gz"), validator=validator_of(first))
        assert is_body(second)
        assert validator_of(second) != validator_of(first)

    def test_server_without_validators_is_asked_plainly(self, faults: FaultServer, ask: Ask) -> None:
        """Where a server says nothing about its content, the body is fetched each time."""
        answer = ask(faults.script("/x.tar.gz", OK))
        assert isinstance(answer, Fetched)
        assert answer.validator is None

    def test_not_modified_without_condition_is_a_fault(self, faults: FaultServer, ask: Ask) -> None:
        """A 304 nobody asked for is no reason to believe that anything is in place."""
        answer = failed(ask(faults.script("/x.tar.gz", Reply(status=304))), FailureKind.UNREACHABLE)
        assert "without conditions" in answer.problem

    def test_condition_is_not_put_to_another_address(self, faults: FaultServer, ask: Ask) -> None:
        """A redirect that now leads to an older archive is not asked whether the newer one has changed."""
        faults.script("/new", Reply(body=b"new", headers={"Last-Modified": formatdate(2_000_000_000)}))
        faults.script("/old", Reply(body=b"old", headers={"Last-Modified": formatdate(1_000_000_000)}))
        hops = [Reply(status=302, headers={"Location": place}) for place in ("/new", "/new", "/old")]
        url = faults.script("/latest", *hops)
        validator = validator_of(ask(url))
        ask(url, validator=validator)
        answer = ask(url, validator=validator)
        asked = [seen.headers.get("if-modified-since", "plainly") for seen in faults.seen if seen.target != "/latest"]
        assert asked == ["plainly", formatdate(2_000_000_000), "plainly"]
        assert isinstance(answer, Fetched)
        assert answer.digest == digest_of(b"old")


class TestBody:
    """The archive is what the server sent, all of it, and nothing else."""

    def test_mislabelled_archive_is_taken_as_sent(self, nginx: Nginx, ask: Ask) -> None:
        """A `.tar.gz` served as `Content-Encoding: gzip` is not unpacked on the way."""
        nginx.publish("plain.tar.gz", BODY)
        assert is_body(ask(nginx.url("mislabelled/plain.tar.gz")))

    def test_no_other_encoding_is_asked_for(self, faults: FaultServer, ask: Ask) -> None:
        """The server is told to send the bytes as they are, whatever fs-args say."""
        ask(faults.script("/x.tar.gz", OK), options={"headers": {"accept-encoding": "br"}})
        assert faults.seen[0].headers["accept-encoding"] == "identity"

    @pytest.mark.parametrize(
        "reply",
        [
            pytest.param(OK._replace(length="chunked"), id="chunked"),
            pytest.param(OK._replace(length="none"), id="ended-by-the-connection"),
        ],
    )
    def test_body_without_length_is_taken(self, faults: FaultServer, ask: Ask, reply: Reply) -> None:
        """Old servers do not say how much will come."""
        assert is_body(ask(faults.script("/x.tar.gz", reply)))

    @pytest.mark.parametrize(
        "reply",
        [
            pytest.param(OK._replace(cut_after=20_000), id="cut"),
            pytest.param(OK._replace(cut_after=20_000, reset=True), id="reset"),
            pytest.param(OK._replace(length=50_000), id="length-too-long"),
            pytest.param(OK._replace(length="chunked", cut_after=20_000), id="chunk-cut"),
        ],
    )
    def test_cut_body_is_tried_again_then_left_for_later(
        self, faults: FaultServer, ask: Ask, reply: Reply, tmp_path: Path
    ) -> None:
        """Half an archive is never kept; the second try may be whole."""
        assert is_body(ask(faults.script("/once", reply, OK)))
        failed(ask(faults.script("/always", reply)), FailureKind.UNREACHABLE)
        assert len(faults.requests_for("/always")) == 3
        assert not list((tmp_path / "cache" / "partial").iterdir())

    @pytest.mark.parametrize(
        "reply",
        [
            pytest.param(OK._replace(stall_after=20_000), id="silent"),
            pytest.param(OK._replace(rate_limit=(50, 0.1)), id="trickle"),
            pytest.param(BROKEN_CHUNK, id="chunk-broken"),  # the library drops the connection and tells nobody
        ],
    )
    def test_body_that_does_not_move_is_given_up(self, faults: FaultServer, ask: Ask, reply: Reply) -> None:
        """Less than 1 KiB within the patience is as good as nothing."""
        started = time.monotonic()
        answer = failed(ask(faults.script("/x", reply), IMPATIENT._replace(tries=1)), FailureKind.UNREACHABLE)
        assert "less than 1024 bytes in 1 s" in answer.problem
        assert time.monotonic() - started > 0.9

    def test_slow_body_is_waited_for(self, nginx: Nginx, ask: Ask) -> None:
        """A download may take longer than the patience as long as it moves."""
        nginx.publish("slow.tar.gz", BODY * 10)
        started = time.monotonic()
        assert isinstance(ask(nginx.url("slow/slow.tar.gz"), IMPATIENT._replace(silence=0.7)), Fetched)
        assert time.monotonic() - started > 0.7

    def test_announced_excess_is_not_downloaded(self, faults: FaultServer, ask: Ask) -> None:
        """An archive that says it is too large is refused before its body."""
        answer = ask(faults.script("/x", OK._replace(stall_after=0)), max_bytes=1000)
        assert "has 40000 bytes" in failed(answer, FailureKind.REFUSED).problem

    def test_endless_body_is_refused(self, faults: FaultServer, ask: Ask) -> None:
        """The cap also holds for a body that did not say how long it is."""
        answer = ask(faults.script("/x", OK._replace(length="none", stall_after=20_000)), max_bytes=10_000)
        failed(answer, FailureKind.REFUSED)

    def test_wrong_archive_names_both_digests(self, faults: FaultServer, ask: Ask) -> None:
        """A pinned archive is that archive; another is not tried again."""
        answer = failed(ask(faults.script("/x", OK), expected=digest_of(b"pinned")), FailureKind.CORRUPT)
        assert digest_of(b"pinned") in answer.problem
        assert digest_of(BODY) in answer.problem
        assert len(faults.seen) == 1


class TestStatus:
    """Each fact keeps its own name."""

    @pytest.mark.parametrize(
        ("status", "kind", "asked"),
        [
            pytest.param(401, FailureKind.DENIED, 1, id="401"),
            pytest.param(403, FailureKind.DENIED, 1, id="403"),
            pytest.param(404, FailureKind.GONE, 1, id="404"),
            pytest.param(410, FailureKind.GONE, 1, id="410"),
            pytest.param(429, FailureKind.THROTTLED, 3, id="429"),
            pytest.param(408, FailureKind.UNREACHABLE, 3, id="408"),
            pytest.param(425, FailureKind.UNREACHABLE, 3, id="425"),
            pytest.param(500, FailureKind.UNREACHABLE, 3, id="500"),
            pytest.param(502, FailureKind.UNREACHABLE, 3, id="502"),
            pytest.param(503, FailureKind.UNREACHABLE, 3, id="503"),
            pytest.param(504, FailureKind.UNREACHABLE, 3, id="504"),
            pytest.param(416, FailureKind.REFUSED, 1, id="416"),
            pytest.param(204, FailureKind.REFUSED, 1, id="204"),
            pytest.param(206, FailureKind.REFUSED, 1, id="206"),
        ],
    )
    def test_status_has_its_meaning(
        self, faults: FaultServer, ask: Ask, status: int, kind: FailureKind, asked: int
    ) -> None:
        """And only what may pass is asked again."""
        answer = failed(ask(faults.script("/x", Reply(status=status))), kind)
        assert f"answered {status}" in answer.problem
        assert len(faults.seen) == asked

    def test_passing_trouble_is_outlasted(self, faults: FaultServer, ask: Ask) -> None:
        """Two bad answers and a good one are a good one."""
        bad = Reply(status=503)
        assert is_body(ask(faults.script("/x", bad, bad, OK)))

    @pytest.mark.parametrize("status", [429, 503])
    def test_long_retry_after_is_handed_on(self, faults: FaultServer, ask: Ask, status: int) -> None:
        """A server that wants to be left alone is, and the loop is told for how long."""
        answer = ask(faults.script("/x", Reply(status=status, headers={"Retry-After": "120"})))
        assert failed(answer, FailureKind.THROTTLED).retry_after == 120
        assert len(faults.seen) == 1

    def test_short_retry_after_is_waited_for(self, faults: FaultServer, ask: Ask) -> None:
        """A second is waited out where patience allows it."""
        reply = Reply(status=429, headers={"Retry-After": "1"})
        started = time.monotonic()
        assert is_body(ask(faults.script("/x", reply, OK), QUICK._replace(longest_wait=2.0)))
        assert time.monotonic() - started > 0.9

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            pytest.param("0", 0, id="now"),
            pytest.param("120", 120, id="seconds"),
            pytest.param("99999999999999999999", 3600, id="absurd"),
            pytest.param(formatdate(1_000_060, usegmt=True), 60, id="date"),
            pytest.param(formatdate(999_000, usegmt=True), 0, id="past-date"),
            pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 3600, id="absurd-date"),
            pytest.param("-5", None, id="negative"),
            pytest.param("soon", None, id="words"),
            pytest.param("", None, id="empty"),
        ],
    )
    def test_retry_after_forms(self, text: str, seconds: float | None) -> None:
        """Seconds or a date, never more than an hour, never before now."""
        assert retry_after(text, 1_000_000.0) == seconds


class TestWay:
    """What keeps us from a server is told by name."""

    def test_closed_port(self, ask: Ask, closed_port: int) -> None:
        """Nobody listens."""
        answer = failed(ask(f"http://127.0.0.1:{closed_port}/x"), FailureKind.UNREACHABLE)
        assert f"127.0.0.1:{closed_port}" in answer.problem
        assert "refused" in answer.problem

    @pytest.mark.parametrize(
        "host", [pytest.param("nowhere.invalid", id="unknown"), pytest.param("a" * 70, id="too-long")]
    )
    def test_name_that_does_not_resolve(self, ask: Ask, host: str) -> None:
        """No such name."""
        assert "resolved" in failed(ask(f"http://{host}/x"), FailureKind.UNREACHABLE).problem

    @pytest.mark.parametrize(
        "url", [pytest.param("https:///x", id="no-host"), pytest.param("https://h:99999/x", id="no-port")]
    )
    def test_address_that_cannot_be_asked(self, ask: Ask, url: str) -> None:
        """No server can be meant."""
        failed(ask(url), FailureKind.REFUSED)

    def test_server_that_hangs_up(self, faults: FaultServer, ask: Ask) -> None:
        """It accepts and says nothing."""
        answer = ask(faults.script("/x", Reply(raw=b"")))
        assert "closed the connection" in failed(answer, FailureKind.UNREACHABLE).problem

    def test_silent_server(self, ask: Ask) -> None:
        """It does not even accept; patience ends."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
            answer = ask(url, IMPATIENT._replace(tries=1))
        assert "no answer in time" in failed(answer, FailureKind.UNREACHABLE).problem

    def test_head_that_trickles(self, faults: FaultServer, ask: Ask) -> None:
        """An answer whose head comes byte by byte is no answer."""
        reply = Reply(raw=OK.head() + BODY, rate_limit=(1, 0.05))
        answer = ask(faults.script("/x", reply), IMPATIENT._replace(tries=1))
        assert "no answer in time" in failed(answer, FailureKind.UNREACHABLE).problem

    def test_server_that_speaks_no_http(self, faults: FaultServer, ask: Ask) -> None:
        """Its words are not quoted."""
        answer = failed(ask(faults.script("/x", Reply(raw=b"SSH-2.0-canary\r\n\r\n"))), FailureKind.UNREACHABLE)
        assert "not HTTP" in answer.problem
        assert "canary" not in repr(answer)

    def test_total_time_of_fs_args(self, faults: FaultServer, ask: Ask) -> None:
        """A deadline that was asked for holds for a body that moves."""
        reply = OK._replace(rate_limit=(2000, 0.1))
        answer = ask(faults.script("/x", reply), QUICK._replace(tries=1), options={"timeout": 0.3})
        assert "in time" in failed(answer, FailureKind.UNREACHABLE).problem


class TestTls:
    """A certificate is always verified, by what the machine trusts."""

    def test_authority_named_by_the_environment(self, nginx: Nginx, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        """SSL_CERT_FILE makes a private authority good."""
        nginx.publish("tls.tar.gz", BODY)
        monkeypatch.setenv("SSL_CERT_FILE", str(nginx.authority))
        assert is_body(ask(nginx.tls_url("tls.tar.gz")))

    @pytest.mark.parametrize(
        ("certificate", "trusted", "reason"),
        [
            pytest.param("good", False, "unable to get local issuer", id="unknown-authority"),
            pytest.param("expired", True, "expired", id="expired"),
            pytest.param("elsewhere", True, "IP address mismatch", id="other-name"),
        ],
    )
    def test_bad_certificate_is_refused(
        self, nginx: Nginx, ask: Ask, monkeypatch: pytest.MonkeyPatch, certificate: str, trusted: bool, reason: str
    ) -> None:
        """The reason is told, and nobody is told to look away."""
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(nginx.authority))
        url = nginx.tls_url("tls.tar.gz", certificate)
        answer = failed(ask(url), FailureKind.REFUSED)
        assert reason in answer.problem
        assert url.rpartition("/")[0] in answer.problem
        assert not {"skip", "disable", "insecure", "verify"} & set(answer.hint.split())

    def test_plain_server_at_a_tls_address(self, faults: FaultServer, ask: Ask) -> None:
        """No handshake is no certificate trouble."""
        answer = ask(f"https://127.0.0.1:{faults.port}/x", IMPATIENT._replace(tries=1))
        failed(answer, FailureKind.UNREACHABLE)


def redirect(url: str, status: int = 302) -> Reply:
    """A reply that sends us on."""
    return Reply(status=status, headers={"Location": url})


class TestRedirects:
    """They are followed with care."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_redirect_is_followed(self, faults: FaultServer, ask: Ask, status: int) -> None:
        """To where it says, relative ones too."""
        faults.script("/there/y.tar.gz", OK)
        assert is_body(ask(faults.script("/here/x.tar.gz", redirect("../there/y.tar.gz", status))))

    def test_credentials_stay_with_their_origin(self, faults: FaultServer, ask: Ask) -> None:
        """Another port is another origin: it gets neither Authorization nor any header of fs-args."""
        with FaultServer() as other:
            url = faults.script("/x", redirect(other.script("/y", OK)))
            options = {"headers": {"Authorization": f"Bearer {CANARY}", "X-Token": CANARY}}
            assert is_body(ask(url, options=options))
            assert faults.seen[0].headers["authorization"] == f"Bearer {CANARY}"
            assert CANARY not in repr(other.seen)

    def test_login_in_a_redirect_is_not_used(self, faults: FaultServer, ask: Ask) -> None:
        """A server does not choose who we are to another."""
        faults.script("/y", OK)
        url = faults.script("/x", redirect(f"http://user:{CANARY}@127.0.0.1:{faults.port}/y"))
        assert is_body(ask(url))
        assert "authorization" not in faults.requests_for("/y")[0].headers

    def test_circle_is_told_without_secrets(self, faults: FaultServer, ask: Ask) -> None:
        """The chain is shown, other origins by their name only."""
        with FaultServer() as other:
            first = faults.url("/x?v=1")
            faults.script("/x", redirect(other.url(f"/signed-{CANARY}?sig={CANARY}")))
            other.script(f"/signed-{CANARY}", redirect(first))
            answer = failed(ask(first), FailureKind.REFUSED)
            shown = f"{faults.url('/x')}?v=*** -> {other.url('/...')} -> {faults.url('/x')}?v=***"
            assert f"in a circle: {shown}" in answer.problem
            assert CANARY not in repr(answer)

    def test_sixth_redirect_is_refused(self, faults: FaultServer, ask: Ask) -> None:
        """Five are followed."""
        faults.script("/6", OK)
        for number in range(6):
            faults.script(f"/{number}", redirect(f"/{number + 1}"))
        assert is_body(ask(faults.url("/1")))
        assert "more than 5 times" in failed(ask(faults.url("/0")), FailureKind.REFUSED).problem

    @pytest.mark.parametrize(
        "location",
        [
            pytest.param("file:///etc/passwd", id="file"),
            pytest.param("ftp://127.0.0.1/x", id="ftp"),
            pytest.param("http://[::1", id="broken"),
            pytest.param("http://127.0.0.1:99999/", id="port"),
            pytest.param("", id="missing"),
        ],
    )
    def test_redirect_elsewhere_is_refused(self, faults: FaultServer, ask: Ask, location: str) -> None:
        """Only web addresses are followed."""
        failed(ask(faults.script("/x", redirect(location))), FailureKind.REFUSED)

    def test_downgrade_is_refused(
        self, nginx: Nginx, faults: FaultServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An `https://` ref never ends on plain http."""
        faults.script("/y", OK)
        monkeypatch.setenv("SSL_CERT_FILE", str(nginx.authority))
        answer = failed(ask(nginx.tls_url(f"downgrade/{faults.port}")), FailureKind.REFUSED)
        assert "plain http" in answer.problem
        assert faults.seen == []


def basic(user: str, password: str) -> str:
    """Authorization as a server sees it."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class TestCredentials:
    """They come from netrc or fs-args, reach who they are for, and stay out of sight."""

    def test_netrc_is_used(self, nginx: Nginx, ask: Ask, tmp_path: Path) -> None:
        """Also when it was mended since the last try."""
        nginx.publish("secret.tar.gz", BODY)
        failed(ask(nginx.url("private/secret.tar.gz")), FailureKind.DENIED)
        hold(tmp_path / "netrc", f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
        assert is_body(ask(nginx.url("private/secret.tar.gz")))

    def test_netrc_is_not_used_where_fs_args_say_so(self, faults: FaultServer, ask: Ask, tmp_path: Path) -> None:
        """`trust_env: false` asks as nobody."""
        hold(tmp_path / "netrc", f"machine 127.0.0.1 login {USER} password {CANARY}\n")
        ask(faults.script("/x", OK), options={"client_kwargs": {"trust_env": False}})
        assert "authorization" not in faults.seen[0].headers

    @pytest.mark.parametrize(
        "options",
        [
            pytest.param({"client_kwargs": {"headers": {"Authorization": basic(USER, PASSWORD)}}}, id="client-header"),
            pytest.param({"headers": {"authorization": basic(USER, PASSWORD)}}, id="header"),
            pytest.param({"client_kwargs": {"auth": [USER, PASSWORD]}}, id="login"),
        ],
    )
    def test_fs_args_are_used(self, nginx: Nginx, ask: Ask, options: dict[str, object]) -> None:
        """In each spelling that fsspec has for them."""
        nginx.publish("secret.tar.gz", BODY)
        assert is_body(ask(nginx.url("private/secret.tar.gz"), options=options))

    @pytest.mark.parametrize(
        ("host", "sent"),
        [
            pytest.param("archives.test", False, id="other-machine"),
            pytest.param("127.0.0.1.archives.test", False, id="looks-like-loopback"),
        ],
    )
    def test_netrc_is_not_sent_over_plain_http(
        self, faults: FaultServer, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, sent: bool
    ) -> None:
        """Whoever listens on the way learns nothing."""
        hold(tmp_path / "netrc", f"default login {USER} password {CANARY}\n")
        monkeypatch.setenv("http_proxy", faults.url(""))
        faults.script(f"http://{host}/x", OK)
        assert is_body(ask(f"http://{host}/x"))
        assert ("authorization" in faults.seen[0].headers) is sent

    def test_headers_for_plain_http_are_refused(self, ask: Ask) -> None:
        """Nothing is asked, and the secret is not repeated."""
        answer = ask("http://archives.test/x", options={"headers": {"X-Token": CANARY}})
        assert "plain http" in failed(answer, FailureKind.REFUSED).problem
        assert CANARY not in repr(answer)


class TestProxies:
    """The environment's proxies are used as everyone uses them."""

    def test_proxy_is_asked_and_logged_in_to(
        self, faults: FaultServer, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name that does not resolve here is resolved there."""
        monkeypatch.setenv("http_proxy", f"http://user:{CANARY}@127.0.0.1:{faults.port}")
        faults.script("http://archives.test/x", OK)
        assert is_body(ask("http://archives.test/x"))
        assert faults.seen[0].headers["proxy-authorization"] == basic("user", CANARY)

    def test_no_proxy_is_honoured(self, faults: FaultServer, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        """What it names is asked directly."""
        monkeypatch.setenv("http_proxy", faults.url(""))
        monkeypatch.setenv("no_proxy", "nowhere.invalid")
        failed(ask("http://nowhere.invalid/x"), FailureKind.UNREACHABLE)
        assert faults.seen == []

    def test_loopback_is_never_proxied(
        self, faults: FaultServer, ask: Ask, closed_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may carry credentials on plain http because it stays on this machine."""
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
        assert is_body(ask(faults.script("/x", OK)))

    def test_proxy_of_fs_args_wins(self, faults: FaultServer, ask: Ask) -> None:
        """It is meant for this ref."""
        faults.script("http://archives.test/x", OK)
        assert is_body(ask("http://archives.test/x", options={"proxy": faults.url("")}))

    def test_proxy_of_another_kind_is_refused(self, ask: Ask) -> None:
        """It would be asked as if it spoke HTTP, and never answer."""
        answer = ask("http://archives.test/x", options={"proxy": "socks5://127.0.0.1:1"})
        assert "no valid address" in failed(answer, FailureKind.REFUSED).problem

    def test_proxy_that_refuses_is_told(self, faults: FaultServer, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tunnel that is denied is a matter of credentials, and they are not shown."""
        monkeypatch.setenv("https_proxy", f"http://user:{CANARY}@127.0.0.1:{faults.port}")
        faults.script("archives.test:443", Reply(status=407))
        answer = failed(ask("https://archives.test/x"), FailureKind.DENIED)
        assert "proxy" in answer.hint
        assert faults.seen[0].headers["proxy-authorization"] == basic("user", CANARY)
        assert CANARY not in repr(answer)

    def test_proxy_that_is_down_is_told(self, ask: Ask, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is the proxy that does not answer, not the server."""
        monkeypatch.setenv("http_proxy", f"http://user:{CANARY}@127.0.0.1:{closed_port}")
        answer = failed(ask("http://archives.test/x"), FailureKind.UNREACHABLE)
        assert "proxy does not answer" in answer.problem
        assert CANARY not in repr(answer)


class TestOptions:
    """fs-args mean what they mean to fsspec, and a mistake is named."""

    def test_outer_header_wins(self) -> None:
        """A request's own header goes before the client's, whatever its letters' case."""
        given = {"client_kwargs": {"headers": {"X-A": "1", "X-B": "2"}}, "headers": {"x-a": "3"}}
        assert dict(HttpOptions.parse(given).headers) == {"X-A": "3", "X-B": "2"}

    def test_what_has_no_effect_is_let_pass(self) -> None:
        """Settings of fsspec's own reading do not matter to a whole download."""
        assert HttpOptions.parse({"block_size": 0, "cache_type": "none"}) == HttpOptions()

    @pytest.mark.parametrize(
        ("given", "seconds"),
        [
            pytest.param(60, (60.0, None, None), id="number"),
            pytest.param({"total": 60, "sock_connect": 3, "sock_read": 4}, (60.0, 3.0, 4.0), id="table"),
            pytest.param({"connect": 5}, (None, 5.0, None), id="connect"),
        ],
    )
    def test_timeouts(self, given: object, seconds: tuple[float | None, ...]) -> None:
        """A number is the whole time, a table says which."""
        options = HttpOptions.parse({"client_kwargs": {"timeout": given}})
        assert (options.total, options.connect, options.read) == seconds

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            pytest.param({"header": {"A": CANARY}}, "`headers`", id="typo"),
            pytest.param({"client_kwargs": {"trustenv": CANARY}}, "`trust_env`", id="typo-inside"),
            pytest.param({"ssl": False}, "SSL_CERT_FILE", id="no-verification"),
            pytest.param({"client_kwargs": {"connector": CANARY}}, "SSL_CERT_FILE", id="own-connector"),
            pytest.param({"headers": [CANARY]}, "`headers` must be a table", id="list"),
            pytest.param({"headers": {"A": 5}}, "must be a text", id="number"),
            pytest.param({"headers": {"A": f"{CANARY}\r\nHost: x"}}, "control character", id="second-line"),
            pytest.param({"auth": ["me", f"{CANARY}\n"]}, "control character", id="login-with-a-line-end"),
            pytest.param({"headers": {"A b": CANARY}}, "characters", id="odd-name"),
            pytest.param({"auth": CANARY}, "user and password", id="login-as-text"),
            pytest.param({"timeout": 0}, "above zero", id="no-time"),
            pytest.param({"timeout": True}, "above zero", id="flag-for-time"),
            pytest.param({"timeout": {"read": 1}}, "`sock_read`", id="timeout-typo"),
            pytest.param({"trust_env": "no"}, "true or false", id="text-for-flag"),
        ],
    )
    def test_mistake_is_named_and_no_value_is(self, given: dict[str, object], says: str) -> None:
        """The message names the key and what is nearest; values may be secrets."""
        with pytest.raises(DocumentError) as caught:
            HttpOptions.parse(given)
        assert says in caught.value.problem + caught.value.hint
        assert CANARY not in caught.value.problem + caught.value.hint

    def test_mistake_is_an_answer(self, ask: Ask) -> None:
        """A broken fs-args file stops its entry, nobody else's."""
        failed(ask("https://archives.test/x", options={"header": {}}), FailureKind.REFUSED)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param("https://u:p@h:8/a", "https://h:8/a", id="login"),
        pytest.param("https://h/a?sig=p&v=2#t", "https://h/a?sig=***&v=***", id="query"),
        pytest.param("https://u:p@@h/a", "https://h/a", id="two-ats"),
        pytest.param("https://h:p@ss/a", "https://ss/a", id="looks-like-a-port"),
        pytest.param("https://[u:p", "<no valid address>", id="broken"),
    ],
)
def test_redacted(address: str, shown: str) -> None:
    """Nothing that may be a secret is left."""
    assert redacted(address) == shown


_DOWNLOAD = """
import asyncio, resource, sys
from pathlib import Path
from micropkgd.model.ref import Ref
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.http.source import HttpSource
from micropkgd.sources.source import Request, no_progress
async def main():
    source = HttpSource()
    for url in sys.argv[2:]:
        answer = await source.fetch(Request(Ref.parse(url)), ArchiveCache(Path(sys.argv[1])), no_progress)
        print(answer.size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    await source.close()
asyncio.run(main())
"""


def test_memory_does_not_grow_with_the_archive(nginx: Nginx, tmp_path: Path) -> None:
    """A download of 200 MiB needs no more memory than one of 2 MiB, within a few buffers."""
    for name, size in (("small.tar.gz", 2 << 20), ("large.tar.gz", 200 << 20)):
        nginx.publish(name, b"")
        os.truncate(nginx.files / name, size)
    urls = [nginx.url("small.tar.gz"), nginx.url("large.tar.gz")]
    done = subprocess.run(
        [sys.executable, "-c", _DOWNLOAD, tmp_path, *urls], capture_output=True, text=True, check=True
    )
    (_, before), (size, after) = (map(int, line.split()) for line in done.stdout.splitlines())
    (nginx.files / "large.tar.gz").unlink()
    assert size == 200 << 20
    assert after - before < 16
