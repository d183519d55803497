"""Archives at `gs://` addresses.

Promise: an archive is one generation of its object, named before its first byte is asked for; what is replaced
meanwhile is asked for again from the start. The generation alone is the validator: it is never given twice. How the
store is asked is told by `client`.

A ref may pin a generation, as `#1234567890`.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError
from micropkgd.sources import announced, buckets
from micropkgd.sources.buckets import BucketObject
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.clients import RENEW_AFTER, Clients
from micropkgd.sources.download import Announced, only_expected, take_in
from micropkgd.sources.gcs.client import GcsClient, connect
from micropkgd.sources.gcs.options import GcsOptions
from micropkgd.sources.retry import FetchError, RetryPolicy, patiently
from micropkgd.sources.source import Answer, Failed, FailureKind, Progress, Request, Unchanged, Validator
from micropkgd.sources.upload import Stored, Upload

if TYPE_CHECKING:
    from micropkgd.model.origins import Origins


class GcsSource:
    """Asks stores; its clients are kept until `close`."""

    def __init__(
        self,
        patience: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        renew_after: float = RENEW_AFTER,
        origins: "Origins | None" = None,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._chance = chance
        self._origins = origins
        self._clients: Clients[GcsClient] = Clients(GcsClient.close, renew_after)

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer one request, trying again at once where that may help."""
        try:
            options, where = _parse(request)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)

        async def question(client: GcsClient) -> Answer:
            return await _answer(client, where, request, cache, progress)

        async def attempt() -> Answer:
            return await self._clients.ask(options.name, lambda: self._connect(options, request.ref.text), question)

        return await patiently(attempt, self._patience, self._chance)

    async def put(self, upload: Upload) -> Stored | Failed:
        """Put an archive where nothing is, or where the upload may replace what is there."""
        try:
            options = GcsOptions.parse({"access": "read_write", **upload.options})
            where = BucketObject.parse(upload.ref.location, "#")
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        ref = upload.ref.text

        async def question(client: GcsClient) -> Stored:
            replaced = upload.replaces if upload.overwrite else None
            return Stored(await client.upload(where, upload, replaces=replaced or "0"))

        async def attempt() -> Stored:
            return await self._clients.ask(options.name, lambda: self._connect(options, ref), question)

        return await patiently(attempt, self._patience, self._chance)

    async def survey(self, requests: Sequence[Request]) -> list[Request | Unchanged]:
        """Say what is left to ask, after one listing of each folder that many refs share."""
        return await buckets.survey(requests, GcsOptions.parse, "#", self._listing)

    async def list_folder(self, folder: str, options: Mapping[str, object]) -> Mapping[str, str] | Failed:
        """The objects directly in a folder, with their generations."""
        try:
            parsed, place = GcsOptions.parse(options), BucketObject.in_folder(folder)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)

        async def question(client: GcsClient) -> Mapping[str, str]:
            longest = self._patience.least_speed.longest
            return await buckets.whole(folder, lambda token: _page(client, folder, place, token), longest)

        async def attempt() -> Mapping[str, str]:
            return await self._clients.ask(parsed.name, lambda: self._connect(parsed, folder), question)

        return await patiently(attempt, self._patience, self._chance)

    def check(self, request: Request) -> None:
        """See that a request, its fs-args above all, can be honoured."""
        _parse(request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._clients.close()

    async def _connect(self, options: GcsOptions, ref: str) -> GcsClient:
        return await connect(options, self._patience, self._clock, ref, self._origins)

    async def _listing(self, options: GcsOptions, bucket: str, folder: str, keys: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        ref = f"gs://{bucket}/{folder}"

        async def attempt() -> None:
            await self._clients.ask(
                options.name,
                lambda: self._connect(options, ref),
                lambda client: _list(client, ref, bucket, folder, keys, found),
            )

        await patiently(attempt, self._patience, self._chance)
        return found


async def _answer(
    client: GcsClient, where: BucketObject, request: Request, cache: ArchiveCache, progress: Progress
) -> Answer:
    ref = request.ref.text
    found = await client.describe(where, ref)
    generation = str(found.get("generation", ""))
    if request.validator is not None and request.validator == generation:
        return Unchanged()
    size = str(found.get("size", ""))
    told = Announced(int(size) if size.isdigit() else None, Validator(generation) if generation else None)
    digest = announced.of_bucket(found.get("metadata"))
    if (here := await announced.had(request, cache, digest, told.validator)) is not None:
        return here
    check = announced.as_announced(digest, request, only_expected(request))
    try:
        async with client.media(where, generation, ref) as body:
            return await take_in(body, told, request, cache, progress, check)
    except FetchError as error:
        if error.failed.kind is not FailureKind.GONE:
            raise
        problem = f"`{ref}` keeps changing while it is read"
        raise FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True) from error


async def _page(client: GcsClient, folder: str, place: BucketObject, token: str) -> tuple[Mapping[str, str], str]:
    """One page of a folder, and the token of the next."""
    asked = {
        "prefix": place.folder,
        "delimiter": "/",
        "maxResults": "1000",
        "fields": "nextPageToken,items(name,generation)",
        **({"pageToken": token} if token else {}),
    }
    found = await client.page(place.bucket, asked, folder)
    rows = {str(row.get("name")): str(row.get("generation", "")) for row in found.get("items", ())}
    return rows, str(found.get("nextPageToken") or "")


async def _list(
    client: GcsClient, ref: str, bucket: str, folder: str, keys: Sequence[str], found: dict[str, str]
) -> None:
    """Go through a folder's pages from the first wanted key to the last, if that is fewer than single requests."""
    asked = {
        "prefix": folder,
        "delimiter": "/",
        "startOffset": keys[0],
        "maxResults": "1000",
        "fields": "nextPageToken,items(name,generation)",
    }
    for _ in keys:
        page = await client.page(bucket, asked, ref)
        listed = {str(row.get("name")): str(row.get("generation", "")) for row in page.get("items", ())}
        found.update((key, listed[key]) for key in keys if listed.get(key))
        if not page.get("nextPageToken") or (listed and max(listed) >= keys[-1]):
            return
        asked["pageToken"] = str(page["nextPageToken"])


def _parse(request: Request) -> tuple[GcsOptions, BucketObject]:
    where = BucketObject.parse(request.ref.location, "#")
    if where.version and not where.version.isdigit():
        raise DocumentError(f"`{request.ref.text}` pins no generation", hint="a generation is a number")
    return GcsOptions.parse(request.options), where
