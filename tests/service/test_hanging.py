"""Commands beside a service that hangs, and outside of any project."""

import json
import os
import signal
from pathlib import Path

from tests.kit.daemon import Daemon, served


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
