"""Projects that pull from each other into what they pack grow to a bound, and no further."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from micropkgd.errors import TreeError
from micropkgd.reconcile.package.nesting import refuse_nesting
from tests.kit.daemon import Daemon
from tests.kit.world import World

PACKAGE = """
[tool.micropkgd.package]
"shared" = {{alias = "{0}"}}
"""


def entangled(folder: Path, name: str, other: str) -> World:
    """A project that packs its module as `name`, and pulls the other's into it."""
    world = World(folder / name)
    world.write("src/shop/shared/__init__.py", '__version__ = "0.1"\n')
    world.write("src/shop/shared/nodes.py", f"who = '{name}'\n")
    world.manifest(f'"../{other}/dist/{other}-0.1.tar.gz" = {{destination = "shared"}}')
    with (world.root / "pyproject.toml").open("a") as manifest:
        manifest.write(PACKAGE.format(name))
    return world


def files(world: World) -> int:
    """How many there are below the package."""
    return sum(len(names) for _, _, names in os.walk(world.root / "src"))


def test_passes_in_turn_come_to_an_end(tmp_path: Path, world: World) -> None:
    """One of them says why; then nothing changes any more, and the rest is in sync."""
    pair = [entangled(tmp_path, "aa", "bb"), entangled(tmp_path, "bb", "aa")]
    for _ in range(8):
        said = [world.run("reconcile", "--once", "--json", str(one.root)) for one in pair]
    before = [one.tree() for one in pair]
    said = [world.run("reconcile", "--once", "--json", str(one.root)) for one in pair]
    assert [one.tree() for one in pair] == before
    documents: list[dict[str, Any]] = [json.loads(one.out)["projects"][0] for one in said]
    reasons = [(row["failure"] or {}).get("reason") for one in documents for row in one["packages"]]
    assert set(reasons) == {None, "ContainsItself"}
    assert max(map(files, pair)) < 30


def test_a_service_that_serves_both_comes_to_rest(tmp_path: Path) -> None:
    """Each archive is news for the other, until one is not made."""
    pair = [entangled(tmp_path / "src", "aa", "bb"), entangled(tmp_path / "src", "bb", "aa")]
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.until("ConditionChanged", message="ContainsItself")
        assert max(map(files, pair)) < 30
        told = [status["standing"]["reason"] for status in daemon.ask().get("/v1/status")["projects"]]
        assert "ContainsItself" in told


@pytest.mark.parametrize(
    ("folder", "period"),
    [
        ("a/a/a/a", "a"),
        ("x/a/b/a/b/a/b/a/b/y", "a/b"),
        ("a/b/c/a/b/c/a/b/c/a/b/c", "a/b/c"),
        ("a/a/a", ""),
        ("a/b/a/b/a/b/a", ""),
        ("a/b/a/c/a/d/a/e", ""),
        ("utils/io/utils/io/utils", ""),
    ],
)
def test_what_repeats(folder: str, period: str) -> None:
    """Four times in a row, one inside the other."""
    if not period:
        refuse_nesting([f"{folder}/m.py"], "m")
        return
    with pytest.raises(TreeError, match=f"repeats `{period}`"):
        refuse_nesting(["b/m.py", f"{folder}/m.py"], "m")
