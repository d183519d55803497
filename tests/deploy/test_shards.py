"""A fleet of real processes, of which each does its part: together they do every project once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.world import World, archive

_PROJECTS, _PARTS = 12, 4


@pytest.fixture
def projects(tmp_path: Path) -> list[World]:
    """Projects that each pull one archive of the team's."""
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "ds.tar.gz").write_bytes(archive({"__init__.py": "x = 1\n"}))
    worlds = []
    for number in range(_PROJECTS):
        world = World(tmp_path / "projects" / f"p{number}")
        world.manifest('"../../shelf/ds.tar.gz" = {}')
        worlds.append(world)
    return worlds


def start(folder: Path, *words: str, **environ: str) -> "subprocess.Popen[str]":
    """Start `micropkgd reconcile --once` over all projects, as one pod of the fleet does."""
    command = [sys.executable, "-m", "micropkgd", "reconcile", "--once", "--json", *words, "p*"]
    environ = {**os.environ, "MICROPKGD_TRUST": "everything", **environ}
    return subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(process: "subprocess.Popen[str]") -> set[str]:
    """The projects that it did, all of them well."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "shard" in err
    return {os.path.basename(project["project"]) for project in json.loads(out)["projects"]}


def test_together_they_do_every_project_once(projects: list[World], tmp_path: Path) -> None:
    """At the same time, each by the number that Kubernetes gave it."""
    folder = tmp_path / "projects"
    fleet = [start(folder, "--shard", f"auto/{_PARTS}", JOB_COMPLETION_INDEX=str(n)) for n in range(_PARTS)]
    found = [done(process) for process in fleet]

    assert sum(map(len, found)) == _PROJECTS
    assert set.union(*found) == {f"p{number}" for number in range(_PROJECTS)}
    assert all(world.read("src/shop/ds/__init__.py") == "x = 1\n" for world in projects)


def test_two_with_the_same_number_harm_nothing(projects: list[World], tmp_path: Path) -> None:
    """One waits for the other in each project, and finds nothing to do."""
    folder = tmp_path / "projects"
    twins = [start(folder, "--shard", "1/2") for _ in range(2)]
    first, second = map(done, twins)

    assert first == second
    for world in projects:
        if world.root.name in first:
            assert world.read("src/shop/ds/__init__.py") == "x = 1\n"
            assert len(list((world.root / ".micropkgd/passes").iterdir())) == 1
