"""Places that the machine allows: what an address is taken for, and that nothing is asked of any other.

Every address of the table goes through a proxy that notes what comes: a refused one must not reach it, an allowed one
must.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from micropkgd.errors import DocumentError
from micropkgd.model.origins import Origins
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import digest_of
from micropkgd.reconcile.resolve.fetcher import failure_of
from micropkgd.reconcile.resolve.mirrors import ask
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Lookup, Request
from micropkgd.sources.upload import BytesInMemory, Stored, Upload
from tests.kit.permits import held_to
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.indexes import StaticIndex, sdist
from tests.kit.servers.proxy import Proxy

ALLOWED = (
    "https://team.example/micropkgs/stable",
    "https://Whole.example.:443/",
    "https://port.example:8443",
    "https://*.wild.example",
    "https://xn--bcher-kva.example",
    "https://[2001:DB8:0::1]",
    "https://192.0.2.7/",
    "http://plain.example",
)
TEAM = "https://team.example/micropkgs"

HTTP = [
    (f"{TEAM}/stable/x.tar.gz", True),
    (f"{TEAM}/stable/deeper/x.tar.gz", True),
    (f"{TEAM}/stable", True),
    ("HTTPS://TEAM.example/micropkgs/stable/x.tar.gz", True),
    ("https://team.example:443/micropkgs/stable/x.tar.gz", True),
    ("https://team.example./micropkgs/stable/x.tar.gz", True),
    ("https://team.example:/micropkgs/stable/x.tar.gz", True),
    (f"{TEAM}/other/../stable/x.tar.gz", True),
    (f"{TEAM}/./stable/x.tar.gz", True),
    (f"{TEAM}/stable/x.tar.gz?version=1#part", True),
    (f"{TEAM}/stable/x%2By.tar.gz", True),
    (f"{TEAM}/stable-evil/x.tar.gz", False),
    (f"{TEAM}/Stable/x.tar.gz", False),
    (f"{TEAM}/x.tar.gz", False),
    (f"{TEAM}/stable/../x.tar.gz", False),
    (f"{TEAM}/stable/%2e%2e/x.tar.gz", False),
    (f"{TEAM}/stable/%2E%2e%2fx.tar.gz", False),
    (f"{TEAM}/stable/%252e%252e/x.tar.gz", False),
    (f"{TEAM}/stable%2fx.tar.gz", False),
    (f"{TEAM}/stable/..;/x.tar.gz", False),
    (f"{TEAM}/stable/a//../../x.tar.gz", False),
    ("https://team.example//micropkgs/stable/x.tar.gz", False),
    ("https://team.example/a/..//micropkgs/stable/x.tar.gz", False),
    ("http://team.example/micropkgs/stable/x.tar.gz", False),
    ("https://team.example:8443/micropkgs/stable/x.tar.gz", False),
    ("https://team.example.evil.example/micropkgs/stable/x.tar.gz", False),
    ("https://evilteam.example/micropkgs/stable/x.tar.gz", False),
    ("https://evil.example/micropkgs/stable/x.tar.gz", False),
    ("https://evil.example/https://team.example/micropkgs/stable/x.tar.gz", False),
    ("https://evil.example?https://whole.example/x.tar.gz", False),
    ("https://evil.example#@whole.example/x.tar.gz", False),
    ("https://whole.example/anything/x.tar.gz", True),
    ("https://whole.example", True),
    ("https://whole.example%2eevil.example/x.tar.gz", False),
    ("https://whole.example..evil.example/x.tar.gz", False),
    ("https://port.example:8443/x.tar.gz", True),
    ("https://port.example/x.tar.gz", False),
    ("https://port.example:08443/x.tar.gz", True),
    ("https://a.wild.example/x.tar.gz", True),
    ("https://a.b.wild.example/x.tar.gz", True),
    ("https://wild.example/x.tar.gz", False),
    ("https://awild.example/x.tar.gz", False),
    ("https://.wild.example/x.tar.gz", False),
    ("https://a.wild.example.evil.example/x.tar.gz", False),
    ("https://bücher.example/x.tar.gz", True),
    ("https://XN--BCHER-KVA.example/x.tar.gz", True),
    ("https://bucher.example/x.tar.gz", False),
    ("https://whole。example/x.tar.gz", True),
    ("https://[2001:db8::1]/x.tar.gz", True),
    ("https://[2001:0db8:0000::0001]:443/x.tar.gz", True),
    ("https://[2001:db8::2]/x.tar.gz", False),
    ("https://192.0.2.7/x.tar.gz", True),
    ("https://[::ffff:192.0.2.7]/x.tar.gz", True),
    ("https://192.0.2.70/x.tar.gz", False),
    ("https://3221225991/x.tar.gz", False),
    ("http://plain.example/x.tar.gz", True),
    ("https://plain.example/x.tar.gz", False),
    ("http://plain.example:443/x.tar.gz", False),
]

OTHERS = [
    ("s3://bucket/team/x.tar.gz", True),
    ("s3://bucket/team/x.tar.gz?versionId=3", True),
    ("s3://bucket/team-evil/x.tar.gz", False),
    ("s3://bucket/x.tar.gz", False),
    ("s3://bucket//team/x.tar.gz", False),
    ("s3://bucket/team/../x.tar.gz", False),
    ("s3://bucket/team?x/y.tar.gz", False),
    ("s3://bucket2/team/x.tar.gz", False),
    ("s3://Bucket/team/x.tar.gz", False),
    ("gs://open/x.tar.gz", True),
    ("gcs://open/x.tar.gz#7", True),
    ("gs://bucket/team/x.tar.gz", False),
    ("s3://open/x.tar.gz", False),
    ("/srv/archives/x.tar.gz", True),
    ("/srv/archives/../x.tar.gz", False),
    ("/srv/archives-evil/x.tar.gz", False),
    ("file:///srv/archives/x.tar.gz", True),
    ("file:///srv/archives/%2e%2e/x.tar.gz", False),
    ("file://host/srv/archives/x.tar.gz", False),
    ("ftp://bucket/team/x.tar.gz", False),
    ("//whole.example/x.tar.gz", False),
    (" https://whole.example/x.tar.gz", False),
    ("https://whole.example\\@evil.example/", False),
    ("https://who\tle.example/x.tar.gz", False),
    ("https://user:pw@whole.example/x.tar.gz", True),
    ("https://whole.example@evil.example/x.tar.gz", False),
    ("https://whole.example:0/x.tar.gz", False),
    ("https://whole.example:x/x.tar.gz", False),
    ("https:whole.example/x.tar.gz", False),
    ("whole.example", False),
    ("", False),
]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """All that is asked beyond this machine comes here."""
    with Proxy(0) as server:
        server.rule = lambda seen: Reply(407)  # whoever asks is told at once, and does not try again
        for variable in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("http_proxy", server.url(""))
        monkeypatch.setenv("https_proxy", server.url(""))
        yield server


@pytest.fixture
def asker(tmp_path: Path) -> Callable[..., Answer]:
    """Ask for one ref under a list of allowed places."""

    def ask_under(origins: tuple[str, ...], ref: str | Ref, lookup: Lookup | None = None, **options: object) -> Answer:
        ref = Ref.parse(ref) if isinstance(ref, str) else ref
        with Sources(ArchiveCache(tmp_path / "cache"), permits=held_to(origins)) as sources:
            return sources.answer([Request(ref, options, lookup=lookup)], tmp_path)[0]

    return ask_under


Asker = Callable[..., Answer]


def refused(answer: object) -> Failed:
    """An answer that names the reason and the key of the config."""
    assert isinstance(answer, Failed)
    assert (answer.kind, answer.reason) == (FailureKind.REFUSED, "OriginNotAllowed")
    assert "allowed-origins" in answer.hint
    return answer


@pytest.mark.parametrize(("address", "allowed"), HTTP)
def test_no_request_leaves_for_an_address_that_is_not_named(
    proxy: FaultServer, asker: Asker, address: str, allowed: bool
) -> None:
    """Judged by its parts, however it is written."""
    answer = asker(ALLOWED, Ref(address, RefKind.HTTP, address))

    assert bool(proxy.seen) is allowed
    assert Origins.parse(ALLOWED).allows(address) is allowed
    if not allowed:
        refused(answer)


@pytest.mark.parametrize(("address", "allowed"), OTHERS)
def test_other_addresses_are_judged_by_their_parts_too(address: str, allowed: bool) -> None:
    """Buckets, files, and what is no address at all."""
    origins = Origins.parse((*ALLOWED, "s3://bucket/team/", "gs://open", "file:///srv/archives"))

    assert origins.allows(address) is allowed


@pytest.mark.parametrize(
    "text",
    ["", "*", "https://", "https://*", "https://*.", "https://a.*.example", "https://*x.example", "https://h:x",
     "https://h:0", "https://user@h", "https://h/?x", "https://h/a/../b", "https://h/%61", "https://h\\x", "ftp://h/x",
     "s3://", "s3://*", "s3://key@b", "gs:///x", "h.example", "*.example.com", "relative/path", "/srv/../x", "files",
     " https://h", "https://h /x", "https://[::1", "file://host/x", "~/archives"],
)  # fmt: skip
def test_nonsense_is_refused_with_the_forms_there_are(text: str) -> None:
    """A typo in the machine's config must not open, or close, anything."""
    with pytest.raises(DocumentError) as caught:
        Origins.parse((text,))

    assert "allowed-origins" in caught.value.problem
    assert "`https://host/prefix`" in caught.value.hint
    assert "user" not in caught.value.problem


def test_refusal_is_a_failure_of_its_own(asker: Asker) -> None:
    """Exit code 1, and nobody waits for it to mend itself."""
    failure = failure_of(refused(asker(ALLOWED, "https://evil.example/x.tar.gz")))

    assert (failure.exit_code, failure.reason, failure.transient) == (1, "OriginNotAllowed", False)


def test_empty_list_allows_the_projects_own_files_alone(asker: Asker, tmp_path: Path) -> None:
    """Also below folders, and not through a link that leads out."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "x.tar.gz").write_bytes(b"x")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/x.tar.gz").write_bytes(b"x")
    (tmp_path / "link").symlink_to(outside)

    assert isinstance(asker((), "dist/x.tar.gz"), Fetched)
    assert isinstance(asker((), f"{tmp_path}/dist/x.tar.gz"), Fetched)
    for ref in (f"{outside}/x.tar.gz", f"../{outside.name}/x.tar.gz", "link/x.tar.gz", f"file://{outside}/x.tar.gz"):
        refused(asker((), ref))
        refused(asker((f"{outside}-evil",), ref))
        assert isinstance(asker((str(outside),), ref), Fetched)
        assert isinstance(asker(("file",), ref), Fetched)


def test_redirect_is_judged_before_it_is_followed(faults: FaultServer, asker: Asker) -> None:
    """To another server, and to another folder of the same one."""
    with FaultServer() as other:
        first = faults.script("/team/x", Reply(302, headers={"Location": other.script("/x", Reply(body=b"x"))}))
        refused(asker((faults.url("/team"),), first))
        assert isinstance(asker((faults.url("/team"), other.url("/")), first), Fetched)
        assert len(other.seen) == 1

        faults.script("/team/y", Reply(302, headers={"Location": "/other/y"}))
        refused(asker((faults.url("/team"),), faults.url("/team/y")))
        assert not faults.requests_for("/other/y")


def test_index_and_the_host_of_its_files_are_judged(
    static_index: StaticIndex, faults: FaultServer, asker: Asker
) -> None:
    """A page may name files anywhere."""
    data = sdist("ds", "1.0")
    static_index.publish("ds", "1.0", data, url=faults.script("/ds-1.0.tar.gz", Reply(body=data)))
    lookup = Lookup(static_index.url)

    refused(asker((faults.url("/"),), "ds", lookup))
    refused(asker((static_index.url,), "ds", lookup))
    assert faults.seen == []
    assert isinstance(asker((static_index.url, faults.url("/")), "ds", lookup), Fetched)


def test_mirror_is_judged(faults: FaultServer, tmp_path: Path) -> None:
    """It is asked like any other place."""
    mirror = faults.script("/mirror/x", Reply(body=b"x")).replace("/x", "/{sha256}.tar.gz")
    ref = faults.script("/team/x.tar.gz", Reply(404))
    request = Request(Ref.parse(ref), expected=digest_of(b"x"))
    with Sources(ArchiveCache(tmp_path / "cache"), permits=held_to([faults.url("/team")])) as sources:
        (answer,) = ask(sources, [request], [mirror], str(tmp_path))

    assert isinstance(answer, Failed)
    assert (answer.kind, "mirror" in answer.problem) == (FailureKind.GONE, True)
    assert [seen.target for seen in faults.seen] == ["/team/x.tar.gz"]


S3_ARGS: list[dict[str, object]] = [
    {"endpoint_url": "SERVER"},
    {"client_kwargs": {"endpoint_url": "SERVER"}},
    {"config_kwargs": {"proxies": {"https": "SERVER"}}},
    {"config_kwargs": {"proxies": {"https": "BARE"}}},
]
GCS_ARGS: list[dict[str, object]] = [
    {"endpoint_url": "SERVER", "token": "anon"},
    {"token": {"type": "service_account", "token_uri": "SERVER/token"}},
]
HTTP_ARGS: list[dict[str, object]] = [{"proxy": "SERVER"}, {"proxy": "BARE"}, {"client_kwargs": {"proxy": "BARE"}}]


@pytest.mark.parametrize(
    ("ref", "options"),
    [("s3://b/x.tar.gz", options) for options in S3_ARGS]
    + [("gs://b/x.tar.gz", options) for options in GCS_ARGS]
    + [("http://a.example/x.tar.gz", options) for options in HTTP_ARGS],
)
def test_what_fs_args_name_counts_like_the_ref(
    faults: FaultServer, asker: Asker, ref: str, options: dict[str, object]
) -> None:
    """An endpoint, a proxy, and who gives out tokens: the bucket's or host's own name says nothing of them."""
    places = ("s3://b", "gs://b", "http://a.example")

    refused(asker(places, ref, **_filled(options, faults.url(""))))
    assert faults.seen == []


@pytest.fixture(scope="module")
def private_key() -> str:
    """A key that signs, as Google's service accounts have one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("allowed", [True, False])
def test_a_token_file_that_fs_args_name_counts_like_them(
    faults: FaultServer, asker: Asker, tmp_path: Path, private_key: str, allowed: bool
) -> None:
    """A project brings such a file along as easily as a table: the server in it would get what the key signs."""
    token = tmp_path / "account.json"
    account = {"type": "service_account", "client_email": "a@b", "private_key": private_key}
    token.write_text(json.dumps({**account, "token_uri": faults.script("/token", Reply(403))}))
    places = ("gs://b", faults.url("/token")) if allowed else ("gs://b",)
    answer = asker(places, "gs://b/x.tar.gz", token=str(token))

    assert bool(faults.seen) == allowed
    if not allowed:
        refused(answer)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_text('"ya29.x"'), lambda path: None])
def test_a_token_file_that_is_none(
    proxy: FaultServer, asker: Asker, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    """Nobody waits for a pipe, and no server is shown the path, or what stands there, as if it were a token."""
    make(tmp_path / "account.json")
    answer = asker(("gs://b",), "gs://b/x.tar.gz", token=str(tmp_path / "account.json"))

    assert isinstance(answer, Failed)
    assert (answer.kind, "credentials" in answer.problem) == (FailureKind.DENIED, True)
    assert proxy.seen == []


@pytest.mark.parametrize("ref", ["s3://b/x.tar.gz", "gs://b/x.tar.gz"])
def test_endpoint_that_is_named_is_asked(faults: FaultServer, asker: Asker, ref: str) -> None:
    """The bucket and its store are both allowed."""
    login: dict[str, object] = {"token": "anon"} if ref.startswith("gs") else {"anon": True}
    asker(("s3://b", "gs://b", faults.url("/")), ref, endpoint_url=faults.url(""), **login)

    assert faults.seen


def test_drivers_that_go_anywhere_are_not_let_run(asker: Asker) -> None:
    """Their fs-args may name any server in words of their own."""
    assert "no list" in refused(asker(("https://a.example", "file"), "abfs://container/x.tar.gz")).problem


@pytest.mark.parametrize("kind", ["s3", "index", "path"])
def test_nothing_is_published_where_it_is_not_allowed(faults: FaultServer, tmp_path: Path, kind: str) -> None:
    """Upload addresses are judged like refs."""
    data = b"x"
    outside = tmp_path.parent / f"{tmp_path.name}-published"
    outside.mkdir()
    upload = Upload(Ref.parse("s3://b/x.tar.gz"), "", "x.tar.gz", "x", "1", BytesInMemory(data), digest_of(data))
    uploads = {
        "s3": upload._replace(options={"endpoint_url": faults.url("")}),
        "index": upload._replace(
            ref=Ref.parse("x==1"), url=faults.url("/up/"), lookup=Lookup(faults.url("/team/")), options={}
        ),
        "path": upload._replace(ref=Ref.parse(f"{outside}/x.tar.gz")),
    }
    origins = ["s3://b", faults.url("/team")]
    with Sources(ArchiveCache(tmp_path / "cache"), permits=held_to(origins)) as sources:
        refused(sources.put(uploads[kind], tmp_path))
    assert faults.seen == []
    assert list(outside.iterdir()) == []
    with Sources(ArchiveCache(tmp_path / "cache"), permits=held_to([str(outside)])) as sources:
        assert isinstance(sources.put(uploads["path"], tmp_path), Stored)


def _filled(options: dict[str, object], server: str) -> dict[str, object]:
    values = {"SERVER": server, "BARE": server.removeprefix("http://"), "SERVER/token": f"{server}/token"}
    return {
        key: _filled(value, server) if isinstance(value, dict) else values.get(str(value), value)
        for key, value in options.items()
    }
