"""`micropkgd outdated`: what is newer than the lock, asked of every source, with nothing changed."""

import json
from pathlib import Path

from tests.kit.servers.indexes import sdist
from tests.kit.servers.shelves import OnDisk
from tests.kit.world import World


def two_entries(world: World, tmp_path: Path) -> OnDisk:
    """A direct ref and a requirement, both installed, although the policy stays with the lock."""
    shelf = OnDisk(tmp_path / "shelf")
    shelf.put("other-1.0.tar.gz", sdist("other", "1.0"))
    world.publish({"nodes.py": "x = 1\n"})
    world.manifest(f'"dist/ds.tar.gz" = {{}}\n"other<2" = {{index = "{shelf.index}"}}', 'update = "locked"')
    world.sync()
    return shelf


def test_nothing_is_newer(world: World, tmp_path: Path) -> None:
    """Exit code 0, and nothing is written."""
    two_entries(world, tmp_path)
    before = world.stamps()
    said = world.run("outdated")
    assert (said.code, world.stamps()) == (0, before)
    assert said.out.endswith("2 entries: all current\n")


def test_what_is_newer(world: World, tmp_path: Path) -> None:
    """Both versions of each, exit code 3, and nothing is written; what the requirement keeps out does not count."""
    shelf = two_entries(world, tmp_path)
    shelf.put("other-1.1.tar.gz", sdist("other", "1.1"))
    shelf.put("other-2.0.tar.gz", sdist("other", "2.0"))
    world.publish({"nodes.py": "x = 2\n"}, "1.2")
    before = world.stamps()
    said = world.run("outdated")
    assert (said.code, world.stamps()) == (3, before)
    assert "outdated   dist/ds.tar.gz  1.0 (" in said.out
    assert ") -> 1.2 (" in said.out
    assert ") -> 1.1 (" in said.out
    assert said.out.endswith("2 entries: 2 outdated\n")
    (project,) = json.loads(world.run("outdated", "--json").out)["projects"]
    versions = [(row["locked"]["version"], row["newest"]["version"], row["outdated"]) for row in project["entries"]]
    assert versions == [("1.0", "1.2", True), ("1.0", "1.1", True)]


def test_what_cannot_be_asked_is_said(world: World, tmp_path: Path) -> None:
    """A failure comes before what is newer, and the others are told all the same."""
    two_entries(world, tmp_path).put("other-1.1.tar.gz", sdist("other", "1.1"))
    (world.root / "dist/ds.tar.gz").unlink()
    said = world.run("outdated")
    assert said.code == 1
    assert "failed     dist/ds.tar.gz  1.0 (" in said.out
    assert ") -> 1.1 (" in said.out


def test_what_is_not_locked_yet_is_newer(world: World) -> None:
    """The first version, too."""
    world.publish()
    world.asks_for()
    said = world.run("outdated")
    assert said.code == 3
    assert "not locked -> 1.0 (" in said.out
