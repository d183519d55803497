"""Undo is even: one command is one step, each rollback goes further back, and history says what was done by what."""

import json

from tests.kit.world import ROW, World

NODES = "src/shop/ds/nodes.py"


def releases(world: World, *versions: str) -> None:
    """Install these one after the other."""
    for version in versions:
        world.publish({"nodes.py": f"A = {version}\n"}, version)
        world.asks_for()
        world.sync()


def test_a_command_is_one_step(world: World) -> None:
    """`add` writes manifest, lock and files: one rollback takes all of it back, and so it is of `remove`."""
    world.publish({"nodes.py": "A = 1\n"})
    before = world.tree()
    assert world.run("add", ROW).code == 0
    added = world.tree()
    assert world.run("rollback").code == 0
    assert world.tree() == before
    assert world.run("add", ROW).code == 0
    assert world.run("remove", ROW).code == 0
    assert world.run("rollback").code == 0

    assert world.tree() == added


def test_each_rollback_goes_further_back(world: World) -> None:
    """It never brings back what the one before took away; a new pass starts anew."""
    releases(world, "1", "2", "3")
    for expected in ("A = 2\n", "A = 1\n"):
        assert world.run("rollback").code == 0
        assert world.read(NODES) == expected
    assert world.run("rollback").code == 0
    assert not world.has(NODES)
    assert world.run("rollback").code == 2
    world.sync()
    assert world.read(NODES) == "A = 3\n"
    assert world.run("rollback").code == 0
    assert not world.has(NODES)


def test_a_dry_run_writes_nothing(world: World) -> None:
    """Of `rollback` and of `resolve`, and says what would be done."""
    releases(world, "1", "2")
    before = world.tree()
    said = world.run("rollback", "--dry-run")
    assert (said.code, world.tree()) == (0, before)
    assert "would" in said.out

    world.write(NODES, "A = 'mine'\n")
    before = world.tree() | {ROW: world.publish({"nodes.py": "A = 3\n"}, "3")}
    assert world.reconcile().code == 4
    said = world.run("resolve", "ds", "--take", "--dry-run")
    assert (said.code, world.tree()) == (0, before)
    assert "would update" in said.out
    assert world.run("resolve", "ds", "--take").code == 0


def test_history_names_what_was_done_by_what(world: World) -> None:
    """The command, the entries with their versions, and the files."""
    world.publish({"nodes.py": "A = 1\n"})
    world.run("add", ROW)
    world.publish({"nodes.py": "A = 2\n"}, "2.0")
    world.sync()
    world.run("rollback")
    said = world.run("history").out
    (project,) = json.loads(world.run("history", "--json").out)["projects"]

    for words in (f"add {ROW}", "install dist/ds.tar.gz -> src/shop/ds  1.0 (", "update dist/ds.tar.gz", "rollback"):
        assert words in said
    assert [commit["trigger"] for commit in project["commits"]] == ["rollback", "command", f"add {ROW}", f"add {ROW}"]


def test_what_a_rollback_put_back_is_nobodys_edit(world: World) -> None:
    """Also where the lock was brought up to date in between, and a new release came."""
    releases(world, "1", "2")
    world.run("rollback")
    world.run("lock")
    world.sync()
    assert world.read(NODES) == "A = 2\n"
    world.publish({"nodes.py": "A = 3\n"}, "3")
    world.sync()
    world.run("rollback")
    world.sync()

    assert world.read(NODES) == "A = 3\n"
