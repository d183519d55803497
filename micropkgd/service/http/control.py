"""The control API over the unix socket (docs/service.md): the same routes on TCP where it is on.

Handlers read what is asked, hand it to the supervisor, and say what came of it. They widen nothing: no project, origin,
hook or credential can be added here, and no address or path is fetched (docs/http.md, rule 8).
"""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web

from micropkgd import __version__
from micropkgd.actions import suspend as suspending
from micropkgd.annotations import Any, Final, TypeVar
from micropkgd.errors import ShortageError, UsageError
from micropkgd.machine.trust import UntrustedError
from micropkgd.model.condition import Condition
from micropkgd.model.event import Event
from micropkgd.model.outcome_json import outcome_document
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.reconcile.options import PassOptions
from micropkgd.service.board import Board
from micropkgd.service.conditions import News
from micropkgd.service.http.answers import SUPERVISOR, answer, errors_as_json, problem
from micropkgd.service.http.openapi import OPTIONS, openapi_document
from micropkgd.service.supervisor import Supervisor

ASKED_BY: Final = web.RequestKey("asked_by", str)  # who asks, as far as is known: for the events
LARGEST_BODY: Final = 64 * 1024  # bytes
LARGEST_TEXT: Final = 1024 * 1024  # bytes, of a request that has a merged file in it
HELD_FOR: Final = 10.0  # seconds to wait for a pass to end before something else is written

T = TypeVar("T")

_STATES: Final = tuple(condition.value for condition in Condition)
_BEAT: Final = 15.0  # seconds between two signs of life on a stream of events, and that one write may take


def make_app(
    supervisor: Supervisor,
    *middlewares: Any,
    routes: Iterable[web.AbstractRouteDef] = (),
) -> web.Application:
    """The application with these routes beside its own; `middlewares` decide who may ask."""
    app = web.Application(client_max_size=LARGEST_TEXT, middlewares=[errors_as_json, *middlewares, note_who_asked])
    app[SUPERVISOR] = supervisor
    app.add_routes(
        [
            web.get("/v1/status", status),
            web.get("/v1/events", events),
            web.get("/v1/openapi.json", openapi),
            web.post("/v1/reconcile", reconcile),
            web.post("/v1/trigger", trigger),
            web.post("/v1/suspend", suspend),
            web.post("/v1/resume", resume),
            *routes,
        ]
    )
    return app


def largest_body(request: web.Request) -> int:
    """How many bytes a request may have: a merged file is a text that somebody typed."""
    return LARGEST_TEXT if request.path == "/v1/resolve" else LARGEST_BODY


@web.middleware
async def note_who_asked(request: web.Request, handler: Any) -> web.StreamResponse:
    """Make an event of everything that was asked for and done (docs/http.md, rule 11)."""
    response: web.StreamResponse = await handler(request)
    if request.method == "POST" and response.status < HTTPStatus.BAD_REQUEST and ASKED_BY in request:
        request.app[SUPERVISOR].board.say(News("Asked", request.path, f"by {request[ASKED_BY]}"))
    return response


async def status(request: web.Request) -> web.Response:
    """How the service and its projects stand: all of them, one, those in a state, or a page."""
    supervisor = request.app[SUPERVISOR]
    asked = asked_of(request, "project", "state", "after", "limit")
    board = supervisor.board
    roots = _wanted(asked, board)
    limit = _number(asked.get("limit", "0"), "limit") or len(roots)
    page = roots[:limit]
    return answer(
        {
            "service": {
                "version": __version__,
                "pid": os.getpid(),
                "summary": board.summary(),
                "degraded": supervisor.fleet.degraded or None,
                "projects": len(board.projects),
                "looked_at": board.looked_at,
            },
            "projects": [project.document() for project in supervisor.statuses(page)],
            "next": page[-1] if len(page) < len(roots) else None,
        }
    )


def _wanted(asked: Mapping[str, str], board: Board) -> list[str]:
    """The projects that are asked for, in order."""
    named, state, after = (asked.get(name, "") for name in ("project", "state", "after"))
    if "project" in asked and named not in board.projects:
        raise web.HTTPNotFound(reason="this project is not served")
    if "state" in asked and state not in _STATES:
        raise web.HTTPBadRequest(reason=f"`state` must be one of {', '.join(_STATES)}")
    rows = [named] if named else sorted(root for root in board.projects if root > after)
    return [root for root in rows if not state or board.projects[root].standing.state == state]


async def events(request: web.Request) -> web.StreamResponse:
    """What happened since an event; with `follow=1` as server-sent events, without end."""
    board = request.app[SUPERVISOR].board
    _check_query(request, "since", "follow")
    seen = _number(request.headers.get("Last-Event-ID", "0"), "Last-Event-ID")
    seen = seen if seen <= board.last else 0  # a number of a service whose events were lost: it has missed them all
    last = _number(request.query.get("since", str(seen)), "since")
    follow = request.query.get("follow", "0")
    if follow not in {"0", "1"}:
        raise web.HTTPBadRequest(reason="`follow` must be 0 or 1")
    if follow == "0":
        return answer({"events": [event.document() for event in board.since(last)]})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    with suppress(TimeoutError):  # the other side no longer reads: it may come back, and say what it saw last
        async with board.follow() as reader:
            for event in board.since(last):
                last = await _send(response, event)
            while True:
                try:
                    async with asyncio.timeout(_BEAT):
                        event = await reader.get()
                except TimeoutError:
                    if board.since(last):
                        break  # it fell too far behind, and hears no more
                    await _write(response, b": still here\n\n")
                    continue
                last = await _send(response, event)
    return response


async def openapi(_: web.Request) -> web.Response:
    """All of this for programs that write programs."""
    return web.json_response(openapi_document(), headers={"Cache-Control": "no-store"})


async def reconcile(request: web.Request) -> web.Response:
    """Run a pass over projects and wait for what comes of it."""
    supervisor = request.app[SUPERVISOR]
    body = await json_body(request, "projects", "options")
    projects = await _projects(supervisor, body)
    options = _options(body.get("options", {}))
    reason = Trigger(TriggerKind.COMMAND, "reconcile")
    outcomes = await asyncio.gather(*(supervisor.reconcile(root, options, reason) for root in projects))
    if any(outcome is None for outcome in outcomes):
        raise web.HTTPServiceUnavailable(reason="the service is stopping")
    return answer({"projects": [outcome_document(outcome) for outcome in outcomes if outcome is not None]})


async def trigger(request: web.Request) -> web.Response:
    """Ask for a pass over projects and do not wait."""
    supervisor = request.app[SUPERVISOR]
    body = await json_body(request, "projects")
    asked = supervisor.trigger(Trigger(TriggerKind.COMMAND, "trigger"), await _projects(supervisor, body))
    return answer({"projects": asked}, HTTPStatus.ACCEPTED)


async def suspend(request: web.Request) -> web.Response:
    """Leave a project, or one entry of it, alone."""
    return await _set_suspended(request, suspended=True)


async def resume(request: web.Request) -> web.Response:
    """Look after it again."""
    return await _set_suspended(request, suspended=False)


async def _set_suspended(request: web.Request, *, suspended: bool) -> web.Response:
    supervisor = request.app[SUPERVISOR]
    body = await json_body(request, "projects", "entries")
    projects, entries = await _projects(supervisor, body), body.get("entries", [])
    if not isinstance(entries, list) or not all(isinstance(name, str) for name in entries):
        raise web.HTTPBadRequest(reason="`entries` must be a list of refs and modules")
    change, kind = (suspending.suspend, "Suspended") if suspended else (suspending.resume, "Resumed")
    try:
        for root in projects:
            await in_thread(root, partial(change, root, entries, HELD_FOR))
            supervisor.board.say(News(kind, ", ".join(entries), ""), root)
            supervisor.trigger(Trigger(TriggerKind.COMMAND, change.__name__), [root])
    except UsageError as error:  # an entry that the manifest does not have
        return problem(HTTPStatus.NOT_FOUND, str(error), error.hint)
    return answer({"projects": projects})


async def json_body(request: web.Request, *known: str) -> Mapping[str, Any]:
    """The object that was sent, with nothing in it but known keys."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(reason="send application/json")
    try:
        body = json.loads(await request.read() or b"{}")
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(reason="the body is not JSON") from None
    if not isinstance(body, dict) or not body.keys() <= set(known):
        raise web.HTTPBadRequest(reason=f"the body must be an object with no keys but {', '.join(known)}")
    return body


def asked_of(request: web.Request, *known: str) -> Mapping[str, str]:
    """What a query asks for, by known names; a path in it may be of any bytes."""
    _check_query(request, *known)
    return dict(parse_qsl(request.rel_url.raw_query_string, True, errors="surrogateescape"))


async def served_project(request: web.Request, root: object) -> str:
    """The one project that is meant, if it is served and may be worked on."""
    (named,) = await _projects(request.app[SUPERVISOR], {"projects": [root]})
    return named


async def in_thread(root: str, work: Callable[[], T]) -> T:
    """Some work on the files of a project, beside the loop."""
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise ShortageError.of(error, root) from error


def _check_query(request: web.Request, *known: str) -> None:
    """Refuse a name that means nothing: it may be a known one misspelt."""
    if not set(request.query) <= set(known):
        raise web.HTTPBadRequest(reason=f"the query must have no names but {', '.join(known)}")


async def _projects(supervisor: Supervisor, body: Mapping[str, Any]) -> list[str]:
    """The projects that are meant: those named, or all that are served."""
    named = body.get("projects")
    if named is None:
        return sorted(supervisor.fleet.groups)
    if not isinstance(named, list) or not all(isinstance(root, str) for root in named):
        raise web.HTTPBadRequest(reason="`projects` must be a list of folders")
    strange = [root for root in named if root not in supervisor.board.projects]
    if strange:
        raise web.HTTPNotFound(reason="a project that is named is not served")
    await supervisor.fleet.look_again_at(named)
    for root in named:
        if (doubt := supervisor.fleet.strangers.get(root)) is not None:
            raise UntrustedError(doubt.problem, where=root)
    return named


def _options(body: object) -> PassOptions:
    if not isinstance(body, dict) or not all(key in OPTIONS and isinstance(body[key], bool) for key in body):
        raise UsageError(f"`options` must be an object of true and false with no keys but {', '.join(OPTIONS)}")
    return PassOptions(**body)


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise web.HTTPBadRequest(reason=f"`{name}` must be a number")
    return int(text)


async def _send(response: web.StreamResponse, event: Event) -> int:
    """Send one event as it stands in a stream, and give its number."""
    data = f"id: {event.id}\ndata: {json.dumps(event.document())}\n\n"
    await _write(response, data.encode())
    return event.id


async def _write(response: web.StreamResponse, data: bytes) -> None:
    """Write to who reads; `TimeoutError` where it takes nothing."""
    async with asyncio.timeout(_BEAT):
        await response.write(data)
