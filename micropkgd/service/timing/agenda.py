"""What is to be done next: triggers coalesced per project, one pass a project at a time, in the order of asking.

Decides, and reaches no clock: every time is given, in seconds of one clock that never jumps. A project that is asked
for without end gets at most half of a worker: it rests after each pass as long as the pass took. A pass that waits for
a source takes nobody's place: a slow server must not slow the projects that do not need it.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from micropkgd.model.trigger import Trigger, TriggerKind

MOST_UNDER_WAY: Final = 128  # passes, those that wait for a source among them: each has a thread


class Due(NamedTuple):
    """A pass that is to be run now, and why."""

    project: str
    triggers: tuple[Trigger, ...]


class _Project:
    """What is known of one project."""

    def __init__(self) -> None:
        self.asked: dict[TriggerKind, tuple[float, Trigger]] = {}  # when a pass is due, and why
        self.started: float | None = None  # of the pass under way
        self.rests_until = 0.0

    @property
    def due(self) -> float | None:
        """When its next pass may start; None for not at all."""
        if self.started is not None or not self.asked:
            return None
        return max(self.rests_until, min(at for at, _ in self.asked.values()))


class Agenda:
    """The passes that are due, and those under way."""

    def __init__(self, passes: int) -> None:
        self.passes = passes
        self.waiting = 0  # of the passes under way, those that wait for a source
        self._projects: dict[str, _Project] = {}

    @property
    def projects(self) -> tuple[str, ...]:
        """All that are known."""
        return tuple(self._projects)

    @property
    def running(self) -> Mapping[str, float]:
        """The projects with a pass under way, and when it started."""
        return {name: one.started for name, one in self._projects.items() if one.started is not None}

    def add(self, project: str) -> None:
        """Take a project on; one that is known stays as it is."""
        self._projects.setdefault(project, _Project())

    def remove(self, project: str) -> None:
        """Let a project go; a pass of it that is under way ends as it will."""
        self._projects.pop(project, None)

    def ask(self, project: str, trigger: Trigger, at: float) -> None:
        """Ask for a pass that starts at a time or later; of two triggers of a kind the earlier time holds."""
        one = self._projects.get(project)
        if one is None:
            return
        known = one.asked.get(trigger.kind)
        one.asked[trigger.kind] = (at if known is None else min(at, known[0]), trigger)

    def put_off(self, project: str, trigger: Trigger, at: float) -> None:
        """Ask for a pass at a time, in place of what was asked for by the same kind of trigger."""
        one = self._projects.get(project)
        if one is not None:
            one.asked[trigger.kind] = (at, trigger)

    def take(self, now: float) -> list[Due]:
        """The passes to start now, as far as there is room: who waits longest comes first."""
        waiting = [(one.due, name) for name, one in self._projects.items() if one.due is not None and one.due <= now]
        taken = []
        for _, name in sorted(waiting)[: max(0, self._room)]:
            one = self._projects[name]
            reasons = [trigger for at, trigger in one.asked.values() if at <= now]
            # The pass will find out for itself whether it has to be tried again.
            one.asked = {kind: row for kind, row in one.asked.items() if row[0] > now and kind is not TriggerKind.RETRY}
            one.started = now
            taken.append(Due(name, tuple(reasons)))
        return taken

    def done(self, project: str, now: float) -> None:
        """Take note that a pass has ended."""
        one = self._projects.get(project)
        if one is not None and one.started is not None:
            one.rests_until = now + (now - one.started)
            one.started = None

    def next_at(self) -> float | None:
        """When `take` will next have something to give, as far as is known; None while there is no room or wish."""
        if self._room <= 0:
            return None
        return min((one.due for one in self._projects.values() if one.due is not None), default=None)

    @property
    def _room(self) -> int:
        """How many more passes may start."""
        return min(self.passes + self.waiting, MOST_UNDER_WAY) - len(self.running)

    def next_pass(self, project: str) -> float | None:
        """When a project's next pass is due."""
        one = self._projects.get(project)
        return one.due if one is not None else None
