"""What holds where names that differ in case or in the form of accents are one, and the calls of Linux are refused.

As on a Mac, as far as the layer of `tests/kit/folding.py` goes; nothing here was run on one.
"""

from pathlib import Path

import pytest

from micropkgd.model.tree import RelPath
from micropkgd.workspace import birth, fsops
from tests.kit.folding import folded, folding, spelled
from tests.kit.world import World

FILES = {"nodes.py": "A = 1\nB = 1\nC = 1\nD = 1\n", "config/parameters_ds.yml": "ds: 1\n"}
TWINS = [("Nodes.py", "nodes.py"), ("\u00e9.py", "E\u0301.py"), ("sub/A.txt", "Sub/a.txt")]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a system."""
    for module in (fsops, birth):
        monkeypatch.setattr(module, "c_function", lambda _: None)
    folding(monkeypatch)


def test_the_layer_is_in_the_way(world: World) -> None:
    """One file under every spelling, and none that is made beside it."""
    world.write("Nodes.py", "1\n")
    with fsops.FsOps(str(world.root)) as fs:
        assert fs.read(RelPath("nodes.PY")) == b"1\n"
        with pytest.raises(FileExistsError):
            fs.write_file(RelPath("nodes.py"), b"2\n")
    assert folded("\u00e9") == folded("E\u0301")


def test_an_entry_lives_its_life(world: World) -> None:
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


def test_a_module_is_packaged(world: World) -> None:
    """The same bytes as everywhere (P10)."""
    world.write("src/shop/pipelines/fe/__init__.py", "__version__ = '1.0'\n")
    assert world.run("package", "pipelines.fe").code == 0
    assert world.has("dist/fe-1.0.tar.gz")


@pytest.mark.parametrize(("old", "new"), TWINS)
@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("text", ["A = 1\n", "A = 2\n"], ids=["same", "other"])
def test_a_file_that_changes_its_case_upstream(world: World, old: str, new: str, text: str, *, edited: bool) -> None:
    """Deleting the old name would take the new one: the entry stays as it is, says so, and comes when that is gone."""
    world.publish({old: "A = 1\n"})
    world.asks_for()
    world.sync()
    if edited:
        world.write(f"src/shop/ds/{old}", "mine\n")
    before = world.read(f"src/shop/ds/{old}")
    world.publish({new: text}, version="2.0")
    for _ in range(2):
        said = world.reconcile()
        assert said.code == 1, said
        assert "which this file system takes for the same name, is in the way" in said.out
        assert world.read(f"src/shop/ds/{old}") == before

    if not edited:
        (world.root / "src/shop/ds" / old).unlink()
        assert world.reconcile().code == 0
        assert Path(spelled(str(world.root / "src/shop/ds" / new))).read_text() == text


def test_a_persons_file_under_another_spelling(world: World) -> None:
    """It is theirs, and held against as anywhere (P3)."""
    world.write("src/shop/DS/Nodes.py", "mine\n")
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    assert world.reconcile().code == 4
    assert world.read("src/shop/DS/Nodes.py") == "mine\n"
