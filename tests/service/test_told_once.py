"""What was told is not told again by the next start of the service: events, hooks, and the log with them."""

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from micropkgd.machine.memory.standing_memory import StandingMemory
from micropkgd.model.condition import Standing
from micropkgd.model.status import EntryStatus, PassStatus, ProjectStatus
from tests.kit.daemon import Daemon, served, until
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

OF_THE_SERVICE = {"Started", "Stopping", "HookRan", "StartProgress"}


def config(tmp_path: Path, hooks: str = "") -> str:
    """A config that serves what is in a folder and asks sources only when told."""
    return f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n[hooks]\n{hooks}\n'


def starts_again(daemon: Daemon, number: int, project: Path, state: str) -> list[tuple[str, str]]:
    """What is told of a project by two later starts, whose first pass finds it as it was."""
    told = []
    for _ in range(2):
        daemon.end(number)
        daemon.start()
        daemon.until_status(project, lambda one: has_passed(one) and one["standing"]["state"] == state)
        events = daemon.ask().get(f"/v1/events?since={daemon.begun}")["events"]
        told += [(event["kind"], event["message"]) for event in events if event["kind"] not in OF_THE_SERVICE]
    return told


def has_passed(status: Mapping[str, Any]) -> bool:
    """Whether a pass of this start has ended, and nothing is under way."""
    return status["last_pass"] is not None and not status["running"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_project_that_stalls_as_a_whole_is_told_once(tmp_path: Path, number: int) -> None:
    """By event and by hook; when it is mended and stalls again, again."""
    world = served(tmp_path / "src")
    good = world.read("pyproject.toml")
    note = json.dumps(["sh", "-c", f'echo "stalled $MICROPKGD_ENTRIES" >> {tmp_path}/notes'])
    world.write("pyproject.toml", "[tool.micropkgd\n")
    with Daemon(tmp_path / "d", config(tmp_path, f"on-stalled = {note}")) as daemon:
        daemon.until("HookRan", world.root, subject="on-stalled")
        until(lambda: (world.root / ".micropkgd/told-on-stalled").exists())
        assert starts_again(daemon, number, world.root, "Stalled") == []
        world.write("pyproject.toml", good)
        daemon.ready(world.root)
        assert starts_again(daemon, number, world.root, "Ready") == []
        world.write("pyproject.toml", "[tool.micropkgd\n")
        daemon.until("HookRan", world.root, subject="on-stalled")

    assert (tmp_path / "notes").read_text() == "stalled \nstalled \n"


def test_a_downgrade_that_is_held_is_told_once(tmp_path: Path, faults: FaultServer) -> None:
    """And one that is followed by another version, again."""
    world = World(tmp_path / "src/p0")
    give(world, faults, "3.0")
    with Daemon(tmp_path / "d", config(tmp_path)) as daemon:
        daemon.ready(world.root)
        give(world, faults, "2.0")
        daemon.ask().post("/v1/trigger", {})
        daemon.until("Downgrade", world.root)
        daemon.until("ConditionChanged", world.root, message="Held")
        assert starts_again(daemon, signal.SIGTERM, world.root, "Held") == []
        give(world, faults, "1.0")
        daemon.ask().post("/v1/trigger", {})
        assert ": 3.0 (" in daemon.until("Downgrade", world.root)["message"]


def give(world: World, faults: FaultServer, version: str) -> None:
    """Put a version at the address that a project pulls from."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=archive({"nodes.py": f"v = {version}\n"}, version=version))))


def gone(world: World, faults: FaultServer) -> None:
    """An archive that is not there."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(404)))


def away(world: World, faults: FaultServer) -> None:
    """A server that is down."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(503)))


def well(world: World, faults: FaultServer) -> None:
    """All as it should be."""
    give(world, faults, "1.0")


@pytest.mark.parametrize(("cause", "state"), [(gone, "Stalled"), (away, "Retrying"), (well, "Ready")])
def test_how_an_entry_stands_is_told_once(
    tmp_path: Path, faults: FaultServer, cause: Callable[[World, FaultServer], None], state: str
) -> None:
    """A change while no service ran is told by the next start; nothing else is."""
    world = World(tmp_path / "src/p0")
    cause(world, faults)
    with Daemon(tmp_path / "d", config(tmp_path)) as daemon:
        daemon.until("ConditionChanged", world.root, message=state)
        assert starts_again(daemon, signal.SIGTERM, world.root, state) == []
        daemon.end()
        give(world, faults, "2.0")
        daemon.start()
        daemon.ready(world.root)
        events = daemon.ask().get(f"/v1/events?since={daemon.begun}")["events"]
        kinds = [event["kind"] for event in events if event["kind"] not in OF_THE_SERVICE]
    changed = ["Updated"] if state == "Ready" else ["Installed", "ConditionChanged"]
    assert kinds == changed


def test_a_project_that_goes_and_comes_is_told_anew(tmp_path: Path, faults: FaultServer) -> None:
    """Nothing is remembered of what is no longer served."""
    world = World(tmp_path / "src/p0")
    gone(world, faults)
    with Daemon(tmp_path / "d", config(tmp_path)) as daemon:
        daemon.until("ConditionChanged", world.root, message="Stalled")
        world.root.rename(tmp_path / "away")
        daemon.until("ProjectRemoved", world.root)
        (tmp_path / "away").rename(world.root)
        daemon.until("ProjectAdded", world.root)
        daemon.until("ConditionChanged", world.root, message="Stalled")


READY = Standing("Ready", "InSync", "", "2026-11-30T06:00:00Z")
HELD = Standing("Held", "LocalEdits", "a.py", "2026-11-30T07:00:00Z")


def held(**more: str) -> ProjectStatus:
    """A project with one entry that is held."""
    entry = EntryStatus("ds", "src/shop/ds", "1.0", "a" * 64, HELD, waiting="2.0")._replace(**more)  # type: ignore[arg-type]
    return ProjectStatus("/p", entry.standing, (entry,), last_pass=PassStatus("x", "start", "", 1.0, 4))


def test_only_news_is_written(tmp_path: Path) -> None:
    """Not that it was looked at again, in other words or at another time."""
    told = StandingMemory(str(tmp_path))
    told.note(held())
    (path,) = (tmp_path / "told").iterdir()
    before = path.stat().st_ino
    again = held()._replace(last_pass=PassStatus("y", "schedule", "", 2.0, 4), next_pass="2026-11-30T08:00:00Z")
    told.note(again._replace(standing=HELD._replace(message="other words", next_try="2026-11-30T08:00:00Z")))
    assert path.stat().st_ino == before
    told.note(held(waiting="3.0"))
    assert path.stat().st_ino != before
    assert StandingMemory(str(tmp_path)).recall("/p") == held(waiting="3.0")
    assert path.stat().st_mode & 0o777 == 0o600
    told.forget("/p")
    assert StandingMemory(str(tmp_path)).recall("/p") is None


NO_TEXT = json.dumps(held().document()).replace('"version": "1.0"', '"version": []')


@pytest.mark.parametrize("data", ["", "{}", "[" * 9999, '{"project": 1}', "\udcff", NO_TEXT])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, data: str) -> None:
    """Things are told once more; the next record is a good one."""
    StandingMemory(str(tmp_path)).note(held())
    (path,) = (tmp_path / "told").iterdir()
    path.write_bytes(data.encode(errors="surrogateescape"))
    told = StandingMemory(str(tmp_path))
    assert told.recall("/p") is None
    told.note(held())
    assert StandingMemory(str(tmp_path)).recall("/p") == held()


def test_a_disk_that_refuses_is_no_matter(tmp_path: Path) -> None:
    """Nothing is remembered, and nothing fails."""
    (tmp_path / "file").write_text("")
    told = StandingMemory(str(tmp_path / "file"))
    told.note(held())
    told.sweep(["/p"])
    told.forget("/p")
    assert told.recall("/p") is None


def test_what_is_long_gone_is_forgotten(tmp_path: Path) -> None:
    """After a month, for a disk may be away for a while; what is served stays for ever."""
    told = StandingMemory(str(tmp_path))
    for root in ("/p", "/old", "/lately"):
        told.note(ProjectStatus(root, READY))
    for path in (tmp_path / "told").iterdir():
        lately = "/lately" in path.read_text()
        os.utime(path, (0, 0) if not lately else None)
    told.sweep(["/p"])
    told.sweep([])
    assert [StandingMemory(str(tmp_path)).recall(root) is not None for root in ("/p", "/old", "/lately")] == [
        True,
        False,
        True,
    ]
