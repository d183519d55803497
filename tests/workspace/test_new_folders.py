"""A slip in a name makes a new folder: it is said, and for the project's own package it is an error."""

import pytest

from tests.kit.world import KEDRO, ROW, World

FILES = {"nodes.py": "A = 1\n", "config/parameters_ds.yml": "ds: 1\n"}


@pytest.fixture
def shop(world: World) -> World:
    """A project with folders that a slip can miss."""
    world.publish(FILES)
    world.write("src/shop/pipelines/__init__.py", "")
    world.write("src/shop/pipelines/fe/__init__.py", "__version__ = '1.0'\n")
    world.write("conf/staging/parameters.yml", "")
    return world


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"destination": "pipeline"}, "src/shop/pipeline/ is new, and beside it stands src/shop/pipelines/"),
        ({"destination": "pipelines/ef"}, ""),
        ({"destination": "other"}, ""),
        ({"env": "stagging"}, "conf/stagging/ is new, and beside it stands conf/staging/"),
        ({"env": "prod"}, ""),
        ({}, ""),
    ],
)
def test_a_folder_that_is_nearly_there_is_told(shop: World, options: dict[str, str], note: str) -> None:
    """Once, by the pass that makes it; what is like nothing beside it is made without a word."""
    shop.asks_for(**options)
    said = shop.reconcile()

    assert said.code == 0
    assert (f"note: {note}: is that one meant?" in said.out) if note else "note" not in said.out
    assert "note" not in shop.reconcile().out


def test_a_place_for_archives_that_is_nearly_there_is_told(shop: World) -> None:
    """The same for what is packaged."""
    said = shop.run("package", "pipelines.fe", "-d", "dits")
    assert "dits/ is new, and beside it stands dist/: is that one meant?" in said.out
    assert "is new" not in shop.run("package", "pipelines.fe", "-d", "dits").out


@pytest.mark.parametrize("command", ["reconcile --once", f"pull {ROW}"])
def test_a_package_that_is_nearly_there_is_an_error(shop: World, command: str) -> None:
    """Nothing is put into a package that a slip would make."""
    rows = f'\n[tool.micropkgd.pull]\n"{ROW}" = {{}}\n' if command.startswith("reconcile") else ""
    shop.write("pyproject.toml", KEDRO.replace('package_name = "shop"', 'package_name = "shopp"') + rows)
    before = shop.tree()
    said = shop.run(*command.split())

    assert said.code == 2
    assert said.err == (
        "error: pyproject.toml: there is no folder src/shopp for the package `shopp` [MPK102]\n"
        "hint: did you mean `shop`, which is in src/shop?\n"
    )
    assert shop.tree() == before
