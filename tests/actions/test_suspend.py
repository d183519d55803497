"""Entries that somebody asked to be left alone."""

import pytest

from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import ROW, World, archive


def test_nothing_of_a_suspended_entry_changes(world: World) -> None:
    """Not for an update, not for a file that went missing, not for a changed option."""
    world.publish({"a.py": "x = 1\n", "b.py": ""})
    world.asks_for()
    world.sync()
    assert world.run("suspend", "ds").out == f"suspended: {ROW}\n"
    world.publish({"a.py": "x = 2\n", "b.py": ""}, "2.0")
    (world.root / "src/shop/ds/b.py").unlink()
    before = world.tree()
    said = world.reconcile()

    assert said.code == 0
    assert said.out.startswith("suspended  dist/ds.tar.gz")
    assert world.tree() == before
    assert "Suspended dist/ds.tar.gz" in world.run("status").out
    assert world.run("resume").out == "nothing is suspended\n"
    world.sync()
    assert world.read("src/shop/ds/a.py") == "x = 2\n"


def test_a_suspended_source_is_not_asked(world: World, faults: FaultServer) -> None:
    """Nor is anything written by the second such pass."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(200, archive({"n.py": "1\n"}))))
    world.run("suspend")
    world.reconcile()
    stamps = world.stamps()
    world.reconcile()

    assert faults.requests_for("/ds.tar.gz") == []
    assert world.stamps() == stamps


def test_a_suspended_module_is_not_packaged(world: World) -> None:
    """And the others are."""
    for name in ("one", "two"):
        world.write(f"src/shop/{name}/__init__.py", '__version__ = "1"\n')
    world.manifest("[tool.micropkgd.package]\none = {}\ntwo = {}\n", home="tool.micropkgd.pull")
    world.run("suspend", "one")
    said = world.reconcile()

    assert "suspended  one" in said.out
    assert world.has("dist/two-1.tar.gz")
    assert not world.has("dist/one-1.tar.gz")


@pytest.mark.parametrize(("command", "code"), [("suspend nothing", 2), ("resume nothing", 2), ("suspend", 0)])
def test_names_are_checked(world: World, command: str, code: int) -> None:
    """A misspelt one would leave the wrong entry alone."""
    world.publish()
    world.asks_for()

    assert world.run(*command.split()).code == code


def test_one_entry_of_a_suspended_project_cannot_be_resumed_alone(world: World) -> None:
    """It would look as if it were looked after."""
    world.publish()
    world.asks_for()
    world.sync()
    world.run("suspend")
    said = world.run("resume", "ds")

    assert said.code == 2
    assert "the whole project is suspended" in said.err


def test_what_was_resumed_stands_as_it_did_before(world: World) -> None:
    """Also where the next pass takes the short way: a pass that left an entry alone learned nothing about it."""
    world.publish()
    world.asks_for()
    world.sync()
    world.run("suspend")
    world.reconcile()
    assert world.run("status").out.startswith("Suspended dist/ds.tar.gz")
    world.run("resume")
    assert world.run("status").out.startswith("Ready     dist/ds.tar.gz")
    world.sync()
    assert world.run("status").out.startswith("Ready     dist/ds.tar.gz")
