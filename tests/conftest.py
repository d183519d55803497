"""Fixtures of all tests: a project to work on, and the servers."""

from pathlib import Path

import pytest

from tests.world import World

pytest_plugins = ["tests.servers.fixtures"]

NO_INDEX = "http://127.0.0.1:9/simple/"  # the discard port, where nobody listens


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fresh project that is the working folder, with an empty cache of its own."""
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / "cache"))
    for variable in ("PIP_INDEX_URL", "UV_INDEX_URL"):  # no test may ever ask the machine's own index
        monkeypatch.setenv(variable, NO_INDEX)
    made = World(tmp_path / "project")
    monkeypatch.chdir(made.root)
    return made
