"""A row that leaves out the version that is locked for it, as git makes one without a conflict.

A branch narrows the requirement, main's lock moves on, a cherry-pick joins the two line by line: both lines are a
person's, and what the row rules out is not what it asks for, whatever the lock says.
"""

import re
import shutil
from pathlib import Path

import pytest

from micropkgd.model.requirement_conflicts import rules_out
from tests.kit.daemon import Daemon
from tests.kit.git import commit_all, git
from tests.kit.world import World

NODES = "src/shop/ds/nodes.py"


def release(world: World, version: str) -> None:
    """Put a release into the folder that is the index."""
    world.publish({"nodes.py": f"A = '{version}'\n"}, version, f"../share/ds-{version}.tar.gz")


@pytest.fixture
def picked(world: World) -> World:
    """The work tree after the cherry-pick: row `<2`, lock and tree at 2.0, and nothing for git to ask."""
    release(world, "1.0")
    world.write(".gitignore", ".micropkgd\n")
    world.manifest('"ds>=1" = {index = "../share/"}')
    world.sync()
    git(world.root, "init", "-q", "-b", "main")
    commit_all(world.root)
    git(world.root, "switch", "-qc", "narrow")
    world.manifest('"ds>=1,<2" = {index = "../share/"}')
    world.sync()
    commit_all(world.root)
    git(world.root, "switch", "-q", "main")
    release(world, "2.0")
    world.sync()
    commit_all(world.root)
    git(world.root, "cherry-pick", "narrow")
    assert 'ref = "ds>=1,<2"' in world.read("micropkg.lock")
    assert 'version = "2.0"' in world.read("micropkg.lock")
    return world


def test_status_says_that_the_row_is_ahead(picked: World) -> None:
    """Before a pass has seen it, and not after it; a clone without memory says the same."""
    for _ in range(2):
        said = picked.run("status").out
        assert said.startswith("Pending   ds>=1,<2 -> src/shop/ds  2.0 ")
        assert "  ManifestAhead: its row changed since it was locked; the next pass follows it\n" in said
        shutil.rmtree(picked.root / ".micropkgd", ignore_errors=True)
    picked.sync()
    assert "ManifestAhead" not in picked.run("status").out
    assert "Ready" in picked.run("status").out


def test_a_requirement_is_read_once_however_often_it_is_asked(picked: World) -> None:
    """To read one takes as long as to read a file, and a pass asks it of what is locked, of what comes and of modes."""
    rules_out.cache_clear()
    picked.sync()
    asked = rules_out.cache_info()
    assert asked.misses <= 2
    assert asked.hits >= 1


def test_a_gate_sees_it(picked: World) -> None:
    """Manifest and lock do not say the same."""
    for words in ("reconcile --once --locked", "reconcile --once --locked --check"):
        said = picked.run(*words.split())
        assert said.code == 3
        assert (
            "error: micropkg.lock: `ds>=1,<2` is locked at 2.0, which it does not let in [MPK105]"
            in said.out + said.err
        )
        assert "hint: run `micropkgd lock`" in said.out + said.err
    assert picked.run("lock", "--check").code == 3
    assert picked.run("outdated").code == 3


@pytest.mark.parametrize("policy", ["", 'update = "locked"', 'follow-branches = ["release"]'])
def test_the_next_pass_does_what_the_row_says(picked: World, policy: str) -> None:
    """Also where the lock holds otherwise: a row is a person's word, and the lock is behind it."""
    picked.manifest('"ds>=1,<2" = {index = "../share/"}', policy)
    picked.sync()
    assert picked.read(NODES) == "A = '1.0'\n"
    assert 'version = "1.0"' in picked.read("micropkg.lock")
    assert picked.reconcile("--locked", "--check").code == 0


def test_the_hint_can_be_followed(picked: World) -> None:
    """`lock` writes the lock alone; the next pass installs it, here and in a clone."""
    assert picked.run("lock").code == 0
    assert picked.read(NODES) == "A = '2.0'\n"
    commit_all(picked.root)
    clone = World.at(picked.root.parent / "clone")
    git(picked.root, "clone", "-q", ".", str(clone.root))
    for world in (picked, clone):
        assert world.run("reconcile", "--once", str(world.root)).code == 0
        assert world.read(NODES) == "A = '1.0'\n"


def test_an_edit_is_kept(picked: World) -> None:
    """Going back is an update like any other (promise P3)."""
    picked.write(NODES, "A = 'mine'\n")
    assert picked.reconcile().code == 4
    assert picked.read(NODES) == "A = 'mine'\n"


def test_an_index_that_goes_back_is_refused_as_ever(picked: World) -> None:
    """What the row lets in is no reason to go below it."""
    release(picked, "1.5")
    picked.sync()
    assert picked.read(NODES) == "A = '1.5'\n"
    (picked.root / "../share/ds-1.5.tar.gz").unlink()
    said = picked.reconcile()
    assert said.code == 1
    assert "that answers `ds>=1,<2` is 1.0, older than 1.5 before" in said.out
    assert picked.read(NODES) == "A = '1.5'\n"
    hint = re.search(r"hint: .*`micropkgd (.*)`", said.out)
    assert hint
    assert picked.run(*hint[1].split()).code == 0
    assert picked.read(NODES) == "A = '1.0'\n"


def test_under_the_service(picked: World, tmp_path: Path) -> None:
    """Nobody need say anything to it."""
    with Daemon(tmp_path / "d", f'projects = ["{picked.root}"]\n') as daemon:
        daemon.ready(picked.root)
        assert picked.read(NODES) == "A = '1.0'\n"


@pytest.mark.parametrize(
    ("requirement", "version", "expected"),
    [("ds", "1", True), ("ds>=1,<2", "2.0", False), ("ds>=1,<2", "1.9", True), ("ds<2", "1.9rc1", True),
     ("ds~=1.4", "1.3", False), ("ds>=", "1", True), ("ds>=1", "what", True), ("ds==1.*", "1.7", True),
     ("ds!=1.7", "1.7", False)],
)  # fmt: skip
def test_what_a_requirement_lets_in(requirement: str, version: str, expected: object) -> None:
    """What cannot be read rules nothing out: that is for others to say."""
    assert rules_out(requirement, version) is not expected
