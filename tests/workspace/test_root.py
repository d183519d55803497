"""Which project somebody works in: the nearest above, unless another user put it there."""

import os
from pathlib import Path

import pytest

from micropkgd.workspace.root import root_around
from tests.kit.world import World

STRANGER = 54_321


def give_away(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> None:
    """Let paths belong to another user, which only root could really do."""
    look, given = os.stat, {str(path) for path in paths}

    def stat(path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        found = look(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        if str(path) not in given:
            return found
        fields = list(found[:10])
        fields[4] = STRANGER
        return os.stat_result(fields)

    monkeypatch.setattr("micropkgd.workspace.root.os.stat", stat)


@pytest.mark.parametrize("whose", ["manifest", "folder"])
def test_a_project_above_that_another_user_put_there_is_not_taken(
    world: World, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """As in /tmp, where anybody may write a `pyproject.toml`; by itself it is what it is."""
    world.asks_for()
    below = world.root / "notes"
    below.mkdir()
    give_away(monkeypatch, world.root / "pyproject.toml" if whose == "manifest" else world.root)
    monkeypatch.chdir(below)
    said = world.run("reconcile", "--once", ".")

    assert said.code == 2
    assert "belongs to another user" in said.err
    assert root_around(str(below)) is None
    assert root_around(str(world.root)) == str(world.root)


def test_a_checkout_of_somebody_else_is_one_project(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its folders are theirs as well: in a container, on a machine of a team."""
    world.asks_for()
    source = world.root / "src"
    source.mkdir(exist_ok=True)
    give_away(monkeypatch, world.root / "pyproject.toml", world.root, source)

    assert root_around(str(source)) == str(world.root)


def test_ones_own_is_found_from_below(world: World) -> None:
    """From any folder in it."""
    world.asks_for()
    (world.root / "src/shop/deep").mkdir(parents=True)

    assert root_around(str(world.root / "src/shop/deep")) == str(world.root)
