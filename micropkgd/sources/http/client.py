"""The HTTP client of all sources that ask servers.

Promise: no credential leaves the origin it was given for, nor this machine over plain http; a body ends before its
time only as a failure. Rules: redirects are followed here, not by the library; what the world does is told by
`failures`; where trying again at once may help, that is done here.

A body that ends before its Content-Length, or inside a chunk, is noticed here. One that has neither length nor chunks
ends where the connection does, and only its reader can tell whether it is whole.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager

import aiohttp
from yarl import URL

from micropkgd import __version__
from micropkgd.annotations import TYPE_CHECKING, TypeVar
from micropkgd.errors import DocumentError
from micropkgd.model.origins import CONFIG_KEY
from micropkgd.model.permits import ENDPOINTS_KEY, Bounds
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.allowed import not_allowed
from micropkgd.sources.download import pieces, watched
from micropkgd.sources.http.conditions import conditions
from micropkgd.sources.http.environment import Proxy, environment_proxy, keeps_secrets, login_for, proxy_at
from micropkgd.sources.http.failures import NOT_NOW, of_exception, of_status
from micropkgd.sources.http.options import HttpOptions
from micropkgd.sources.http.private import PrivateAddressError, RecordingResolver, is_private
from micropkgd.sources.http.redirects import REDIRECTS, next_hop
from micropkgd.sources.redaction import origin, redacted
from micropkgd.sources.retry import FetchError, RetryPolicy, patiently
from micropkgd.sources.source import Failed, FailureKind, Unchanged, Validator
from micropkgd.sources.upload import LEAST_RATE

if TYPE_CHECKING:
    from ssl import SSLContext


_BUFFER = 1 << 20

T = TypeVar("T")


class Question(NamedTuple):
    """What is asked of one server."""

    url: URL
    options: HttpOptions
    validator: Validator | None = None
    accept: str = ""  # media types; empty: any
    next_hop: Callable[[list[URL], str], URL] = next_hop
    led_by: URL | None = None  # the address that named this one, where nobody here did


class HttpClient:
    """Asks web servers; its connections are kept until `close`."""

    def __init__(
        self,
        patience: RetryPolicy,
        clock: Callable[[], float],
        chance: Callable[[], float],
        bounds: Bounds | None = None,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._chance = chance
        self._bounds = bounds or Bounds()
        self._private: dict[str, bool] = {}  # whether a name stood for an address of this network
        self._sessions: dict[tuple[URL, HttpOptions, bool], aiohttp.ClientSession] = {}
        self._tls: SSLContext | None = None

    @classmethod
    def usual(cls, bounds: Bounds | None = None, patience: RetryPolicy | None = None) -> "HttpClient":
        """One with the patience that suits most servers."""
        return cls(patience or RetryPolicy(), time.time, random.random, bounds)

    async def get(
        self, question: Question, use: Callable[[aiohttp.ClientResponse], Awaitable[T]]
    ) -> T | Unchanged | Failed:
        """Hand a good answer to `use`, trying again at once where that may help."""
        return await patiently(lambda: self._try(question, use), self._patience, self._chance)

    async def post(
        self, question: Question, form: Callable[[], AbstractContextManager[aiohttp.FormData]]
    ) -> int | Failed:
        """Send a form, without following redirects, and give the status of an answer that is final."""

        async def attempt() -> int:
            try:
                with form() as filled:
                    async with await self._ask(question.url, question.options, {}, filled) as response:
                        if response.status in {401, 403, 404, 407, 429, *NOT_NOW}:
                            raise of_status(response.status, response.headers, response.url, self._clock())
                        return response.status
            except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
                raise of_exception(error, question.url) from error

        return await patiently(attempt, self._patience, self._chance)

    def body(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The body of an answer, while it comes fast enough to end one day."""
        host = origin(str(response.url))
        return watched(pieces(response.content, host), host, self._patience)

    async def close(self) -> None:
        """Let go of connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def _try(self, question: Question, use: Callable[[aiohttp.ClientResponse], Awaitable[T]]) -> T | Unchanged:
        try:
            async with (
                asyncio.timeout(question.options.total),
                self._answer(question) as (response, conditional),
            ):
                if response.status == 304 and conditional:
                    return Unchanged()
                if response.status != 200:
                    raise self._refusal(question, response)
                return await use(response)
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as error:
            raise of_exception(error, question.url) from error

    @asynccontextmanager
    async def _answer(self, question: Question) -> AsyncIterator[tuple[aiohttp.ClientResponse, bool]]:
        """Follow redirects to the answer, and say whether it was asked for on a condition."""
        chain = [question.url]
        while True:
            here = chain[-1]
            own = question.options.at(here, home=question.url)
            conditional = conditions(question.validator, here)
            accepted = {"Accept": question.accept} if question.accept else {}
            headers = {**conditional, **accepted}
            public, logins = self._only_public(question, here), self._may_have_logins(question, here)
            async with await self._ask(here, own, headers, only_public=public, own_logins=logins) as response:
                if response.status not in REDIRECTS:
                    yield response, bool(conditional)
                    return
                chain.append(question.next_hop(chain, response.headers.get("Location", "")))

    def _only_public(self, question: Question, here: URL) -> bool:
        """Whether an address must not be one of this network: a server out there named it, and the machine did not."""
        home = question.led_by or question.url
        if self._bounds.origins is not None or here == home:
            return False
        return not (is_private(home.host or "") or self._private.get(home.host or "", False))

    def _refusal(self, question: Question, response: aiohttp.ClientResponse) -> FetchError:
        """What an answer without an archive means, and why no login went along where one may be missing."""
        error = of_status(response.status, response.headers, response.url, self._clock())
        if error.failed.kind is not FailureKind.DENIED or self._may_have_logins(question, response.url):
            return error
        hint = (
            f"another server named it, so it got no login of this machine; list it in `{ENDPOINTS_KEY}` of the config"
        )
        return FetchError(error.failed._replace(hint=hint), again=error.again)

    def _may_have_logins(self, question: Question, here: URL) -> bool:
        """Whether this machine's login for a host goes there: not on the word of another server alone."""
        home = question.led_by or question.url
        return here.host == home.host or self._bounds.endpoints.allows(str(here))

    async def _ask(
        self,
        url: URL,
        options: HttpOptions,
        headers: dict[str, str],
        form: aiohttp.FormData | None = None,
        *,
        only_public: bool = False,
        own_logins: bool = True,
    ) -> aiohttp.ClientResponse:
        """Ask one server; `own_logins`: the logins that this machine has for it may go along."""
        origins = self._bounds.origins
        if origins is not None and not origins.allows(str(url)):
            raise FetchError(not_allowed(origin(str(url)), origins.key), again=False)
        if only_public and is_private(url.host or ""):
            raise _refuse_private(url)
        headers["Accept-Encoding"] = "identity"
        login = options.login
        if login is None and own_logins and options.trust_env and _is_private_way(url, options):
            login = login_for(url)
        if login is not None and not any(name == "Authorization" for name, _ in options.headers):
            headers["Authorization"] = aiohttp.encode_basic_auth(*login)
        proxy = _proxy(url, options)
        to_proxy = {"Proxy-Authorization": aiohttp.encode_basic_auth(*proxy.login)} if proxy and proxy.login else {}
        if url.scheme == "http":  # there is no tunnel: the request itself is what the proxy reads
            headers.update(to_proxy)
        payload = None if form is None else form()
        rate_limit = (payload.size or 0) / LEAST_RATE if payload is not None else 0.0
        async with asyncio.timeout((options.read or self._patience.silence) + rate_limit):
            try:
                # A proxy resolves names itself, and may stand on this network.
                session = self._session(url.origin(), options, only_public=only_public and proxy is None)
                return await session.request(
                    "GET" if form is None else "POST",
                    url,
                    data=payload,
                    headers=headers,
                    allow_redirects=False,
                    proxy=proxy.url if proxy else None,
                    proxy_headers=to_proxy,
                )
            except aiohttp.ClientConnectorDNSError as error:
                if isinstance(error.os_error, PrivateAddressError):
                    raise _refuse_private(url) from error
                raise

    def _session(self, home: URL, options: HttpOptions, *, only_public: bool) -> aiohttp.ClientSession:
        key = home, options, only_public
        if key not in self._sessions:
            resolver = RecordingResolver(self._private, only_public=only_public)
            self._sessions[key] = aiohttp.ClientSession(
                headers={"User-Agent": f"micropkgd/{__version__}", **dict(options.headers)},
                connector=aiohttp.TCPConnector(
                    limit=0, ssl=self._trust() if home.scheme == "https" else True, resolver=resolver
                ),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=options.connect or self._patience.connect, sock_read=options.read
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_BUFFER,
            )
        return self._sessions[key]

    def _trust(self) -> "SSLContext":
        """Verify by what the machine trusts now; the library's own context is from when it was imported."""
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return self._tls


def address(text: str, options: HttpOptions) -> URL:
    """Read an address that is to be asked; `DocumentError` where it is none, or would tell secrets to anyone."""
    try:
        url = URL(text, encoded=options.encoded)
        url.origin()
    except ValueError as error:
        raise DocumentError(f"`{redacted(text)}` is not an address that can be asked") from error
    if options.carry_credentials and not keeps_secrets(url):
        raise DocumentError(
            f"{origin(str(url))} would get headers or a password over plain http, where anyone can read them",
            hint="write `https://`, or leave `headers`, `auth` and passwords away",
        )
    return url.with_fragment(None)


def _is_private_way(url: URL, options: HttpOptions) -> bool:
    """Whether nobody but the server reads what is sent; a proxy reads all that does not go through a tunnel."""
    return keeps_secrets(url) and not (options.proxy and url.scheme == "http")


def _refuse_private(url: URL) -> FetchError:
    problem = f"a server sends us to {origin(str(url))}, which is this machine or on a private network"
    hint = f"whoever runs this machine may name it in `{CONFIG_KEY}` of the config"
    return FetchError(Failed(FailureKind.REFUSED, problem, hint), again=False)


def _proxy(url: URL, options: HttpOptions) -> Proxy | None:
    try:
        if options.proxy:
            return proxy_at(options.proxy)
        return environment_proxy(url) if options.trust_env else None
    except ValueError as error:
        problem = f"the proxy for {origin(str(url))} has no valid address"
        hint = "write it like `http://proxy:3128`, in `https_proxy` or in `proxy` of fs-args"
        raise FetchError(Failed(FailureKind.REFUSED, problem, hint), again=False) from error
