"""The short way says what the whole way says, and is left when anything moves that the last pass depended on."""

import os
import time
from collections.abc import Callable

import pytest

from micropkgd.cli.everyday import answer
from micropkgd.clock import GRAIN_NS
from tests.kit.world import KEDRO, World

EVERYDAY = ("reconcile", "--once")
NODES = "src/shop/ds/nodes.py"
GONE = "src/shop/ds/gone.py"


@pytest.fixture
def resting(world: World) -> World:
    """A project in sync, with an edited file, one that may stay away, and a module of its own that is packaged."""
    world.write("src/shop/own/__init__.py", '__version__ = "1.0"\n')
    world.publish({"nodes.py": "A = 1\n", "gone.py": ""})
    world.write(
        "pyproject.toml",
        f'{KEDRO}[tool.micropkgd.pull]\n"dist/ds.tar.gz" = {{keep-deleted = ["{GONE}"]}}\n'
        "[tool.micropkgd.package]\nown = {}\n",
    )
    world.sync()
    world.write(NODES, "A = 2  # mine\n")
    (world.root / GONE).unlink()
    time.sleep(2 * GRAIN_NS / 1e9)  # what is younger is not believed yet
    world.sync()
    return world


def test_it_says_what_the_whole_way_says(resting: World) -> None:
    """Word for word what the parsed command says, and the loop where no record is left."""
    said = answer(EVERYDAY)

    assert said is not None
    assert f"drifted: {NODES}" in said
    assert "1 module: 1 unchanged" in said
    assert resting.reconcile("--log-format", "console").out == said
    (resting.root / ".micropkgd/settled.json").unlink()
    assert resting.reconcile().out == said


def test_a_project_may_be_named(resting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From anywhere, and from a folder inside it."""
    said = answer(EVERYDAY)
    monkeypatch.chdir("/")

    assert answer([*EVERYDAY, str(resting.root / "src")]) == said
    assert said is not None


@pytest.mark.parametrize(
    "words", ["", "reconcile", "reconcile --once -q", "reconcile --once . .", "status", "lock", "reconcile --once /"]
)
def test_other_words_take_the_whole_way(resting: World, words: str) -> None:
    """Options, also where a folder is called like one, several projects, no project."""
    (resting.root / "-q").mkdir()

    assert answer(words.split()) is None


def append(path: str) -> Callable[[World], object]:
    """Change a file in place."""
    return lambda world: (world.root / path).open("a").write(" \n")


def make(path: str) -> Callable[[World], object]:
    """Write a file anew."""
    return lambda world: world.write(path, "")


def unlink(path: str) -> Callable[[World], object]:
    """Remove a file."""
    return lambda world: (world.root / path).unlink()


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(append("pyproject.toml"), id="manifest"),
        pytest.param(append("micropkg.lock"), id="lock"),
        pytest.param(append("dist/ds.tar.gz"), id="archive"),
        pytest.param(append("src/shop/ds/__init__.py"), id="installed"),
        pytest.param(append("src/shop/own/__init__.py"), id="packaged module"),
        pytest.param(unlink("src/shop/ds/__init__.py"), id="removed"),
        pytest.param(unlink("dist/own-1.0.tar.gz"), id="own archive"),
        pytest.param(make(GONE), id="back again"),
        pytest.param(make("src/shop/own/new.py"), id="new in module"),
        pytest.param(make("src/shop/settings.py"), id="settings"),
        pytest.param(make(".micropkgd/suspended.json"), id="suspended"),
        pytest.param(make("src/tests/__init__.py"), id="layout"),
        pytest.param(make(".micropkgd/journal"), id="journal"),
        pytest.param(unlink(".micropkgd/settled.json"), id="no record"),
    ],
)
def test_whatever_moves_ends_it(resting: World, move: Callable[[World], object]) -> None:
    """The whole pass looks, and decides."""
    assert answer(EVERYDAY) is not None
    move(resting)
    assert answer(EVERYDAY) is None


def test_a_file_from_before_1970_takes_the_whole_way(resting: World) -> None:
    """Its time is no number that the record knows."""
    os.utime(resting.root / "src/shop/ds/__init__.py", (-1, -1))

    assert answer(EVERYDAY) is None
    time.sleep(2 * GRAIN_NS / 1e9)
    resting.sync()
    assert answer(EVERYDAY) is None
