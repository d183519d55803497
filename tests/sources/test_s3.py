import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

import botocore.parsers
import botocore.utils
import pytest

from micropkgd.errors import DocumentError
from micropkgd.model.ref import Ref
from micropkgd.model.tree import digest_of
from micropkgd.sources import clients, kinds
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.retry import RetryPolicy
from micropkgd.sources.s3.options import S3Options
from micropkgd.sources.s3.source import S3Source
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request, Unchanged, Validator, no_progress
from micropkgd.sources.upload import BytesInMemory, Stored, Upload
from tests.kit.canaries import CANARY, hold
from tests.kit.daemon import PATIENCE
from tests.kit.patience import QUICK, patience_with
from tests.kit.servers.faults import FaultServer, Reply, Seen
from tests.kit.servers.nginx import Nginx
from tests.kit.servers.proxy import Cut, Proxy
from tests.kit.servers.seaweed import OWNER, READER, SECOND, Seaweed

BODY = os.urandom(40_000)
ETAG = {"ETag": '"e1"'}

Ask = Callable[..., Answer]


@pytest.fixture(autouse=True)
def nothing_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing of credentials, but names the files where they may be put."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def bucket(s3: Seaweed) -> "Bucket":
    """A bucket of its own."""
    return Bucket(s3, f"bucket-{os.urandom(4).hex()}")


class Bucket:
    """A bucket in the real store."""

    def __init__(self, store: Seaweed, name: str) -> None:
        self.name = name
        self.client = store.client()
        self.client.create_bucket(Bucket=name)

    def put(self, key: str, data: bytes = BODY) -> str:
        """Publish an object; the ref that names it."""
        self.client.put_object(Bucket=self.name, Key=key, Body=data)
        return self.ref(key)

    def ref(self, key: str) -> str:
        """The ref of an object."""
        return f"s3://{self.name}/{key}"


@pytest.fixture
def proxy(s3: Seaweed) -> Iterator[Proxy]:
    """A proxy before the real store."""
    with Proxy(s3.port) as made:
        yield made


class Asker:
    """One source for a whole test; each question runs on its event loop."""

    def __init__(self, folder: Path, patience: RetryPolicy = QUICK, renew_after: float = 0.0) -> None:
        self.cache = ArchiveCache(folder / "cache")
        self.runner = asyncio.Runner()
        self.source = S3Source(patience, chance=lambda: 0.0, renew_after=renew_after)

    def __call__(self, ref: str, options: dict[str, object], **request: Any) -> Answer:
        """Ask, and see that no secret comes back."""
        made = Request(Ref.parse(ref), options)._replace(**request)
        answer: Answer = self.run(self.source.fetch(made, self.cache, no_progress))
        assert CANARY not in repr(answer)
        return answer

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the loop of the source."""
        return self.runner.run(what)


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asker]:
    """A source with short patience."""
    asker = Asker(tmp_path)
    yield asker
    asker.run(asker.source.close())
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


def fake(port: int) -> dict[str, object]:
    """fs-args for a server that only plays a store."""
    return {
        "key": "AKID",
        "secret": f"secret-{CANARY}",
        "token": f"token-{CANARY}",
        "endpoint_url": f"http://127.0.0.1:{port}",
    }


def error(status: int, code: str, **headers: str) -> Reply:
    """What a store says against a request, with more in it than a message may show."""
    body = f"<Error><Code>{code}</Code><Message>secret-{CANARY}</Message></Error>".encode()
    return Reply(status=status, body=body, headers={"Content-Type": "application/xml", **headers})


class TestCredentials:
    """Who asks is told by fs-args or by the usual AWS chain, and by nothing else."""

    def test_wrong_secret_is_denied(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """A store that checks says no, and the message names its reason but no secret."""
        answer = ask(bucket.put("x.tar.gz"), s3.options(login=(OWNER[0], f"wrong-{CANARY}")))
        assert "SignatureDoesNotMatch" in failed(answer, FailureKind.DENIED).problem

    def test_wrong_secret_is_denied_for_a_known_archive(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """A refusal without a body is one too."""
        ref = bucket.put("x.tar.gz")
        options = s3.options(login=(OWNER[0], f"wrong-{CANARY}"))
        failed(ask(ref, options, validator=Validator("x\n")), FailureKind.DENIED)

    def test_other_bucket_of_a_reader_is_denied(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """What one may not read is not called gone."""
        failed(ask(bucket.put("x.tar.gz"), s3.options(login=READER)), FailureKind.DENIED)

    def test_nobody_is_denied(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """Where no credentials can be found, the message says that."""
        answer = failed(ask(bucket.put("x.tar.gz"), {"endpoint_url": s3.url}), FailureKind.DENIED)
        assert "no valid AWS credentials" in answer.problem

    @pytest.mark.parametrize("profile", [pytest.param({}, id="default"), pytest.param({"profile": "team"}, id="named")])
    def test_profile_is_used(
        self, s3: Seaweed, bucket: Bucket, ask: Asker, tmp_path: Path, profile: dict[str, str]
    ) -> None:
        """The AWS files are read as everywhere else."""
        write_credentials(tmp_path, OWNER, profile.get("profile", "default"))
        assert is_body(ask(bucket.put("x.tar.gz"), {"endpoint_url": s3.url, **profile}))

    def test_missing_profile_is_refused(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """The message says what kind of thing was not found."""
        answer = ask(bucket.ref("x.tar.gz"), {"endpoint_url": s3.url, "profile": "none"})
        assert "profile not found" in failed(answer, FailureKind.REFUSED).problem

    def test_environment_is_used(
        self, s3: Seaweed, bucket: Bucket, ask: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Credentials and endpoint both."""
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWNER[0])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OWNER[1])
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        assert is_body(ask(bucket.put("x.tar.gz"), {}))

    def test_settings_of_fsspec_are_not_mixed_in(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """What fsspec keeps for all its users is nobody's fs-args."""
        from fsspec.config import conf

        conf["s3"] = {"key": OWNER[0], "secret": OWNER[1]}
        failed(ask(bucket.put("x.tar.gz"), {"endpoint_url": s3.url}), FailureKind.DENIED)

    def test_expired_credentials_are_read_again(
        self, s3: Seaweed, bucket: Bucket, proxy: Proxy, ask: Asker, tmp_path: Path
    ) -> None:
        """What was exchanged on disk is used by the same process, at once."""
        ref = bucket.put("x.tar.gz")
        options: dict[str, object] = {"endpoint_url": f"http://127.0.0.1:{proxy.port}"}
        write_credentials(tmp_path, OWNER)
        first = fetched(ask(ref, options))
        proxy.rule = lambda seen: error(400, "ExpiredToken") if OWNER[0] in seen.headers["authorization"] else None
        write_credentials(tmp_path, SECOND)
        assert ask(ref, options, validator=first.validator) == Unchanged()

    def test_expired_credentials_that_stay_are_denied(self, faults: FaultServer, ask: Asker) -> None:
        """They are read again once, not for ever."""
        faults.script("/b/x.tar.gz", error(400, "ExpiredToken"))
        answer = failed(ask("s3://b/x.tar.gz", fake(faults.port)), FailureKind.DENIED)
        assert "(ExpiredToken)" in answer.problem
        assert len(faults.seen) == 2

    def test_refusals_do_not_build_a_client_each(self, faults: FaultServer, tmp_path: Path) -> None:
        """One that was just made is as good as new."""
        asker = Asker(tmp_path, renew_after=30.0)
        faults.script("/b/x.tar.gz", error(403, "AccessDenied"))
        for _ in range(3):
            failed(asker("s3://b/x.tar.gz", fake(faults.port)), FailureKind.DENIED)
        assert len(faults.seen) == 3
        asker.run(asker.source.close())

    def test_rotated_fs_args_are_used_at_once(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """A variable that changes in the environment makes other fs-args, and those another client."""
        ref = bucket.put("x.tar.gz")
        failed(ask(ref, s3.options(login=(OWNER[0], "old"))), FailureKind.DENIED)
        assert is_body(ask(ref, s3.options(login=OWNER)))


def write_credentials(folder: Path, login: tuple[str, str], profile: str = "default") -> None:
    """Put credentials where AWS keeps them."""
    text = f"[{profile}]\naws_access_key_id = {login[0]}\naws_secret_access_key = {login[1]}\n"
    hold(folder / "credentials", text)


class TestObjects:
    """What is there is told from what is not, and from what was there before."""

    def test_missing_object_is_gone(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """In a bucket that exists."""
        assert "NoSuchKey" in failed(ask(bucket.ref("none.tar.gz"), s3.options()), FailureKind.GONE).problem

    def test_missing_bucket_is_gone(self, s3: Seaweed, ask: Asker) -> None:
        """The message says that it is the bucket."""
        answer = failed(ask("s3://no-such-bucket/x.tar.gz", s3.options()), FailureKind.GONE)
        assert "no such bucket" in answer.problem

    @pytest.mark.parametrize("ref", [pytest.param("s3://b", id="bucket"), pytest.param("s3://b/folder/", id="folder")])
    def test_ref_without_object_is_refused(self, s3: Seaweed, ask: Asker, ref: str) -> None:
        """Nobody is asked."""
        assert "names no object" in failed(ask(ref, s3.options()), FailureKind.REFUSED).problem

    def test_ref_with_an_empty_version_is_refused(self, s3: Seaweed, ask: Asker) -> None:
        """It would follow the current one, and whoever wrote it meant another."""
        ref = "s3://b/x.tar.gz?versionId="
        assert "pins no version" in failed(ask(ref, s3.options()), FailureKind.REFUSED).problem

    def test_key_is_taken_as_written(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """No part of it is decoded or normalised."""
        assert is_body(ask(bucket.put("a b/%41+ü=1.tar.gz"), s3.options()))

    def test_same_bytes_have_the_same_etag(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """Publishing the same archive again changes nothing."""
        first = fetched(ask(bucket.put("x.tar.gz"), s3.options()))
        assert ask(bucket.put("x.tar.gz"), s3.options(), validator=first.validator) == Unchanged()

    def test_other_etag_over_the_same_bytes_is_the_same_archive(self, faults: FaultServer, ask: Asker) -> None:
        """A store that counts uploads gives a new validator, and the same digest."""
        faults.script("/b/x.tar.gz", *(Reply(body=BODY, headers={"ETag": f'"{number}"'}) for number in (1, 2, 2)))
        first = fetched(ask("s3://b/x.tar.gz", fake(faults.port)))
        second = fetched(ask("s3://b/x.tar.gz", fake(faults.port), validator=first.validator))
        assert second.digest == first.digest
        assert second.validator != first.validator

    def test_versions_are_told_apart(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """In a versioned bucket, the same bytes put again are another version."""
        bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
        first = fetched(ask(bucket.put("x.tar.gz"), s3.options()))
        assert ask(bucket.ref("x.tar.gz"), s3.options(), validator=first.validator) == Unchanged()
        second = fetched(ask(bucket.put("x.tar.gz"), s3.options(), validator=first.validator))
        assert (second.digest, second.validator != first.validator) == (first.digest, True)

    def test_pinned_version_stays(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """A ref may name one, which no later upload replaces."""
        bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
        put = bucket.client.put_object(Bucket=bucket.name, Key="x.tar.gz", Body=BODY)
        bucket.put("x.tar.gz", b"newer")
        ref = f"{bucket.ref('x.tar.gz')}?versionId={put['VersionId']}"
        answer = ask(ref, s3.options())
        assert is_body(answer)
        assert ask(ref, s3.options(), validator=fetched(answer).validator) == Unchanged()

    def test_deleted_object_of_versioned_bucket_is_gone(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """A delete marker is an absence."""
        bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
        first = fetched(ask(bucket.put("x.tar.gz"), s3.options()))
        bucket.client.delete_object(Bucket=bucket.name, Key="x.tar.gz")
        failed(ask(bucket.ref("x.tar.gz"), s3.options(), validator=first.validator), FailureKind.GONE)

    def test_multipart_object_is_whole(self, s3: Seaweed, bucket: Bucket, ask: Asker) -> None:
        """Its ETag is no digest of anything, and is not taken for one."""
        parts = [os.urandom(5 << 20), os.urandom(1000)]
        place = {"Bucket": bucket.name, "Key": "x.tar.gz"}
        upload = place | {"UploadId": bucket.client.create_multipart_upload(**place)["UploadId"]}
        sent = [
            {"PartNumber": number, "ETag": bucket.client.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}
            for number, part in enumerate(parts, 1)
        ]
        bucket.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent})
        answer = fetched(ask(bucket.ref("x.tar.gz"), s3.options()))
        assert answer.digest == digest_of(b"".join(parts))
        assert "-2" in str(answer.validator)


class TestReplacedMeanwhile:
    """An archive is of one moment, whatever a publisher does."""

    def test_object_replaced_between_head_and_body_is_asked_for_again(
        self, s3: Seaweed, bucket: Bucket, proxy: Proxy, ask: Asker
    ) -> None:
        """The body belongs to the ETag that was seen; else all starts over."""
        ref = bucket.put("x.tar.gz", b"first")
        newer = iter([lambda: bucket.put("x.tar.gz", b"third")])

        def replace(seen: Seen) -> None:
            if seen.method == "GET":
                next(newer, lambda: None)()

        proxy.rule = replace
        bucket.put("x.tar.gz", b"second")
        answer = fetched(ask(ref, s3.options(proxy.port), validator=Validator("x\n")))
        assert answer.digest == digest_of(b"third")
        assert [seen.method for seen in proxy.seen] == ["HEAD", "GET", "HEAD", "GET"]
        assert all("if-match" in seen.headers for seen in proxy.seen if seen.method == "GET")

    def test_object_that_never_rests_is_not_taken(self, faults: FaultServer, ask: Asker) -> None:
        """After some tries it is left for the next pass."""
        head = Reply(headers=ETAG)
        faults.script("/b/x.tar.gz", *([head, error(412, "PreconditionFailed")] * 3))
        answer = failed(ask("s3://b/x.tar.gz", fake(faults.port), validator=Validator("x\n")), FailureKind.UNREACHABLE)
        assert "keeps changing" in answer.problem

    def test_object_replaced_after_a_cut_is_not_torn(
        self, s3: Seaweed, bucket: Bucket, proxy: Proxy, ask: Asker
    ) -> None:
        """Half of the old archive and half of the new one never make an archive (proved against s3fs)."""
        old, new = b"a" * 6_000_000, b"b" * 6_000_000
        ref = bucket.put("x.tar.gz", old)
        cuts = iter([Cut(3_000_000, partial(bucket.put, "x.tar.gz", new))])
        proxy.rule = lambda seen: next(cuts, None)
        assert fetched(ask(ref, s3.options(proxy.port))).digest == digest_of(new)

    def test_object_replaced_while_it_comes_is_whole(
        self, s3: Seaweed, bucket: Bucket, proxy: Proxy, ask: Asker
    ) -> None:
        """A body that goes on is of the version that it began with, or is given up."""
        old, new = b"a" * 6_000_000, b"b" * 6_000_000
        ref = bucket.put("x.tar.gz", old)
        cuts = iter([Cut(100_000, partial(bucket.put, "x.tar.gz", new), go_on=True)])
        proxy.rule = lambda seen: next(cuts, None)
        assert fetched(ask(ref, s3.options(proxy.port))).digest in {digest_of(old), digest_of(new)}


DRIPPING_HEAD = Reply(raw=b"HTTP/1.1 200 Said\r\n" + b"X-Pad: 1\r\n" * 100, rate_limit=(10, 0.05))
SAYS = [
    pytest.param(DRIPPING_HEAD, FailureKind.UNREACHABLE, 3, id="head-drips"),
    pytest.param(Reply(status=401), FailureKind.DENIED, 1, id="401"),
    pytest.param(error(403, "AccessDenied"), FailureKind.DENIED, 1, id="403"),
    pytest.param(Reply(status=404), FailureKind.GONE, 1, id="404"),
    pytest.param(error(410, "Gone"), FailureKind.GONE, 1, id="410"),
    pytest.param(error(405, "MethodNotAllowed"), FailureKind.GONE, 1, id="delete-marker"),
    pytest.param(Reply(status=429), FailureKind.THROTTLED, 3, id="429"),
    pytest.param(error(503, "SlowDown"), FailureKind.THROTTLED, 3, id="slow-down"),
    pytest.param(error(500, "InternalError"), FailureKind.UNREACHABLE, 3, id="500"),
    pytest.param(Reply(status=502), FailureKind.UNREACHABLE, 3, id="502"),
    pytest.param(Reply(status=503), FailureKind.UNREACHABLE, 3, id="503"),
    pytest.param(error(400, "RequestTimeout"), FailureKind.UNREACHABLE, 3, id="request-timeout"),
    pytest.param(error(403, "InvalidObjectState"), FailureKind.REFUSED, 1, id="cold-storage"),
    pytest.param(error(400, "AuthorizationHeaderMalformed"), FailureKind.REFUSED, 1, id="other-region"),
    pytest.param(error(400, "InvalidArgument"), FailureKind.REFUSED, 1, id="400"),
    pytest.param(
        error(307, "TemporaryRedirect", Location="http://127.0.0.1:1/"), FailureKind.REFUSED, 2, id="redirect"
    ),
    pytest.param(Reply(status=500, body=b"<html>"), FailureKind.UNREACHABLE, 3, id="no-xml"),
    pytest.param(Reply(raw=b"nonsense\r\n\r\n"), FailureKind.UNREACHABLE, 3, id="no-http"),
    pytest.param(Reply(body=BODY, cut_after=9000), FailureKind.UNREACHABLE, 3, id="cut"),
    pytest.param(Reply(body=BODY, cut_after=9000, reset=True), FailureKind.UNREACHABLE, 3, id="reset"),
    pytest.param(Reply(body=BODY, length=50_000), FailureKind.UNREACHABLE, 3, id="length-too-long"),
    pytest.param(Reply(body=BODY, length="chunked", cut_after=9000), FailureKind.UNREACHABLE, 3, id="chunks-cut"),
    pytest.param(Reply(body=BODY, stall_after=0), FailureKind.UNREACHABLE, 3, id="silent"),
    pytest.param(Reply(body=BODY, stall_after=9000), FailureKind.UNREACHABLE, 3, id="stalls"),
    pytest.param(Reply(body=BODY, rate_limit=(10, 0.05)), FailureKind.UNREACHABLE, 3, id="drips"),
]


class TestFailures:
    """Each fact has its own name, and is tried again only where that may help."""

    @pytest.mark.parametrize(("says", "kind", "requests"), SAYS)
    def test_kind_of_failure(
        self, faults: FaultServer, ask: Asker, says: Reply, kind: FailureKind, requests: int
    ) -> None:
        """The server says no more than needed, and nothing it says of its own is shown."""
        ask.source = S3Source(patience_with(says), chance=lambda: 0.0)
        faults.script("/b/x.tar.gz", says)
        failed(ask("s3://b/x.tar.gz", fake(faults.port)), kind)
        assert len(faults.seen) == requests

    @pytest.mark.parametrize(
        "when",
        [
            pytest.param(lambda: "1200", id="seconds"),
            pytest.param(lambda: formatdate(time.time() + 1200, usegmt=True), id="date"),
        ],
    )
    @pytest.mark.parametrize("status", [429, 503])
    def test_retry_after_is_handed_on(
        self, faults: FaultServer, ask: Asker, status: int, when: Callable[[], str]
    ) -> None:
        """Long waits are for the loop."""
        faults.script("/b/x.tar.gz", error(status, "Busy", **{"Retry-After": when()}))
        answer = failed(ask("s3://b/x.tar.gz", fake(faults.port)), FailureKind.THROTTLED)
        assert answer.retry_after == pytest.approx(1200, abs=PATIENCE)
        assert len(faults.seen) == 1

    def test_burst_of_503_is_sat_out(self, s3: Seaweed, bucket: Bucket, proxy: Proxy, ask: Asker) -> None:
        """Two in a row do no harm, and the library does not multiply them."""
        bad = iter([error(503, "ServiceUnavailable"), error(503, "SlowDown")])
        proxy.rule = lambda seen: next(bad, None)
        assert is_body(ask(bucket.put("x.tar.gz"), s3.options(proxy.port)))
        assert len(proxy.seen) == 3

    def test_refused_port_is_tried_as_often_as_said(
        self, closed_port: int, ask: Asker, connections: list[object]
    ) -> None:
        """Nobody waits for a server that is not there, and the library does not multiply the tries."""
        answer = failed(ask("s3://b/x.tar.gz", fake(closed_port)), FailureKind.UNREACHABLE)
        assert "connection refused" in answer.problem
        assert connections == [("127.0.0.1", closed_port)] * QUICK.tries

    def test_unknown_host_is_unreachable(self, ask: Asker) -> None:
        """The message says that it is the name."""
        options = {**fake(1), "endpoint_url": "http://store.invalid"}
        assert "name" in failed(ask("s3://bucket/x.tar.gz", options), FailureKind.UNREACHABLE).problem

    def test_untrusted_server_is_refused(self, nginx: Nginx, ask: Asker) -> None:
        """A certificate nobody vouches for ends it."""
        options = {**fake(1), "endpoint_url": nginx.tls_url("").rstrip("/")}
        assert "cannot be trusted" in failed(ask("s3://bucket/x.tar.gz", options), FailureKind.REFUSED).problem

    def test_named_authority_is_trusted(self, nginx: Nginx, ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
        """The hint's variable works."""
        monkeypatch.setenv("AWS_CA_BUNDLE", str(nginx.authority))
        options = {**fake(1), "endpoint_url": nginx.tls_url("").rstrip("/")}
        failed(ask("s3://bucket/none.tar.gz", options), FailureKind.GONE)

    def test_redirect_is_not_followed(self, faults: FaultServer, ask: Asker) -> None:
        """Another origin sees neither signature nor session token."""
        with FaultServer() as other:
            away = other.script("/b/x.tar.gz", Reply(body=BODY))
            faults.script("/b/x.tar.gz", Reply(status=307, headers={"Location": away}))
            failed(ask("s3://b/x.tar.gz", fake(faults.port)), FailureKind.REFUSED)
            assert other.seen == []

    @pytest.mark.parametrize("status", [301, 302, 307])
    def test_store_that_redirects_everything(self, faults: FaultServer, ask: Asker, status: int) -> None:
        """An address of plain http may do so; the bucket's region, too, is asked for only once."""
        for path in ("/b/x.tar.gz", "/b"):
            faults.script(path, Reply(status=status, headers={"Location": "https://store.invalid/"}))
        failed(ask("s3://b/x.tar.gz", fake(faults.port)), FailureKind.REFUSED)
        assert [seen.method for seen in faults.seen] == ["GET", "HEAD"]

    def test_region_of_a_bucket_is_learnt(self, faults: FaultServer, ask: Asker) -> None:
        """The store names it even where it redirects the question."""
        faults.script("/b/x.tar.gz", error(301, "PermanentRedirect"), Reply(body=BODY))
        faults.script("/b", Reply(status=301, headers={"x-amz-bucket-region": "eu-north-1"}))
        assert is_body(ask("s3://b/x.tar.gz", fake(faults.port)))
        assert "/eu-north-1/s3/" in faults.seen[-1].headers["authorization"]

    def test_upload_waits_for_no_word(self, faults: FaultServer, ask: Asker) -> None:
        """A server that reads what is sent before it says anything gets it at once, and once."""
        faults.script("/b/x.tar.gz", Reply())
        ref = Ref.parse("s3://b/x.tar.gz")
        upload = Upload(ref, "", "x.tar.gz", "x", "1", BytesInMemory(BODY), digest_of(BODY), options=fake(faults.port))
        assert ask.run(ask.source.put(upload)) == Stored(written=True)
        assert [(seen.method, "expect" in seen.headers) for seen in faults.seen] == [("PUT", False)]

    def test_mislabelled_encoding_is_not_undone(self, faults: FaultServer, ask: Asker) -> None:
        """The archive is the bytes as they are stored."""
        faults.script("/b/x.tar.gz", Reply(body=BODY, headers={"Content-Encoding": "gzip"}))
        assert is_body(ask("s3://b/x.tar.gz", fake(faults.port)))

    def test_wrong_checksum_is_corrupt(self, faults: FaultServer, ask: Asker) -> None:
        """A sum that the store keeps is held against what came."""
        faults.script("/b/x.tar.gz", Reply(body=BODY, headers={"x-amz-checksum-crc32": "AAAAAA=="}))
        failed(ask("s3://b/x.tar.gz", fake(faults.port)), FailureKind.CORRUPT)

    def test_bad_bucket_name_is_refused(self, s3: Seaweed, ask: Asker) -> None:
        """The library will not ask for it, and its words are not shown."""
        failed(ask("s3://not a bucket/x.tar.gz", s3.options()), FailureKind.REFUSED)

    def test_code_of_a_server_is_shown_only_if_it_is_a_word(self, faults: FaultServer, ask: Asker) -> None:
        """A message is no place for what a server likes to print."""
        faults.script("/b/x.tar.gz", error(403, f"Not a word {CANARY}"))
        failed(ask("s3://b/x.tar.gz", fake(faults.port)), FailureKind.DENIED)


class TestOptions:
    """fs-args are s3fs's, checked."""

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            pytest.param({"kye": "x"}, "did you mean `key`", id="unknown"),
            pytest.param({"client_kwargs": {"region": "x"}}, "did you mean `region_name`", id="unknown-of-client"),
            pytest.param({"client_kwargs": {"verify": False}}, "AWS_CA_BUNDLE", id="verify"),
            pytest.param({"s3_additional_kwargs": {"Key": "other"}}, "known keys", id="smuggled-key"),
            pytest.param({"session": "x"}, "known keys", id="session"),
            pytest.param({"key": 7}, "", id="number"),
            pytest.param({"key": "a\n"}, "", id="line-end"),
            pytest.param({"anon": "yes"}, "", id="no-flag"),
            pytest.param({"client_kwargs": "x"}, "", id="no-table"),
            pytest.param({"key": "a", "username": "a"}, "", id="twice"),
        ],
    )
    def test_bad_fs_args_are_refused(self, given: dict[str, object], says: str) -> None:
        """The message names the key, the hint what to write."""
        with pytest.raises(DocumentError) as caught:
            S3Options.parse(given)
        assert says in caught.value.hint

    @pytest.mark.parametrize(
        "wrong", [{"connect_timeout": "x"}, {"max_pool_connections": "x"}, {"client_cert": "/nowhere/cert.pem"}]
    )
    def test_what_only_the_library_finds_wrong_is_ours_to_mend(
        self, faults: FaultServer, ask: Asker, wrong: dict[str, object]
    ) -> None:
        """It is not the store that fails, so trying again mends nothing, and the store is left alone for nobody."""
        answer = ask("s3://b/x.tar.gz", {**fake(faults.port), "config_kwargs": wrong})
        assert "cannot be asked for" in failed(answer, FailureKind.REFUSED).problem
        assert faults.seen == []

    def test_bad_fs_args_are_an_answer(self, ask: Asker) -> None:
        """One broken entry does not stop the others."""
        assert "`kye`" in failed(ask("s3://b/x.tar.gz", {"kye": CANARY}), FailureKind.REFUSED).problem

    def test_own_settings_of_the_client_are_used(self, faults: FaultServer, ask: Asker) -> None:
        """They reach the requests."""
        faults.script("/b/x.tar.gz", Reply(body=BODY))
        own = {"config_kwargs": {"user_agent_extra": "team-7"}, "requester_pays": True, "default_block_size": 5}
        assert is_body(ask("s3://b/x.tar.gz", {**fake(faults.port), **own}))
        assert "team-7" in faults.seen[0].headers["user-agent"]
        assert faults.seen[0].headers["x-amz-request-payer"] == "requester"

    def test_anonymous_requests_carry_no_signature(self, faults: FaultServer, ask: Asker) -> None:
        """Even where there are credentials."""
        faults.script("/b/x.tar.gz", Reply(body=BODY))
        assert is_body(ask("s3://b/x.tar.gz", {**fake(faults.port), "anon": True}))
        assert "authorization" not in faults.seen[0].headers

    def test_name_tells_nothing(self) -> None:
        """Equal fs-args have equal names, in any order, and no secret is in them."""
        one, other = S3Options.parse({"key": CANARY, "secret": "s"}), S3Options.parse({"secret": "s", "key": CANARY})
        assert one.name == other.name
        assert CANARY not in one.name


COUNT = 1000


@pytest.fixture(scope="module")
def full(s3: Seaweed) -> Bucket:
    """A bucket with many archives in one folder, and some beside."""
    made = Bucket(s3, f"full-{os.urandom(4).hex()}")
    for number in range(COUNT):
        made.put(f"team/{number:04}.tar.gz", b"%d" % number)
    for number in range(5):
        made.put(f"team/later-{number}.tar.gz")
    made.put("team/deeper/x.tar.gz")
    made.put("aside.tar.gz")
    return made


class TestManyRefs:
    """Many refs below one prefix cost a handful of requests."""

    def questions(self, bucket: Bucket, options: dict[str, object], known: list[Answer] | None = None) -> list[Request]:
        """A request for each archive, as a pass makes them."""
        refs = [Ref.parse(bucket.ref(f"team/{number:04}.tar.gz")) for number in range(COUNT)]
        seen = [fetched(answer).validator for answer in known] if known else [None] * COUNT
        return [Request(ref, options, validator) for ref, validator in zip(refs, seen, strict=True)]

    def test_requests_for_a_thousand_refs(self, s3: Seaweed, full: Bucket, proxy: Proxy, tmp_path: Path) -> None:
        """Nothing changed: pages of one listing. One changed: one download more. One gone: it is asked itself."""
        options = s3.options(proxy.port)
        with Sources(ArchiveCache(tmp_path / "cache")) as sources:
            first = sources.answer(self.questions(full, options), tmp_path)
            proxy.seen.clear()
            asked = self.questions(full, options, first)
            assert sources.answer(asked, tmp_path) == [Unchanged()] * COUNT
            pages = len(proxy.seen)
            assert pages <= 2
            full.put("team/0500.tar.gz", b"other")
            proxy.seen.clear()
            answers = sources.answer(asked, tmp_path)
            assert fetched(answers.pop(500)).digest == digest_of(b"other")
            assert set(answers) == {Unchanged()}
            assert len(proxy.seen) == pages + 1
            full.client.delete_object(Bucket=full.name, Key="team/0501.tar.gz")
            answers = sources.answer(asked, tmp_path)
            failed(answers[501], FailureKind.GONE)

    def test_names_and_marks_of_a_listing_are_read_and_no_more(
        self, s3: Seaweed, full: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Reading a thousand times takes longer than all the rest, and what remains is halved without the sizes."""
        read: list[object] = []
        rows: set[str] = set()
        whole = botocore.parsers.RestXMLParser._handle_structure

        def structure(parser: object, shape: Any, node: Any) -> Any:
            found = whole(parser, shape, node)
            rows.update(found if shape.name == "Object" else ())
            return found

        monkeypatch.setattr(botocore.parsers.RestXMLParser, "_handle_structure", structure)
        monkeypatch.setattr(botocore.utils, "_parse_timestamp_with_tzinfo", lambda value, _: read.append(value))
        with Sources(ArchiveCache(tmp_path / "cache")) as sources:
            asked = [one._replace(validator=Validator('"other"')) for one in self.questions(full, s3.options())[:4]]
            assert Unchanged() not in sources.answer(asked, tmp_path)
        assert len(read) <= len(asked)  # one of each answer that brings an archive
        assert rows == {"Key", "ETag"}

    def test_services_are_not_looked_for(
        self, s3: Seaweed, bucket: Bucket, ask: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """To know that there is one for S3 the library would look into the folders of all, and that twice."""
        looked: list[str] = []
        look = os.listdir

        def listdir(path: str) -> list[str]:
            looked.append(path)
            return look(path)

        monkeypatch.setattr(os, "listdir", listdir)
        assert is_body(ask(bucket.put("x.tar.gz"), s3.options()))
        assert len([path for path in looked if "botocore" in str(path)]) <= 4

    def test_few_refs_are_asked_singly(self, s3: Seaweed, bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
        """A listing that saves nothing is not made."""
        assert self.methods(s3, bucket, proxy, tmp_path, 3) == ["HEAD"] * 3

    def test_some_refs_are_listed(self, s3: Seaweed, bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
        """Four are enough."""
        assert self.methods(s3, bucket, proxy, tmp_path, 4) == ["GET"]

    def test_refused_listing_is_done_without(self, s3: Seaweed, bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
        """Who may read but not list is answered one by one."""
        proxy.rule = lambda seen: error(403, "AccessDenied") if "list-type" in seen.target else None
        assert self.methods(s3, bucket, proxy, tmp_path, 4) == ["GET", *["HEAD"] * 4]

    @pytest.mark.parametrize("first", [pytest.param(0, id="at-its-begin"), pytest.param(600, id="in-its-middle")])
    def test_crowded_folder_is_not_read_to_its_end(
        self, s3: Seaweed, full: Bucket, proxy: Proxy, tmp_path: Path, first: int
    ) -> None:
        """Pages before the first wanted key and after the last are not asked for."""
        options = s3.options(proxy.port)
        with Sources(ArchiveCache(tmp_path / "cache")) as sources:
            some = self.questions(full, options)[first : first + 4]
            known = [fetched(answer).validator for answer in sources.answer(some, tmp_path)]
            proxy.seen.clear()
            again = [question._replace(validator=validator) for question, validator in zip(some, known, strict=True)]
            assert sources.answer(again, tmp_path) == [Unchanged()] * 4
        assert len(proxy.seen) == 1
        assert f"start-after=team%2F{first:04}.tar.g&" in proxy.seen[0].target + "&"

    def test_other_fs_args_are_listed_apart(self, s3: Seaweed, bucket: Bucket, proxy: Proxy, tmp_path: Path) -> None:
        """What one may see says nothing to another."""
        refs = [Ref.parse(bucket.put(f"{number}.tar.gz")) for number in range(4)]
        logins = [OWNER, OWNER, SECOND, SECOND]
        with Sources(ArchiveCache(tmp_path / "cache")) as sources:
            asked = [Request(ref, s3.options(proxy.port, login)) for ref, login in zip(refs, logins, strict=True)]
            known = sources.answer(asked, tmp_path)
            proxy.seen.clear()
            sources.answer(
                [one._replace(validator=fetched(answer).validator) for one, answer in zip(asked, known, strict=True)],
                tmp_path,
            )
        assert [seen.method for seen in proxy.seen] == ["HEAD"] * 4

    def methods(self, s3: Seaweed, bucket: Bucket, proxy: Proxy, folder: Path, count: int) -> list[str]:
        """How so many known refs are asked for."""
        refs = [Ref.parse(bucket.put(f"{number}.tar.gz")) for number in range(count)]
        with Sources(ArchiveCache(folder / "cache")) as sources:
            asked = [Request(ref, s3.options(proxy.port)) for ref in refs]
            known = sources.answer(asked, folder)
            proxy.seen.clear()
            again = [
                one._replace(validator=fetched(answer).validator) for one, answer in zip(asked, known, strict=True)
            ]
            assert sources.answer(again, folder) == [Unchanged()] * count
        return [seen.method for seen in proxy.seen]


class TestProcess:
    """What a long life and a short start need."""

    def test_one_client_for_all_refs(
        self, s3: Seaweed, bucket: Bucket, ask: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A client is made once for each way of asking."""
        import s3fs

        made: list[object] = []
        plain = s3fs.S3FileSystem.__init__

        def count(self: Any, *arguments: Any, **named: Any) -> None:
            made.append(self)
            plain(self, *arguments, **named)

        monkeypatch.setattr(s3fs.S3FileSystem, "__init__", count)
        for number in range(3):
            assert is_body(ask(bucket.put(f"{number}.tar.gz"), s3.options()))
        assert len(made) == 1

    def test_unused_clients_are_let_go(
        self, s3: Seaweed, bucket: Bucket, ask: Asker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Credentials that rotate for ever do not pile up."""
        monkeypatch.setattr(clients, "_MOST", 2)
        ref = bucket.put("x.tar.gz")
        for number in range(4):
            options = {**s3.options(), "config_kwargs": {"user_agent_extra": str(number)}}
            assert is_body(ask(ref, options))
        assert len(ask.source._clients._kept) == 2

    def test_missing_driver_says_what_to_install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """S3 is an extra."""
        monkeypatch.setattr(kinds, "_is_installed", lambda library: False)
        with Sources(ArchiveCache(tmp_path)) as sources:
            (answer,) = sources.answer([Request(Ref.parse("s3://b/x.tar.gz"))], tmp_path)
        assert failed(answer, FailureKind.REFUSED).hint == "pip install s3fs"

    def test_local_pass_does_not_load_it(self) -> None:
        """Whoever has no such ref does not pay for the libraries."""
        code = (
            "import sys, micropkgd.sources.gather; print({'s3fs', 'botocore', 'aiohttp', 'asyncio'} & set(sys.modules))"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert ran.stdout == "set()\n"
