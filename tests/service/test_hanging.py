"""Commands beside a service that hangs, and outside of any project."""

import json
import os
import signal
from pathlib import Path

from tests.kit.daemon import Daemon, served, until
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World


def test_status_beside_a_service_that_hangs(tmp_path: Path) -> None:
    """What the last pass left, with a note; with the service awake again, what it says."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", f'projects = ["{world.root}"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        os.kill(daemon.process.pid, signal.SIGSTOP)
        said = daemon.command("status", cwd=world.root)
        assert said.returncode == 0, said
        assert "Ready     dist/ds.tar.gz -> src/shop/ds" in said.stdout
        assert said.stderr.startswith("note: ")
        assert said.stderr.count("the service does not answer") == 1
        assert said.stderr.endswith("; this is what the last pass left\n")
        rows = json.loads(daemon.command("status", "--json", cwd=world.root).stdout)["projects"]
        assert [row["project"] for row in rows] == [str(world.root)]
        os.kill(daemon.process.pid, signal.SIGCONT)
        assert daemon.command("status", cwd=world.root).stderr == ""


HANGS = """\
import pathlib, time

def get_credential(*_):
    pathlib.Path(__file__).with_name("asked").touch()
    time.sleep(600)
"""


def test_a_service_ends_though_a_keyring_hangs(tmp_path: Path, faults: FaultServer) -> None:
    """It may wait for somebody who unlocks it, in a thread that nobody can end."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/keyring.py").write_text(HANGS)
    faults.script("/simple/ds/", Reply(401))
    world = World(tmp_path / "src/p1")
    world.asks_for("ds>=1", index=faults.url("/simple"))
    config = f'projects = ["{world.root}"]\nevery = "1d"\ndrain = "1s"\n'
    with Daemon(tmp_path / "d", config, environ={"PYTHONPATH": str(tmp_path / "lib")}) as daemon:
        until((tmp_path / "lib/asked").exists)
        assert daemon.end() == 0


def test_events_outside_a_project_are_those_of_all(tmp_path: Path) -> None:
    """Inside one they are its own; a folder that is named must be a project."""
    one, two = served(tmp_path / "src", 1), served(tmp_path / "src", 2)
    with Daemon(tmp_path / "d", f'projects = ["{one.root}", "{two.root}"]\nevery = "1d"\n') as daemon:
        daemon.ready(one.root)
        daemon.ready(two.root)
        said = daemon.command("events", cwd=tmp_path)
        assert (said.returncode, said.stderr) == (0, "")
        assert all(str(world.root) in said.stdout for world in (one, two))
        said = daemon.command("events", "--json", cwd=one.root / "src")
        assert {row["project"] for row in json.loads(said.stdout)["events"]} == {str(one.root)}
        assert daemon.command("events", "--project", str(tmp_path), cwd=one.root).returncode == 2
