"""A lock of a micropkgd whose rules gave other files: they are made anew, as an update; nothing looks tampered with."""

import pytest

from tests.kit.world import World

X = "src/shop/ds/x.py"
OLD = 'import pkgutil\npkgutil.get_data("ds", "x")\n'
NEW = OLD.replace('"ds"', '"shop.ds"')


@pytest.fixture
def older(world: World) -> World:
    """A clone of a project whose lock and tree are those of the first rules, which left strings as they were."""
    from micropkgd.model.tree import digest_of

    world.publish({"nodes.py": "", "x.py": OLD})
    world.asks_for()
    world.sync()
    assert world.read(X) == NEW
    world.write(X, OLD)
    lock = world.read("micropkg.lock").replace(digest_of(NEW.encode()), digest_of(OLD.encode()))
    world.write("micropkg.lock", lock.replace("renderer = 2", "renderer = 1"))
    world.forget()
    return world


def test_files_are_made_anew(older: World) -> None:
    """As an update of what was generated; the next pass has nothing to do."""
    said = older.reconcile("-v")

    assert said.code == 0, said
    assert f"  update   {X}" in said.out
    assert older.read(X) == NEW
    assert "renderer = 2" in older.read("micropkg.lock")
    before = older.stamps()
    older.sync()
    assert older.stamps() == before


def test_edit_elsewhere_is_kept(older: World) -> None:
    """The other files are made anew around it."""
    older.write("src/shop/ds/nodes.py", "EDIT = 1\n")
    older.sync()

    assert (older.read(X), older.read("src/shop/ds/nodes.py")) == (NEW, "EDIT = 1\n")


def test_locked_says_that_the_lock_is_older(older: World) -> None:
    """The command that mends it is named."""
    said = older.reconcile("--locked")

    assert said.code == 3
    assert "was locked by an older micropkgd, which rewrote code otherwise" in said.err
    assert "hint: run `micropkgd lock`" in said.err
    assert older.read(X) == OLD


def test_frozen_does_not_call_it_tampering(older: World) -> None:
    """What is missing cannot be made by the old rules any more: that is said, and no word of verification."""
    (older.root / X).unlink()
    said = older.reconcile("--frozen")

    assert said.code == 3
    assert "it was locked by an older micropkgd, which rewrote code otherwise" in said.out
    assert not older.has(X)
