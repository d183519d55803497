"""Probes for those who keep machines running: whether it lives, is ready, has started (docs/http.md)."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from aiohttp import web

from micropkgd.annotations import Final
from micropkgd.model.condition import Condition
from micropkgd.model.status import ProjectStatus
from micropkgd.service.http.answers import answer
from micropkgd.service.http.control import ASKED_BY
from micropkgd.service.supervisor import Supervisor

STUCK: Final = 3600.0  # seconds that a pass may stand still before the service no longer counts as alive

_Row = Mapping[str, object]

_SEARCHING: Final[_Row] = {"state": Condition.PENDING.value, "reason": "Searching", "projects": 0}
_NAMED: Final = 20  # projects of one kind that are named
_LOST: Final = frozenset({Condition.PENDING.value, Condition.STALLED.value})
_FINE: Final = frozenset({Condition.READY.value, Condition.SUSPENDED.value})


def is_ready(project: ProjectStatus) -> bool:
    """Whether all that a project asks for is there, in one version or another.

    What is installed stays while its source does not answer or while somebody has to choose: that is no reason to take
    a machine out of service. What was never installed is.
    """
    if project.standing.state in _LOST or project.last_pass is None:
        return False
    return all(entry.version or entry.standing.state in _FINE for entry in project.entries)


class Probes:
    """The three questions. That it has started is remembered."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._started = False

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Where they are asked."""
        return (
            web.get("/livez", self.livez),
            web.get("/readyz", self.readyz),
            web.get("/startupz", self.startupz),
        )

    async def livez(self, _: web.Request) -> web.Response:
        """Whether work gets done; if not, a restart may help."""
        return _say(self._supervisor.alive(STUCK))

    async def readyz(self, request: web.Request) -> web.Response:
        """Whether every project that this depends on has all it asks for; if not, how those stand that have not."""
        depends, known = self._depends(), self._supervisor.fleet.known.is_set()
        waits = {root: _standing(one) for root, one in depends.items() if one is None or not is_ready(one)}
        ready = len(depends) - len(waits)
        shown = _waits_for(waits, by_name=ASKED_BY in request) if known else [_SEARCHING]
        return _say(known and not waits, projects=len(depends), ready=ready, waits_for=shown)

    async def startupz(self, _: web.Request) -> web.Response:
        """Whether every project was looked at once since the start, whatever came of it."""
        board, known = self._supervisor.board, self._supervisor.fleet.known.is_set()
        projects, seen = len(board.projects), board.looked_at
        self._started = self._started or (known and seen == projects)
        return _say(self._started, projects=projects, looked_at=seen)

    def _depends(self) -> Mapping[str, ProjectStatus | None]:
        """The projects that readiness depends on, and how they stand; None: it is not served."""
        board = self._supervisor.board.projects
        if self._supervisor.settings.http.ready_projects:
            return {root: board.get(root) for root in self._supervisor.fleet.ready}
        return {root: one for root, one in board.items() if one.standing.state != Condition.UNTRUSTED.value}


def _standing(project: ProjectStatus | None) -> tuple[str, str]:
    if project is None:
        return Condition.PENDING.value, "NotServed"
    return project.standing.state, project.standing.reason


def _waits_for(waits: Mapping[str, tuple[str, str]], *, by_name: bool) -> list[_Row]:
    """How many projects stand in which way, and for who may know, which they are."""
    found: list[_Row] = []
    for state, reason in sorted(set(waits.values())):
        roots = sorted(root for root, standing in waits.items() if standing == (state, reason))
        named = {"names": roots[:_NAMED]} if by_name else {}
        found.append({"state": state, "reason": reason, "projects": len(roots), **named})
    return found


def _say(ok: bool, **facts: object) -> web.Response:  # noqa: FBT001 - it is what is said
    return answer({"ok": ok, **facts}, HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE)
