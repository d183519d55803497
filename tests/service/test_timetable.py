"""When projects are looked at over days, in a world whose clocks are numbers: no test here waits.

The world runs the code that decides, the timetable and what is concluded of a pass, and makes up the rest: how long
passes take, when somebody saves, when a source is down, when the config is read again, when the clock is set.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micropkgd.clock import utc
from micropkgd.machine.cron import seconds_until
from micropkgd.model.backoff import LONGEST
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.model.settings import Group
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.conclusion import PassEnd, conclude
from micropkgd.service.timing.agenda import Agenda, Due
from micropkgd.service.timing.schedule import Instant
from micropkgd.service.timing.timetable import Timetable
from tests.service.test_conditions import DOWN, entry

pytestmark = pytest.mark.no_cover

if TYPE_CHECKING:
    from micropkgd.model.status import ProjectStatus

WEEK = 7 * 86400.0
MIDNIGHT = 1_780_272_000.0  # seconds since the epoch, of a Monday
ASKS = {TriggerKind.START, TriggerKind.SCHEDULE, TriggerKind.RETRY, TriggerKind.CONFIG}
BUSY = Failure(7, "ProjectBusy", "another process holds this project", transient=True)
SCHEDULE, SCAN, RETRY, EDIT = TriggerKind.SCHEDULE, TriggerKind.SCAN, TriggerKind.RETRY, TriggerKind.EDIT


class Run(NamedTuple):
    """One pass."""

    project: str
    kinds: frozenset[TriggerKind]
    at: float
    next_try: str


class World:
    """Projects, and a service that looks at them until the time is over."""

    def __init__(
        self, groups: Mapping[str, Group], scan_every: float, chances: Iterable[float] = (0.5,), takes: float = 0.0
    ) -> None:
        self.clock, self.set_by = 0.0, 0.0
        self.down: set[str] = set()  # projects whose source does not answer
        self.held: set[str] = set()  # projects that another process is at
        self.runs: list[Run] = []
        self.asked: dict[str, list[float]] = {name: [] for name in groups}  # when a clock that was set asked for one
        self._chances = [*chances]
        self._takes = takes
        self._ends: list[tuple[float, int, Due, float]] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._status: dict[str, ProjectStatus] = {}
        self.agenda = Agenda(2)
        self.times = Timetable(self.agenda, self._chance, seconds_until)
        self.reload(groups, scan_every)
        for name in groups:
            self.agenda.ask(name, Trigger(TriggerKind.START), 0.0)

    @property
    def now(self) -> Instant:
        """Both clocks."""
        return Instant(self.clock, MIDNIGHT + self.clock + self.set_by)

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Let something happen."""
        heapq.heappush(self._events, (when, len(self._events), what))

    def reload(self, groups: Mapping[str, Group], scan_every: float) -> None:
        """Read a config."""
        for name, group in groups.items():
            self.times.serve(name, group, scan_every, self.now)

    def save(self, project: str) -> None:
        """Save a module."""
        self.agenda.plan(project, Trigger(EDIT, "a"), self.clock)

    def set_clock(self, by: float) -> None:
        """Set the time of day, as the supervisor notices it."""
        self.set_by += by
        self.times.forget_outages()
        for name in self.agenda.projects:
            self.agenda.ask(name, Trigger(SCHEDULE, "the clock moved"), self.clock + 5.0 * self._chance())
            self.asked[name].append(self.clock)

    def live(self, until: float) -> "World":
        """Go on to a moment."""
        while True:
            room = self.agenda.next_at()
            ends, happens = self._ends[0][0] if self._ends else None, self._events[0][0] if self._events else None
            ahead = min((one for one in (room, ends, happens) if one is not None), default=None)
            if ahead is None or max(ahead, self.clock) > until:
                self.clock = until
                return self
            self.clock = max(self.clock, ahead)
            while self._events and self._events[0][0] <= self.clock:
                heapq.heappop(self._events)[2]()
            while self._ends and self._ends[0][0] <= self.clock:
                self._end(*heapq.heappop(self._ends)[2:])
            for due in self.times.take(self.now):
                seconds = self._takes * self._chance()
                heapq.heappush(self._ends, (self.clock + seconds, len(self.runs) + len(self._ends), due, self.clock))

    def starts(self, project: str, kind: TriggerKind) -> list[float]:
        """When passes of a kind began."""
        return [run.at for run in self.runs if run.project == project and kind in run.kinds]

    def _end(self, due: Due, began: float) -> None:
        root = due.project
        self.agenda.done(root, self.clock)
        failure = DOWN if root in self.down else None
        came = Outcome(root, (entry(failure),)) if root not in self.held else Outcome(root, failure=BUSY)
        scheduled = self.agenda.planned(root, SCHEDULE)
        ended = PassEnd(due, "", self.clock - began, self.now, self._chance(), scheduled, 1e9)
        conclusion = conclude(self._status.get(root), came, ended, self.times.outage(root))
        self._status[root] = conclusion.status
        self.times.plan_retry(root, conclusion.outage)
        if conclusion.is_busy:
            self.times.ask_again(root, due.triggers, self.clock + 2.0)
        self.runs.append(Run(root, due.kinds, began, conclusion.status.standing.next_try))

    def _chance(self) -> float:
        self._chances.append(self._chances.pop(0))
        return self._chances[-1]


def test_a_scan_puts_no_look_at_the_sources_off() -> None:
    """However much rarer than the scans it is."""
    world = World({"p": Group((), every=600.0, jitter=0.0)}, scan_every=400.0).live(86400.0)

    assert world.starts("p", SCHEDULE) == [600.0 * number for number in range(1, 145)]
    assert len(world.starts("p", SCAN)) >= 200


@pytest.mark.parametrize("kind", [EDIT, TriggerKind.FILES, TriggerKind.COMMAND, TriggerKind.WEBHOOK, SCAN])
def test_a_pass_of_any_kind_moves_no_other(kind: TriggerKind) -> None:
    """Whoever asks every minute for a day changes nothing of what comes by itself."""
    calm, restless = (World({"p": Group((), every=600.0, jitter=30.0)}, scan_every=900.0) for _ in range(2))
    for minute in range(1440):
        restless.at(minute * 60.0 + 7.0, lambda: restless.agenda.ask("p", Trigger(kind), restless.clock))
    calm.live(86400.0)
    restless.live(86400.0)

    assert restless.starts("p", SCHEDULE) == calm.starts("p", SCHEDULE)
    if kind is not SCAN:
        assert restless.starts("p", SCAN) == calm.starts("p", SCAN)


def test_a_config_that_is_read_again_and_again_moves_nothing() -> None:
    """Nor does one that says every other time something else keep a project from its turn."""
    group, other = Group((), every=300.0, jitter=0.0), Group((), every=360.0, jitter=0.0)
    same, torn = World({"p": group}, 600.0), World({"p": group}, 600.0)
    for minute in range(600):
        same.at(minute * 60.0 + 1.0, lambda: same.reload({"p": group}, 600.0))
        torn.at(minute * 60.0 + 1.0, lambda minute=minute: torn.reload({"p": (group, other)[minute % 2]}, 600.0))  # type: ignore[misc]

    assert same.live(36000.0).starts("p", SCHEDULE) == [300.0 * number for number in range(1, 121)]
    assert len(torn.live(36000.0).starts("p", SCHEDULE)) >= 100


def test_an_outage_costs_fewer_passes_the_longer_it_lasts_and_the_schedule_goes_on() -> None:
    """Tries begin after seconds and are soon a quarter of an hour apart."""
    world = World({"p": Group((), every=300.0, jitter=0.0)}, scan_every=600.0, chances=[1.0])
    world.down.add("p")
    world.live(7200.0)
    tries = world.starts("p", RETRY)

    assert tries[:3] == [5.0, 15.0, 35.0]
    assert max(two - one for one, two in pairwise(tries)) == 900.0
    assert len(tries) <= 15
    assert len(world.starts("p", SCHEDULE)) == 24


def test_looks_by_schedule_do_not_lengthen_the_pauses_of_an_outage() -> None:
    """One that is looked at every ten seconds is tried again as one that is looked at once a day."""
    often, rarely = (
        World({"p": Group((), every=every, jitter=0.0)}, scan_every=86400.0, chances=[1.0]) for every in (10.0, 86400.0)
    )
    for world in (often, rarely):
        world.down.add("p")
        world.live(7200.0)

    assert often.starts("p", RETRY) == rarely.starts("p", RETRY)


def test_the_next_try_is_when_it_is_tried() -> None:
    """By the outage's own time or by the schedule, whichever comes first."""
    world = World({"p": Group((), every=300.0, jitter=0.0)}, scan_every=400.0, chances=[1.0])
    world.down.add("p")
    world.live(86400.0)
    asking = [run for run in world.runs if run.kinds & ASKS]

    assert len(asking) > 280
    for run, after in pairwise(asking):
        assert run.next_try == utc(MIDNIGHT + after.at)


def test_who_was_kept_out_by_another_process_asks_again_for_the_same_reason() -> None:
    """A save that fell into a rebase is no reason to ask sources afterwards."""
    world = World({"p": Group((), every=86400.0)}, scan_every=86400.0)
    world.live(10.0)
    world.held.add("p")
    world.at(20.0, lambda: world.save("p"))
    world.at(31.0, world.held.clear)
    world.live(60.0)

    assert {run.kinds for run in world.runs[1:]} == {frozenset({EDIT})}
    assert [run.at for run in world.runs[1:]] == [20.0, 22.0, 24.0, 26.0, 28.0, 30.0, 32.0]


CRONS = {"*/15 * * * *": (900.0, 0.0), "0 * * * *": (3600.0, 0.0), "30 6 * * *": (86400.0, 23400.0)}
TIMES = st.floats(0.0, 1.0)
OUTAGE = 4 * LONGEST  # seconds: past the longest pause; where chance is always 0 there is a try in each of them


@st.composite
def intervals(draw: st.DrawFn) -> Group:
    """A schedule from every second to every day, with some jitter."""
    return Group((), every=draw(st.floats(1.0, 86400.0)), jitter=draw(st.sampled_from([0.0, 1.0, 30.0, 600.0])))


def usual(group: Group) -> float:
    """Seconds between two looks at the least."""
    return group.every or 0.0


def longest(group: Group) -> float:
    """Seconds between two looks at most."""
    return usual(group) + min(group.jitter, usual(group))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_kind_is_late_and_none_comes_too_often(data: st.DataObject) -> None:
    """Over a week, or a hundred looks: whatever is saved, fails, is read again, or set meanwhile."""
    names = ["p", "q", "r"][: data.draw(st.integers(1, 3))]
    before = {name: data.draw(intervals()) for name in names}
    after = {name: data.draw(st.sampled_from([before[name], data.draw(intervals())])) for name in names}
    scan_every = data.draw(st.floats(1.0, 86400.0))
    shortest = min(scan_every, *(usual(group) for group in (*before.values(), *after.values())))
    until = min(WEEK, 100 * shortest)
    takes = data.draw(st.sampled_from([0.0, 0.1, 0.4])) * shortest / len(names)
    world = World(before, scan_every, data.draw(st.lists(TIMES, min_size=1, max_size=20)), takes)
    moments = st.floats(0.0, until)
    reloads = sorted(data.draw(st.lists(moments, max_size=3)))
    for when in reloads:
        world.at(when, lambda: world.reload(after, scan_every))
    for name, when in data.draw(st.lists(st.tuples(st.sampled_from(names), moments), max_size=30)):
        world.at(when, partial(world.save, name))
    outages = st.tuples(st.sampled_from(names), moments, st.floats(0.0, OUTAGE))
    for name, begin, seconds in data.draw(st.lists(outages, max_size=3)):
        world.at(begin, partial(world.down.add, name))
        world.at(begin + seconds, partial(world.down.discard, name))
    for when in data.draw(st.lists(moments, max_size=1)):
        world.at(when, partial(world.set_clock, data.draw(st.floats(-1e6, 1e6))))
    world.live(until)

    slack = (2 + len(names)) * takes + 0.01  # the pass under way, its rest, and the passes of the others
    changed = reloads[0] if reloads else until
    for name in names:
        one, two = before[name], after[name]
        scans = [0.0, *world.starts(name, SCAN), until]
        for last, this in pairwise(scans):
            assert this == until or this - last >= scan_every - 1e-6
            assert this - last <= scan_every * 1.1 + slack
        for last, this in pairwise([0.0, *world.starts(name, SCHEDULE), until]):
            was_set = any(last <= when <= this for when in world.asked[name])
            assert this == until or was_set or this - last >= min(usual(one), usual(two)) - 1e-6
            turn = changed if last < changed <= this and one != two else last
            assert this - turn <= longest(one if this < changed else two) + slack


@settings(max_examples=25, deadline=None)
@given(cron=st.sampled_from(sorted(CRONS)), jitter=st.sampled_from([0.0, 30.0]), chance=TIMES, data=st.data())
def test_a_cron_comes_at_its_time_every_time(cron: str, jitter: float, chance: float, data: st.DataObject) -> None:
    """A week of it, with saves and a config that is read again."""
    world = World({"p": Group((), every=None, cron=cron, jitter=jitter)}, 600.0, [chance], takes=1.0)
    every, offset = CRONS[cron]
    for _ in range(data.draw(st.integers(0, 20))):
        world.at(WEEK * data.draw(TIMES), lambda: world.save("p"))
    world.live(WEEK - 60.0)
    fires = [offset + every * number for number in range(int(WEEK / every)) if offset + every * number > 0]

    starts = world.starts("p", SCHEDULE)
    assert len(starts) == len([at for at in fires if at < WEEK - 60.0])
    for at, start in zip(fires, starts, strict=False):
        assert at - 0.01 <= start <= at + jitter + 2.01
