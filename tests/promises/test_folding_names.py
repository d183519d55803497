"""What holds where names that differ in case or in the form of accents are one, and the calls of Linux are refused.

As on a Mac, as far as the layer of `tests/kit/folding.py` goes; nothing here was run on one.
"""

import pytest

from micropkgd.model.tree import RelPath
from micropkgd.workspace import birth, fsops
from tests.kit.folding import folded, folding
from tests.kit.life import be_packaged, live
from tests.kit.world import World

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
    live(world)


def test_a_module_is_packaged(world: World) -> None:
    """The same bytes as everywhere (P10)."""
    be_packaged(world)


def test_a_persons_file_under_another_spelling(world: World) -> None:
    """It is theirs, and held against as anywhere (P3)."""
    world.write("src/shop/DS/Nodes.py", "mine\n")
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    assert world.reconcile().code == 4
    assert world.read("src/shop/DS/Nodes.py") == "mine\n"
