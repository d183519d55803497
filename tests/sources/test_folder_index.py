"""How often folders are asked, and what of a web server's listing counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from micropkgd.errors import DocumentError
from micropkgd.model.index import index_kind, may_be_listing, parse_index
from micropkgd.model.publish import PublishTarget
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import digest_of
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.hosts import host_of
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Lookup, Request, Unchanged, Validator
from tests.kit.permits import held_to
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.indexes import sdist
from tests.kit.servers.nginx import Nginx
from tests.kit.servers.proxy import Proxy
from tests.kit.servers.seaweed import Seaweed
from tests.kit.servers.shelves import InGcs, InS3, Listed, OnDisk, Shelf

NAMES = ("one", "two", "three", "four", "five", "six")


def ask(
    folder: Path,
    index: str,
    *names: str,
    options: Mapping[str, object] = {},
    known: Mapping[str, Validator | None] = {},
    origins: Sequence[str] | None = None,
) -> list[Answer]:
    """Ask for all of these at a time."""
    requests = [
        Request(Ref(name, RefKind.INDEX, name), options, known.get(name), lookup=Lookup(index)) for name in names
    ]
    permits = held_to(origins) if origins is not None else None
    with Sources(ArchiveCache(folder / "cache"), permits=permits) as sources:
        return sources.answer(requests, folder)


def stock(made: Shelf) -> None:
    """Put a release of each name on a shelf."""
    for name in NAMES:
        made.put(f"{name}-1.0.tar.gz", sdist(name, "1.0"))


def validators(answers: list[Answer]) -> dict[str, Validator | None]:
    """What is remembered of the answers, which must all be archives."""
    found = {}
    for name, answer in zip(NAMES, answers, strict=True):
        assert isinstance(answer, Fetched), answer
        found[name] = answer.validator
    return found


@pytest.mark.parametrize("kind", ["s3", "gcs"])
def test_one_listing_answers_all_that_a_bucket_is_asked(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Where nothing changed it is all that is asked; what changed is fetched, and nothing else."""
    store: Seaweed | FakeGcs = request.getfixturevalue(kind)
    with Proxy(store.port) as proxy:
        made = InS3(store, proxy.port) if isinstance(store, Seaweed) else InGcs(store, proxy.port)
        stock(made)
        known = validators(ask(tmp_path, made.index, *NAMES, options=made.options))
        proxy.seen.clear()
        answers = ask(tmp_path, made.index, *NAMES, options=made.options, known=known)
        assert ([type(answer) for answer in answers], len(proxy.seen)) == ([Unchanged] * len(NAMES), 1)

        made.put("two-1.1.tar.gz", sdist("two", "1.1"))
        proxy.seen.clear()
        answers = ask(tmp_path, made.index, *NAMES, options=made.options, known=known)
        assert [type(answer) for answer in answers] == [Unchanged, Fetched, *[Unchanged] * 4]
        assert len(proxy.seen) == (2 if kind == "s3" else 3)  # Google's object is described, then sent


def test_one_listing_answers_all_that_a_web_server_is_asked(nginx: Nginx, tmp_path: Path) -> None:
    """The first time too, when each is looked for on a page of its own first."""
    made = Listed(nginx)
    stock(made)
    known = validators(ask(tmp_path, made.index, *NAMES))
    assert made.asked() == 1
    assert [type(answer) for answer in ask(tmp_path, made.index, *NAMES, known=known)] == [Unchanged] * len(NAMES)
    assert made.asked() == 2


def test_a_store_is_asked_in_pages(s3: Seaweed, gcs: FakeGcs, tmp_path: Path) -> None:
    """What stands on the second page is found."""
    for made in (InS3(s3), InGcs(gcs)):
        for number in range(1005):
            made.put(f"aa-{number}.tar.gz", b"")
        made.put("zz-1.0.tar.gz", sdist("zz", "1.0"))
        (answer,) = ask(tmp_path, made.index, "zz", options=made.options)
        assert isinstance(answer, Fetched)


LISTING = """<html><head><title>Index of /files/</title></head><body><a href="../">../</a>
<a href="ds-1.0.tar.gz">ds-1.0.tar.gz</a> <a href="./ds-1.1%2Blocal.tar.gz">x</a>
<a href="/ds-2.0.tar.gz">above</a> <a href="sub/ds-3.0.tar.gz">below</a>
<a href="//other.test/files/ds-4.0.tar.gz">y</a> <a href="https://other.test/files/ds-5.0.tar.gz">z</a>
<a href="ds-6.0.tar.gz?C=N">sorted</a></body></html>"""


def listed(faults: FaultServer, body: str = LISTING, kind: str = "text/html") -> str:
    """A server with a listing and no page of any project."""
    for page in ("/files/ds/", "/simple/ds/"):
        faults.script(page, Reply(status=404))
    for folder in ("/files/", "/simple/"):
        faults.script(folder, Reply(body=body.encode(), headers={"Content-Type": kind}))
    faults.script("/files/ds-1.1%2Blocal.tar.gz", Reply(body=sdist("ds", "1.1+local")))
    return faults.url("/files")


def test_only_what_lies_directly_in_a_listing_counts(faults: FaultServer, tmp_path: Path) -> None:
    """Neither what lies above, below or elsewhere, nor what a query makes."""
    (answer,) = ask(tmp_path, listed(faults), "ds")
    assert isinstance(answer, Fetched)
    assert answer.digest == digest_of(sdist("ds", "1.1+local"))


def test_an_address_that_says_simple_is_no_listing(faults: FaultServer, tmp_path: Path) -> None:
    """The root of an index may be very large: it is never asked for a name that the index lacks."""
    listed(faults)
    (answer,) = ask(tmp_path, faults.url("/simple/"), "ds")
    assert isinstance(answer, Failed)
    assert answer.problem.endswith("has no project `ds`")
    assert [seen.target for seen in faults.seen] == ["/simple/ds/"]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param("{}", "application/json", "it is `application/json`, which no listing", id="json"),
        pytest.param("<html><a href='x'>x</a></html>", "text/html", "no `NAME-VERSION.tar.gz` is there", id="empty"),
    ],
)
def test_neither_page_nor_listing(faults: FaultServer, tmp_path: Path, body: str, kind: str, words: str) -> None:
    """Both facts are said, and that no other index is asked."""
    (answer,) = ask(tmp_path, listed(faults, body, kind), "ds")
    assert isinstance(answer, Failed)
    assert answer.kind is FailureKind.GONE
    assert "has no project `ds`, and lists no archives itself" in answer.problem
    assert words in answer.problem
    assert "no other index is asked" in answer.hint


def test_a_listing_that_becomes_an_index(faults: FaultServer, tmp_path: Path) -> None:
    """What it was the last time is asked first, then what it is now."""
    url = listed(faults)
    (first,) = ask(tmp_path, url, "ds")
    assert isinstance(first, Fetched)
    faults.script("/files/", Reply(status=404))
    page = b'<html><a href="../ds-1.1%2Blocal.tar.gz">x</a></html>'
    faults.script("/files/ds/", Reply(body=page, headers={"Content-Type": "text/html"}))
    (answer,) = ask(tmp_path, url, "ds", known={"ds": first.validator})
    assert isinstance(answer, Unchanged | Fetched)
    assert answer.release is not None
    assert answer.release.version == "1.1+local"


def test_an_outage_of_a_listing_is_one(faults: FaultServer, tmp_path: Path) -> None:
    """It does not look like an index that lacks a project."""
    url = listed(faults)
    faults.script("/files/", Reply(status=503))
    (answer,) = ask(tmp_path, url, "ds")
    assert isinstance(answer, Failed)
    assert answer.kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_folder_is_held_to_the_list_of_places(kind: str, tmp_path: Path, s3: Seaweed) -> None:
    """A folder elsewhere, and a bucket with its endpoint, must be among them."""
    project = tmp_path / "project"
    project.mkdir()
    made = OnDisk(tmp_path / "shelf") if kind == "folder" else InS3(s3)
    made.put("ds-1.0.tar.gz", sdist("ds", "1.0"))
    places = [str(tmp_path / "shelf")] if isinstance(made, OnDisk) else [made.index, s3.url]
    (refused,) = ask(project, made.index, "ds", options=made.options, origins=places[1:])
    (answer,) = ask(project, made.index, "ds", options=made.options, origins=places)
    assert isinstance(refused, Failed)
    assert refused.reason == "OriginNotAllowed"
    assert isinstance(answer, Fetched)


def test_the_store_that_answers_is_the_host() -> None:
    """Outages of a bucket's store count for the requirements in it."""
    request = Request(
        Ref("ds", RefKind.INDEX, "ds"), {"endpoint_url": "http://store.test:9"}, lookup=Lookup("s3://team/x/")
    )
    assert host_of(request) == "http://store.test:9"
    assert host_of(request._replace(options={})) == "s3://team"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("../share", RefKind.LOCAL),
        ("share/", RefKind.LOCAL),
        ("file:///mnt/share/", RefKind.LOCAL),
        ("s3://team", RefKind.S3),
        ("gcs://team/x", RefKind.GCS),
        ("https://host", RefKind.INDEX),
    ],
)
def test_the_text_decides_the_kind(text: str, kind: RefKind) -> None:
    """As with refs."""
    assert index_kind(parse_index(text)) is kind


@pytest.mark.parametrize("text", ["https://h/simple", "https://h/a/+simple/", "https://h/simple//"])
def test_an_address_of_pages(text: str) -> None:
    """By its end."""
    assert not may_be_listing(text)
    assert may_be_listing("https://h/simple/files/")


@pytest.mark.parametrize("text", ["s3://team/ds-1.0.tar.gz", "dist/ds.tgz", "https://h/simple/ds.whl", "../out.zip/"])
def test_a_place_to_publish_at_is_no_file(text: str) -> None:
    """The error names the folder."""
    with pytest.raises(DocumentError, match="names a file") as raised:
        PublishTarget.parse(text)
    assert raised.value.hint.startswith("name the folder, `")
