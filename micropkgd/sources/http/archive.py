"""An archive from the answer of a web server: from a cache, where the server announces a digest that is known there."""

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.sources import announced
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.download import Announced, only_expected, take_in
from micropkgd.sources.http.client import HttpClient
from micropkgd.sources.http.conditions import validator_of
from micropkgd.sources.source import Answer, Progress, Request

if TYPE_CHECKING:
    from aiohttp import ClientResponse


async def archive_of(
    response: "ClientResponse", client: HttpClient, request: Request, cache: ArchiveCache, progress: Progress
) -> Answer:
    """Take in what a request asks for; `FetchError` where it does not come whole."""
    told = Announced(response.content_length, validator_of(response))
    digest = announced.of_headers(response.headers)
    if (here := await announced.had(request, cache, digest, told.validator)) is not None:
        return here
    check = announced.as_announced(digest, request, only_expected(request))
    return await take_in(client.body(response), told, request, cache, progress, check)
