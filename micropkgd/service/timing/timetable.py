"""Each project's times: of the next look at its sources, of the slow look behind the watch, of the next try.

Each is planned when its own time has come, and by nothing else. So a pass that a save asked for puts no look at the
sources off, a scan plans scans, and a config that is read again changes the times of those projects alone whose
schedule it changes. Reaches no clock: time and chance are given.
"""

from collections.abc import Callable, Iterable

from micropkgd.annotations import Final
from micropkgd.model.settings import Group
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.named_tuples import NamedTuple
from micropkgd.service.timing.agenda import Agenda, Due
from micropkgd.service.timing.retries import Outage
from micropkgd.service.timing.schedule import Cron, Instant, pause_until_next

_SCAN_JITTER: Final = 0.1  # of the interval


class _Times(NamedTuple):
    """What a project's own times follow from."""

    group: Group
    scan_every: float
    scheduled: float  # when the last look by schedule began, on the agenda's clock
    scanned: float

    def is_as_often(self, group: Group) -> bool:
        """Whether another group's schedule is the same."""
        return (self.group.every, self.group.jitter, self.group.cron) == (group.every, group.jitter, group.cron)


class Timetable:
    """The agenda, and what comes onto it by itself."""

    def __init__(self, agenda: Agenda, chance: Callable[[], float], cron: Cron) -> None:
        self.agenda = agenda
        self._chance = chance  # from 0 to 1
        self._cron = cron
        self._times: dict[str, _Times] = {}
        self._outages: dict[str, Outage] = {}

    def serve(self, root: str, group: Group, scan_every: float, now: Instant) -> None:
        """Take a project on, or let it follow another schedule; what stays as it was is planned already."""
        known = self._times.get(root)
        times = _Times(group, scan_every, now.clock, now.clock)
        if known is not None:
            times = times._replace(scheduled=known.scheduled, scanned=known.scanned)
        self.agenda.add(root)
        self._times[root] = times
        if known is None or not known.is_as_often(group):
            self._plan_schedule(root, now)
        if known is None or known.scan_every != scan_every:
            self._plan_scan(root, now)

    def drop(self, root: str) -> None:
        """Let a project go."""
        self._times.pop(root, None)
        self._outages.pop(root, None)
        self.agenda.remove(root)

    def take(self, now: Instant) -> list[Due]:
        """The passes to start now. Whose time has come is planned again at once, whatever comes of the pass."""
        taken = self.agenda.take(now.clock)
        for due in taken:
            times = self._times[due.project]
            if TriggerKind.SCHEDULE in due.kinds:
                self._times[due.project] = times = times._replace(scheduled=now.clock)
                self._plan_schedule(due.project, now)
            if TriggerKind.SCAN in due.kinds:
                self._times[due.project] = times._replace(scanned=now.clock)
                self._plan_scan(due.project, now)
        return taken

    def outage(self, root: str) -> Outage:
        """What is known of a project that failed."""
        return self._outages.get(root, Outage())

    def plan_retry(self, root: str, outage: Outage) -> None:
        """Try a project again when its outage says; one that is over needs no try."""
        before = self.outage(root)
        self._outages[root] = outage
        if outage.retry_at is None:
            self.agenda.cancel(root, TriggerKind.RETRY)
        elif outage != before:
            self.agenda.plan(root, Trigger(TriggerKind.RETRY), outage.retry_at)

    def ask_again(self, root: str, triggers: Iterable[Trigger], at: float) -> None:
        """Ask for the same reasons once more: the pass has not answered them."""
        for trigger in triggers:
            self.agenda.ask(root, trigger, at)

    def forget_outages(self) -> None:
        """Begin again with short pauses: the network, or the machine, is another one."""
        for root in self._outages:
            self.agenda.cancel(root, TriggerKind.RETRY)
        self._outages.clear()

    def _plan_schedule(self, root: str, now: Instant) -> None:
        times = self._times[root]
        pause = pause_until_next(times.group, now.wall, self._chance(), self._cron)
        if pause is None:
            self.agenda.cancel(root, TriggerKind.SCHEDULE)
            return
        begin = times.scheduled if times.group.every is not None else now.clock
        self.agenda.plan(root, Trigger(TriggerKind.SCHEDULE), max(now.clock, begin + pause))

    def _plan_scan(self, root: str, now: Instant) -> None:
        times = self._times[root]
        pause = times.scan_every * (1 + _SCAN_JITTER * self._chance())
        self.agenda.plan(root, Trigger(TriggerKind.SCAN), max(now.clock, times.scanned + pause))
