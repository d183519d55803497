"""A server that does not get on with it slows those who need it, and nobody else (promise P7)."""

from pathlib import Path

from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.agenda import MOST_UNDER_WAY, Agenda
from tests.daemon import Daemon, members_of, served
from tests.servers.faults import FaultServer, Reply

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
        daemon.ready(src / "p1")
        (src / "p1/src/shop/pipelines/features/nodes.py").write_text("a = 77\n")
        daemon.until("Packaged", src / "p1", trigger="edit")
        packed = members_of((src / "p1/dist/features-0.1.tar.gz").read_bytes())
        still = sum(bool((daemon.status(project) or {})["running"]) for project in waiting)
        assert daemon.end() == 0

    assert packed["features-0.1/features/nodes.py"] == b"a = 77\n"
    assert still > 20
    assert len(faults.seen) <= 4
