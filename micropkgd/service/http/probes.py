"""Probes for those who keep machines running: whether it lives, is ready, has started (docs/http.md)."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from micropkgd.model.condition import Condition
from micropkgd.model.status import ProjectStatus
from micropkgd.service.http.answers import answer
from micropkgd.service.supervisor import Supervisor

STUCK: Final = 3600.0  # seconds that a pass may stand still before the service no longer counts as alive

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

    async def readyz(self, _: web.Request) -> web.Response:
        """Whether every project that is served has all it asks for."""
        projects = self._served
        ready = sum(map(is_ready, projects))
        known = self._supervisor.fleet.known.is_set()
        return _say(known and ready == len(projects), projects=len(projects), ready=ready)

    async def startupz(self, _: web.Request) -> web.Response:
        """Whether that was ever so since the start."""
        known = self._supervisor.fleet.known.is_set()
        self._started = self._started or (known and all(map(is_ready, self._served)))
        return _say(self._started)

    @property
    def _served(self) -> list[ProjectStatus]:
        board = self._supervisor.board.projects.values()
        return [project for project in board if project.standing.state != Condition.UNTRUSTED.value]


def _say(ok: bool, **facts: int) -> web.Response:  # noqa: FBT001 - it is what is said
    return answer({"ok": ok, **facts}, HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE)
