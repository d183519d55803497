"""Archives at `https://` and `http://` addresses.

Promise: an archive is taken from one answer, as the server sent it, and its digest is of exactly these bytes; ETag
and Last-Modified only ever skip the download. How servers are asked is told by `client`.
"""

import random
import time
from collections.abc import Callable

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.http.archive import archive_of
from micropkgd.sources.http.client import HttpClient, Question, address
from micropkgd.sources.http.options import HttpOptions
from micropkgd.sources.retry import RetryPolicy
from micropkgd.sources.source import Answer, Failed, FailureKind, Progress, Request

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from yarl import URL

    from micropkgd.model.permits import Bounds


class HttpSource:
    """Asks web servers; its connections are kept until `close`."""

    def __init__(
        self,
        patience: RetryPolicy = RetryPolicy(),  # noqa: B008 - a frozen value
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        bounds: "Bounds | None" = None,
    ) -> None:
        self._client = HttpClient(patience, clock, chance, bounds)

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer one request."""
        try:
            options, url = _parse(request)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)

        async def take(response: "ClientResponse") -> Answer:
            return await archive_of(response, self._client, request, cache, progress)

        return await self._client.get(Question(url, options, request.validator), take)

    def check(self, request: Request) -> None:
        """See that a request, its fs-args above all, can be honoured."""
        _parse(request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()


def _parse(request: Request) -> "tuple[HttpOptions, URL]":
    options = HttpOptions.parse(request.options)
    return options, address(request.ref.location, options)
