"""Packages of an index: `name`, `name==1.2`, `name>=1,<2`.

Promise: one index is asked and no other, whatever it answers; what is taken has the hash that the index gives, and an
entry never goes back to an older release, nor to other bytes of the same one, unless it is told to (reliability.md,
T6 and T7). The project's page is asked for on a condition where the index has ETags; an archive that is known by
version and hash is not fetched again.
"""

import asyncio
import hashlib
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version
from yarl import URL

from micropkgd.errors import DocumentError
from micropkgd.model.tree import Digest
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.download import Announced, take_in
from micropkgd.sources.http.client import HttpClient, Question, address
from micropkgd.sources.http.conditions import validator_of
from micropkgd.sources.http.environment import keeps_secrets
from micropkgd.sources.http.options import HttpOptions
from micropkgd.sources.http.redirects import next_hop
from micropkgd.sources.index.login import login_from_keyring
from micropkgd.sources.index.search import Memory, Search
from micropkgd.sources.index.select import choose
from micropkgd.sources.index.simple_api import ACCEPT, File, PageError, parse_page
from micropkgd.sources.redaction import origin, redacted
from micropkgd.sources.retry import FetchError
from micropkgd.sources.source import (
    Answer,
    Failed,
    FailureKind,
    Fetched,
    Progress,
    Request,
    Unchanged,
    Validator,
)
from micropkgd.sources.upload import Stored, Upload

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from micropkgd.model.origins import Origins

_PAGE_AT_MOST = 32 * 1024 * 1024  # bytes; the largest project of PyPI has less
_ALONE = "no other index is asked: anyone could have taken this name there; check the name and `index`"


class Page(NamedTuple):
    """What an index has of one project."""

    files: tuple[File, ...]
    validator: Validator | None


class Pick(NamedTuple):
    """The file that is to be taken."""

    version: Version
    file: File
    url: URL
    page: Validator | None  # of the page that lists it

    @property
    def shown(self) -> str:
        """Its address as the lock may have it."""
        return str(self.url.with_query(None).with_fragment(None))


class IndexSource:
    """Asks package indexes; its connections are kept until `close`."""

    def __init__(self, client: HttpClient | None = None, *, origins: "Origins | None" = None) -> None:
        self._client = client or HttpClient.usual(origins)
        self._logins: dict[str, tuple[str, str]] = {}  # what a keyring had, by index

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer one request: read the project's page, choose, and fetch what is not known yet."""
        try:
            search = Search.of(request)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        page = await self._page(search)
        if isinstance(page, Failed):
            return page
        if isinstance(page, Unchanged):
            return _as_remembered(search)
        pick = _pick(search, page)
        if isinstance(pick, Failed):
            return pick
        return _known(search, pick) or await self._fetch_file(search, pick, cache, progress)

    async def put(self, upload: Upload) -> Stored | Failed:
        """Send an archive in the form that every index takes; whether it may replace another one the index decides."""
        from micropkgd.sources.index.upload import form_of, options_for, stored

        lookup = upload.lookup
        if lookup is None:
            return Failed(FailureKind.REFUSED, f"no index was named for `{upload.ref.text}`")
        try:
            options = options_for(upload.options, self._logins.get(lookup.index_url) or lookup.login)
            url = address(upload.url, options)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        status = await self._client.post(Question(url, options), lambda: form_of(upload))
        return status if isinstance(status, Failed) else stored(status, url)

    def check(self, request: Request) -> None:
        """See that a request, its fs-args above all, can be honoured."""
        Search.of(request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _page(self, search: Search) -> Page | Unchanged | Failed:
        """Read the project's page; the keyring is asked where the index will not have us without a password."""
        answer = await self._ask_page(search)
        if isinstance(answer, Failed) and answer.kind is FailureKind.DENIED and _may_ask_keyring(search):
            login = await asyncio.to_thread(login_from_keyring, search.index_url)
            if login is not None and login != self._logins.get(search.index_url):
                self._logins[search.index_url] = login
                answer = await self._ask_page(search)
        if isinstance(answer, Failed) and answer.kind is FailureKind.GONE:
            problem = f"the index {redacted(search.index_url)} has no project `{search.wish.name}`"
            return answer._replace(problem=problem, hint=_ALONE)
        return answer

    async def _ask_page(self, search: Search) -> Page | Unchanged | Failed:
        memory = search.memory
        validator = memory.page if memory is not None and memory.mark == search.mark else None
        question = Question(search.page, self._options(search), validator, ACCEPT, _hop_of_same_host)
        return await self._client.get(question, self._read_page)

    def _options(self, search: Search) -> HttpOptions:
        login = self._logins.get(search.index_url)
        return search.options if login is None else search.options._replace(login=login)

    async def _read_page(self, response: "ClientResponse") -> Page:
        body = bytearray()
        async for chunk in self._client.body(response):
            body += chunk
            if len(body) > _PAGE_AT_MOST:
                problem = f"{origin(str(response.url))} sends a page of more than {_PAGE_AT_MOST} bytes"
                raise FetchError(Failed(FailureKind.REFUSED, problem), again=False)
        try:
            _refuse_unended(response, body)
            files = parse_page(bytes(body), response.headers.get("Content-Type", ""), str(response.url))
        except PageError as error:
            problem = f"what {origin(str(response.url))} sent is no page of an index: {error.problem}"
            raise FetchError(Failed(error.kind, problem), again=error.kind is FailureKind.CORRUPT) from error
        return Page(files, validator_of(response))

    async def _fetch_file(self, search: Search, pick: Pick, cache: ArchiveCache, progress: Progress) -> Answer:
        def check(digest: Digest, size: int) -> Failed | None:
            return _contradiction(pick.file, digest, size) or search.objection(pick.version, digest)

        async def take(response: "ClientResponse") -> Fetched | Failed:
            announced = Announced(response.content_length, validator_of(response))
            return await take_in(self._client.body(response), announced, search.request, cache, progress, check)

        options = self._options(search).at(pick.url, home=search.page)
        question = Question(pick.url, options, _file_validator(search, pick), led_by=search.page)
        answer = await self._client.get(question, take)
        if isinstance(answer, Unchanged):
            return _as_remembered(search)
        if isinstance(answer, Failed):
            return _of_file(answer, pick.file)
        return _weaker_hashes(pick.file, answer.digest, cache) or _remembering(search, pick, answer)


def _pick(search: Search, page: Page) -> Pick | Failed:
    """Choose a file, and see that it may be taken from where it is."""
    chosen = choose(search.wish, page.files, version=search.version, digest=search.request.expected)
    if isinstance(chosen, Failed):
        return chosen
    version, file = chosen
    try:
        return search.objection(version, file.sha256) or Pick(version, file, _address_of(search, file), page.validator)
    except DocumentError as error:
        return Failed(FailureKind.REFUSED, error.problem, error.hint)


def _may_ask_keyring(search: Search) -> bool:
    return not search.options.carry_credentials and search.options.trust_env and keeps_secrets(search.page)


def _hop_of_same_host(chain: list[URL], location: str) -> URL:
    """Some indexes send whoever asks for an unknown project to another index; that one was not named."""
    hop = next_hop(chain, location)
    if hop.host != chain[0].host:
        problem = f"the index at {origin(str(chain[0]))} leads to another one, at {origin(str(hop))}"
        raise FetchError(Failed(FailureKind.REFUSED, problem, _ALONE), again=False)
    return hop


def _refuse_unended(response: "ClientResponse", body: bytearray) -> None:
    """A page with neither length nor chunks may have been cut, and the newest release with it."""
    framed = response.content_length is not None or "Transfer-Encoding" in response.headers
    if not framed and not body.rstrip().lower().endswith((b"</html>", b"}")):
        raise PageError(FailureKind.CORRUPT, "it has no end")


def _address_of(search: Search, file: File) -> URL:
    """Where a file is: never at plain http where the index is not, and without a password that a page put there."""
    url = address(file.url, HttpOptions())
    if url.scheme not in {"http", "https"} or (search.page.scheme == "https" and url.scheme == "http"):
        problem = f"{origin(str(search.page))} has `{file.name}` at {origin(str(url))}, where it is not fetched from"
        raise DocumentError(problem, hint="a file of an https index must be at an https address too")
    return url.with_user(None)


def _as_remembered(search: Search) -> Answer:
    """The page, or the file, is as it was; what the entry has may have changed since."""
    if search.memory is None:
        return Failed(FailureKind.UNREACHABLE, f"{origin(str(search.page))} says `not modified` to a first question")
    had, url = search.memory.had, search.memory.url
    return search.objection(had.version, had.digest) or Unchanged(search.release(had.version, url))


def _known(search: Search, pick: Pick) -> Unchanged | None:
    """The answer where the index gives the hash of the archive that is remembered."""
    memory = search.memory
    if memory is None or pick.file.sha256 != memory.digest or pick.version != memory.had.version:
        return None
    renewed = memory._replace(page=pick.page, mark=search.mark, url=pick.shown)
    return Unchanged(search.release(pick.version, pick.shown), None if renewed == memory else renewed.text)


def _file_validator(search: Search, pick: Pick) -> Validator | None:
    """Only where the index gives no hash must the file itself say whether it changed."""
    memory = search.memory
    same = memory is not None and pick.file.sha256 is None and pick.version == memory.had.version
    return memory.file if memory is not None and same else None


def _contradiction(file: File, digest: Digest, size: int) -> Failed | None:
    """Where the bytes are not what the index says of them."""
    if file.sha256 not in {None, digest}:
        return _not_as_said(file, f"{file.sha256}, and its bytes are {digest}")
    if file.size not in {None, size}:
        return _not_as_said(file, f"{file.size} bytes, and it has {size}")
    return None


def _weaker_hashes(file: File, digest: Digest, cache: ArchiveCache) -> Failed | None:
    """Check the other hashes of a file that the index gives no sha256 of."""
    names = sorted(hashlib.algorithms_guaranteed & set(file.hashes)) if file.sha256 is None else []
    data = cache.read(digest) if names else None
    for name in names:
        if (
            data is not None
            and not name.startswith("shake")
            and hashlib.new(name, data).hexdigest() != file.hashes[name]
        ):
            return _not_as_said(file, f"{name} {file.hashes[name]}, which its bytes do not have")
    return None


def _not_as_said(file: File, what: str) -> Failed:
    problem = f"the index says of `{file.name}`: {what}"
    return Failed(FailureKind.CORRUPT, problem, "the index, or a cache before it, is broken or was tampered with")


def _of_file(failed: Failed, file: File) -> Failed:
    if failed.kind is not FailureKind.GONE:
        return failed
    return failed._replace(problem=f"the index lists `{file.name}`, but {failed.problem}")


def _remembering(search: Search, pick: Pick, fetched: Fetched) -> Fetched:
    """The answer with what is to be known next time."""
    hashed = pick.file.sha256 is not None
    memory = Memory(
        version=str(pick.version),
        digest=fetched.digest,
        url=pick.shown,
        page=pick.page if hashed else None,
        file=None if hashed else fetched.validator,
        mark=search.mark,
    )
    return fetched._replace(validator=memory.text, release=search.release(pick.version, pick.shown))
