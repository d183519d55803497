"""The service's picture of all its projects, and of what happened lately: `status` and `events` read it.

Everything lives on the loop's thread. Events are numbered without gaps, also over a restart, so that who reads them
sees what was missed; the oldest are forgotten.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from micropkgd.annotations import Final, Protocol
from micropkgd.machine.memory.event_log import SHOWN, EventLog
from micropkgd.model.event import Event
from micropkgd.model.outcome import Outcome
from micropkgd.model.status import ProjectStatus
from micropkgd.service.conditions import News

NOT_SEEN: Final = "NotSeen"  # the reason of a project that no pass has looked at
_KEPT: Final = "the disk takes events again, and those since it did not"
_UNREAD: Final = 200  # events that a reader may be behind by, before it is let go


class BoardObserver(Protocol):
    """Who counts what goes over the board."""

    def saw_status(self, before: ProjectStatus | None, after: ProjectStatus) -> None:
        """A project stands otherwise, or as before."""

    def saw_outcome(self, outcome: Outcome) -> None:
        """A pass came to this."""

    def saw_event(self, event: Event) -> None:
        """Something happened."""


class Board:
    """The picture of now, and the events that led to it."""

    def __init__(self, clock: Callable[[], str], before: Iterable[Event] = (), log: EventLog | None = None) -> None:
        self._clock = clock
        self._projects: dict[str, ProjectStatus] = {}
        self._events: deque[Event] = deque(before, maxlen=SHOWN)
        self._log = log
        self.last = self._events[-1].id if self._events else 0  # the number of the newest event
        self._readers: set[asyncio.Queue[Event]] = set()
        self._observers: list[BoardObserver] = []
        self._listeners: list[Callable[[Event], None]] = []

    @property
    def projects(self) -> Mapping[str, ProjectStatus]:
        """By root."""
        return self._projects

    def put(self, status: ProjectStatus) -> None:
        """Note how a project stands."""
        before = self._projects.get(status.root)
        self._projects[status.root] = status
        for observer in self._observers:
            observer.saw_status(before, status)

    def show(self, outcome: Outcome) -> None:
        """Let those who count see what a pass came to."""
        for observer in self._observers:
            observer.saw_outcome(outcome)

    def remove(self, root: str) -> None:
        """Forget a project."""
        self._projects.pop(root, None)

    def say(self, news: News, project: str = "", pass_id: str = "", trigger: str = "") -> Event:
        """Add an event, and tell those who follow; that the disk does not take it is an event of its own."""
        was = self._log.problem if self._log is not None else ""
        event = self._add(news, project, pass_id, trigger)
        if self._log is not None and bool(self._log.problem) != bool(was):
            self._add(
                News("EventsNotKept", "", self._log.problem) if self._log.problem else News("EventsKept", "", _KEPT)
            )
        return event

    def _add(self, news: News, project: str = "", pass_id: str = "", trigger: str = "") -> Event:
        self.last += 1
        event = Event(
            self.last, self._clock(), news.kind, project, news.subject, news.message, pass_id, trigger, news.hint
        )  # fmt: skip
        self._events.append(event)
        if self._log is not None:
            self._log.keep(event)
        for listen in self._listeners:
            listen(event)
        for reader in list(self._readers):
            if reader.full():
                self._readers.discard(reader)
            else:
                reader.put_nowait(event)
        return event

    @property
    def looked_at(self) -> int:
        """How many projects a pass, or the question whether they are trusted, has looked at since the start."""
        unseen = sum(1 for one in self._projects.values() if one.standing.reason == NOT_SEEN and one.last_pass is None)
        return len(self._projects) - unseen

    def progress(self) -> str:
        """How far the start has come; empty once every project was looked at."""
        seen, all_of_them = self.looked_at, len(self._projects)
        return f"{seen:,} of {all_of_them:,} projects looked at" if seen < all_of_them else ""

    def summary(self) -> str:
        """All projects in one line, for `systemctl status`."""
        states = Counter(status.standing.state for status in self._projects.values())
        counts = [f"{states[word]} {word.lower()}" for word in sorted(states)]
        noun = "project" if len(self._projects) == 1 else "projects"
        whole = self.progress() or f"{len(self._projects)} {noun}"
        return f"{whole}{': ' + ', '.join(counts) if counts else ''}"

    def tell(self, listener: Callable[[Event], None]) -> None:
        """Call somebody with every event from now on, at once and on this thread."""
        self._listeners.append(listener)

    def show_to(self, observer: "BoardObserver") -> None:
        """Tell somebody of everything from now on, at once and on this thread."""
        self._observers.append(observer)
        self.tell(observer.saw_event)

    def since(self, last: int) -> list[Event]:
        """The events after one, oldest first."""
        return [event for event in self._events if event.id > last]

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[asyncio.Queue[Event]]:
        """The events from now on; a reader that falls too far behind hears no more."""
        reader: asyncio.Queue[Event] = asyncio.Queue(_UNREAD)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
