"""What stands in the place of a file or folder of ours below `.micropkgd`: never followed, never removed, always told.

What a pass cannot do without is refused before anything is changed, and is as it was once it is out of the way. What is
only remembered is done without, or written anew.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.world import World

TARGET = "src/shop/ds/nodes.py"
Put = Callable[[Path, Path], object]

OBSTACLES: dict[str, Put] = {
    "link": lambda place, elsewhere: place.symlink_to(elsewhere),
    "dangling": lambda place, elsewhere: place.symlink_to(elsewhere / "nothing"),
    "file": lambda place, elsewhere: place.write_text("somebody's"),
}
NEEDED = ("txn", "kept")
REMEMBERED = ("passes", "state.json", "settled", "builds.json", "by-hand.lock", "suspended.json", "journal.tmp")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is not ours."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


@pytest.fixture
def pulled(world: World) -> World:
    """A project with one entry in place, and a new version of it."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    world.publish({"nodes.py": "A = 2\n"}, version="2.0")
    return world


def stand(world: World, name: str, put: Put, elsewhere: Path) -> Path:
    """Put something in the place of what is there."""
    place = world.root / ".micropkgd" / name
    shutil.rmtree(place, ignore_errors=True)
    place.unlink(missing_ok=True)
    put(place, elsewhere)
    return place


@pytest.mark.parametrize("put", OBSTACLES.values(), ids=OBSTACLES)
@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed_is_refused_before_anything_is_changed(
    pulled: World, elsewhere: Path, name: str, put: Put
) -> None:
    """With where it stands, and what to do; then the pass is made as if nothing had been."""
    place = stand(pulled, name, put, elsewhere)
    before, obstacle = pulled.tree(), os.lstat(place)

    for _ in range(2):
        said = pulled.reconcile()
        assert said.code == 1
        assert f"error: .micropkgd/{name}: something else than a folder stands here" in said.out + said.err
        assert "hint: move it away and run again" in said.out + said.err
        assert pulled.tree() == before

    assert os.lstat(place).st_ino == obstacle.st_ino
    assert os.listdir(elsewhere) == []
    place.unlink()
    pulled.sync()
    assert pulled.read(TARGET) == "A = 2\n"


@pytest.mark.parametrize("put", OBSTACLES.values(), ids=OBSTACLES)
@pytest.mark.parametrize("name", REMEMBERED)
def test_what_is_only_remembered_is_done_without(pulled: World, elsewhere: Path, name: str, put: Put) -> None:
    """The pass does its work, and so does the next one; nothing is written behind a link."""
    stand(pulled, name, put, elsewhere)

    pulled.sync()
    assert pulled.read(TARGET) == "A = 2\n"
    assert pulled.reconcile().code == 0
    assert os.listdir(elsewhere) == []


@pytest.mark.parametrize("put", OBSTACLES.values(), ids=OBSTACLES)
def test_a_hold_needs_a_place_for_the_texts(pulled: World, elsewhere: Path, put: Put) -> None:
    """The edit stays; where the texts can be laid out again they are."""
    place = stand(pulled, "conflicts", put, elsewhere)
    pulled.write(TARGET, "A = 7\n")

    said = pulled.reconcile()
    assert said.code == 1
    assert "error: .micropkgd/conflicts: something else than a folder stands here" in said.out + said.err
    assert pulled.read(TARGET) == "A = 7\n"
    assert os.listdir(elsewhere) == []

    place.unlink()
    assert pulled.reconcile().code == 4
    assert pulled.has(".micropkgd/conflicts/ds/theirs")
