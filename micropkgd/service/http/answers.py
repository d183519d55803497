"""The form of every answer: JSON for documents and for what went wrong, never a traceback."""

import os
import traceback
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from micropkgd.annotations import Any, Final
from micropkgd.errors import MicropkgError, UsageError
from micropkgd.machine.trust import UntrustedError
from micropkgd.service.conditions import News
from micropkgd.service.supervisor import Supervisor

SCHEMA: Final = "micropkgd/1"
SUPERVISOR: Final = web.AppKey("supervisor", Supervisor)

_KEPT_HEADERS: Final = ("Allow", "Retry-After", "WWW-Authenticate")


def answer(document: Mapping[str, object], code: int = HTTPStatus.OK) -> web.Response:
    """A document of this version."""
    return web.json_response({"schema": SCHEMA, **document}, status=code, headers={"Cache-Control": "no-store"})


def problem(code: int, what: str, hint: str = "") -> web.Response:
    """What went wrong."""
    return answer({"error": {"problem": what, "hint": hint}}, code)


def _code_of(error: MicropkgError) -> int:
    if isinstance(error, UntrustedError):
        return HTTPStatus.FORBIDDEN
    if isinstance(error, UsageError):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.CONFLICT if error.lasting else HTTPStatus.SERVICE_UNAVAILABLE


@web.middleware
async def errors_as_json(request: web.Request, handler: Any) -> web.StreamResponse:
    """Say what went wrong as every other answer is said; a bug is told to the log, and to nobody who asks."""
    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPException as error:
        said = problem(error.status, error.reason)
        said.headers.update({name: error.headers[name] for name in _KEPT_HEADERS if name in error.headers})
        return said
    except MicropkgError as error:
        return problem(_code_of(error), str(error), error.hint)
    except ConnectionError:
        raise  # the other side went away
    except Exception as error:  # noqa: BLE001 - a bug in one answer must not show its insides
        route = request.match_info.route.resource
        where = route.canonical if route is not None else "an unknown path"
        raised = traceback.extract_tb(error.__traceback__)[-1]  # its words may repeat what was sent
        place = f"{os.path.basename(raised.filename)}:{raised.lineno}"
        message = f"{type(error).__name__} in the answer to {where}, raised at {place}"
        request.app[SUPERVISOR].board.say(News("Bug", "", message))
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "micropkgd has a bug here: its log says more")
    return response
