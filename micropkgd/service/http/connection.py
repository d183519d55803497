"""One connection: what aiohttp's own lets pass by is bounded here, one request a connection.

aiohttp waits for a first request without end, and its limits are per header line. The head of a request is gathered
here, within a size and a time, before aiohttp sees any of it; then the whole exchange has its time.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web

from micropkgd.annotations import Any, Final
from micropkgd.service.http.answers import problem

LARGEST_HEAD: Final = 8 * 1024  # bytes
HEAD_WITHIN: Final = 5.0  # seconds
DONE_WITHIN: Final = 30.0  # seconds for a request and its answer, where the answer does not have to wait for a pass

WAITING: Final = frozenset({"/v1/reconcile", "/v1/resolve", "/v1/rollback", "/v1/diff"})  # for a pass, or for sources

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def takes_time(request: web.Request) -> bool:
    """Whether an exchange waits for a pass, or for events; it then has no end of its own any more."""
    waits = request.path in WAITING or follows(request)
    if waits and isinstance(request.protocol, Connection):
        request.protocol.let_take_time()
    return waits


def let_in(request: web.Request) -> None:
    """Who asks has shown that it may: its connection makes room for no other."""
    if isinstance(request.protocol, Connection):
        request.protocol.is_let_in = True


def follows(request: web.Request) -> bool:
    """Whether somebody wants to hear of events as they come."""
    return request.path == "/v1/events" and request.query.get("follow") == "1"


class Connection(web.RequestHandler):
    """aiohttp's connection behind these bounds; `ended` is called once, when it is over."""

    def __init__(self, *arguments: Any, ended: Callable[["Connection"], None], headers: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._ended = ended
        self._headers = headers
        self._line: asyncio.BaseTransport | None = None  # aiohttp forgets its own before all is sent
        self._head = bytearray()
        self._has_head = False
        self.is_let_in = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect the head of a request."""
        super().connection_made(transport)
        self._line = transport
        self._give(HEAD_WITHIN)

    def data_received(self, data: bytes) -> None:
        """Gather the head, then hand everything on."""
        if self._has_head:
            super().data_received(data)
            return
        start = max(0, len(self._head) - 3)
        self._head += data if self._head else data.lstrip(b"\r\n")  # RFC 9112 2.2: empty lines may come first
        end = self._head.find(b"\r\n\r\n", start)
        if end > LARGEST_HEAD or (end < 0 and len(self._head) > LARGEST_HEAD):
            self._refuse_head()
        elif end >= 0:
            self._has_head = True
            self._give(DONE_WITHIN)
            head, self._head = bytes(self._head), bytearray()
            super().data_received(head)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of everything."""
        self._stop_timer()
        super().connection_lost(exc)
        self._ended(self)

    def abort(self) -> None:
        """End it without a word."""
        if isinstance(self._line, asyncio.WriteTransport):
            self._line.abort()

    def let_take_time(self) -> None:
        """Set no end to this exchange: it waits for a pass, or for events."""
        self._stop_timer()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002 - aiohttp's signature
        message: str | None = None,  # noqa: ARG002 - aiohttp's own words may repeat what was sent
    ) -> web.StreamResponse:
        """Answer what could not be read as a request without repeating any of it: there may be a secret in it."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        said = problem(status, "malformed request" if status < 500 else "micropkgd has a bug here")
        said.headers.update(self._headers)
        said.headers["Connection"] = "close"
        said.force_close()
        return said

    def _refuse_head(self) -> None:
        self._has_head = True  # what comes after it is not looked at: aiohttp ignores all after `close`
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(_TOO_LARGE)
        self.force_close()

    def _give(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
