"""Decides who may ask what over TCP: a middleware by the rules of docs/http.md (numbered there).

A web page that its user happens to look at must get nothing from a service on the same machine, whatever name it made
that machine have; another user of the machine must not either.
"""

import asyncio
import hmac
import ipaddress
import os
import re
import time
from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256

from aiohttp import hdrs, web

from micropkgd.annotations import Any, Final
from micropkgd.errors import TreeError
from micropkgd.machine.token import read_token
from micropkgd.model.settings import Http
from micropkgd.service.http.answers import SUPERVISOR
from micropkgd.service.http.bucket import Buckets
from micropkgd.service.http.connection import follows, let_in, takes_time
from micropkgd.service.http.control import ASKED_BY, largest_body

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
LARGEST_HOOK: Final = 256 * 1024  # bytes: what a push of many commits is announced with
PROBES: Final = frozenset({"/livez", "/readyz", "/startupz"})
LOGIN: Final = "/v1/login"  # gives the token for a code that is good once
PAGE: Final = frozenset({"/", "/page.css", "/page.js", "/desk.js"})  # without the token they hold nothing

_WILDCARDS: Final = frozenset({"0.0.0.0", "[::]"})  # noqa: S104 - these are refused
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([1-9][0-9]{0,4}))?")
_BODY_WITHIN: Final = 15.0  # seconds
_FOLLOWERS: Final = 8
_READING: Final = frozenset({"GET", "HEAD"})


class Guard:
    """What is remembered between requests: the token, who asked how often, who follows the events."""

    def __init__(self, http: Http, token_file: str) -> None:
        self._token = Token(token_file)
        self._listen = host_of(http.listen or "")
        self._buckets = Buckets()
        self._following = 0

    @web.middleware
    async def let_through(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Let a request through, or refuse it."""
        http = request.app[SUPERVISOR].settings.http
        check_target(request)
        check_host(request, LOCAL | {self._listen, *http.allowed_hosts} - _WILDCARDS)
        known = self._token.is_in(request)
        if not self._buckets.take((request.remote, _kind(request, known=known)), time.monotonic()):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "1"})
        check_browser(request)
        if not known and not _is_open(request):
            raise web.HTTPUnauthorized(
                reason="this needs the token: see `micropkgd token --help`", headers={"WWW-Authenticate": "Bearer"}
            )
        if known:
            let_in(request)
            request[ASKED_BY] = f"token {self._token.name}"
        await read_body(request, LARGEST_HOOK if _is_hook(request) else largest_body(request))
        if takes_time(request) and follows(request):
            return await self._follow(request, handler)
        response: web.StreamResponse = await handler(request)
        return response

    async def _follow(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self._following >= _FOLLOWERS:
            raise web.HTTPServiceUnavailable(reason="too many follow the events", headers={"Retry-After": "15"})
        self._following += 1
        try:
            response: web.StreamResponse = await handler(request)
        finally:
            self._following -= 1
        return response


class Token:
    """The token of a file, read again when the file changes: nobody is let in while it holds none."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._signature: tuple[int, ...] = ()
        self._value = b""

    @property
    def name(self) -> str:
        """What the token is called in events: the begin of its digest."""
        return sha256(self._value).hexdigest()[:8]

    def is_in(self, request: web.Request) -> bool:
        """Whether a request carries it, compared in constant time."""
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        expected = self._expected()
        return scheme.lower() == "bearer" and bool(expected) and hmac.compare_digest(_bytes(given.strip()), expected)

    def _expected(self) -> bytes:
        try:
            status = os.stat(self._path)
            signature = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
            if signature != self._signature:
                self._value, self._signature = read_token(self._path).encode(), signature
        except (OSError, TreeError):
            self._value, self._signature = b"", ()
        return self._value


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal of each application on TCP: rule 7, and one request a connection."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    await one_request(request, response)


async def one_request(_: web.Request, response: web.StreamResponse) -> None:
    """A signal of each application: one request a connection."""
    response.headers[hdrs.CONNECTION] = "close"
    response.force_close()


def host_of(authority: str) -> str:
    """The host of `host:port`."""
    return authority.rpartition(":")[0]


def check_target(request: web.Request) -> None:
    """Refuse a target that is not a path, and a body whose end two headers tell (rules 4 and 9)."""
    if not request.raw_path.startswith("/"):
        raise web.HTTPBadRequest(reason="the target must be a path")
    if hdrs.CONTENT_LENGTH in request.headers and hdrs.TRANSFER_ENCODING in request.headers:
        raise web.HTTPBadRequest(reason="Content-Length and Transfer-Encoding exclude each other")


def check_host(request: web.Request, allowed: Collection[str], *, literals: bool = False) -> None:
    """Refuse what is addressed to a name that is not ours (rule 4): such a name may be anybody's.

    With `literals` an address in figures will do: a page cannot make one mean another machine.
    """
    given = request.headers.getall(hdrs.HOST, [])
    if len(given) != 1:
        raise web.HTTPBadRequest(reason="send one Host")
    match = _HOST.fullmatch(given[0])
    if match is not None and match[1] in allowed and int(match[2] or 1) <= 0xFFFF:
        return
    if match is not None and literals:
        with suppress(ValueError):
            ipaddress.ip_address(match[1].strip("[]"))
            return
    raise web.HTTPForbidden(reason="this host is not served: see `http.allowed-hosts`")


def check_browser(request: web.Request) -> None:
    """Refuse what a page of another origin makes a browser ask (rule 5); a link to our page may be anywhere."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_link = (
        request.path == "/"
        and request.method in _READING
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )
    if site not in {"same-origin", "none"} and not is_link:
        raise web.HTTPForbidden(reason="pages of other origins may not ask")
    origins = request.headers.getall(hdrs.ORIGIN, [])
    scheme = "https" if request.secure else "http"
    if origins and origins != [f"{scheme}://{request.headers[hdrs.HOST]}"]:
        raise web.HTTPForbidden(reason="pages of other origins may not ask")


async def read_body(request: web.Request, largest: int) -> None:
    """Take in the whole body, so that no handler waits for the other side (rule 9)."""
    if (request.content_length or 0) > largest:
        raise web.HTTPRequestEntityTooLarge(largest, request.content_length or 0)
    try:
        async with asyncio.timeout(_BODY_WITHIN):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason="the body did not come in time") from None
    if len(body) > largest:
        raise web.HTTPRequestEntityTooLarge(largest, len(body))


def _is_open(request: web.Request) -> bool:
    """Whether somebody without the token may ask this: webhooks and codes prove themselves."""
    if request.method == "POST":
        return _is_hook(request) or request.path == LOGIN
    return request.method in _READING and request.path in PROBES | PAGE


def _kind(request: web.Request, *, known: bool) -> str:
    """What is counted together: who has nothing to show must not put off who has, nor the probes."""
    if known:
        return "token"
    if _is_hook(request):
        return "hook"
    return "probe" if request.path in PROBES else ""


def _is_hook(request: web.Request) -> bool:
    return request.method == "POST" and request.path.startswith("/hooks/")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
