"""The unix socket from the start of the service to its end: served within limits, looked at, made again where it went.

A logout or whatever cleans up temporary folders takes the file away, and leaves a service that nobody can reach and a
place where a second one would open its own. So its path is looked at every few seconds.
"""

import asyncio
import os
import resource
from contextlib import suppress

from aiohttp import web

from micropkgd.annotations import Any, Final
from micropkgd.errors import MicropkgError
from micropkgd.service.board import Board
from micropkgd.service.conditions import News
from micropkgd.service.http.connection import let_in, takes_time
from micropkgd.service.http.control import ASKED_BY, largest_body
from micropkgd.service.http.guard import check_target, one_request, read_body
from micropkgd.service.http.listener import Listener
from micropkgd.service.http.unix_socket import UnixSocket, open_again, peer_of

_LOOK_AGAIN: Final = 5.0  # seconds between two looks at the path
_MOST: Final = 128  # connections at once
_LEAST: Final = 16
_SHARE: Final = 4  # connections may take one descriptor in so many: passes need the others


class OwnSocket:
    """The open socket of this user."""

    def __init__(self, opened: UnixSocket, app: web.Application, board: Board) -> None:
        self._opened = opened
        self._board = board
        self._told = ""
        app.on_response_prepare.append(one_request)
        self._listener = Listener("socket", opened.listener, app, {}, most=room())
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take connections from now on."""
        await self._listener.start()
        self._looking = asyncio.create_task(self._look_again())

    async def stop(self) -> None:
        """Take no more, and leave nothing behind that this process has made."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._listener.stop()
        self._opened.remove()

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AGAIN)
            with suppress(OSError):  # a shortage: the next look may be luckier
                if not await asyncio.to_thread(self._opened.stands):
                    await self._open_again()

    async def _open_again(self) -> None:
        """Bind anew; who is connected stays. What cannot be done is said once, and tried again."""
        try:
            opened = await asyncio.to_thread(open_again, self._opened)
        except MicropkgError as error:
            self._say("SocketLost", f"the control socket is gone: {error}")
            return
        self._opened = opened
        await self._listener.move_to(opened.listener)
        self._told = ""
        self._say("SocketMadeAgain", "the control socket was gone, and is there again")

    def _say(self, kind: str, message: str) -> None:
        if message != self._told:
            self._board.say(News(kind, self._opened.path, message))
            self._told = message


class OwnUser:
    """The middleware of the socket: who may ask there, and for how long."""

    def __init__(self) -> None:
        self._waiting = 0
        self._most = room() * 3 // 4  # so that a question is answered while all others wait

    @web.middleware
    async def let_through(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Let in nobody but the user whose service it is, and root."""
        connection = request.transport.get_extra_info("socket") if request.transport else None
        pid, uid = peer_of(connection) if connection is not None else (0, -1)
        if uid not in {os.getuid(), 0}:
            raise web.HTTPForbidden(reason="this is another user's service")
        request[ASKED_BY] = f"user {uid}, process {pid}"
        check_target(request)
        await read_body(request, largest_body(request))
        let_in(request)
        if not takes_time(request):
            response: web.StreamResponse = await handler(request)
            return response
        if self._waiting >= self._most:
            raise web.HTTPServiceUnavailable(reason="too many wait for the service", headers={"Retry-After": "15"})
        self._waiting += 1
        try:
            response = await handler(request)
        finally:
            self._waiting -= 1
        return response


def room() -> int:
    """How many connections there may be at once: as many as leave descriptors for the work."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else min(_MOST, max(_LEAST, soft // _SHARE))
