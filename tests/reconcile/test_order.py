"""The order of the entries in the manifest decides nothing: exhaustively, over entries of every kind."""

from itertools import permutations
from pathlib import Path

import pytest

from tests.kit.world import World, archive

ROWS = {
    "new": '"dist/new.tar.gz" = {alias = "new"}',
    "held": '"dist/held.tar.gz" = {alias = "held"}',
    "moved": '"dist/moved.tar.gz" = {alias = "moved", destination = "pipelines"}',
    "broken": '"dist/broken.tar.gz" = {alias = "broken"}',
}


def reconciled(root: Path, order: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, bytes], int]:
    """What a project comes to whose manifest names its entries in this order, and the exit code."""
    world = World(root)
    monkeypatch.chdir(world.root)
    for name in ("new", "held", "moved"):
        world.write(f"dist/{name}.tar.gz", archive({"nodes.py": f"A = '{name}'\n"}, "1.0"))
    world.write("dist/broken.tar.gz", "no archive\n")
    world.manifest('"dist/held.tar.gz" = {alias = "held"}\n"dist/moved.tar.gz" = {alias = "moved"}')
    world.sync()
    world.write("src/shop/held/nodes.py", "A = 'mine'\n")
    world.write("dist/held.tar.gz", archive({"nodes.py": "A = 'theirs'\n"}, "2.0"))
    world.manifest("\n".join(ROWS[name] for name in order))
    code = world.reconcile().code
    return {path: data for path, data in world.tree().items() if path != "pyproject.toml"}, code


def test_every_order_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tree, lock and exit code are the same for all orders of an entry installed, held, moved and rejected."""
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / "cache"))
    results = [
        reconciled(tmp_path / str(number), order, monkeypatch) for number, order in enumerate(permutations(ROWS))
    ]
    (tree, code), *others = results

    assert code == 6
    assert tree["src/shop/held/nodes.py"] == b"A = 'mine'\n"
    assert "src/shop/pipelines/moved/nodes.py" in tree
    assert all(other == (tree, code) for other in others)
