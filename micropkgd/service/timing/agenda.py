"""The queue of passes: triggers coalesced per project, one pass a project at a time, in the order of asking.

Decides, and reaches no clock: every time is given, in seconds of one clock that never jumps. Each kind of trigger has
a time of its own, and a pass for one of them leaves those of the others where they are. A project that is asked for
without end gets at most half of a worker: it rests after each pass as long as the pass took. A pass that waits for a
source takes nobody's place: a slow server must not slow the projects that do not need it. What is asked costs the same
however many projects there are.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

from micropkgd.annotations import Final
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.named_tuples import NamedTuple

MOST_UNDER_WAY: Final = 128  # passes, those that wait for a source among them: each has a thread
_FEW: Final = 64


class Due(NamedTuple):
    """A pass that is to be run now, and why."""

    project: str
    triggers: tuple[Trigger, ...]

    @property
    def kinds(self) -> frozenset[TriggerKind]:
        """Who or what asked for it."""
        return frozenset(trigger.kind for trigger in self.triggers)

    @property
    def reasons(self) -> str:
        """The same for people."""
        return ", ".join(map(str, self.triggers))


class _Project:
    """What is known of one project."""

    def __init__(self, *, running: bool) -> None:
        self.asked: dict[TriggerKind, tuple[float, Trigger]] = {}  # when a pass is due, and why
        self.running = running
        self.rests_until = 0.0

    @property
    def due(self) -> float | None:
        """When its next pass may start; None for not at all."""
        if self.running or not self.asked:
            return None
        return max(self.rests_until, min(at for at, _ in self.asked.values()))


class Agenda:
    """The passes that are due, and those under way."""

    def __init__(self, passes: int) -> None:
        self.passes = passes
        self.waiting = 0  # of the passes under way, those that wait for a source
        self._projects: dict[str, _Project] = {}
        self._running: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []  # a heap; a row that is no longer true is left out when it comes up

    @property
    def projects(self) -> tuple[str, ...]:
        """All that are known."""
        return tuple(self._projects)

    @property
    def running(self) -> Mapping[str, float]:
        """The projects with a pass under way, and when it started."""
        return dict(self._running)

    def is_running(self, project: str) -> bool:
        """Whether a pass of it is under way."""
        return project in self._running

    def add(self, project: str) -> None:
        """Take a project on; one that is known stays as it is, and a pass of it that is still under way counts."""
        self._projects.setdefault(project, _Project(running=project in self._running))

    def remove(self, project: str) -> None:
        """Let a project go; a pass of it that is under way ends as it will."""
        self._projects.pop(project, None)

    def ask(self, project: str, trigger: Trigger, at: float) -> None:
        """Ask for a pass that starts at a time or later; of two triggers of a kind the earlier time holds."""
        known = self.planned(project, trigger.kind)
        self.plan(project, trigger, at if known is None else min(at, known))

    def plan(self, project: str, trigger: Trigger, at: float) -> None:
        """Ask for a pass at a time, in place of what was asked for by the same kind of trigger."""
        one = self._projects.get(project)
        if one is not None:
            one.asked[trigger.kind] = (at, trigger)
            self._note(project, one)

    def cancel(self, project: str, kind: TriggerKind) -> None:
        """Ask no more by this kind of trigger."""
        one = self._projects.get(project)
        if one is not None and one.asked.pop(kind, None) is not None:
            self._note(project, one)

    def take(self, now: float) -> list[Due]:
        """The passes to start now, as far as there is room: who waits longest comes first."""
        taken = []
        while self._room > 0 and (at := self._first()) is not None and at <= now:
            _, name = heappop(self._queue)
            one = self._projects[name]
            reasons = [trigger for at, trigger in one.asked.values() if at <= now]
            one.asked = {kind: row for kind, row in one.asked.items() if row[0] > now}
            one.running = True
            self._running[name] = now
            taken.append(Due(name, tuple(reasons)))
        return taken

    def done(self, project: str, now: float) -> None:
        """Take note that a pass has ended."""
        one, started = self._projects.get(project), self._running.pop(project, None)
        if one is not None and started is not None:
            one.rests_until = now + (now - started)
            one.running = False
            self._note(project, one)

    def next_at(self) -> float | None:
        """When `take` will next have something to give, as far as is known; None while there is no room or wish."""
        return self._first() if self._room > 0 else None

    def backlog(self, now: float) -> int:
        """How many projects are due and wait for room."""
        return sum(1 for one in self._projects.values() if one.due is not None and one.due <= now)

    def next_pass(self, project: str) -> float | None:
        """When a project's next pass is due."""
        one = self._projects.get(project)
        return one.due if one is not None else None

    def planned(self, project: str, kind: TriggerKind) -> float | None:
        """When a kind of trigger asks for a project next; None for not at all."""
        one = self._projects.get(project)
        return one.asked[kind][0] if one is not None and kind in one.asked else None

    @property
    def _room(self) -> int:
        """How many more passes may start."""
        return min(self.passes + self.waiting, MOST_UNDER_WAY) - len(self._running)

    def _note(self, name: str, one: _Project) -> None:
        """Let a project come up when it is due; rows that are true no more are cleared away before they are many."""
        if len(self._queue) > 4 * len(self._projects) + _FEW:
            self._queue = sorted((due, name) for name, one in self._projects.items() if (due := one.due) is not None)
        elif (due := one.due) is not None:
            heappush(self._queue, (due, name))

    def _first(self) -> float | None:
        """When the first project is due."""
        while self._queue:
            due, name = self._queue[0]
            one = self._projects.get(name)
            if one is not None and one.due == due:
                return due
            heappop(self._queue)
        return None
