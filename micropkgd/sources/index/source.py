"""Packages of an index: `name`, `name==1.2`, `name>=1,<2`.

Promise: one index is asked and no other, whatever it answers; what is taken has the hash that the index gives, and an
entry never goes back to an older release, nor to other bytes of the same one, unless it is told to (docs/threats.md,
T6 and T7). The project's page is asked for on a condition where the index has ETags; an archive that is known by
version and hash is not fetched again.

An address whose server has no such page may itself be a plain listing of archives: then what it lists are the releases
(decision 0020).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from micropkgd.annotations import TYPE_CHECKING, TypeVar
from micropkgd.errors import DocumentError
from micropkgd.model.index import may_be_listing
from micropkgd.model.tree import Digest
from micropkgd.sources import announced
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.download import Announced, take_in
from micropkgd.sources.foreign import in_own_thread
from micropkgd.sources.http.archive import archive_of
from micropkgd.sources.http.client import HttpClient, Question, address
from micropkgd.sources.http.conditions import validator_of
from micropkgd.sources.http.options import HttpOptions
from micropkgd.sources.index.asked import (
    ALONE,
    Asked,
    IndexPage,
    PickedFile,
    address_of,
    as_remembered,
    contradiction,
    file_validator,
    hop_of_same_host,
    known,
    may_ask_keyring,
    of_file,
    picked,
    refuse_unended,
    remembering,
    weaker_hashes,
)
from micropkgd.sources.index.folder import Choice, Folder, PickedArchive
from micropkgd.sources.index.login import login_from_keyring
from micropkgd.sources.index.places import joined
from micropkgd.sources.index.select import by_name
from micropkgd.sources.index.simple_api import ACCEPT, File, PageError, parse_listing, parse_page
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
)
from micropkgd.sources.together import Together
from micropkgd.sources.upload import Stored, Upload

if TYPE_CHECKING:
    from aiohttp import ClientResponse


T = TypeVar("T")

Parse = Callable[[bytes, str, str], tuple[File, ...]]
"""Reads a body of this type from this address."""

_NOT_AN_INDEX = "`index` names what pip would be given as `--index-url`, or a plain listing of archives: look at it"
_AT_ONCE = 256 * 1024  # bytes of a page that is read at once, while the loop waits
_PAGE_AT_MOST = 32 * 1024 * 1024  # bytes; the largest project of PyPI has less


class IndexSource:
    """Asks package indexes; its connections are kept until `close`."""

    def __init__(self, client: HttpClient | None = None) -> None:
        self._client = client or HttpClient.usual()
        self._logins: dict[str, tuple[str, str]] = {}  # what a keyring had, by index

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer one request: read the project's page, choose, and fetch what is not known yet."""
        try:
            asked = Asked.of(request)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        found = await self._found(asked)
        if isinstance(found, Failed):
            return found
        if isinstance(found, Unchanged):
            return as_remembered(asked)
        if not isinstance(found, IndexPage):
            return await self._listed(asked, found, cache, progress)
        pick = picked(asked, found)
        if isinstance(pick, Failed):
            return pick
        return known(asked.search, pick) or await self._fetch_file(asked, pick, cache, progress)

    async def survey(self, requests: Sequence[Request]) -> list[Request | Unchanged]:
        """Let the requests share listings."""
        return joined(requests)

    async def put(self, upload: Upload) -> Stored | Failed:
        """Send an archive in the form that every index takes; whether it may replace another one the index decides."""
        from micropkgd.sources.index.upload import form_of, stored

        lookup = upload.lookup
        if lookup is None:
            return Failed(FailureKind.REFUSED, f"no index was named for `{upload.ref.text}`", "write its address")
        try:
            login = self._logins.get(lookup.index_url) or lookup.login
            options = HttpOptions.parse(upload.options).with_login(login, upload.url)
            url = address(upload.url, options)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        status = await self._client.post(Question(url, options), lambda: form_of(upload))
        return status if isinstance(status, Failed) else stored(status, url)

    def check(self, request: Request) -> None:
        """See that a request, its fs-args above all, can be honoured."""
        Asked.of(request)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _found(self, asked: Asked) -> IndexPage | Folder | Unchanged | Failed:
        """The project's page; where there is none, what the index itself lists. What was found last is asked first."""
        search = asked.search
        was_listed = search.memory is not None and search.memory.listed
        if was_listed and not _is_gone(folder := await self._folder(asked)):
            return folder
        page = await self._with_login(asked, self._ask_page)
        if not isinstance(page, Failed) or page.kind is not FailureKind.GONE:
            return page
        problem = f"the index {redacted(search.index_url)} has no project `{search.criteria.name}`"
        if may_be_listing(search.index_url):
            folder = await self._folder(asked)
            if not isinstance(folder, Failed) or folder.kind.transient:
                return folder
            problem += f", and lists no archives itself: {folder.problem}"
        return page._replace(problem=problem, hint=ALONE)

    async def _with_login(self, asked: Asked, ask: Callable[[Asked], Awaitable[T]]) -> T:
        """Ask; the keyring is asked where the index will not have us without a password."""
        answer = await ask(asked)
        if isinstance(answer, Failed) and answer.kind is FailureKind.DENIED and may_ask_keyring(asked):
            index_url = asked.search.index_url
            login = await in_own_thread(partial(login_from_keyring, index_url), f"keyring for {origin(index_url)}")
            if login is not None and login != self._logins.get(index_url):
                self._logins[index_url] = login
                answer = await ask(asked)
        return answer

    async def _ask_page(self, asked: Asked) -> IndexPage | Unchanged | Failed:
        memory = asked.search.memory
        validator = memory.page if memory is not None and memory.mark == asked.search.mark else None
        question = Question(asked.page, self._options(asked), validator, ACCEPT, hop_of_same_host)
        return await self._client.get(question, self._read_page)

    async def _folder(self, asked: Asked) -> Folder | Failed:
        """What the index itself lists, asked once for all requirements; `GONE` where that is no archive."""
        together = asked.search.lookup.together or Together()
        key = asked.folder, asked.options
        return await together.once(key, lambda: self._with_login(asked, self._ask_folder))

    async def _ask_folder(self, asked: Asked) -> Folder | Failed:
        question = Question(asked.folder, self._options(asked), None, "text/html", hop_of_same_host)
        found = await self._client.get(question, self._read_folder)
        if isinstance(found, Unchanged):
            return Failed(
                FailureKind.UNREACHABLE, f"{origin(str(asked.folder))} says `not modified` to a first question"
            )
        return (
            found
            if isinstance(found, Failed) or found
            else Failed(FailureKind.GONE, "no `NAME-VERSION.tar.gz` is there", ALONE)
        )

    def _options(self, asked: Asked) -> HttpOptions:
        login = self._logins.get(asked.search.index_url)
        return asked.options if login is None else asked.options._replace(login=login)

    async def _read_page(self, response: "ClientResponse") -> IndexPage:
        return IndexPage(await self._read(response, parse_page), validator_of(response))

    async def _read_folder(self, response: "ClientResponse") -> Folder:
        return by_name(await self._read(response, parse_listing))

    async def _read(self, response: "ClientResponse", parse: Parse) -> tuple[File, ...]:
        body = bytearray()
        async for chunk in self._client.body(response):
            body += chunk
            if len(body) > _PAGE_AT_MOST:
                problem = f"{origin(str(response.url))} sends a page of more than {_PAGE_AT_MOST} bytes"
                raise FetchError(Failed(FailureKind.REFUSED, problem, _NOT_AN_INDEX), again=False)
        try:
            refuse_unended(response, body)
            content_type, url = response.headers.get("Content-Type", ""), str(response.url)
            if len(body) < _AT_ONCE:
                return parse(bytes(body), content_type, url)
            return await asyncio.to_thread(parse, bytes(body), content_type, url)  # others go on meanwhile
        except PageError as error:
            problem = f"what {origin(str(response.url))} sent is not a page of an index: {error.problem}"
            raise FetchError(
                Failed(error.kind, problem, _NOT_AN_INDEX), again=error.kind is FailureKind.CORRUPT
            ) from error

    async def _listed(self, asked: Asked, folder: Folder, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer from a plain listing."""
        choice = Choice(asked.search, folder, cache.find)
        while isinstance(pick := choice.next(), PickedArchive):
            answer = choice.judge(pick, await self._fetch_listed(asked, pick, cache, progress))
            if answer is not None:
                return answer
        return pick

    async def _fetch_listed(self, asked: Asked, pick: PickedArchive, cache: ArchiveCache, progress: Progress) -> Answer:
        async def take(response: "ClientResponse") -> Answer:
            return await archive_of(response, self._client, asked.search.request, cache, progress)

        try:
            url = address_of(asked, pick.file)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        options = self._options(asked).at(url, home=asked.page)
        return await self._client.get(Question(url, options, pick.validator, led_by=asked.page), take)

    async def _fetch_file(self, asked: Asked, pick: PickedFile, cache: ArchiveCache, progress: Progress) -> Answer:
        search = asked.search

        def check(digest: Digest, size: int) -> Failed | None:
            return contradiction(pick.file, digest, size) or search.objection(pick.version, digest)

        async def take(response: "ClientResponse") -> Fetched | Failed:
            told = Announced(response.content_length, validator_of(response))
            return await take_in(self._client.body(response), told, search.request, cache, progress, check)

        if (here := await announced.had(search.request, cache, pick.file.sha256, None)) is not None:
            return check(here.digest, here.size) or remembering(search, pick, here)

        options = self._options(asked).at(pick.url, home=asked.page)
        question = Question(pick.url, options, file_validator(search, pick), led_by=asked.page)
        answer = await self._client.get(question, take)
        if isinstance(answer, Unchanged):
            return as_remembered(asked)
        if isinstance(answer, Failed):
            return of_file(answer, pick.file)
        return weaker_hashes(pick.file, answer.digest, cache) or remembering(search, pick, answer)


def _is_gone(answer: object) -> bool:
    return isinstance(answer, Failed) and answer.kind is FailureKind.GONE
