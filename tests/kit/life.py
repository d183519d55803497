"""The life of an entry, and of a module that is packaged, as it is on every system."""

from tests.kit.world import World

FILES = {"nodes.py": "A = 1\nB = 1\nC = 1\nD = 1\n", "config/parameters_ds.yml": "ds: 1\n"}


def live(world: World) -> None:
    """Installed, edited, merged, held, settled, rolled back (P1 to P4, P11)."""
    world.publish(FILES)
    world.asks_for()
    world.sync()
    before = world.stamps()
    world.sync()
    assert world.stamps() == before

    world.write("src/shop/ds/nodes.py", "A = 'mine'\nB = 1\nC = 1\nD = 1\n")
    world.publish({**FILES, "nodes.py": "A = 1\nB = 1\nC = 1\nD = 2\n"}, version="1.1")
    assert world.reconcile().code == 0
    assert world.read("src/shop/ds/nodes.py") == "A = 'mine'\nB = 1\nC = 1\nD = 2\n"
    world.publish({**FILES, "nodes.py": "A = 3\nB = 1\nC = 1\nD = 2\n"}, version="1.2")
    assert world.reconcile().code == 4
    assert world.run("resolve", "ds", "--take").code == 0
    assert world.run("rollback").code == 0
    assert world.read("src/shop/ds/nodes.py").startswith("A = 'mine'")
    assert world.run("verify").code in {0, 4, 6}


def be_packaged(world: World) -> None:
    """The same bytes as everywhere (P10)."""
    world.write("src/shop/pipelines/fe/__init__.py", "__version__ = '1.0'\n")
    assert world.run("package", "pipelines.fe").code == 0
    assert world.has("dist/fe-1.0.tar.gz")
