"""A server that does not get on with it slows those who need it, and nobody else (promise P7)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from micropkgd.model.ref import Ref
from micropkgd.model.settings import Settings
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.reconcile.options import PassOptions
from micropkgd.service.liveness import Liveness
from micropkgd.service.passes import Passes
from micropkgd.service.timing.agenda import MOST_UNDER_WAY, Agenda
from micropkgd.sources.traffic import Traffic
from tests.kit.daemon import PATIENCE, Daemon, members_of, served
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World

EDIT = Trigger(TriggerKind.EDIT, "a")


def test_passes_that_wait_for_a_source_take_nobodys_place() -> None:
    """As many others may start; when the source answered there is no more room than before."""
    work = Agenda(2)
    for number in range(6):
        work.add(f"p{number}")
        work.ask(f"p{number}", EDIT, float(number))
    assert [due.project for due in work.take(10.0)] == ["p0", "p1"]
    assert work.next_at() is None
    work.waiting = 2
    assert work.next_at() == 2.0
    assert [due.project for due in work.take(10.0)] == ["p2", "p3"]
    work.waiting = 0
    assert work.take(10.0) == []


def test_waiting_passes_are_not_without_number() -> None:
    """Each has a thread."""
    work = Agenda(2)
    for number in range(500):
        work.add(f"p{number}")
        work.ask(f"p{number}", EDIT, 0.0)
    while work.take(1.0):
        work.waiting = len(work.running)

    assert len(work.running) == MOST_UNDER_WAY


def test_projects_of_a_silent_server_do_not_slow_another(tmp_path: Path, faults: FaultServer) -> None:
    """Thirty projects wait for a server that takes requests and says nothing; a save elsewhere is packaged at once.

    Few connections are made meanwhile, and the service ends when it is told to.
    """
    src = tmp_path / "src"
    for number in range(30):
        served(src, 100 + number).asks_for(faults.script(f"/{number}.tar.gz", Reply(200, b"x" * 100, stall_after=10)))
    with Daemon(tmp_path / "d", f'projects = ["{src}/*"]\nevery = "1d"\n') as daemon:
        waiting = [src / f"p{100 + number}" for number in range(30)]
        daemon.until_status(waiting[0], lambda _: sum(bool((daemon.status(p) or {})["running"]) for p in waiting) > 20)
        world = served(tmp_path / "made", 1)
        world.root.rename(src / "p1")
        daemon.quiet(src / "p1")
        (src / "p1/src/shop/pipelines/features/nodes.py").write_text("a = 77\n")
        daemon.until("Packaged", src / "p1", trigger="edit")
        packed = members_of((src / "p1/dist/features-0.1.tar.gz").read_bytes())
        still = sum(bool((daemon.status(project) or {})["running"]) for project in waiting)
        assert daemon.end() == 0

    assert packed["features-0.1/features/nodes.py"] == b"a = 77\n"
    assert still > 20
    assert len(faults.seen) <= 4


HOUR = 3600.0


class Slow:
    """A pass over one project, and a clock that a test moves on by hand."""

    def __init__(self, world: World, reply: Reply, faults: FaultServer) -> None:
        self.now = 0.0
        self.liveness = Liveness(lambda: self.now)
        self._root = str(world.root)
        world.asks_for(faults.script("/ds.tar.gz", reply))

    async def until(self, there: Callable[[], bool]) -> None:
        """Wait for what must come."""
        async with asyncio.timeout(PATIENCE):
            while not there():
                await asyncio.sleep(0.01)

    def run(self, story: Callable[["Slow"], Awaitable[None]], cache: Path) -> None:
        """Tell what is seen of it while it runs; it is stopped then."""

        async def tell() -> None:
            settings = Settings(cache_dir=str(cache))
            passes = Passes(settings, self.liveness, *[lambda _: None] * 6, traffic=Traffic())
            running = asyncio.create_task(passes.run(self._root, PassOptions()))
            try:
                await story(self)
            finally:
                passes.stop()
                await running
                await passes.close()
            assert not self.liveness.stands_still(0.0)

        asyncio.run(tell())


def test_a_long_download_is_no_standstill(world: World, faults: FaultServer, tmp_path: Path) -> None:
    """A pass of five hours gets on as long as bytes arrive."""
    slow = Slow(world, Reply(200, b"x" * 10_000, rate_limit=(1, 0.02)), faults)

    async def story(slow: Slow) -> None:
        await slow.until(lambda: bool(faults.seen))
        for _ in range(5):
            slow.now += HOUR
            await slow.until(lambda: not slow.liveness.stands_still(HOUR))

    slow.run(story, tmp_path / "cache")


def test_a_wait_without_a_byte_is_a_standstill(world: World, faults: FaultServer, tmp_path: Path) -> None:
    """An hour of silence is what no source is given."""
    slow = Slow(world, Reply(200, b"x" * 100, stall_after=0), faults)

    async def story(slow: Slow) -> None:
        await slow.until(lambda: bool(faults.seen))
        assert not slow.liveness.stands_still(HOUR)
        slow.now += HOUR
        assert slow.liveness.stands_still(HOUR)

    slow.run(story, tmp_path / "cache")


def test_bytes_of_others_do_not_count_for_a_pass_at_work() -> None:
    """It waits for nobody; what comes from a source to the others says nothing about it."""
    now = [0.0]
    liveness = Liveness(lambda: now[0])
    liveness.works()
    now[0] = HOUR
    liveness.received(Ref.parse("dist/ds.tar.gz"), 1, None)
    assert liveness.stands_still(HOUR)
    liveness.works()
    assert not liveness.stands_still(HOUR)
