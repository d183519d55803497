"""`status` says the same of a project whether the service is asked or only what the last pass left."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from tests.kit.daemon import Daemon, rests, served
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

OWN = "src/shop/ds/nodes.py"
PUBLISHED = '\n[tool.micropkgd.package]\n"pipelines.features" = {{ publish = "{}", publish-when = "saved" }}\n'
MODULE = '\n[tool.micropkgd.package]\n"pipelines.features" = {}\n'

Make = Callable[[World, FaultServer], None]


def in_sync(world: World, faults: FaultServer) -> None:
    """Pulled and packaged."""
    world.sync()


def drifted(world: World, faults: FaultServer) -> None:
    """An edit that a pass saw."""
    world.sync()
    world.write(OWN, "x = 'mine'\n")
    world.sync()


def held(world: World, faults: FaultServer) -> None:
    """An edit where the new version has one, too."""
    drifted(world, faults)
    world.publish({"nodes.py": "x = 'theirs'\n"}, "2.0")
    assert world.reconcile().code == 4


def held_since_its_first_pull(world: World, faults: FaultServer) -> None:
    """No version of it was ever installed."""
    world.write(OWN, "x = 'mine'\n")
    assert world.reconcile().code == 4


def stalled(world: World, faults: FaultServer) -> None:
    """Its archive went away before it was ever pulled."""
    (world.root / "dist/ds.tar.gz").unlink()
    assert world.reconcile().code == 1


def _remote(world: World, faults: FaultServer, *replies: Reply) -> None:
    url = faults.script("/ds.tar.gz", Reply(body=archive({"nodes.py": "A = 1\n"})), *replies)
    world.manifest(f'"{url}" = {{}}')
    world.write("pyproject.toml", world.read("pyproject.toml") + MODULE)
    world.sync()


def retrying(world: World, faults: FaultServer) -> None:
    """Its server is overloaded."""
    _remote(world, faults, Reply(503, headers={"Retry-After": "900"}))
    assert world.reconcile().code == 5


def stale(world: World, faults: FaultServer) -> None:
    """The same for days, as the memory says."""
    retrying(world, faults)
    path = ".micropkgd/state.json"
    document = json.loads(world.read(path))
    for standing in document["standing"].values():
        standing[3] = "2026-01-02T06:00:00Z"
    (world.root / path).write_text(json.dumps(document))


def suspended(world: World, faults: FaultServer) -> None:
    """The entry and the module, one after the other."""
    world.sync()
    world.run("suspend", "ds")
    world.run("suspend", "pipelines.features")
    world.sync()


def suspended_whole(world: World, faults: FaultServer) -> None:
    """Before any pass."""
    world.run("suspend")
    world.sync()


def not_packaged(world: World, faults: FaultServer) -> None:
    """A module whose version nobody can read."""
    world.write("src/shop/pipelines/features/__init__.py", "import os\n__version__ = os.name\n")
    assert world.reconcile().code != 0


def not_published(world: World, faults: FaultServer) -> None:
    """The place to publish in is not there."""
    text = world.read("pyproject.toml").replace(MODULE, PUBLISHED.format(world.root.parent / "share"))
    world.write("pyproject.toml", text)
    assert world.reconcile().code == 1


def no_entries(world: World, faults: FaultServer) -> None:
    """A table that asks for nothing."""
    world.manifest("")
    world.sync()


STATES: Mapping[str, tuple[Make, str]] = {
    "in sync": (in_sync, "Ready"),
    "drifted": (drifted, "Ready"),
    "held": (held, "Held"),
    "held since its first pull": (held_since_its_first_pull, "Held"),
    "stalled": (stalled, "Stalled"),
    "retrying": (retrying, "Retrying"),
    "stale": (stale, "Stale"),
    "suspended": (suspended, "Suspended"),
    "suspended whole": (suspended_whole, "Suspended"),
    "not packaged": (not_packaged, "Stalled"),
    "not published": (not_published, "Stalled"),
    "no entries": (no_entries, "Ready"),
}


@pytest.fixture
def worlds(tmp_path: Path, faults: FaultServer) -> dict[str, World]:
    """A project for each state there is, brought into it by commands alone."""
    found = {}
    for number, (name, (make, _)) in enumerate(STATES.items()):
        found[name] = served(tmp_path / "projects", number)
        with chdir(found[name].root):
            make(found[name], faults)
    return found


def stands(row: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """What is to agree; when a source is tried again only the service knows."""
    return {
        "project": _words(row["standing"]),
        **{f"{one['ref']} -> {one['target']}": _words(one["standing"]) for one in row["entries"]},
        **{one["module"]: _words(one["standing"]) for one in row["packages"]},
    }


def _words(standing: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(standing[key] for key in ("state", "reason", "message", "since"))


def _but_messages(rows: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """What a later pass says of an outage may have other words: not another state, reason or time."""
    return {name: (state, reason, since) for name, (state, reason, _, since) in rows.items()}


def alone(world: World) -> Mapping[str, tuple[str, ...]]:
    """What the command says without a service."""
    with chdir(world.root):
        return stands(json.loads(world.run("status", "--json").out)["projects"][0])


def test_the_service_and_the_memory_say_the_same(tmp_path: Path, worlds: Mapping[str, World]) -> None:
    """State, reason, message and time, of every entry, module and project, in every state there is."""
    before = {name: alone(world) for name, world in worlds.items()}
    assert {name: one["project"][0] for name, one in before.items()} == {
        name: state for name, (_, state) in STATES.items()
    }
    time.sleep(1.1)  # so that a time that is taken anew would be another
    with Daemon(tmp_path / "svc", f'projects = ["{tmp_path}/projects/*"]\n') as daemon:
        for name, world in worlds.items():
            row = daemon.until_status(world.root, rests)
            assert stands(row) == alone(world), name  # no socket is known to this process: it asks the memory
            assert _but_messages(stands(row)) == _but_messages(before[name]), name
            said = daemon.command("status", "--json", cwd=world.root)
            assert stands(json.loads(said.stdout)["projects"][0]) == stands(row), name


def test_without_a_pass_it_is_pending(world: World) -> None:
    """Nobody knows of an entry or a module that no pass has looked at; a lock of another machine is believed."""
    own = served(world.root.parent / "other")
    assert {words[:2] for words in alone(own).values()} == {
        ("Pending", "NotLocked"), ("Pending", "NotPackaged"),
    }  # fmt: skip
    with chdir(own.root):
        own.sync()
    (own.root / ".micropkgd/state.json").unlink()
    assert {words[:2] for words in alone(own).values()} == {("Ready", "InSync"), ("Ready", "Locked")}
