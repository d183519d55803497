"""What micropkgd put into a project and somebody took away comes back: by the watch at once, else by the schedule."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.daemon import Daemon, served, until
from tests.kit.world import World

NODES = "src/shop/ds/nodes.py"


def moved_away(world: World, path: str) -> None:
    """Its folder under another name."""
    (world.root / path).rename(world.root / "elsewhere")


LOSSES = [
    pytest.param("dist/features-0.1.tar.gz", lambda world, path: (world.root / path).unlink(), id="archive"),
    pytest.param(NODES, lambda world, path: (world.root / path).unlink(), id="file"),
    pytest.param("src/shop/ds", lambda world, path: shutil.rmtree(world.root / path), id="folder"),
    pytest.param("src/shop/ds", moved_away, id="renamed"),
]


@pytest.mark.parametrize(
    "config", ['every = "1d"\n', 'every = "1s"\njitter = "0s"\nscan-every = "1d"\nwatch = false\n']
)
@pytest.mark.parametrize(("path", "lose"), LOSSES)
def test_what_was_taken_away_comes_back(
    tmp_path: Path, config: str, path: str, lose: Callable[[World, str], object]
) -> None:
    """Whoever took it, also twice."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", f'projects = ["{world.root}"]\n{config}') as daemon:
        daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Ready" and not status["running"])
        for _ in range(2):
            lose(world, path)
            until(lambda: (world.root / path).exists() and (world.root / NODES).exists())
            daemon.until_status(world.root, lambda status: not status["running"])
            shutil.rmtree(world.root / "elsewhere", ignore_errors=True)
        assert daemon.command("verify", cwd=world.root).returncode == 0


def test_a_save_that_removes_first_is_no_loss(tmp_path: Path) -> None:
    """Some editors write a new file after they took the old one away; a deletion that is meant stays, too."""
    world = served(tmp_path / "src")
    world.publish({"nodes.py": "x = 1\n", "gone.py": "y = 1\n"})
    world.write("pyproject.toml", world.read("pyproject.toml").replace("{}", '{keep-deleted = ["*/gone.py"]}', 1))
    with Daemon(tmp_path / "d", f'projects = ["{world.root}"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        (world.root / NODES).unlink()
        (world.root / NODES).write_text("x = 'mine'\n")
        (world.root / "src/shop/ds/gone.py").unlink()
        (world.root / "dist/features-0.1.tar.gz").unlink()
        daemon.until("Packaged", world.root)
        daemon.ready(world.root)
        assert world.read(NODES) == "x = 'mine'\n"
        assert not world.has("src/shop/ds/gone.py")
        kinds = [event["kind"] for event in daemon.ask().get("/v1/events")["events"]]
    assert "Repaired" not in kinds


@pytest.mark.parametrize("path", [".micropkgd", "built"])
def test_a_link_in_the_way_that_goes_again_keeps_nobody_waiting(tmp_path: Path, path: str) -> None:
    """As a checkout of a branch that has one, and of the one before, which does not have that folder at all."""
    world, elsewhere = served(tmp_path / "src"), tmp_path / "elsewhere"
    world.write(
        "pyproject.toml", world.read("pyproject.toml").replace('features" = {}', 'features" = {destination = "built"}')
    )
    elsewhere.mkdir()
    with Daemon(tmp_path / "d", f'projects = ["{world.root}"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        shutil.rmtree(world.root / path)
        (world.root / path).symlink_to(elsewhere)
        world.write("src/shop/pipelines/features/nodes.py", "a = 2\n")
        daemon.ready(world.root, state="Stalled")
        assert not list(elsewhere.iterdir())
        (world.root / path).unlink()
        daemon.ready(world.root)
        assert world.has("built/features-0.1.tar.gz")
