"""Hostile servers: whatever they send, a pass ends in time, takes what it can bear, says why, and does the rest.

Each row is one server that an entry pulls from, beside an honest entry: drips, bodies and heads without end, redirects,
lengths that lie, TLS that never comes, compressed bombs, listings without end. What is held: the honest entry is
installed, the other one says in a few words what is wrong, and the server got rid of no more bytes than may be taken.
Redirects to hosts of which this machine has a login are in `test_planted`, the drip with a running service in
`tests/service/test_late_downloads.py`.
"""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import pytest

from micropkgd.sources.retry import RetryPolicy
from micropkgd.sources.source import Request
from tests.kit.servers.endless import OK, HostileServer, Send, SilentTls
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

MIB = 1 << 20
HONEST = "src/shop/honest/nodes.py"
BIG = b"x" * (1 << 16)
S3_PAGE = (
    "<?xml version='1.0'?><ListBucketResult><IsTruncated>true</IsTruncated>"
    "<NextContinuationToken>{}</NextContinuationToken>{}</ListBucketResult>"
)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
JSON_PAGE = b"Content-Type: application/vnd.pypi.simple.v1+json\r\n"
KEYS = {"key": "AKID", "secret": "s3cr3t"}

Row = Callable[[HostileServer], tuple[str, dict[str, object] | None]]
"""Sets up the server: the row's ref and options, and what its fs-args say."""


class Case(NamedTuple):
    """One server, and what its entry comes to."""

    row: Row
    words: str  # in the problem
    most: int = 16 * MIB  # bytes that the server may get rid of, three tries and buffers of the kernel included
    kind: str = "Unreachable"


def forever(send: Send, piece: bytes = BIG) -> None:
    """Send without end."""
    while True:
        send(piece)


def body(head: bytes, way: Callable[[Send], None]) -> Row:
    """An archive that is answered with a head and what follows."""

    def answer(send: Send, target: str) -> None:
        del target
        send(head + b"\r\n")
        way(send)

    return lambda server: (server.way("/ds.tar.gz", answer), None)


def drips(server: HostileServer) -> tuple[str, None]:
    """A byte now and then."""

    def answer(send: Send, target: str) -> None:
        del target
        send(OK + b"\r\n")
        server.drip(send, b"x" * 10)

    return server.way("/ds.tar.gz", answer), None


def drips_its_head(server: HostileServer) -> tuple[str, None]:
    """Not even the head comes to its end."""

    def answer(send: Send, target: str) -> None:
        del target
        send(b"HTTP/1.1 200 OK\r\nX: ")
        server.drip(send)

    return server.way("/ds.tar.gz", answer), None


def heads(piece: bytes, start: bytes = OK) -> Row:
    """A head without end."""

    def answer(send: Send, target: str) -> None:
        del target
        send(start)
        forever(send, piece)

    return lambda server: (server.way("/ds.tar.gz", answer), None)


def drips_a_listing(server: HostileServer) -> tuple[str, dict[str, object] | None]:
    """A link now and then."""
    return listing(b"", lambda send: server.drip(send, b'<a href="ds-1.0.tar.gz">x</a>\n'))(server)


def redirects(location: Callable[[int], str], more: Callable[[Send], None] = lambda _: None) -> Row:
    """One redirect after the other."""

    def row(server: HostileServer) -> tuple[str, None]:
        def answer(send: Send, target: str) -> None:
            number = int(target.rpartition("=")[2]) if "=" in target else 0
            head = f"HTTP/1.1 302 Go\r\nConnection: close\r\nLocation: {location(number)}\r\n\r\n"
            send(head.encode())
            more(send)

        return server.way("/ds.tar.gz", answer), None

    return row


def page(head: bytes, way: Callable[[Send], None]) -> Row:
    """The page of a package index."""

    def answer(send: Send, target: str) -> None:
        del target
        send(OK + head + b"\r\n")
        way(send)

    def row(server: HostileServer) -> tuple[str, None]:
        return f'ds>=1" = {{index = "{server.way("/simple/", answer)}"}}\n#"', None

    return row


def listing(head: bytes, way: Callable[[Send], None]) -> Row:
    """A folder that a web server lists, where a package has no page of its own."""

    def answer(send: Send, target: str) -> None:
        if target != "/files/":
            send(framed(b"", status=b"404 None"))
            return
        send(OK + b"Content-Type: text/html\r\n" + head + b"\r\n")
        way(send)

    return lambda server: (f'ds>=1" = {{index = "{server.way("/files/", answer)}"}}\n#"', None)


def crumbs(send: Send, piece: bytes = b"x") -> None:
    """Chunks of one byte, as many in each packet as there is room for."""
    forever(send, b"".join(b"1\r\n%c\r\n" % byte for byte in piece * (10_000 // len(piece))))


def links(send: Send) -> None:
    """A page with more links than any project has files."""
    send(b"<html>")
    for start in range(0, 200_000, 1000):
        send(b"".join(b'<a href="ds-1.%d.tar.gz">x</a>\n' % number for number in range(start, start + 1000)))
    send(b"</html>")


def bucket(scheme: str, answer: Callable[[Send, str], None]) -> Row:
    """A requirement that is looked up in a bucket of the server's."""

    def row(server: HostileServer) -> tuple[str, dict[str, object]]:
        address = server.way("/", answer).rstrip("/")
        login: dict[str, object] = dict(KEYS) if scheme == "s3" else {"token": "anon"}
        return f'ds>=1" = {{index = "{scheme}://b/micropkgs/", fs-args = "conf/args.yml"}}\n#"', {
            "endpoint_url": address,
            **login,
        }

    return row


def one(scheme: str, answer: Callable[[Send, str], None]) -> Row:
    """An archive in a bucket of the server's."""

    def row(server: HostileServer) -> tuple[str, dict[str, object]]:
        _, args = bucket(scheme, answer)(server)
        assert args is not None
        return f'{scheme}://b/ds.tar.gz" = {{fs-args = "conf/args.yml"}}\n#"', args

    return row


def framed(data: bytes, more: bytes = b"", status: bytes = b"200 OK") -> bytes:
    """A whole answer."""
    length = b"Content-Length: %d\r\n" % len(data)
    return b"HTTP/1.1 %s\r\nConnection: close\r\n%s%s\r\n%s" % (status, length, more, data)


def s3_pages(tokens: Iterator[str] | str, contents: str = "") -> Callable[[Send, str], None]:
    """Listings that always say that there is more."""

    def answer(send: Send, target: str) -> None:
        del target
        token = tokens if isinstance(tokens, str) else next(tokens)
        send(framed(S3_PAGE.format(token, contents).encode(), b"Content-Type: application/xml\r\n"))

    return answer


def s3_document(data: bytes) -> Callable[[Send, str], None]:
    """Always the same document."""

    def answer(send: Send, target: str) -> None:
        del target
        send(framed(data, b"Content-Type: application/xml\r\n"))

    return answer


def odd_row() -> dict[str, object]:
    """A file of an index with numbers that no computer counts to."""
    digits = "9" * 5000
    file = f"ds-{digits}.tar.gz"
    return {
        "filename": file,
        "url": "ds.tar.gz",
        "hashes": {},
        "requires-python": f">=3.{digits}",
        "size": int("9" * 300),
    }


def gcs_pages(tokens: Iterator[str] | str) -> Callable[[Send, str], None]:
    """The same of Google's storage."""

    def answer(send: Send, target: str) -> None:
        del target
        token = tokens if isinstance(tokens, str) else next(tokens)
        send(framed(json.dumps({"nextPageToken": token, "items": []}).encode(), b"Content-Type: application/json\r\n"))

    return answer


def endless(head: bytes) -> Callable[[Send, str], None]:
    """A document without end."""

    def answer(send: Send, target: str) -> None:
        del target
        send(head + b"\r\n")
        forever(send)

    return answer


def chunks_of_one(head: bytes) -> Callable[[Send, str], None]:
    """A body in chunks of one byte, without end."""

    def answer(send: Send, target: str) -> None:
        del target
        send(head + CHUNKED + b"\r\n")
        crumbs(send)

    return answer


def dripping(head: bytes) -> Callable[[Send, str], None]:
    """A little now and then after this much of an answer."""

    def answer(send: Send, target: str) -> None:
        del target
        send(head)
        while True:
            time.sleep(0.05)
            send(b"x" * 10)

    return answer


def gcs_object(media: Callable[[Send, str], None]) -> Callable[[Send, str], None]:
    """An object of Google's storage that is described well, and whose bytes are answered so."""

    def answer(send: Send, target: str) -> None:
        if "alt=media" in target:
            media(send, target)
        else:
            send(framed(b'{"generation": "1"}', b"Content-Type: application/json\r\n"))

    return answer


def numbers() -> Iterator[str]:
    """Tokens that are never the same."""
    number = 0
    while True:
        number += 1
        yield f"t{number}"


@cache
def bomb() -> bytes:
    """A little that becomes a hundred MiB."""
    return gzip.compress(bytes(100 * MIB), 1)


CASES = {
    "a drip": Case(drips, "limits.download-time"),
    "a head that drips": Case(drips_its_head, "no answer in time"),
    "a body without end": Case(body(OK, forever), "and has more", most=32 * MIB, kind="Refused"),
    "chunks without end": Case(
        body(OK + b"Transfer-Encoding: chunked\r\n", partial(forever, piece=b"10000\r\n" + BIG + b"\r\n")),
        "and has more",
        most=32 * MIB,
        kind="Refused",
    ),
    "a chunk's head without end": Case(
        body(OK + b"Transfer-Encoding: chunked\r\n", partial(forever, piece=b"1" * 65536)),
        "",
    ),
    "headers without end": Case(heads(b"X-Name: value\r\n" * 4096), ""),
    "one header without end": Case(heads(b"y" * 65536, OK + b"X: "), ""),
    "informal answers without end": Case(heads(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, b""), "", most=1 << 40),
    "a status line without end": Case(heads(b"9" * 65536, b"HTTP/1.1 "), ""),
    "a redirect to itself": Case(redirects(lambda _: "/ds.tar.gz"), "redirects in a circle", kind="Refused"),
    "redirects without end": Case(
        redirects(lambda n: f"/ds.tar.gz?n={n + 1}"), "redirects more than 5", kind="Refused"
    ),
    "a redirect to a file": Case(redirects(lambda _: "file:///etc/passwd"), "", kind="Refused"),
    "a redirect with a body without end": Case(redirects(lambda _: "/ds.tar.gz", forever), "circle", kind="Refused"),
    "an error with a body without end": Case(body(b"HTTP/1.1 404 None\r\n", forever), "", kind="Gone"),
    "a broken server with a body without end": Case(body(b"HTTP/1.1 500 Oh\r\n", forever), ""),
    "less than its length": Case(body(OK + b"Content-Length: 9999\r\n", lambda send: send(b"x" * 99)), ""),
    "a length that is none": Case(body(OK + b"Content-Length: -1\r\n", lambda send: send(b"x")), ""),
    "a length beyond all numbers": Case(body(OK + b"Content-Length: 9" + b"9" * 300 + b"\r\n", forever), ""),
    "two lengths": Case(body(OK + b"Content-Length: 1\r\nContent-Length: 9\r\n", lambda send: send(b"x" * 9)), ""),
    "a length of too much": Case(
        body(OK + b"Content-Length: 99999999999\r\n", forever), "has 99999999999", kind="Refused"
    ),
    "a bomb": Case(
        body(OK + b"Content-Type: application/gzip\r\nContent-Encoding: gzip\r\n", lambda send: send(bomb())),
        "",
        kind="ArchiveRejected",
    ),
    "an index page without end": Case(
        page(b"Content-Type: text/html\r\n", forever), "a page of more than", 140 * MIB, "Refused"
    ),
    "an index page with too many links": Case(
        page(b"Content-Type: text/html\r\n", links), "more than 100000 files", 30 * MIB, "Refused"
    ),
    "an index page that is a bomb": Case(
        page(b"Content-Type: text/html\r\nContent-Encoding: gzip\r\n", lambda send: send(bomb())),
        "",
        kind="",
    ),
    "an index page that is no page": Case(
        page(b"Content-Type: image/png\r\n", lambda send: send(b"x")), "no end", kind="Corrupt"
    ),
    "an index page with an address of a megabyte": Case(
        page(b"Content-Type: text/html\r\n", lambda send: send(b'<base href="/%s"></html>' % (b"a/" * (MIB // 2)))),
        "too long",
        kind="Corrupt",
    ),
    "an index page of empty lists": Case(
        page(JSON_PAGE, lambda send: send(b'{"meta":{},"files":[],"x":[%s[]]}' % (b"[]," * 600_000))),
        "more in it than",
        kind="Refused",
    ),
    "an index page in an odd character set": Case(
        page(b"Content-Type: text/html; charset=punycode\r\n", lambda send: send(b"a-b</html>")),
        "not one of pages",
        kind="Corrupt",
    ),
    "an index page with a version beyond all numbers": Case(
        page(JSON_PAGE, lambda send: send(json.dumps({"meta": {}, "files": [odd_row()]}).encode())), "ds", kind=""
    ),
    "a listing without end": Case(listing(b"", forever), "a page of more than", 140 * MIB, "Gone"),
    "a listing with too many links": Case(listing(b"", links), "more than 100000 files", 30 * MIB, "Gone"),
    "a listing that drips": Case(drips_a_listing, "less than 1024 a second"),
    "a listing that is a bomb": Case(listing(b"Content-Encoding: gzip\r\n", lambda send: send(bomb())), "", kind=""),
    "a listing in chunks of one byte": Case(listing(CHUNKED, crumbs), "chunks of less than 16", kind="Gone"),
    "an archive in chunks of one byte": Case(body(OK + CHUNKED, crumbs), "chunks of less than 16", kind="Refused"),
    "an index page in chunks of one byte": Case(
        page(b"Content-Type: text/html\r\n" + CHUNKED, crumbs), "chunks of less than 16", kind="Refused"
    ),
    "S3: a document without end": Case(
        bucket("s3", endless(OK + b"Content-Type: application/xml\r\n")), "a document of more than", 60 * MIB, "Refused"
    ),
    "S3: an error without end": Case(
        one("s3", endless(b"HTTP/1.1 500 Oh\r\n")), "a document of more than", 60 * MIB, "Refused"
    ),
    "S3: one page again and again": Case(bucket("s3", s3_pages("t")), "has no end", kind="Refused"),
    "S3: empty pages without end": Case(bucket("s3", s3_pages(numbers())), "has no end", kind="Refused"),
    "S3: an object in chunks of one byte": Case(
        one("s3", chunks_of_one(OK + b'ETag: "a"\r\n')), "chunks of less than 16", kind="Refused"
    ),
    "S3: a listing of words for long texts": Case(
        bucket("s3", s3_document(b'<!DOCTYPE x [<!ENTITY a "%s">]><x>%s</x>' % (b"x" * MIB, b"&a;" * 90))),
        "becomes more than",
        kind="Refused",
    ),
    "S3: a listing of a million empty tags": Case(
        bucket("s3", s3_document(b"<ListBucketResult>%s</ListBucketResult>" % (b"<a/>" * 1_000_000))),
        "becomes more than",
        kind="Refused",
    ),
    "S3: a listing in chunks of one byte": Case(
        bucket("s3", chunks_of_one(OK + b"Content-Type: application/xml\r\n")), "chunks of less than 16", kind="Refused"
    ),
    "S3: an error in chunks of one byte": Case(
        one("s3", chunks_of_one(b"HTTP/1.1 500 Oh\r\n")), "chunks of less than 16", kind="Refused"
    ),
    "S3: an object that drips": Case(
        one("s3", dripping(OK + b'ETag: "a"\r\nContent-Length: 999999\r\n\r\n')), "limits.download-time"
    ),
    "S3: a head that drips": Case(one("s3", dripping(b"HTTP/1.1 200 OK\r\nX: ")), ""),
    "S3: a listing that drips": Case(bucket("s3", dripping(OK + b"Content-Type: application/xml\r\n\r\n")), ""),
    "S3: an object without end": Case(one("s3", endless(OK + b'ETag: "a"\r\n')), "and has more", 32 * MIB, "Refused"),
    "GCS: one page again and again": Case(bucket("gs", gcs_pages("t")), "has no end", kind="Refused"),
    "GCS: empty pages without end": Case(bucket("gs", gcs_pages(numbers())), "has no end", kind="Refused"),
    "GCS: an object in chunks of one byte": Case(
        one("gs", gcs_object(chunks_of_one(OK))), "chunks of less than 16", kind="Refused"
    ),
    "GCS: a description in chunks of one byte": Case(
        one("gs", chunks_of_one(OK + b"Content-Type: application/json\r\n")), "chunks of less than 16", kind="Refused"
    ),
    "GCS: a listing in chunks of one byte": Case(
        bucket("gs", chunks_of_one(OK + b"Content-Type: application/json\r\n")),
        "chunks of less than 16",
        kind="Refused",
    ),
    "GCS: an object that drips": Case(
        one("gs", gcs_object(dripping(OK + b"Content-Length: 999999\r\n\r\n"))), "limits.download-time"
    ),
    "GCS: a document that drips": Case(
        bucket("gs", dripping(OK + b"Content-Type: application/json\r\n\r\n")), "less than 1024 a second"
    ),
    "GCS: an object without end": Case(one("gs", gcs_object(endless(OK))), "and has more", 32 * MIB, "Refused"),
    "GCS: a document without end": Case(
        bucket("gs", endless(OK + b"Content-Type: application/json\r\n")), "something else", 100 * MIB, ""
    ),
}


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes minutes elsewhere takes a second here."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("micropkgd.sources.least_speed.GRACE", 4.0)
    quick = RetryPolicy(pause=0.0, longest_wait=0.2, connect=3.0, silence=4.0)
    monkeypatch.setattr(RetryPolicy.__new__, "__defaults__", tuple(quick))
    smaller = {**Request._field_defaults, "max_bytes": 8 * MIB}
    monkeypatch.setattr(Request.__new__, "__defaults__", tuple(smaller.values()))


def asks(world: World, faults: FaultServer, row: str, args: dict[str, object] | None) -> None:
    """A manifest with this row and an honest one."""
    honest = faults.script("/honest.tar.gz", Reply(body=archive({"nodes.py": "h = 1\n"})))
    whole = row if '" = ' in row else f'{row}" = {{}}\n#"'
    world.manifest(f'"{honest}" = {{alias = "honest"}}\n"{whole}')
    world.write("conf/args.yml", json.dumps(args or {}))


def is_as_it_should_be(world: World, kind: str, words: str) -> None:
    """One pass: the honest entry is there, the other one says what is wrong with it."""
    said = world.reconcile("--json")
    rows = json.loads(said.out)["projects"][0]["entries"]
    (bad,) = (row for row in rows if row["failure"] is not None)
    failure = bad["failure"]
    whole = f"{failure['problem']} {failure['hint']}"
    assert world.has(HONEST), said.out
    assert kind in failure["reason"], whole
    assert words in whole
    assert len(whole) < 600
    assert said.code in {1, 5, 6}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_server(world: World, faults: FaultServer, name: str) -> None:
    """Beside an honest one."""
    case = CASES[name]
    with HostileServer() as server:
        row, args = case.row(server)
        asks(world, faults, row, args)
        is_as_it_should_be(world, case.kind, case.words)
        assert server.asked
        assert server.sent < case.most, f"{server.sent / MIB:.0f} MiB"


@pytest.mark.parametrize("drip", [False, True])
def test_tls_that_never_comes(world: World, faults: FaultServer, drip: bool) -> None:
    """A handshake has its time."""
    with SilentTls(drips=drip) as server:
        asks(world, faults, server.url, None)
        is_as_it_should_be(world, "Unreachable", "in time")
