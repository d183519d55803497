"""Fixtures of all tests: a project to work on, and the servers."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.canaries import no_secret_is_left, pytest_runtest_makereport
from tests.kit.slowest import pytest_terminal_summary
from tests.kit.world import World

__all__ = ["no_secret_is_left", "pytest_runtest_makereport", "pytest_terminal_summary"]

pytest_plugins = ["tests.kit.servers.fixtures"]

# Started by `nohup`, or in the background of a script, a run ignores these, and so would all that it starts.
for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# In a hook of git, or in `git bisect run`, git tells whose repository that is; it is none of those that tests make.
for _name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"):
    os.environ.pop(_name, None)

NO_INDEX = "http://127.0.0.1:9/simple/"  # the discard port, where nobody listens


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this run keeps its key: never in the folder of who runs the tests, whose service it never asks."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield folder


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A fresh project that is the working folder, with an empty cache of its own."""
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / "cache"))
    for variable in ("PIP_INDEX_URL", "UV_INDEX_URL"):  # no test may ever ask the machine's own index
        monkeypatch.setenv(variable, NO_INDEX)
    made = World(tmp_path / "project")
    monkeypatch.chdir(made.root)
    return made
