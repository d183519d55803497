import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from micropkgd.errors import DocumentError
from micropkgd.model.ref import Ref
from micropkgd.model.tree import Digest, digest_of
from micropkgd.sources import kinds
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.gcs.options import GcsOptions
from micropkgd.sources.gcs.source import GcsSource
from micropkgd.sources.retry import RetryPolicy
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request, Unchanged, Validator, no_progress
from micropkgd.sources.upload import BytesInMemory, Stored, Upload
from tests.kit.canaries import CANARY, hold
from tests.kit.daemon import PATIENCE
from tests.kit.patience import QUICK, patience_with
from tests.kit.servers.faults import FaultServer, Reply, Seen
from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.nginx import Nginx
from tests.kit.servers.proxy import Cut, Proxy

BODY = os.urandom(40_000)
META, MEDIA = "/storage/v1/b/b/o/x.tar.gz", "/download/storage/v1/b/b/o/x.tar.gz"
FOUND = Reply(body=json.dumps({"generation": "7", "size": str(len(BODY))}).encode())


class Bucket:
    """A bucket in the store."""

    def __init__(self, store: FakeGcs) -> None:
        self.name = f"bucket-{os.urandom(4).hex()}"
        self._store = store
        store.create(self.name)

    def put(self, key: str, data: bytes = BODY) -> str:
        """Publish an object; the ref that names it."""
        self.generation = self._store.put(self.name, key, data)
        return self.ref(key)

    def ref(self, key: str) -> str:
        """The ref of an object."""
        return f"gs://{self.name}/{key}"


@pytest.fixture
def bucket(gcs: FakeGcs) -> Bucket:
    """A bucket of its own."""
    return Bucket(gcs)


@pytest.fixture
def proxy(gcs: FakeGcs) -> Iterator[Proxy]:
    """A proxy before the store."""
    with Proxy(gcs.port) as made:
        yield made


class Asker:
    """One source for a whole test; each question runs on its event loop."""

    def __init__(self, folder: Path) -> None:
        self.cache = ArchiveCache(folder / "cache")
        self.runner = asyncio.Runner()
        self.source = source(QUICK)

    def __call__(self, ref: str, options: dict[str, object], **request: Any) -> Answer:
        """Ask, and see that no secret comes back."""
        made = Request(Ref.parse(ref), options)._replace(**request)
        answer = self.runner.run(self.source.fetch(made, self.cache, no_progress))
        assert CANARY not in repr(answer)
        return answer


def source(patience: RetryPolicy) -> GcsSource:
    """A source that renews its credentials at once."""
    return GcsSource(patience, chance=lambda: 0.0, renew_after=0.0)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    """A source with short patience, on a machine that has no credentials."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    asker = Asker(tmp_path)
    yield asker
    asker.runner.run(asker.source.close())
    asker.runner.close()


def failed(answer: Answer, kind: FailureKind) -> Failed:
    """Check that there is no answer, for this reason."""
    assert isinstance(answer, Failed), answer
    assert answer.kind is kind, answer
    return answer


def fetched(answer: Answer) -> Fetched:
    """Check that there is an archive."""
    assert isinstance(answer, Fetched), answer
    return answer


def is_body(answer: Answer) -> bool:
    """Whether the archive of this module was fetched whole."""
    return fetched(answer)[:2] == (digest_of(BODY), len(BODY))


def fake(port: int, **more: object) -> dict[str, object]:
    """fs-args for a server that only plays a store."""
    return {"token": f"token-{CANARY}", "endpoint_url": f"http://127.0.0.1:{port}", **more}


class TestObjects:
    """What is there is told from what is not, and from what was there before."""

    def test_missing_object_is_gone(self, gcs: FakeGcs, bucket: Bucket, ask: Asker) -> None:
        """The message names the ref."""
        ref = bucket.ref("none.tar.gz")
        assert ref in failed(ask(ref, gcs.options()), FailureKind.GONE).problem

    def test_missing_bucket_is_gone(self, gcs: FakeGcs, ask: Asker) -> None:
        """Google says no more of it."""
        failed(ask("gs://no-such-bucket/x.tar.gz", gcs.options()), FailureKind.GONE)

    @pytest.mark.parametrize("ref", [pytest.param("gs://b", id="bucket"), pytest.param("gs://b/folder/", id="folder")])
    def test_ref_without_object_is_refused(self, ask: Asker, ref: str) -> None:
        """Nobody is asked."""
        failed(ask(ref, {}), FailureKind.REFUSED)

    def test_key_is_taken_as_written(self, gcs: FakeGcs, bucket: Bucket, ask: Asker) -> None:
        """No part of it is decoded or normalised."""
        assert is_body(ask(bucket.put("a b/%41+ü=1.tar.gz"), gcs.options()))

    def test_same_bytes_again_are_the_same_archive(self, gcs: FakeGcs, bucket: Bucket, ask: Asker) -> None:
        """The generation is another one, the digest is not."""
        first = fetched(ask(bucket.put("x.tar.gz"), gcs.options()))
        second = fetched(ask(bucket.put("x.tar.gz"), gcs.options(), validator=first.validator))
        assert (second.digest, second.validator != first.validator) == (first.digest, True)

    def test_pinned_generation_is_asked_for(self, gcs: FakeGcs, bucket: Bucket, proxy: Proxy, ask: Asker) -> None:
        """Once it is replaced, it is gone."""
        ref = f"{bucket.put('x.tar.gz')}#{bucket.generation}"
        assert is_body(ask(ref, gcs.options(proxy.port)))
        assert all(f"generation={bucket.generation}" in seen.target for seen in proxy.seen)
        bucket.put("x.tar.gz", b"newer")
        failed(ask(ref, gcs.options()), FailureKind.GONE)

    def test_pin_that_is_no_number_is_refused(self, ask: Asker) -> None:
        """A fragment means nothing else."""
        failed(ask("gs://b/x.tar.gz#latest", {}), FailureKind.REFUSED)


class TestReplacedMeanwhile:
    """An archive is one generation, whatever a publisher does."""

    def test_object_replaced_before_its_body_is_asked_for_again(
        self, gcs: FakeGcs, bucket: Bucket, proxy: Proxy, ask: Asker
    ) -> None:
        """The generation that was seen is gone; all starts over."""
        ref = bucket.put("x.tar.gz", b"first")
        replacements = iter([b"second"])

        def replace(seen: Seen) -> None:
            if "alt=media" in seen.target and (data := next(replacements, None)):
                bucket.put("x.tar.gz", data)

        proxy.rule = replace
        assert fetched(ask(ref, gcs.options(proxy.port))).digest == digest_of(b"second")
        assert len(proxy.seen) == 4

    def test_object_replaced_after_a_cut_is_not_torn(
        self, gcs: FakeGcs, bucket: Bucket, proxy: Proxy, ask: Asker
    ) -> None:
        """Half of the old archive and half of the new one never make an archive."""
        old, new = b"a" * 6_000_000, b"b" * 6_000_000
        ref = bucket.put("x.tar.gz", old)
        cuts = iter([Cut(3_000_000, lambda: bucket.put("x.tar.gz", new))])
        proxy.rule = lambda seen: next(cuts, None) if "alt=media" in seen.target else None
        assert fetched(ask(ref, gcs.options(proxy.port))).digest == digest_of(new)

    def test_object_that_never_rests_is_not_taken(self, faults: FaultServer, ask: Asker) -> None:
        """After some tries it is left for the next pass."""
        faults.script(META, FOUND)
        answer = failed(ask("gs://b/x.tar.gz", fake(faults.port)), FailureKind.UNREACHABLE)
        assert "keeps changing" in answer.problem
        assert len(faults.seen) == 6


DRIPPING_HEAD = Reply(raw=b"HTTP/1.1 200 Said\r\n" + b"X-Pad: 1\r\n" * 100, rate_limit=(10, 0.05))
SAYS = [
    pytest.param(DRIPPING_HEAD, FailureKind.UNREACHABLE, 3, id="head-drips"),
    pytest.param(Reply(status=401), FailureKind.DENIED, 2, id="401"),  # the second: with credentials read again
    pytest.param(Reply(status=403), FailureKind.DENIED, 2, id="403"),
    pytest.param(Reply(status=404), FailureKind.GONE, 1, id="404"),
    pytest.param(Reply(status=410), FailureKind.GONE, 1, id="410"),
    pytest.param(Reply(status=429), FailureKind.THROTTLED, 3, id="429"),
    pytest.param(Reply(status=500), FailureKind.UNREACHABLE, 3, id="500"),
    pytest.param(Reply(status=503), FailureKind.UNREACHABLE, 3, id="503"),
    pytest.param(Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}), FailureKind.REFUSED, 1, id="redirect"),
    pytest.param(Reply(body=b"<html>"), FailureKind.UNREACHABLE, 3, id="no-json"),
    pytest.param(Reply(body=b"[]"), FailureKind.UNREACHABLE, 3, id="other-json"),
    pytest.param(Reply(raw=b"nonsense\r\n\r\n"), FailureKind.UNREACHABLE, 3, id="no-http"),
    pytest.param(Reply(body=b"{}", stall_after=0), FailureKind.UNREACHABLE, 3, id="silent"),
]
BODIES = [
    pytest.param(Reply(body=BODY, cut_after=9000), FailureKind.UNREACHABLE, id="cut"),
    pytest.param(Reply(body=BODY[:9000]), FailureKind.UNREACHABLE, id="short"),
    pytest.param(Reply(body=BODY, length="none", cut_after=9000), FailureKind.UNREACHABLE, id="cut-without-length"),
    pytest.param(Reply(body=BODY + b"x"), FailureKind.CORRUPT, id="long"),
    pytest.param(Reply(body=BODY, stall_after=9000), FailureKind.UNREACHABLE, id="stalls"),
    pytest.param(Reply(body=BODY, rate_limit=(10, 0.05)), FailureKind.UNREACHABLE, id="drips"),
    pytest.param(Reply(status=503), FailureKind.UNREACHABLE, id="503"),
]


class TestFailures:
    """Each fact has its own name, and is tried again only where that may help."""

    @pytest.mark.parametrize(("says", "kind", "requests"), SAYS)
    def test_kind_of_failure(
        self, faults: FaultServer, ask: Asker, says: Reply, kind: FailureKind, requests: int
    ) -> None:
        """What the store says in place of a description."""
        ask.source = source(patience_with(says))
        faults.script(META, says)
        failed(ask("gs://b/x.tar.gz", fake(faults.port)), kind)
        assert len(faults.seen) == requests

    @pytest.mark.parametrize(("body", "kind"), BODIES)
    def test_broken_body(self, faults: FaultServer, ask: Asker, body: Reply, kind: FailureKind) -> None:
        """What comes in place of the archive that was described; nothing of it stays."""
        ask.source = source(patience_with(body))
        faults.script(META, FOUND)
        faults.script(MEDIA, body)
        failed(ask("gs://b/x.tar.gz", fake(faults.port)), kind)
        assert len(faults.seen) == 6
        assert [path for path in Path(ask.cache.folder).rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize(
        "when",
        [
            pytest.param(lambda: "1200", id="seconds"),
            pytest.param(lambda: formatdate(time.time() + 1200, usegmt=True), id="date"),
        ],
    )
    def test_retry_after_is_handed_on(self, faults: FaultServer, ask: Asker, when: Callable[[], str]) -> None:
        """Long waits are for the loop."""
        faults.script(META, Reply(status=429, headers={"Retry-After": when()}))
        answer = failed(ask("gs://b/x.tar.gz", fake(faults.port)), FailureKind.THROTTLED)
        assert answer.retry_after == pytest.approx(1200, abs=PATIENCE)
        assert len(faults.seen) == 1

    def test_burst_of_503_is_sat_out(self, gcs: FakeGcs, bucket: Bucket, proxy: Proxy, ask: Asker) -> None:
        """Two in a row do no harm, and no library multiplies them."""
        bad = iter([Reply(status=503), Reply(status=503)])
        proxy.rule = lambda seen: next(bad, None)
        assert is_body(ask(bucket.put("x.tar.gz"), gcs.options(proxy.port)))
        assert len(proxy.seen) == 4

    def test_refused_port_is_tried_as_often_as_said(
        self, closed_port: int, ask: Asker, caplog: pytest.LogCaptureFixture, connections: list[object]
    ) -> None:
        """No library multiplies the tries, which takes half a minute, nor are there tracebacks in the log."""
        answer = failed(ask("gs://b/x.tar.gz", fake(closed_port)), FailureKind.UNREACHABLE)
        assert "connection refused" in answer.problem
        assert connections == [("127.0.0.1", closed_port)] * QUICK.tries
        assert caplog.records == []

    def test_unknown_host_is_unreachable(self, ask: Asker) -> None:
        """The message says that it is the name."""
        answer = failed(ask("gs://b/x.tar.gz", fake(1, endpoint_url="https://store.invalid")), FailureKind.UNREACHABLE)
        assert "name" in answer.problem

    def test_untrusted_server_is_refused(self, nginx: Nginx, ask: Asker) -> None:
        """A certificate nobody vouches for ends it."""
        options = fake(1, endpoint_url=nginx.tls_url("").rstrip("/"))
        assert "cannot be trusted" in failed(ask("gs://b/x.tar.gz", options), FailureKind.REFUSED).problem

    def test_stored_compression_is_not_undone(self, faults: FaultServer, ask: Asker) -> None:
        """The archive is the bytes as they are stored, and the store is told so."""
        faults.script(META, FOUND)
        faults.script(MEDIA, Reply(body=BODY, headers={"Content-Encoding": "gzip"}))
        assert is_body(ask("gs://b/x.tar.gz", fake(faults.port)))
        assert faults.requests_for(MEDIA)[0].headers["accept-encoding"] == "gzip"


class TestCredentials:
    """Who asks is told by fs-args or by the usual Google chain, and by nothing else."""

    def test_token_is_sent(self, faults: FaultServer, ask: Asker) -> None:
        """A raw one goes where it is meant for, and is shown to no other server first."""
        faults.script(META, FOUND)
        faults.script(MEDIA, Reply(body=BODY))
        assert is_body(ask("gs://b/x.tar.gz", fake(faults.port)))
        assert {seen.headers["authorization"] for seen in faults.seen} == {f"Bearer token-{CANARY}"}

    @pytest.mark.parametrize("token", [pytest.param("anon", id="said"), pytest.param(None, id="nothing-found")])
    def test_nobody_sends_none(self, faults: FaultServer, ask: Asker, token: str | None) -> None:
        """A public bucket needs no credentials."""
        faults.script(META, FOUND)
        faults.script(MEDIA, Reply(body=BODY))
        assert is_body(ask("gs://b/x.tar.gz", fake(faults.port, token=token)))
        assert all("authorization" not in seen.headers for seen in faults.seen)

    def test_token_is_not_sent_in_the_open(self, ask: Asker) -> None:
        """Plain http to another machine is refused before anything is sent."""
        answer = ask("gs://b/x.tar.gz", fake(1, endpoint_url="http://store.invalid"))
        assert "plain http" in failed(answer, FailureKind.REFUSED).problem

    def test_exchanged_file_is_read_again(self, faults: FaultServer, ask: Asker, tmp_path: Path) -> None:
        """A refused user is made anew from what now stands in the file, by the same process."""
        token = tmp_path / "user.json"
        token.write_text("{}")
        failed(ask("gs://b/x.tar.gz", fake(faults.port, token=str(token))), FailureKind.DENIED)
        hold(token, json.dumps({"refresh_token": CANARY, "client_secret": CANARY, "client_id": "id"}))
        os.environ["HTTPS_PROXY"] = "http://127.0.0.1:1"  # nobody outside of this machine is asked in a test
        try:
            failed(ask("gs://b/x.tar.gz", fake(faults.port, token=str(token))), FailureKind.UNREACHABLE)
        finally:
            del os.environ["HTTPS_PROXY"]

    def test_requester_pays(self, faults: FaultServer, ask: Asker) -> None:
        """The project that pays is named."""
        faults.script(META, FOUND)
        faults.script(MEDIA, Reply(body=BODY))
        assert is_body(ask("gs://b/x.tar.gz", fake(faults.port, requester_pays="team-7")))
        assert all("userProject=team-7" in seen.target for seen in faults.seen)

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            pytest.param({"tokne": "x"}, "did you mean `token`", id="unknown"),
            pytest.param({"token": "browser"}, "google_default", id="browser"),
            pytest.param({"token": "key.json"}, "absolute", id="relative-path"),
            pytest.param({"token": 7}, "", id="number"),
            pytest.param({"token": "a\n"}, "", id="line-end"),
            pytest.param({"access": "all"}, "read_only", id="access"),
            pytest.param({"session_kwargs": {}}, "", id="session"),
            pytest.param({"requester_pays": 7}, "", id="payer"),
            pytest.param({"endpoint_url": "ftp://store.example"}, "https://host", id="endpoint"),
            pytest.param({"endpoint_url": "http://127.0.0.1:port"}, "https://host", id="port"),
        ],
    )
    def test_bad_fs_args_are_refused(self, given: dict[str, object], says: str) -> None:
        """The message names the key, the hint what to write."""
        with pytest.raises(DocumentError) as caught:
            GcsOptions.parse(given)
        assert says in caught.value.hint


COUNT = 1000


class TestManyRefs:
    """Many refs below one prefix cost a handful of requests."""

    def test_requests_for_a_thousand_refs(self, gcs: FakeGcs, bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
        """Nothing changed: pages of one listing. One changed: description and body more. One gone: asked itself."""
        refs = [Ref.parse(bucket.put(f"team/{number:04}.tar.gz", b"%d" % number)) for number in range(COUNT)]
        bucket.put("team/deeper/x.tar.gz")
        options = gcs.options(proxy.port)
        with Sources(ArchiveCache(tmp_path / "cache")) as sources:
            first = sources.answer([Request(ref, options) for ref in refs], tmp_path)
            asked = [Request(ref, options, fetched(found).validator) for ref, found in zip(refs, first, strict=True)]
            proxy.seen.clear()
            assert sources.answer(asked, tmp_path) == [Unchanged()] * COUNT
            pages = len(proxy.seen)
            assert pages <= 2
            bucket.put("team/0500.tar.gz", b"other")
            proxy.seen.clear()
            answers = sources.answer(asked, tmp_path)
            assert fetched(answers[500]).digest == digest_of(b"other")
            assert len(proxy.seen) == pages + 2
            gcs.delete(bucket.name, "team/0501.tar.gz")
            failed(sources.answer(asked, tmp_path)[501], FailureKind.GONE)

    @pytest.mark.parametrize(
        ("count", "requests"), [pytest.param(3, 3, id="few-singly"), pytest.param(4, 1, id="some-by-listing")]
    )
    def test_listing_is_made_where_it_saves(
        self, gcs: FakeGcs, bucket: Bucket, proxy: Proxy, tmp_path: Path, count: int, requests: int
    ) -> None:
        """Four refs are enough."""
        refs = [Ref.parse(bucket.put(f"{number}.tar.gz")) for number in range(count)]
        with Sources(ArchiveCache(tmp_path / "cache")) as sources:
            first = sources.answer([Request(ref, gcs.options()) for ref in refs], tmp_path)
            known = [fetched(answer).validator for answer in first]
            options = gcs.options(proxy.port)
            asked = [Request(ref, options, validator) for ref, validator in zip(refs, known, strict=True)]
            assert sources.answer(asked, tmp_path) == [Unchanged()] * count
        assert len(proxy.seen) == requests

    def test_refused_listing_is_done_without(self, gcs: FakeGcs, bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
        """Who may read but not list is answered one by one."""
        refs = [Ref.parse(bucket.put(f"{number}.tar.gz")) for number in range(4)]
        proxy.rule = lambda seen: Reply(status=403) if "prefix=" in seen.target else None
        with Sources(ArchiveCache(tmp_path / "cache")) as sources:
            asked = [Request(ref, gcs.options(proxy.port), Validator("0")) for ref in refs]
            assert all(is_body(answer) for answer in sources.answer(asked, tmp_path))


class TestProcess:
    """What a short start needs."""

    def test_missing_driver_says_what_to_install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Google's storage is an extra."""
        monkeypatch.setattr(kinds, "_is_installed", lambda library: False)
        with Sources(ArchiveCache(tmp_path)) as sources:
            (answer,) = sources.answer([Request(Ref.parse("gs://b/x.tar.gz"))], tmp_path)
        assert failed(answer, FailureKind.REFUSED).hint == "pip install gcsfs"

    def test_source_is_cheap_until_it_is_asked(self) -> None:
        """The library is imported by the first question, with its probe of buckets turned off."""
        code = (
            "import os, sys, asyncio, micropkgd.sources.gcs.source as gcs; print('gcsfs' in sys.modules)\n"
            "from micropkgd.sources.gcs.options import GcsOptions as Options\n"
            "source = gcs.GcsSource(); made = source._connect(Options.parse({'token': 'anon'}), 'gs://b/x')\n"
            "asyncio.run(made); name = sys.modules['gcsfs'].GCSFileSystem.__name__\n"
            "print(name, os.environ['GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT'])"
        )
        ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
        assert ran.stdout == "False\nGCSFileSystem false\n"


class TestAnnounced:
    """What is published says its digest, and whoever has that archive need not be sent it."""

    def test_bytes_come_from_elsewhere(self, gcs: FakeGcs, bucket: Bucket, ask: Asker, proxy: Proxy) -> None:
        """The store is asked to describe the object, and then for its bytes only where nobody else has them."""
        ref, asked = bucket.ref("pkgs/x.tar.gz"), list[Digest]()
        upload = Upload(
            Ref.parse(ref), "", "x.tar.gz", "x", "1", BytesInMemory(BODY), digest_of(BODY), options=gcs.options()
        )
        assert isinstance(ask.runner.run(ask.source.put(upload)), Stored)

        async def nobody(digest: Digest, max_bytes: int) -> Fetched | None:
            del max_bytes
            asked.append(digest)
            return None

        async def somebody(digest: Digest, max_bytes: int) -> Fetched | None:
            del max_bytes
            return Fetched(digest, len(BODY), None)

        found = fetched(ask(ref, gcs.options(proxy.port), bring=somebody))
        assert (found.digest, found.brought, found.validator is None) == (digest_of(BODY), True, False)
        assert [seen for seen in proxy.seen if "alt=media" in seen.target] == []
        assert not fetched(ask(ref, gcs.options(proxy.port), bring=nobody)).brought
        assert asked == [digest_of(BODY)]
        assert fetched(ask(ref, gcs.options(proxy.port), bring=nobody)).brought  # this machine has it by now
