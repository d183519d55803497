"""Archives at `https://` and `http://` addresses.

Promise: an archive is taken from one answer, as the server sent it, and its digest is of exactly these bytes; ETag
and Last-Modified only ever skip the download. No credential leaves the origin it was given for, nor this machine over
plain http. Rules: redirects are followed here, not by the library, and what the world does is told by `http_failures`.

A body that ends before its Content-Length, or inside a chunk, is noticed here. One that has neither length nor chunks
ends where the connection does, and only the reader of the archive can tell whether it is whole.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
from yarl import URL

from micropkgd import __version__
from micropkgd.errors import DocumentError
from micropkgd.sources.cache import ArchiveCache, ArchiveWriter, TooLargeError
from micropkgd.sources.http_environment import Proxy, environment_proxy, keeps_secrets, login_for, proxy_at
from micropkgd.sources.http_failures import FetchError, of_exception, of_status
from micropkgd.sources.http_options import HttpOptions
from micropkgd.sources.http_redirects import REDIRECTS, next_hop
from micropkgd.sources.redaction import origin, redacted
from micropkgd.sources.source import (
    Answer,
    Failed,
    FailureKind,
    Fetched,
    Progress,
    Request,
    Unchanged,
    Validator,
    not_expected,
    too_large,
)

if TYPE_CHECKING:
    from ssl import SSLContext

_LEAST_PROGRESS = 1024
_BUFFER = 1 << 20


class Patience(NamedTuple):
    """How long to wait, and how often; seconds."""

    tries: int = 3
    pause: float = 0.5  # before the second try, at most; doubled for each further one
    longest_wait: float = 3.0  # a server that asks for more is left alone until the next pass
    connect: float = 10.0
    silence: float = 30.0  # without the head of an answer, or without 1 KiB more of its body


class HttpSource:
    """Asks web servers; its connections are kept until `close`."""

    def __init__(
        self,
        patience: Patience = Patience(),  # noqa: B008 - a frozen value
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._chance = chance
        self._sessions: dict[tuple[URL, HttpOptions], aiohttp.ClientSession] = {}
        self._tls: SSLContext | None = None

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Answer one request, trying again at once where that may help."""
        try:
            options = HttpOptions.parse(request.options)
            url = _address(request, options)
        except DocumentError as error:
            return Failed(FailureKind.REFUSED, error.problem, error.hint)
        tried = 0
        while True:
            try:
                return await self._try(url, options, request, cache, progress)
            except FetchError as error:
                tried += 1
                pause = self._pause(error, tried)
                if pause is None:
                    return error.failed
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Let go of connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _pause(self, error: FetchError, tried: int) -> float | None:
        """How long to wait before the next try; None for no further one."""
        asked = error.failed.retry_after or 0.0
        if not error.again or tried >= self._patience.tries or asked > self._patience.longest_wait:
            return None
        return max(asked, self._patience.pause * 2.0 ** (tried - 1) * self._chance())

    async def _try(
        self, url: URL, options: HttpOptions, request: Request, cache: ArchiveCache, progress: Progress
    ) -> Answer:
        try:
            async with asyncio.timeout(options.total), self._answer(url, options, request) as (response, conditional):
                if response.status == 304 and conditional:
                    return Unchanged()
                if response.status != 200:
                    raise of_status(response.status, response.headers, response.url, self._clock())
                return await self._download(response, request, cache, progress)
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            raise of_exception(error, url) from error

    @asynccontextmanager
    async def _answer(
        self, url: URL, options: HttpOptions, request: Request
    ) -> AsyncIterator[tuple[aiohttp.ClientResponse, bool]]:
        """Follow redirects to the answer, and say whether it was asked for on a condition."""
        chain = [url]
        while True:
            here = chain[-1]
            conditions = _conditions(request.validator, here)
            own = options if here.origin() == url.origin() else options.for_strangers()
            async with await self._ask(here, own, conditions) as response:
                if response.status not in REDIRECTS:
                    yield response, bool(conditions)
                    return
                chain.append(next_hop(chain, response.headers.get("Location", "")))

    async def _ask(self, url: URL, options: HttpOptions, conditions: dict[str, str]) -> aiohttp.ClientResponse:
        headers = {**conditions, "Accept-Encoding": "identity"}
        login = options.login
        if login is None and options.trust_env and keeps_secrets(url):
            login = login_for(url)
        if login is not None and not any(name == "Authorization" for name, _ in options.headers):
            headers["Authorization"] = aiohttp.encode_basic_auth(*login)
        proxy = _proxy(url, options)
        to_proxy = {"Proxy-Authorization": aiohttp.encode_basic_auth(*proxy.login)} if proxy and proxy.login else {}
        if url.scheme == "http":  # there is no tunnel: the request itself is what the proxy reads
            headers.update(to_proxy)
        async with asyncio.timeout(options.read or self._patience.silence):
            return await self._session(url.origin(), options).get(
                url,
                headers=headers,
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers=to_proxy,
            )

    def _session(self, home: URL, options: HttpOptions) -> aiohttp.ClientSession:
        if (home, options) not in self._sessions:
            silence = options.read or self._patience.silence
            self._sessions[home, options] = aiohttp.ClientSession(
                headers={"User-Agent": f"micropkgd/{__version__}", **dict(options.headers)},
                connector=aiohttp.TCPConnector(limit=0, ssl=self._trust() if home.scheme == "https" else True),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=options.connect or self._patience.connect, sock_read=silence
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_BUFFER,
            )
        return self._sessions[home, options]

    def _trust(self) -> "SSLContext":
        """Verify by what the machine trusts now; the library's own context is from when it was imported."""
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return self._tls

    async def _download(
        self, response: aiohttp.ClientResponse, request: Request, cache: ArchiveCache, progress: Progress
    ) -> Answer:
        announced = response.content_length
        if announced is not None and announced > request.max_bytes:
            return too_large(request, announced)
        with cache.writer(request.max_bytes) as writer:
            try:
                await self._receive(response, lambda chunk: _take(chunk, writer, request, announced, progress))
            except TooLargeError:
                return too_large(request)
            if request.expected not in {None, writer.digest}:
                return not_expected(request, writer.digest)
            return Fetched(*writer.commit(), _validator(response))

    async def _receive(self, response: aiohttp.ClientResponse, take: Callable[[bytes], None]) -> None:
        """Take a body as it comes, while it comes fast enough to end one day."""
        silence = self._patience.silence
        now = asyncio.get_running_loop().time
        pending = 0
        try:
            async with asyncio.timeout(silence) as watchdog:
                async for chunk in response.content.iter_any():
                    take(chunk)
                    pending += len(chunk)
                    if pending >= _LEAST_PROGRESS:
                        pending = 0
                        watchdog.reschedule(now() + silence)
        except TimeoutError as error:
            problem = f"{origin(str(response.url))} sent less than {_LEAST_PROGRESS} bytes in {silence:g} s"
            raise FetchError(Failed(FailureKind.UNREACHABLE, problem), again=True) from error


def _take(chunk: bytes, writer: ArchiveWriter, request: Request, total: int | None, progress: Progress) -> None:
    writer.write(chunk)
    progress(request.ref, writer.size, total)


def _address(request: Request, options: HttpOptions) -> URL:
    try:
        url = URL(request.ref.location, encoded=options.encoded)
        url.origin()
    except ValueError as error:
        raise DocumentError(f"`{redacted(request.ref.location)}` is no address that can be asked") from error
    if options.carry_credentials and not keeps_secrets(url):
        raise DocumentError(
            f"{origin(str(url))} would get the headers of fs-args over plain http, where anyone can read them",
            hint="write `https://`, or leave `headers` and `auth` away",
        )
    return url.with_fragment(None)


def _proxy(url: URL, options: HttpOptions) -> Proxy | None:
    try:
        if options.proxy:
            return proxy_at(options.proxy)
        return environment_proxy(url) if options.trust_env else None
    except ValueError as error:
        problem = f"the proxy for {origin(str(url))} has no valid address"
        raise FetchError(Failed(FailureKind.REFUSED, problem), again=False) from error


def _validator(response: aiohttp.ClientResponse) -> Validator | None:
    etag, modified = (_plain(response.headers.get(name, "")) for name in ("ETag", "Last-Modified"))
    return Validator(f"{etag}\n{modified}\n{_mark(response.url)}") if etag or modified else None


def _conditions(validator: Validator | None, url: URL) -> dict[str, str]:
    """What makes an answer conditional, if the validator is from where we ask.

    A redirect may lead elsewhere by now, to an archive that is older than the one we know.
    """
    known = (validator or "").split("\n")
    if known[-1] != _mark(url):
        return {}
    named = zip(("If-None-Match", "If-Modified-Since"), known, strict=False)
    return {name: value for name, value in named if value}


def _plain(text: str) -> str:
    return text if text.isascii() and text.isprintable() else ""


def _mark(url: URL) -> str:
    """Name an address without telling it; signed addresses have another query each time."""
    return hashlib.sha256(str(url.with_query(None)).encode()).hexdigest()[:16]
