"""Short of descriptors: nobody need act, nothing is broken, and what was left undone is done when there are more."""

import asyncio
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from micropkgd.model.settings import Group, Settings, Trust
from micropkgd.service.supervisor import Supervisor
from tests.kit.daemon import Daemon, served
from tests.kit.world import World

LIMITED = ["bash", "-c", 'ulimit -Sn "$0"; exec "$@"']


def reasons(project: Mapping[str, Any]) -> set[str]:
    """Why anything of a project was not done."""
    failures = [project.get("failure"), *(row["failure"] for key in ("entries", "packages") for row in project[key])]
    return {failure["reason"] for failure in failures if failure is not None}


@pytest.mark.parametrize("limit", [6, 7, 8, 9, 10, 11, 13])
def test_a_pass_with_few_descriptors(world: World, limit: int) -> None:
    """Wherever in the pass it was that there were none left."""
    made = served(world.root.parent / "src")
    command = [*LIMITED, str(limit), sys.executable, "-m", "micropkgd", "reconcile", "--once", "--json"]
    said = subprocess.run(command, cwd=made.root, capture_output=True, text=True, timeout=60, check=False)
    (project,) = json.loads(said.stdout)["projects"]

    assert (said.returncode, reasons(project)) == (1, {"Shortage"})
    assert made.reconcile(str(made.root)).code == 0


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """While it lasts, nothing more can be opened."""
    os.close(free := os.dup(0))
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def test_a_search_that_could_not_look_lets_nobody_go(tmp_path: Path) -> None:
    """No folder of a glob was listed, and no manifest read: all is as it was, and is looked at again."""
    root = str(served(tmp_path).root)
    settings = Settings(usual=Group((f"{tmp_path}/p*",)), cache_dir=str(tmp_path / "cache"), trust=Trust.EVERYTHING)

    async def story() -> None:
        supervisor = Supervisor(settings, lambda _: None)
        await supervisor.fleet.search()
        for anew in (True, False):
            with no_descriptor_left():
                await supervisor.fleet.search(anew=anew)
            assert set(supervisor.fleet.groups) == {root}
        served(tmp_path, 1)
        await supervisor.fleet.search()
        assert len(supervisor.fleet.groups) == 2
        supervisor.fleet.close()
        assert "ProjectRemoved" not in {event.kind for event in supervisor.board.since(0)}

    asyncio.run(story())


def test_a_service_with_few_descriptors(tmp_path: Path) -> None:
    """It goes on, and answers; each project is Ready or Retrying all the time, and Ready in the end."""
    worlds = [served(tmp_path / "src", number) for number in range(6)]
    daemon = Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n')
    daemon.start([*LIMITED, "24"])  # too few for one pass, so that two need not meet
    try:
        for world in worlds:
            daemon.until_status(world.root, lambda status: status["last_pass"] is not None)
        told = {
            event["message"].partition(":")[0]
            for event in daemon.ask().get("/v1/events")["events"]
            if event["kind"] == "ConditionChanged"
        }
        assert "Retrying (Shortage)" in told
        assert told <= {"Ready (InSync)", "Retrying (Shortage)"}
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (256, most))
        daemon.ask().post("/v1/trigger", {})
        for world in worlds:
            daemon.ready(world.root)
    finally:
        daemon.process.kill()
        daemon.process.wait()
