"""A client of the running service, over its unix socket: the command line's side of `control`."""

import http.client
import json
import os
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from micropkgd.annotations import Any, Final
from micropkgd.errors import MicropkgError, UsageError, words_of
from micropkgd.machine.places import socket_path
from micropkgd.model.condition import Condition
from micropkgd.model.outcome import Outcome
from micropkgd.model.outcome_json import read_outcome
from micropkgd.service.unix_connection import connect_unix

_ANSWER: Final = 10.0  # seconds to wait for what needs no pass
_SEARCH: Final = 60.0  # seconds to wait for a search for projects
_PAGE: Final = 500  # projects
_NOBODY: Final = (FileNotFoundError, NotADirectoryError, ConnectionRefusedError)  # where nobody listens


class ServiceError(MicropkgError):
    """The service said no, or something that cannot be read."""


class Service:
    """A service that listens."""

    def __init__(self, path: str) -> None:
        self._path = path

    def get(self, target: str, timeout: float = _ANSWER) -> Mapping[str, Any]:
        """Ask for something."""
        return self._ask("GET", target, None, timeout)

    def post(self, target: str, body: Mapping[str, object], timeout: float | None = _ANSWER) -> Mapping[str, Any]:
        """Ask for something to be done; without `timeout`, wait for as long as it takes."""
        return self._ask("POST", target, body, timeout)

    def serves(self, root: str) -> bool:
        """Whether passes are run for a project: one that is not trusted is known, and left alone."""
        row = self.project(root)
        return row is not None and row["standing"]["state"] != Condition.UNTRUSTED.value

    def knows(self, root: str) -> bool:
        """Whether a project is known to it, also where it is left alone."""
        return self.project(root) is not None

    def project(self, root: str, timeout: float = _ANSWER) -> Mapping[str, Any] | None:
        """How one project stands; None where it is not served."""
        try:
            row: Mapping[str, Any] = self.get(f"/v1/status?project={_quoted(root)}", timeout)["projects"][0]
        except UsageError:  # 404
            return None
        return row

    def projects(self) -> Iterator[Mapping[str, Any]]:
        """How every project stands, page by page: none of them holds up the service for long."""
        after: str | None = ""
        while after is not None:
            page = self.get(f"/v1/status?limit={_PAGE}&after={_quoted(after)}")
            yield from page["projects"]
            after = page.get("next")

    def reload(self) -> None:
        """Let it read its config again; `ServiceError` where that is wrong, and the old one stays."""
        self.post("/v1/reload", {}, timeout=_SEARCH)

    def reconcile(self, root: str, options: Mapping[str, object]) -> Outcome:
        """What came of a pass over a project, however long it takes."""
        answer = self.post("/v1/reconcile", {"projects": [root], "options": options}, timeout=None)
        return read_outcome(answer["projects"][0])

    def follow(self, target: str) -> Iterator[Mapping[str, Any]]:
        """The events as they come, until the service ends."""
        connection = _Connection(self._path, None)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            _refuse(response.status, response.reason)
            while line := response.readline():
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise ServiceError(f"the service went away: {error}") from error
        finally:
            connection.close()

    def _ask(
        self, method: str, target: str, body: Mapping[str, object] | None, timeout: float | None
    ) -> Mapping[str, Any]:
        connection = _Connection(self._path, timeout)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, target, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise ServiceError(f"the service does not answer: {error}", where=self._path) from error
        finally:
            connection.close()
        if not isinstance(answer, dict):
            raise ServiceError("the service said something that cannot be read", where=self._path)
        if "error" in answer:
            _refuse(response.status, answer["error"]["problem"], answer["error"]["hint"])
        return answer


def find_service(chosen: str | None = None) -> Service | None:
    """The service of this user, if one listens and may be asked."""
    path = socket_path(chosen, os.environ)
    return Service(path) if _refusal(path) is None else None


def require_service(chosen: str | None = None) -> Service:
    """The service of this user; `UsageError` where none listens, `ServiceError` where one cannot be asked."""
    path = socket_path(chosen, os.environ)
    refusal = _refusal(path)
    if isinstance(refusal, _NOBODY):
        raise UsageError("no service listens", where=path, hint="start one with `micropkgd reconcile`")
    if refusal is not None:
        hint = (
            f"see `namei -l {path}`: only who runs the service may ask it"
            if isinstance(refusal, PermissionError)
            else ""
        )
        problem = f"the service cannot be asked: {words_of(refusal)}"
        raise ServiceError(problem, where=path, hint=hint)
    return Service(path)


def _refusal(path: str) -> OSError | None:
    """Why the socket cannot be connected to."""
    try:
        connect_unix(path, 0).close()
    except BlockingIOError:
        return None  # it listens, and very many wait already
    except OSError as error:
        return error
    return None


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the path in place of a host."""
        self.sock = connect_unix(self._path, self.timeout)


def _quoted(path: str) -> str:
    """A path in a query, whatever its bytes."""
    return quote(path, errors="surrogateescape")


def _refuse(status: int, problem: str, hint: str = "") -> None:
    if status == http.HTTPStatus.NOT_FOUND:
        raise UsageError(problem, hint=hint or "see `micropkgd status --all` for what is served")
    if status >= http.HTTPStatus.BAD_REQUEST:
        raise ServiceError(problem, hint=hint)
