"""Archives at `s3://` addresses: AWS, and every store that speaks its language.

Promise: an archive is taken from one answer of one version of the object (`IfMatch`); what is replaced meanwhile is
asked for again from the start. ETag and VersionId only ever skip the download: an ETag is no digest. Rules: s3fs gives
credentials, endpoint and client; the questions are our own, since its `get_file` resumes on another object without a
word, and trying again is ours alone.

A ref may pin a version, as `?versionId=...`. The current version is never asked for by its id, which would need a
permission that readers seldom have.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial

from micropkgd import __version__
from micropkgd.annotations import TYPE_CHECKING, Any
from micropkgd.errors import DocumentError
from micropkgd.model.tree import Digest
from micropkgd.sources import announced, buckets
from micropkgd.sources.buckets import BucketObject
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.clients import RENEW_AFTER, Clients, forget_ambient_settings
from micropkgd.sources.download import Announced, only_expected, take_in, watched
from micropkgd.sources.redaction import origin
from micropkgd.sources.retry import FetchError, RetryPolicy, patiently
from micropkgd.sources.s3 import failures as s3_failures
from micropkgd.sources.s3.options import S3Options
from micropkgd.sources.source import Answer, Failed, FailureKind, Progress, Request, Unchanged, Validator
from micropkgd.sources.upload import LEAST_RATE, TAKEN, Stored, Upload

if TYPE_CHECKING:
    from s3fs import S3FileSystem

_CHUNK = 1 << 20
_NOWHERE = "s3://"
_CHECKSUM = {"ChecksumMode": "ENABLED"}


class S3Source:
    """Asks stores; its clients are kept until `close`."""

    def __init__(
        self,
        patience: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        renew_after: float = RENEW_AFTER,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._chance = chance
        self._clients: Clients[S3FileSystem] = Clients(_leave, renew_after)

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer one request, trying again at once where that may help."""
        try:
            options, where = _parse(request)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)

        async def question(fs: "S3FileSystem") -> Answer:
            return await self._answer(fs, where, request, cache, progress)

        connect = partial(self._connect, options, request.ref.text)
        return await patiently(lambda: self._clients.ask(options.name, connect, question), self._patience, self._chance)

    async def put(self, upload: Upload) -> Stored | Failed:
        """Put an archive where nothing is, or where the upload may replace what is there."""
        try:
            options = S3Options.parse(upload.options)
            where = BucketObject.parse(upload.ref.location, "?versionId=")
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        ref = upload.ref.text
        told = {announced.NAME: upload.digest.removeprefix("sha256:")}
        asked: dict[str, object] = {"Bucket": where.bucket, "Key": where.key, "Metadata": told}
        known = (upload.replaces or "").partition("\n")[0] if upload.overwrite else ""
        asked |= {"IfMatch": known} if known else {"IfNoneMatch": "*"}

        async def question(fs: "S3FileSystem") -> Stored:
            try:
                with upload.payload.open() as stream:
                    seconds = upload.payload.size / LEAST_RATE
                    await self._call(fs, ref, "put_object", {**asked, "Body": stream}, seconds=seconds)
            except FetchError as error:
                if s3_failures.status_of(error.__cause__) in TAKEN:
                    return Stored(written=False)
                raise
            return Stored(written=True)

        connect = partial(self._connect, options, ref)
        return await patiently(lambda: self._clients.ask(options.name, connect, question), self._patience, self._chance)

    async def survey(self, requests: Sequence[Request]) -> list[Request | Unchanged]:
        """Say what is left to ask, after one listing of each folder that many refs share."""
        return await buckets.survey(requests, S3Options.parse, "?versionId=", self._listing)

    async def list_folder(self, folder: str, options: Mapping[str, object]) -> Mapping[str, str] | Failed:
        """The objects directly in a folder, with their ETags."""
        try:
            parsed, place = S3Options.parse(options), BucketObject.in_folder(folder)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)

        async def question(fs: "S3FileSystem") -> Mapping[str, str]:
            asked = {"Bucket": place.bucket, "Prefix": place.folder, "Delimiter": "/"}
            longest = self._patience.least_speed.longest
            return await buckets.whole(folder, lambda token: self._page(fs, folder, asked, token), longest)

        connect = partial(self._connect, parsed, folder)
        return await patiently(lambda: self._clients.ask(parsed.name, connect, question), self._patience, self._chance)

    def check(self, request: Request) -> None:
        """See that a request, its fs-args above all, can be honoured."""
        _parse(request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._clients.close()

    async def _connect(self, options: S3Options, ref: str) -> "S3FileSystem":
        """Make a client; the library's own ways of trying again are turned off."""
        import s3fs

        from micropkgd.sources.s3.session import (
            StraightSession,
            ask_for_a_region_once,
            read_only_marks,
            send_without_asking,
            session_for,
        )

        forget_ambient_settings()
        timeouts = {"connect_timeout": self._patience.connect, "read_timeout": self._patience.silence}
        agent = {"user_agent_extra": f"micropkgd/{__version__}"}
        arguments = dict(options.arguments)
        manners = {"retries": {"total_max_attempts": 1}, "http_session_cls": StraightSession}
        try:
            fs = s3fs.S3FileSystem(
                asynchronous=True,
                session=session_for(arguments.pop("profile", None)),
                use_listings_cache=False,
                skip_instance_cache=True,
                config_kwargs={**timeouts, **agent, **options.config, **manners},
                **arguments,
            )
            fs.retries = 1
            await fs.set_session()
            ask_for_a_region_once(fs.s3)
            send_without_asking(fs.s3)
            read_only_marks(fs.s3)
        except (*s3_failures.TROUBLE, TypeError) as error:
            raise s3_failures.of_trouble(error, ref, _NOWHERE, self._clock()) from error
        return fs

    async def _answer(
        self, fs: "S3FileSystem", where: BucketObject, request: Request, cache: ArchiveCache, progress: Progress
    ) -> Answer:
        ref = request.ref.text
        asked = {"Bucket": where.bucket, "Key": where.key} | ({"VersionId": where.version} if where.version else {})
        if request.validator is not None or request.bring is not None:
            found = await self._call(fs, ref, "head_object", asked | (_CHECKSUM if request.bring is not None else {}))
            if request.validator is not None and _validator(found) == request.validator:
                return Unchanged()
            if (here := await announced.had(request, cache, _told(found), _validator(found))) is not None:
                return here
            asked |= {"IfMatch": str(found["ETag"])} if found.get("ETag") else {}
        found = await self._call(fs, ref, "get_object", asked)
        told = Announced(found.get("ContentLength"), _validator(found))
        check = announced.as_announced(_told(found), request, only_expected(request))
        async with found["Body"] as body:
            chunks = watched(self._chunks(fs, ref, body), origin(_endpoint(fs)), self._patience)
            return await take_in(chunks, told, request, cache, progress, check)

    async def _chunks(self, fs: "S3FileSystem", ref: str, body: Any) -> AsyncIterator[bytes]:
        """Give a body's bytes as they come."""
        try:
            while chunk := await body.read(_CHUNK):
                yield chunk
        except s3_failures.TROUBLE as error:
            raise s3_failures.of_trouble(error, ref, _endpoint(fs), self._clock()) from error

    async def _call(
        self, fs: "S3FileSystem", ref: str, method: str, asked: Mapping[str, object], *, seconds: float = 0.0
    ) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(self._patience.silence + seconds):
                answer: Mapping[str, Any] = await fs._call_s3(method, **asked)  # noqa: SLF001 - covered by tests
        except s3_failures.TROUBLE as error:
            raise s3_failures.of_trouble(error, ref, _endpoint(fs), self._clock()) from error
        return answer

    async def _listing(self, options: S3Options, bucket: str, folder: str, keys: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        ref = f"s3://{bucket}/{folder}"

        async def question(fs: "S3FileSystem") -> None:
            await self._list(fs, ref, {"Bucket": bucket, "Prefix": folder}, keys, found)

        connect = partial(self._connect, options, ref)
        await patiently(lambda: self._clients.ask(options.name, connect, question), self._patience, self._chance)
        return found

    async def _page(
        self, fs: "S3FileSystem", folder: str, asked: Mapping[str, str], token: str
    ) -> tuple[Mapping[str, str], str]:
        """One page of a folder, and the token of the next."""
        found = await self._call(
            fs, folder, "list_objects_v2", {**asked, **({"ContinuationToken": token} if token else {})}
        )
        rows = {str(row["Key"]): str(row.get("ETag", "")) for row in found.get("Contents", ())}
        return rows, str(found.get("NextContinuationToken") or "")

    async def _list(
        self, fs: "S3FileSystem", ref: str, place: Mapping[str, str], keys: Sequence[str], found: dict[str, str]
    ) -> None:
        """Go through a folder's pages from the first wanted key to the last, if that is fewer than single requests."""
        asked = {**place, "Delimiter": "/", "StartAfter": keys[0][:-1]}
        for _ in keys:
            page = await self._call(fs, ref, "list_objects_v2", asked)
            listed = {str(row["Key"]): str(row.get("ETag", "")) for row in page.get("Contents", ())}
            found.update((key, listed[key]) for key in keys if listed.get(key))
            if not page.get("NextContinuationToken") or (listed and max(listed) >= keys[-1]):
                return
            asked = {**place, "Delimiter": "/", "ContinuationToken": page["NextContinuationToken"]}


def _parse(request: Request) -> tuple[S3Options, BucketObject]:
    return S3Options.parse(request.options), BucketObject.parse(request.ref.location, "?versionId=")


def _validator(found: Mapping[str, Any]) -> Validator | None:
    """The ETag stands first and alone on its line: a listing knows nothing else."""
    return Validator(f"{found['ETag']}\n{found.get('VersionId') or ''}") if found.get("ETag") else None


def _told(found: Mapping[str, Any]) -> Digest | None:
    """The digest that the store says of an object."""
    return announced.of_checksum(found.get("ChecksumSHA256")) or announced.of_bucket(found.get("Metadata"))


def _endpoint(fs: "S3FileSystem") -> str:
    return str(fs.s3.meta.endpoint_url)


async def _leave(fs: "S3FileSystem") -> None:
    await fs.s3.close()
