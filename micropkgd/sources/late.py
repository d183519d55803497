"""Downloads that take longer than a pass waits for them: it goes on without them, and a later one takes up what came.

Nothing is shared before a pass has given up waiting, so that what is asked now is answered as of now. A late download
is known by all that its answer depends on, and goes on until it is whole, fails, or nobody can wait any longer.
Everything here lives on one loop.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Mapping

from micropkgd.annotations import Any, Final
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.source import Answer, Failed, FailureKind

_KEPT: Final = 256  # downloads that have come to an end and that nobody asked for again

Begin = Callable[["DownloadSlot"], Coroutine[Any, Any, Answer]]


class DownloadSlot:
    """One of the places for downloads at once: given back when it ends, or when nobody waits for it any more."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._held = False
        self._needed = True

    async def __aenter__(self) -> None:
        if self._needed:
            await self._places.acquire()
            self._held = True
            self._settle()  # it may have been let go of meanwhile

    async def __aexit__(self, *_: object) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Give it to somebody else; from now on none is needed."""
        self._needed = False
        self._settle()

    def _settle(self) -> None:
        if self._held and not self._needed:
            self._held = False
            self._places.release()


class LateAnswer(NamedTuple):
    """An answer, and whether it was begun by an earlier pass, so that the source may say something else by now."""

    answer: Answer
    late: bool = False


class _Late:
    """One download that a pass has gone on without."""

    def __init__(self, task: "asyncio.Task[Answer]", project: str) -> None:
        self.task = task
        self.projects = {project}


class LateDownloads:
    """Those of one process.

    `wait` seconds a pass waits (None: to the end), `most` may be late of one project, `on_end` is told of each project
    for which one has ended.
    """

    def __init__(self, wait: float | None, most: int, on_end: Callable[[str], None]) -> None:
        self._wait = wait
        self._most = most
        self._on_end = on_end
        self._late: dict[Hashable, _Late] = {}

    async def gather(
        self, project: str, jobs: Mapping[Hashable, Begin], places: asyncio.Semaphore
    ) -> dict[Hashable, LateAnswer]:
        """The answers by key; for what is still on its way, that it is."""
        came = {key: self._take_up(project, key, late) for key in jobs if (late := self._late.get(key)) is not None}
        begun: dict[Hashable, tuple[asyncio.Task[Answer], DownloadSlot]] = {}
        try:
            for key, begin in jobs.items():
                if key not in came:
                    place = DownloadSlot(places)
                    begun[key] = asyncio.create_task(begin(place)), place
            if begun:
                await asyncio.wait([task for task, _ in begun.values()], timeout=self._wait)
            for key, (task, place) in begun.items():
                came[key] = LateAnswer(task.result() if task.done() else self._go_on(project, key, task, place))
        finally:
            late_ones = {late.task for late in self._late.values()}
            await _end([task for task, _ in begun.values() if task not in late_ones])
        return came

    async def one_ends(self) -> bool:
        """Wait until one of them has come to an end; False where there is none."""
        tasks = [late.task for late in self._late.values()]
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return bool(tasks)

    def give_up(self) -> None:
        """End all of them as soon as the loop turns."""
        for late in self._late.values():
            late.task.cancel()

    async def close(self) -> None:
        """End all of them, and wait for that."""
        tasks = [late.task for late in self._late.values()]
        self._late.clear()
        await _end(tasks)

    def _take_up(self, project: str, key: Hashable, late: _Late) -> LateAnswer:
        """What came of a download that an earlier pass began, or that it is on its way still."""
        if late.task.done():
            del self._late[key]
            return LateAnswer(late.task.result(), late=True)
        late.projects.add(project)
        return LateAnswer(_on_its_way(self._wait or 0.0))

    def _go_on(self, project: str, key: Hashable, task: "asyncio.Task[Answer]", place: DownloadSlot) -> Answer:
        """Let a download go on without the pass that began it, unless its project has too many of them."""
        same = self._late.get(key)
        if same is not None and not same.task.done():  # a pass that asked at the same time gave up waiting before
            return self._take_up(project, key, same).answer
        on_its_way = sum(project in late.projects for late in self._late.values() if not late.task.done())
        if on_its_way >= self._most:
            problem = f"it is not here after {self._wait:g} s, and {self._most} others are still on their way"
            return Failed(FailureKind.UNREACHABLE, problem)
        self._forget_oldest()
        late = self._late[key] = _Late(task, project)
        place.let_go()
        task.add_done_callback(lambda _: self._ended(late))
        return _on_its_way(self._wait or 0.0)

    def _ended(self, late: _Late) -> None:
        if late.task.cancelled():
            return
        late.task.exception()  # whoever asks next is told
        for project in late.projects:
            self._on_end(project)

    def _forget_oldest(self) -> None:
        ended = [key for key, late in self._late.items() if late.task.done()]
        for key in ended[:-_KEPT]:
            del self._late[key]


def _on_its_way(seconds: float) -> Failed:
    problem = f"it is still on its way after {seconds:g} s: the pass went on without it, and so does the download"
    return Failed(FailureKind.DOWNLOADING, problem)


async def _end(tasks: "list[asyncio.Task[Answer]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
