"""A day in the life of two boxes, written down beforehand, and played by the minute with the program, git and a shelf.

Box A owns a module and releases it; box B pulls it, edits it, and has a colleague, a bot, branches and an outage. Each
minute says what a person does, what the command ends with, and what a person would expect to see afterwards.
"""

import shutil
from pathlib import Path

import pytest

from tests.kit.git import commit_all, git
from tests.kit.servers.shelves import OnDisk
from tests.kit.world import Said, World

BODY = "def run(x):\n    return x{0}\n\n\ndef walk(x):\n    return x\n"
CODE = "src/shop/pipelines/fe"
MOVED = "src/shop/pipelines/features"
OURS = ("def walk(x):\n    return x", "def walk(x):\n    return -x")
THEIRS = ("def walk(x):\n    return x", "def walk(x):\n    return x * 2")


class Day:
    """The boxes and the shelf between them."""

    def __init__(self, folder: Path) -> None:
        self.shelf = OnDisk(folder / "shelf")
        self.a, self.b = World(folder / "a"), World(folder / "b")
        self.log: list[str] = []

    def minute(self, what: str, said: Said, code: int, *words: str) -> None:
        """Compare one minute with what was written down."""
        self.log.append(f"{what}\n{said.out}{said.err}")
        assert said.code == code, self.log[-1]
        for word in words:
            assert word in said.out, f"{word!r} is missing\n{self.log[-1]}"


@pytest.fixture
def day(tmp_path: Path, world: World) -> Day:
    """The morning: both boxes are git repositories, A has a module."""
    del world  # it keeps the cache and the state of the machine away
    (tmp_path / "day").mkdir()
    made = Day(tmp_path / "day")
    a, b = made.a, made.b
    a.write(".gitignore", ".micropkgd\n/dist\n")
    b.write(".gitignore", ".micropkgd\n")
    a.write(f"{CODE}/__init__.py", '__version__ = "1.0"\n')
    a.write(f"{CODE}/nodes.py", BODY.format(""))
    a.manifest(f'"pipelines.fe" = {{publish = "{made.shelf.index}"}}', home="tool.micropkgd.package")
    b.asks_for("fe>=1", index=made.shelf.index, destination="pipelines")
    for box in (a, b):
        git(box.root, "init", "-q", "-b", "main")
        commit_all(box.root)
    return made


def at(box: World, *words: str) -> Said:
    """A command in a box."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(box.root)
        return box.run(*words)


def once(box: World, *options: str) -> Said:
    """A pass in a box."""
    return at(box, "reconcile", "--once", *options)


def release(day: Day, version: str, body: str) -> None:
    """A edits, commits and releases."""
    day.a.write(f"{CODE}/__init__.py", f'__version__ = "{version}"\n')
    day.a.write(f"{CODE}/nodes.py", body)
    commit_all(day.a.root, version)
    day.minute(f"A releases {version}", once(day.a), 0)
    assert (day.shelf.folder / f"fe-{version}.tar.gz").is_file()


def test_a_day(day: Day) -> None:
    """From the first release to the evening."""
    a, b = day.a, day.b
    day.minute("09:00 A's first release", once(a), 0)
    day.minute("09:01 B installs it", once(b), 0, "installed")
    commit_all(b.root, "pull fe")
    day.minute("09:02 nothing to do, twice", once(b), 0, "unchanged")
    assert git(b.root, "status", "--porcelain") == ""

    a.write(f"{CODE}/nodes.py", BODY.format("  # half done"))
    a.write(f"{CODE}/__init__.py", '__version__ = "1.1"\n')
    day.minute("09:10 A saves half a change and bumps the version", once(a), 0)
    assert not (day.shelf.folder / "fe-1.1.tar.gz").exists()
    assert "Unreleased" in at(a, "status").out
    release(day, "1.1", BODY.format(" + 1"))

    b.write(f"{CODE}/nodes.py", b.read(f"{CODE}/nodes.py").replace(*OURS))
    day.minute("09:20 B has an edit, and merges 1.1 with it", once(b), 0, "updated")
    assert "x + 1" in b.read(f"{CODE}/nodes.py")
    assert "return -x" in b.read(f"{CODE}/nodes.py")
    commit_all(b.root, "fe 1.1 with our walk")
    clone = World(b.root.parent / "clone")
    day.minute("09:21 a colleague's clone without memory agrees", _cloned(b, clone), 0)
    assert clone.read(f"{CODE}/nodes.py") == b.read(f"{CODE}/nodes.py")
    assert git(clone.root, "status", "--porcelain") == ""

    release(day, "1.2", BODY.format(" + 1").replace(*THEIRS))
    day.minute("10:00 1.2 collides with the edit", once(b), 4, "waiting: 1.2")
    day.shelf.folder.rename(day.shelf.folder.with_name("away"))
    day.minute("10:05 the shelf is away", once(b), 1, "kept: 1.1")
    assert "1.2" in at(b, "status").out
    day.minute("10:06 B decides all the same", at(b, "resolve", "fe", "--keep", "--dry-run"), 0)
    day.shelf.folder.with_name("away").rename(day.shelf.folder)
    day.minute("10:10 and does it", at(b, "resolve", "fe", "--keep"), 0)
    assert "return -x" in b.read(f"{CODE}/nodes.py")
    commit_all(b.root, "fe 1.2, our walk stays")

    git(b.root, "checkout", "-q", "HEAD~1")
    day.minute("11:00 a look at the commit before", once(b, "--locked"), 0)
    assert git(b.root, "status", "--porcelain") == ""
    git(b.root, "checkout", "-q", "main")
    day.minute("11:01 and back", once(b, "--locked"), 0)
    assert git(b.root, "status", "--porcelain") == ""

    b.asks_for("fe>=1", index=day.shelf.index, destination="pipelines", alias="features")
    day.minute("12:00 B renames it", once(b), 0, "moved")
    assert "return -x" in b.read(f"{MOVED}/nodes.py")
    assert not b.has(CODE)
    commit_all(b.root, "features")

    release(day, "1.3", BODY.format(" + 3").replace(*THEIRS))
    day.minute("14:00 a bot bumps the lock alone", at(b, "lock"), 0)
    commit_all(b.root, "bump")
    fresh = World(b.root.parent / "fresh")
    asks = "micropkgd accept features accepts it"  # the walk was accepted in 1.2; what the merge with 1.3 made was not
    day.minute("14:05 every clone installs what it locked", _cloned(b, fresh, "--locked"), 4, asks)
    day.minute("14:06 and B, too", once(b, "--locked"), 4, asks)
    assert fresh.read(f"{MOVED}/nodes.py") == b.read(f"{MOVED}/nodes.py")
    assert "x + 3" in b.read(f"{MOVED}/nodes.py")
    assert "return -x" in b.read(f"{MOVED}/nodes.py")
    day.minute("14:10 B accepts what the merge made", at(b, "accept", "features"), 0)
    commit_all(b.root, "1.3")
    day.minute("14:15 and every clone is content", _cloned(b, fresh, "--locked"), 0)

    b.manifest("")
    day.minute("17:00 the row goes, the edit asks", once(b, "--allow-empty"), 4)
    day.minute("17:01 it becomes B's own", at(b, "resolve", "features", "--keep"), 0)
    assert "return -x" in b.read(f"{MOVED}/nodes.py")
    day.minute("18:00 all is quiet", once(b, "--allow-empty"), 0)


def _cloned(box: World, clone: World, *options: str) -> Said:
    """The same commit, cloned just now, after one pass."""
    shutil.rmtree(clone.root)
    git(box.root, "clone", "-q", str(box.root), str(clone.root))
    return once(clone, *options)
