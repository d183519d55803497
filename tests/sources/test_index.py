"""The index source against real indexes, and against one that misbehaves to order."""

import asyncio
import base64
import hashlib
import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micropkgd.errors import DocumentError
from micropkgd.model.lock import Release
from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import digest_of
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.hosts import host_of
from micropkgd.sources.http.client import HttpClient
from micropkgd.sources.index.login import PYPI, Index, index_for
from micropkgd.sources.index.simple_api import JSON
from micropkgd.sources.index.source import IndexSource
from micropkgd.sources.retry import RetryPolicy
from micropkgd.sources.source import (
    Answer,
    Failed,
    FailureKind,
    Fetched,
    Lookup,
    Request,
    Unchanged,
    no_progress,
)
from tests.kit.canaries import CANARY, hold
from tests.kit.patience import QUICK, patience_with
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.indexes import PASSWORD, USER, Devpi, PypiServer, StaticIndex, sdist

DATA = sdist("ds", "1.0")
SECRET = f"secret-{CANARY}"

Ask = Callable[..., Answer]


@pytest.fixture
def cache(tmp_path: Path) -> ArchiveCache:
    """An empty cache."""
    return ArchiveCache(tmp_path / "cache")


@pytest.fixture
def ask(cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Ask an index once; further words are fields of the lookup or of the request."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    def ask_once(
        text: str, index_url: str, source: IndexSource | None = None, patience: RetryPolicy = QUICK, **fields: Any
    ) -> Answer:
        lookup = Lookup(index_url, **{key: fields.pop(key) for key in set(fields) & set(Lookup._fields)})
        request = Request(Ref(text, RefKind.INDEX, text), lookup=lookup, **fields)

        async def run() -> Answer:
            asked = source or IndexSource(HttpClient(patience, lambda: 0.0, lambda: 0.0))
            try:
                return await asked.fetch(request, cache, no_progress)
            finally:
                await asked.close()

        answer = asyncio.run(run())
        assert SECRET not in repr(answer)
        return answer

    return ask_once


def fetched(answer: Answer) -> Fetched:
    """The answer, which must be an archive."""
    assert isinstance(answer, Fetched), answer
    return answer


def failed(answer: Answer, kind: FailureKind) -> Failed:
    """The answer, which must be a failure of this kind."""
    assert isinstance(answer, Failed), answer
    assert answer.kind is kind
    return answer


def page(*rows: dict[str, Any]) -> Reply:
    """A JSON page."""
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "ds", "files": rows}).encode()
    return Reply(body=body, headers={"Content-Type": JSON})


def row(version: str = "1.0", data: bytes = DATA, **said: Any) -> dict[str, Any]:
    """What a page says of an archive of `ds`."""
    name = f"ds-{version}.tar.gz"
    return {"filename": name, "url": f"/files/{name}", "hashes": {"sha256": digest_of(data)[7:]}, **said}


def scripted(faults: FaultServer, *rows: dict[str, Any], archive: Reply | None = None) -> str:
    """An index with a page and an archive."""
    faults.script("/simple/ds/", page(*rows))
    faults.script("/files/ds-1.0.tar.gz", archive or Reply(body=DATA))
    return faults.url("/simple")


@pytest.fixture(params=["devpi", "pypiserver", "static"])
def real(request: pytest.FixtureRequest) -> Devpi | PypiServer | StaticIndex:
    """Each real index: JSON, HTML, and JSON with all that the standards allow."""
    name = "static_index" if request.param == "static" else request.param
    found: Devpi | PypiServer | StaticIndex = request.getfixturevalue(name)
    return found


class TestRealIndexes:
    """What every index must be good for."""

    def test_newest_match_is_fetched(
        self, real: Devpi | PypiServer | StaticIndex, ask: Ask, cache: ArchiveCache
    ) -> None:
        """Name, version and address of the release come with its bytes."""
        data = {version: sdist("first-one", version) for version in ("0.9", "1.2", "1.10", "2.0rc1")}
        for version, archive in data.items():
            real.publish("first-one", version, archive)
        answer = fetched(ask("First.One>=1", real.url))
        assert cache.read(answer.digest) == data["1.10"]
        assert answer.release is not None
        assert answer.release[:2] == ("first-one", "1.10")
        assert answer.release.url.endswith("/first_one-1.10.tar.gz")

    def test_known_release_is_not_fetched_again(self, real: Devpi | PypiServer | StaticIndex, ask: Ask) -> None:
        """Until there is a newer one."""
        real.publish("known", "1.0", sdist("known", "1.0"))
        first = fetched(ask("known", real.url))
        assert ask("known", real.url, validator=first.validator) == Unchanged(first.release)
        real.publish("known", "1.1", sdist("known", "1.1"))
        second = fetched(ask("known", real.url, validator=first.validator))
        assert second.digest == digest_of(sdist("known", "1.1"))

    def test_no_match_names_the_releases(self, real: Devpi | PypiServer | StaticIndex, ask: Ask) -> None:
        """A typo in a version is seen at once."""
        real.publish("versions", "1.0", sdist("versions", "1.0"))
        assert f"`{real.url}` has 1.0" in failed(ask("versions>=2", real.url), FailureKind.REFUSED).problem

    def test_locked_release_is_found_by_its_digest(self, real: Devpi | PypiServer | StaticIndex, ask: Ask) -> None:
        """Although a newer one answers the requirement."""
        for version in ("1.0", "1.1"):
            real.publish("locked", version, sdist("locked", version))
        old = digest_of(sdist("locked", "1.0"))
        assert fetched(ask("locked", real.url, expected=old, version="1.0")).digest == old

    @pytest.mark.parametrize("kind", ["devpi", "static_index"])
    def test_unknown_project(self, kind: str, request: pytest.FixtureRequest, ask: Ask) -> None:
        """It is gone, and nobody else is asked for it."""
        answer = failed(ask("nowhere", request.getfixturevalue(kind).url), FailureKind.GONE)
        assert "has no project `nowhere`" in answer.problem
        assert "no other index is asked" in answer.hint

    def test_pypiserver_leads_to_another_index(self, pypiserver: PypiServer, ask: Ask) -> None:
        """As it is set up by default, it sends whoever asks for an unknown project to PyPI: that was not named."""
        answer = failed(ask("nowhere", pypiserver.url), FailureKind.REFUSED)
        assert "leads to another one" in answer.problem
        assert "no other index is asked" in answer.hint


class TestPasswords:
    """Who we are to an index."""

    def test_without_any(self, private_pypiserver: PypiServer, ask: Ask) -> None:
        """A real index that wants one denies."""
        assert "401" in failed(ask("ds", private_pypiserver.url), FailureKind.DENIED).problem

    @pytest.mark.parametrize("password", [PASSWORD, "wrong"])
    def test_from_netrc(self, private_pypiserver: PypiServer, ask: Ask, password: str, tmp_path: Path) -> None:
        """Page and archive are asked for with it; a wrong one is denied."""
        private_pypiserver.publish("ds", "1.0", DATA)
        hold(tmp_path / "netrc", f"machine 127.0.0.1 login {USER} password {password}\n")
        answer = ask("ds", private_pypiserver.url)
        assert isinstance(answer, Fetched) is (password == PASSWORD)

    def test_from_the_environment(self, private_pypiserver: PypiServer, ask: Ask) -> None:
        """The address that the machine has is taken apart before anything else sees it."""
        private_pypiserver.publish("ds", "1.0", DATA)
        address = private_pypiserver.url.replace("//", f"//{USER}:{PASSWORD}@")
        index = index_for(None, {"PIP_INDEX_URL": address})
        assert PASSWORD not in index.url
        answer = fetched(ask("ds", index.url, login=index.login))
        assert PASSWORD not in repr(answer)

    def test_from_fs_args(self, private_pypiserver: PypiServer, ask: Ask) -> None:
        """In the words of an `https://` ref."""
        private_pypiserver.publish("ds", "1.0", DATA)
        assert isinstance(ask("ds", private_pypiserver.url, options={"auth": [USER, PASSWORD]}), Fetched)

    def test_from_the_keyring(self, private_pypiserver: PypiServer, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is asked by the index's address, then by its host, and only where there is no other password."""
        private_pypiserver.publish("ds", "1.0", DATA)
        asked = keyring(monkeypatch, {"127.0.0.1": PASSWORD})
        assert isinstance(ask("ds", private_pypiserver.url), Fetched)
        assert asked == [private_pypiserver.url, "127.0.0.1"]
        failed(ask("ds", private_pypiserver.url, options={"auth": [USER, "wrong"]}), FailureKind.DENIED)
        assert len(asked) == 2

    def test_keyring_is_asked_again_when_its_password_changed(
        self, faults: FaultServer, monkeypatch: pytest.MonkeyPatch, cache: ArchiveCache
    ) -> None:
        """A password that expires is renewed during the life of one process."""
        index_url = scripted(faults, row())
        denied = Reply(status=401)
        faults.script("/simple/ds/", denied, page(row()), denied, page(row()))
        passwords = {"127.0.0.1": "old"}
        keyring(monkeypatch, passwords)
        request = Request(Ref.parse("ds"), lookup=Lookup(index_url))

        async def twice() -> list[Answer]:
            source = IndexSource(HttpClient(QUICK, lambda: 0.0, lambda: 0.0))
            first = await source.fetch(request, cache, no_progress)
            passwords["127.0.0.1"] = "new"
            second = await source.fetch(request, cache, no_progress)
            await source.close()
            return [first, second]

        assert all(isinstance(answer, Fetched) for answer in asyncio.run(twice()))
        sent = [seen.headers.get("authorization") for seen in faults.requests_for("/simple/ds/")]
        assert sent == [None, basic("old"), basic("old"), basic("new")]

    def test_broken_keyring(self, private_pypiserver: PypiServer, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        """What its backends raise counts as no password."""
        module = types.ModuleType("keyring")
        monkeypatch.setitem(sys.modules, "keyring", module)  # it has no `get_credential`
        failed(ask("ds", private_pypiserver.url), FailureKind.DENIED)

    def test_not_sent_elsewhere(self, faults: FaultServer, ask: Ask) -> None:
        """Archives may be at another address than the index; a password is for the index alone."""
        with FaultServer() as other:
            url = other.script("/ds-1.0.tar.gz", Reply(body=DATA)).replace("//", f"//user:{SECRET}@")
            index_url = scripted(faults, row(url=url))
            assert isinstance(ask("ds", index_url, login=("user", SECRET)), Fetched)
            assert "authorization" in faults.seen[0].headers
            assert "authorization" not in other.seen[0].headers

    def test_never_over_plain_http(self, ask: Ask) -> None:
        """Where anyone could read it, nothing is asked at all."""
        answer = failed(ask("ds", "http://index.test/simple", login=("user", SECRET)), FailureKind.REFUSED)
        assert "plain http" in answer.problem


def keyring(monkeypatch: pytest.MonkeyPatch, passwords: dict[str, str]) -> list[str]:
    """Put a keyring in place, and give the list of what it is asked for."""
    asked: list[str] = []

    def get_credential(service: str, username: str | None) -> object:
        del username
        asked.append(service)
        if service not in passwords:
            return None
        return types.SimpleNamespace(username=USER, password=passwords[service])

    module = types.ModuleType("keyring")
    module.__dict__["get_credential"] = get_credential
    monkeypatch.setitem(sys.modules, "keyring", module)
    return asked


def basic(password: str) -> str:
    """The header that tells a password."""
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()


class TestWhichIndex:
    """One index an entry."""

    @pytest.mark.parametrize(
        ("named", "environ", "index"),
        [
            pytest.param(None, {}, Index(PYPI), id="nobody-says"),
            pytest.param(None, {"UV_INDEX_URL": "https://uv/s"}, Index("https://uv/s"), id="uv"),
            pytest.param(
                None,
                {"UV_INDEX_URL": "https://uv/s", "PIP_INDEX_URL": "https://pip/s"},
                Index("https://pip/s"),
                id="pip",
            ),
            pytest.param("https://own/s", {"PIP_INDEX_URL": "https://pip/s"}, Index("https://own/s"), id="project"),
            pytest.param(
                None, {"PIP_INDEX_URL": "https://u:p%40@pip:8/s"}, Index("https://pip:8/s", ("u", "p@")), id="login"
            ),
            pytest.param(
                "https://pip/b",
                {"PIP_INDEX_URL": "https://u@pip/a"},
                Index("https://pip/b", ("u", "")),
                id="login-of-origin",
            ),
            pytest.param(
                "https://pip:443/b",
                {"PIP_INDEX_URL": "https://u@pip/a"},
                Index("https://pip:443/b", ("u", "")),
                id="usual-port",
            ),
            pytest.param("http://pip/b", {"PIP_INDEX_URL": "https://u:p@pip/a"}, Index("http://pip/b"), id="scheme"),
        ],
    )
    def test_order(self, named: str | None, environ: dict[str, str], index: Index) -> None:
        """The project, then the machine, then PyPI; a password of the machine is for its origin."""
        assert index_for(named, environ) == index

    @pytest.mark.parametrize("address", [f"ftp://u:{SECRET}@host/", f"https://u:{SECRET}@host:x/", SECRET])
    def test_address_that_is_none(self, address: str) -> None:
        """The variable is named, its value is not shown."""
        with pytest.raises(DocumentError) as raised:
            index_for(None, {"PIP_INDEX_URL": address})
        assert raised.value.where == "PIP_INDEX_URL"
        assert SECRET not in f"{raised.value} {raised.value.hint}"

    def test_limit_per_host_counts_by_the_index(self) -> None:
        """Many requirements of one index wait for one another, not those of two."""
        first, second = (Request(Ref.parse("ds"), lookup=Lookup(f"https://{host}/simple/")) for host in ("A", "b"))
        assert (host_of(first), host_of(second)) == ("https://a", "https://b")

    def test_page_is_asked_for_below_the_index(self, faults: FaultServer, ask: Ask) -> None:
        """JSON is preferred, HTML is taken, and the address has one slash at its end."""
        fetched(ask("DS", scripted(faults, row())))
        (seen,) = faults.requests_for("/simple/ds/")
        assert seen.headers["accept"].split(", ") == [
            JSON, "application/vnd.pypi.simple.v1+html;q=0.2", "text/html;q=0.01",
        ]  # fmt: skip


class TestConditions:
    """Asking for no more than what is new."""

    def test_page_that_did_not_change(self, ask: Ask, faults: FaultServer) -> None:
        """An index with ETags sends neither page nor archive."""
        body = page(row())
        faults.script("/simple/ds/", body._replace(headers={**body.headers, "ETag": '"1"'}), Reply(status=304))
        faults.script("/files/ds-1.0.tar.gz", Reply(body=DATA))
        first = fetched(ask("ds", faults.url("/simple/")))
        assert ask("ds", faults.url("/simple/"), validator=first.validator) == Unchanged(first.release)
        assert faults.requests_for("/simple/ds/")[1].headers["if-none-match"] == '"1"'
        assert len(faults.requests_for("/files/ds-1.0.tar.gz")) == 1

    def test_real_etags(self, static_index: StaticIndex, ask: Ask) -> None:
        """The server says 304 to the page; one that changed elsewhere is remembered anew."""
        static_index.publish("etag", "1.1", sdist("etag", "1.1"))
        first = fetched(ask("etag", static_index.url))
        assert ask("etag", static_index.url, validator=first.validator) == Unchanged(first.release)
        static_index.publish("etag", "1.0", sdist("etag", "1.0"))
        second = ask("etag", static_index.url, validator=first.validator)
        assert isinstance(second, Unchanged)
        assert second.validator not in {None, first.validator}
        assert ask("etag", static_index.url, validator=second.validator) == Unchanged(first.release)

    def test_other_python_asks_for_the_page(self, static_index: StaticIndex, ask: Ask) -> None:
        """What the choice depends on besides the page is part of what is remembered."""
        static_index.publish("py", "1.0", sdist("py", "1.0"))
        static_index.publish("py", "1.1", sdist("py", "1.1"), **{"requires-python": ">=3.12"})
        first = fetched(ask("py", static_index.url, requires_python=">=3.12"))
        second = fetched(ask("py", static_index.url, requires_python=">=3.9", validator=first.validator))
        assert second.digest == digest_of(sdist("py", "1.0"))

    def test_index_without_hashes(self, static_index: StaticIndex, ask: Ask) -> None:
        """The archive itself is asked on a condition, and its bytes may change only once."""
        static_index.publish("bare", "1.0", sdist("bare", "1.0"), hashes={}, size=None)
        first = fetched(ask("bare", static_index.url))
        assert ask("bare", static_index.url, validator=first.validator) == Unchanged(first.release)
        static_index.list("bare", [])
        static_index.publish("bare", "1.0", sdist("bare", "1.0", "other"), hashes={}, size=None)
        again = ask("bare", static_index.url, validator=first.validator, locked=("1.0", first.digest))
        assert "has other bytes than before" in failed(again, FailureKind.CORRUPT).problem

    @pytest.mark.parametrize("validator", ["", "x", "[]", '["1.0", "sha256:x", "", "", "", ""]', '"a"\n"b"\nc'])
    def test_validator_of_nobody(self, faults: FaultServer, ask: Ask, validator: str) -> None:
        """It counts as none."""
        assert isinstance(ask("ds", scripted(faults, row()), validator=validator), Fetched)

    def test_same_hash_under_another_version(self, faults: FaultServer, ask: Ask) -> None:
        """What is remembered is version and hash, not one of them."""
        index_url = scripted(faults, row())
        first = fetched(ask("ds", index_url))
        faults.script("/simple/ds/", page(row("1.5", url="/files/ds-1.0.tar.gz")))
        assert fetched(ask("ds", index_url, validator=first.validator)).release == Release(
            "ds", "1.5", faults.url("/files/ds-1.0.tar.gz"), index_url
        )


class TestNeverBack:
    """An index that was taken over or set back (docs/threats.md, T6 and T7)."""

    def test_older_release(self, static_index: StaticIndex, ask: Ask) -> None:
        """It is refused, however it is known that there was a newer one."""
        static_index.publish("back", "1.0", sdist("back", "1.0"))
        row_of_newer = static_index.publish("back", "1.1", sdist("back", "1.1"))
        newer = fetched(ask("back", static_index.url))
        static_index.list("back", [one for one in static_index.rows("back") if one != row_of_newer])
        for before in ({"locked": ("1.1", newer.digest)}, {"seen": newer.validator}):
            answer = failed(ask("back", static_index.url, **before), FailureKind.REFUSED)
            assert "1.0, older than 1.1 before" in answer.problem
            assert "--allow-downgrade" in answer.hint
        assert isinstance(ask("back", static_index.url), Fetched)

    def test_unchanged_page_that_is_older_than_the_lock(self, static_index: StaticIndex, ask: Ask) -> None:
        """Another branch may have locked a newer release than what this machine remembers."""
        static_index.publish("stale", "1.0", sdist("stale", "1.0"))
        first = fetched(ask("stale", static_index.url))
        answer = ask("stale", static_index.url, validator=first.validator, locked=("1.1", digest_of(b"new")))
        assert "older than 1.1" in failed(answer, FailureKind.REFUSED).problem

    def test_other_bytes_of_the_same_release(self, static_index: StaticIndex, ask: Ask, cache: ArchiveCache) -> None:
        """Both digests are named, and the new bytes are not even fetched."""
        static_index.publish("same", "1.0", sdist("same", "1.0", "new"))
        answer = ask("same", static_index.url, locked=("1.0", digest_of(b"old")))
        problem = failed(answer, FailureKind.CORRUPT).problem
        assert digest_of(b"old") in problem
        assert digest_of(sdist("same", "1.0", "new")) in problem
        assert not Path(cache.folder).exists()

    def test_pinned_bytes(self, static_index: StaticIndex, ask: Ask) -> None:
        """A pin is found by its digest; where the index has other bytes, nothing is fetched."""
        static_index.publish("pin", "1.0", sdist("pin", "1.0"))
        static_index.publish("pin", "1.1", sdist("pin", "1.1"))
        old = digest_of(sdist("pin", "1.0"))
        assert fetched(ask("pin", static_index.url, expected=old)).digest == old
        answer = failed(ask("pin", static_index.url, expected=digest_of(b"mine")), FailureKind.CORRUPT)
        assert digest_of(b"mine") in answer.problem

    def test_locked_release_that_left_the_index(self, static_index: StaticIndex, ask: Ask) -> None:
        """It is gone; nothing takes its place."""
        static_index.publish("left", "1.1", sdist("left", "1.1"))
        answer = ask("left", static_index.url, expected=digest_of(b"old"), version="1.0")
        assert "no longer has `left` 1.0" in failed(answer, FailureKind.GONE).problem

    def test_locked_version_that_is_none(self, ask: Ask, closed_port: int) -> None:
        """The lock is data from a repository."""
        answer = ask("ds", f"http://127.0.0.1:{closed_port}/", locked=("one", digest_of(b"")))
        assert "locked version" in failed(answer, FailureKind.REFUSED).problem


class TestBytes:
    """What is fetched is what the index says."""

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            pytest.param({"hashes": {"sha256": "ab" * 32}}, "its bytes are sha256:", id="sha256"),
            pytest.param({"size": 7}, f"7 bytes, and it has {len(DATA)}", id="size"),
            pytest.param({"hashes": {"md5": "ab" * 16}}, "md5", id="md5"),
            pytest.param(
                {"hashes": {"sha512": "ab" * 64, "md5": "ab" * 16}}, "which its bytes do not have", id="sha512"
            ),
        ],
    )
    def test_contradiction(self, faults: FaultServer, ask: Ask, said: dict[str, Any], words: str) -> None:
        """Bytes that are not as said are corrupt."""
        answer = failed(ask("ds", scripted(faults, row(**said))), FailureKind.CORRUPT)
        assert words in answer.problem
        assert "tampered" in answer.hint

    def test_wrong_bytes_do_not_enter_the_cache(self, faults: FaultServer, ask: Ask, cache: ArchiveCache) -> None:
        """Not even under the digest they have."""
        failed(ask("ds", scripted(faults, row(), archive=Reply(body=b"other"))), FailureKind.CORRUPT)
        assert cache.read(digest_of(b"other")) is None

    def test_weaker_hash_that_fits(self, faults: FaultServer, ask: Ask) -> None:
        """Old indexes give nothing else."""
        said = {"md5": hashlib.md5(DATA).hexdigest(), "unheard-of": "00"}
        assert isinstance(ask("ds", scripted(faults, row(hashes=said))), Fetched)

    def test_too_large(self, faults: FaultServer, ask: Ask) -> None:
        """The caller's cap holds for archives of an index too."""
        failed(ask("ds", scripted(faults, row()), max_bytes=10), FailureKind.REFUSED)

    @pytest.mark.parametrize("address", ["ftp://host/ds-1.0.tar.gz", "file:///etc/passwd", "https://"])
    def test_odd_address(self, faults: FaultServer, ask: Ask, address: str) -> None:
        """An archive is fetched over http or not at all."""
        failed(ask("ds", scripted(faults, row(url=address))), FailureKind.REFUSED)

    def test_address_in_the_lock_has_no_secret(self, faults: FaultServer, ask: Ask) -> None:
        """Signed addresses lose their query, before anything remembers them."""
        answer = fetched(ask("ds", scripted(faults, row(url=f"/files/ds-1.0.tar.gz?token={SECRET}"))))
        assert answer.release is not None
        assert answer.release.url == faults.url("/files/ds-1.0.tar.gz")


class TestFailures:
    """Each fact keeps its own name."""

    @pytest.mark.parametrize(
        ("reply", "kind", "words"),
        [
            pytest.param(Reply(status=401), FailureKind.DENIED, "401", id="401"),
            pytest.param(Reply(status=403), FailureKind.DENIED, "403", id="403"),
            pytest.param(Reply(status=404), FailureKind.GONE, "has no project `ds`", id="404"),
            pytest.param(Reply(status=410), FailureKind.GONE, "has no project `ds`", id="410"),
            pytest.param(Reply(status=429, headers={"Retry-After": "60"}), FailureKind.THROTTLED, "429", id="429"),
            pytest.param(Reply(status=503), FailureKind.UNREACHABLE, "503", id="503"),
            pytest.param(Reply(stall_after=0, body=b"x"), FailureKind.UNREACHABLE, "less than 1024", id="silent"),
            pytest.param(page(row())._replace(cut_after=20), FailureKind.UNREACHABLE, "cut short", id="cut"),
            pytest.param(
                page(row())._replace(length="none", cut_after=20),
                FailureKind.CORRUPT,
                "not a page of an index",
                id="cut-json",
            ),
            pytest.param(
                Reply(body=b"<html><a href=ds-1.0.tar.gz>x</a>", headers={"Content-Type": "text/html"}, length="none"),
                FailureKind.CORRUPT,
                "it has no end",
                id="cut-html",
            ),
            pytest.param(Reply(body=b"hello"), FailureKind.REFUSED, "not a page of an index", id="no-page"),
        ],
    )
    def test_of_the_page(self, faults: FaultServer, ask: Ask, reply: Reply, kind: FailureKind, words: str) -> None:
        """What the index answers in place of a page."""
        faults.script("/simple/ds/", reply)
        assert words in failed(ask("ds", faults.url("/simple/"), patience=patience_with(reply)), kind).problem

    def test_burst_is_outlasted(self, faults: FaultServer, ask: Ask) -> None:
        """A page that comes broken is asked for again."""
        index_url = scripted(faults, row())
        faults.script("/simple/ds/", Reply(status=503), page(row())._replace(cut_after=20), page(row()))
        assert isinstance(ask("ds", index_url), Fetched)

    @pytest.mark.parametrize(
        ("archive", "kind", "words"),
        [
            pytest.param(Reply(status=404), FailureKind.GONE, "the index lists `ds-1.0.tar.gz`, but", id="404"),
            pytest.param(Reply(body=DATA, cut_after=9), FailureKind.UNREACHABLE, "cut short", id="cut"),
            pytest.param(
                Reply(body=DATA, cut_after=9, length="none"), FailureKind.CORRUPT, "its bytes are", id="cut-unseen"
            ),
        ],
    )
    def test_of_the_archive(self, faults: FaultServer, ask: Ask, archive: Reply, kind: FailureKind, words: str) -> None:
        """What comes in place of an archive that the page lists."""
        assert words in failed(ask("ds", scripted(faults, row(), archive=archive)), kind).problem

    def test_nobody_listens(self, closed_port: int, ask: Ask) -> None:
        """An outage is not an empty index."""
        answer = failed(ask("ds", f"http://127.0.0.1:{closed_port}/simple/"), FailureKind.UNREACHABLE)
        assert "refused" in answer.problem

    def test_endless_page(self, faults: FaultServer, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is given up when it is larger than any real one."""
        monkeypatch.setattr("micropkgd.sources.index.source._PAGE_AT_MOST", 1000)
        faults.script("/simple/ds/", page(*[row()] * 100))
        assert "more than 1000 bytes" in failed(ask("ds", faults.url("/simple/")), FailureKind.REFUSED).problem

    @pytest.mark.parametrize(
        ("text", "options"),
        [("ds[x]", {}), ("ds>=1; os_name=='x'", {}), ("ds", {"header": {}}), ("ds", {"ssl": False})],
    )
    def test_what_cannot_be_honoured_asks_nobody(
        self, faults: FaultServer, ask: Ask, text: str, options: dict[str, object]
    ) -> None:
        """Extras, markers and unknown fs-args are refused before the first request."""
        failed(ask(text, scripted(faults, row()), options=options), FailureKind.REFUSED)
        assert faults.seen == []

    def test_https_index_with_archives_on_plain_http(
        self, nginx: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever sits on the line would choose the bytes."""
        monkeypatch.setenv("SSL_CERT_FILE", str(nginx.authority))
        index = StaticIndex(nginx, f"tls-{os.urandom(3).hex()}")
        index.publish("ds", "1.0", DATA, url="http://127.0.0.1:1/ds-1.0.tar.gz")
        answer = failed(ask("ds", nginx.tls_url(f"{index.name}/")), FailureKind.REFUSED)
        assert "where it is not fetched from" in answer.problem
