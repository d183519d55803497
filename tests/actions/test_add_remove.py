"""`add` and `remove`: what becomes of edits when an entry goes, and what either would do."""

import json
import tomllib

import pytest

from tests.kit.world import ROW, World

NODES = "src/shop/ds/nodes.py"
OTHER = "src/shop/ds/other.py"


def edited(world: World) -> None:
    """An installed entry with a local edit in one of two files."""
    world.publish({"nodes.py": "A = 1\n", "other.py": "O = 1\n"})
    world.asks_for()
    world.sync()
    world.write(NODES, "A = 'mine'\n")


def test_a_removal_with_edits_is_a_question(world: World) -> None:
    """Nothing of the entry goes until somebody says which."""
    edited(world)
    assert world.run("remove", "ds").code == 4
    assert world.has(OTHER)


@pytest.mark.parametrize(("choice", "stays"), [("--keep", True), ("--take", False)])
def test_the_command_says_what_becomes_of_edits(world: World, choice: str, stays: bool) -> None:
    """Kept, the whole package is the person's own; taken, it goes, and one rollback brings all of it back."""
    edited(world)
    before = world.tree()
    said = world.run("remove", "ds", choice)
    assert said.code == 0, said
    assert (world.has(NODES), world.has(OTHER)) == (stays, stays)
    assert not stays or world.read(NODES) == "A = 'mine'\n"
    assert tomllib.loads(world.read("micropkg.lock")).get("packages", []) == []
    assert ROW not in world.read("pyproject.toml")
    world.sync()
    assert (world.has(NODES), world.has(OTHER)) == (stays, stays)
    assert world.run("rollback").code == 0
    assert world.tree() == before


def test_a_choice_is_no_reason_to_keep_what_nobody_edited(world: World) -> None:
    """Taken it goes as it always does; of the two only one can be said."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    assert world.run("remove", "ds", "--keep", "--take").code == 2
    assert world.run("remove", "ds", "--take").code == 0
    assert not world.has(NODES)


@pytest.mark.parametrize("arguments", [("add", "dist/more.tar.gz", "--alias", "more"), ("remove", "ds", "--take")])
def test_a_dry_run_says_what_the_command_would_do(world: World, arguments: tuple[str, ...]) -> None:
    """File by file, and writes nothing; the command then does just that."""
    edited(world)
    world.publish({"nodes.py": "M = 1\n"}, to="dist/more.tar.gz")
    before, stamps = world.tree(), world.stamps()
    said = world.run(*arguments, "--dry-run")
    assert (said.code, world.tree()) == (0, before)
    assert world.stamps() == stamps
    assert "(dry run, nothing was written)" in said.out
    assert "pyproject.toml\n" in said.err
    (planned,) = json.loads(world.run(*arguments, "--dry-run", "--json").out)["projects"]
    (done,) = json.loads(world.run(*arguments, "--json").out)["projects"]
    assert [row["changes"] for row in planned["entries"]] == [row["changes"] for row in done["entries"]]
    assert (planned["applied"], done["applied"]) == (False, True)
    for row in done["entries"]:
        assert all(world.has(change["path"]) == (change["after"] is not None) for change in row["changes"])


def test_a_dry_run_fails_as_the_command_would(world: World) -> None:
    """A ref that is there already, an archive that is none, an entry that nobody knows."""
    edited(world)
    world.write("dist/bad.tar.gz", "nonsense")
    for arguments in (("add", ROW), ("add", "dist/bad.tar.gz"), ("add", "dist/none.tar.gz"), ("remove", "nobody")):
        planned, done = world.run(*arguments, "--dry-run"), world.run(*arguments)
        assert planned.code == done.code != 0
