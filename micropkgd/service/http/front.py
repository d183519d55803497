"""Starts what listens on TCP, as the config says: all of the service behind the guard, and the probes alone."""

import asyncio
import os
import time
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from micropkgd.annotations import Any, Final
from micropkgd.errors import MicropkgError
from micropkgd.machine.token import read_token, token_file
from micropkgd.model.settings import Http
from micropkgd.service.conditions import News
from micropkgd.service.http import edits, held, page, webhooks
from micropkgd.service.http.answers import SUPERVISOR, answer, errors_as_json, problem
from micropkgd.service.http.bucket import Buckets
from micropkgd.service.http.control import make_app
from micropkgd.service.http.guard import (
    HEADERS,
    LOCAL,
    LOGIN,
    PROBES,
    Guard,
    add_headers,
    check_host,
    check_target,
    host_of,
)
from micropkgd.service.http.listener import Certificate, Listener, bind
from micropkgd.service.http.login import Codes
from micropkgd.service.http.probes import Probes
from micropkgd.service.supervisor import Supervisor

_NO_ADDRESS: Final = "the service listens on no address"
_HOW_TO_LISTEN: Final = (
    'write `[http]` and `listen = "127.0.0.1:8473"` at the end of its config, then run `micropkgd service reload`'
)
_ASKS_ONLY: Final = frozenset({"GET", "HEAD"})


class Front:
    """The listeners on TCP, from the start of the service to its end."""

    def __init__(self, supervisor: Supervisor, probes: Probes) -> None:
        """Bind what the config asks for; `MicropkgError` where that cannot be."""
        self._supervisor = supervisor
        self._probes = probes
        self._metrics: Any = None
        self._lag: asyncio.Task[None] | None = None
        self._changing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._started = False
        self._http = self._wanted = supervisor.settings.http  # as is listened, and as the config says
        self._codes = Codes()
        self._listeners = self._bind(self._http)

    async def start(self) -> None:
        """Take connections from now on, and say where."""
        async with self._turn:
            self._started = True
            await self._start()

    async def _start(self) -> None:
        for listener in self._listeners:
            await listener.start()
            self._supervisor.board.say(News("Listening", listener.key, listener.address))
        if self._metrics is not None and self._lag is None:
            self._lag = asyncio.create_task(self._metrics.measure_lag())

    async def stop(self) -> None:
        """Take no more."""
        tasks = [task for task in (self._lag, self._changing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close()

    async def give_code(self, _: web.Request) -> web.Response:
        """On the unix socket: a code that logs in once, and the address of the page it is for."""
        async with self._turn:  # after a config that was just read again, listeners are being opened
            addresses = {listener.key: listener.address for listener in self._listeners}
        if "http.listen" not in addresses:
            return problem(HTTPStatus.CONFLICT, _NO_ADDRESS, _HOW_TO_LISTEN)
        return answer({"code": self._codes.make(time.monotonic()), "address": addresses["http.listen"]})

    def follow(self, http: Http) -> None:
        """Listen as another config says. What is read at each request needs nothing; the rest is opened anew."""
        self._wanted = http
        if self._changing is None or self._changing.done():
            self._changing = asyncio.create_task(self._change())

    async def _change(self) -> None:
        """Open and close until the addresses are those of the config that was read last."""
        async with self._turn:
            while _addresses(wanted := self._wanted) != _addresses(self._http):
                await self._close()
                try:
                    self._listeners, self._http = self._bind(wanted), wanted
                except MicropkgError as error:
                    self._supervisor.board.say(News("ConfigRefused", "", f"the old addresses stay: {error}"))
                    self._open_again(wanted)
                if self._started:
                    await self._start()

    def _open_again(self, refused: Http) -> None:
        """Listen as before, if that can be; a config that is read again is tried again."""
        try:
            self._listeners = self._bind(self._http)
        except MicropkgError:
            self._http = Http()  # listens nowhere
        if self._wanted is refused:
            self._wanted = self._http

    async def _close(self) -> None:
        listeners, self._listeners = self._listeners, []
        await asyncio.gather(*(listener.stop() for listener in listeners))

    def _bind(self, http: Http) -> list[Listener]:
        opened: list[Listener] = []
        try:
            if http.listen is not None:
                certificate = Certificate(http.certificate) if http.certificate is not None else None
                app, bound = self.whole(http), bind("http.listen", http.listen)
                opened.append(Listener("http.listen", bound, app, HEADERS, certificate))
            if http.probes is not None:
                app, bound = self._probes_alone(http), bind("http.probes", http.probes)
                opened.append(Listener("http.probes", bound, app, HEADERS))
        except MicropkgError:
            for listener in opened:
                listener.unbind()
            raise
        return opened

    def whole(self, http: Http) -> web.Application:
        """All of the service behind the guard."""
        path = token_file(http.token_file, os.environ)
        read_token(path)
        routes = [
            *self._probes.routes(),
            web.post("/hooks/{name}", webhooks.receive),
            *page.routes(),
            *held.routes(),
            *edits.routes(),
        ]
        routes.append(web.post(LOGIN, self._codes.redeem))
        if http.metrics:
            routes.append(self._metrics_route())
        guard = Guard(http, path).let_through
        return self._with_signals(
            make_app(self._supervisor, guard, routes=routes)
        )  # fmt: skip

    def _probes_alone(self, http: Http) -> web.Application:
        app = web.Application(middlewares=[errors_as_json, _only_asks(http)])
        app[SUPERVISOR] = self._supervisor
        app.add_routes(self._probes.routes())
        if http.metrics:
            app.add_routes([self._metrics_route()])
        return self._with_signals(app)

    def _metrics_route(self) -> web.AbstractRouteDef:
        if self._metrics is None:
            from micropkgd.service.http.metrics import Metrics

            self._metrics = Metrics(self._supervisor)
        return web.get("/metrics", self._metrics.show)

    def _with_signals(self, app: web.Application) -> web.Application:
        app.on_response_prepare.append(add_headers)
        if self._metrics is not None:
            app.on_response_prepare.append(self._metrics.count_answer)
        return app


def _addresses(http: Http) -> Http:
    """What of it decides how is listened; the rest is read at each request."""
    return http._replace(allowed_hosts=(), ready_projects=())


def _only_asks(http: Http) -> Callable[..., Any]:
    """The guard of the probes: it only lets ask, from everywhere, by an address in figures or a name of ours."""
    buckets = Buckets()
    allowed = LOCAL | {host_of(http.probes or "")}

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        check_target(request)
        check_host(request, allowed | {*request.app[SUPERVISOR].settings.http.allowed_hosts}, literals=True)
        if request.method not in _ASKS_ONLY:
            raise web.HTTPMethodNotAllowed(request.method, _ASKS_ONLY)
        if not buckets.take((request.remote, request.path in PROBES), time.monotonic()):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "1"})
        response: web.StreamResponse = await handler(request)
        return response

    return guard
