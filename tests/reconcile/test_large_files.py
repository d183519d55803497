"""Pulled files that a repository keeps in Git LFS: a pointer is the file that it stands for, and no edit."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.kit.daemon import Daemon
from tests.kit.git import commit_all, git
from tests.kit.lfs import LINES, LargeFiles
from tests.kit.world import World, archive

TABLE, PARAMETERS = "src/shop/ds/table.bin", "conf/base/parameters_ds.yml"


def publish(world: World, version: str) -> None:
    """A version in which every file is another; one is no text, and has line ends all the same."""
    texts = {"nodes.py": f"A = {version}\n", "table.bin": f"\1{version}\r\n\r\n", "config/parameters_ds.yml": "a: 1\n"}
    world.write("../ds.tar.gz", archive(texts, version))


@pytest.fixture
def large(tmp_path: Path) -> LargeFiles:
    """What stands for a server of LFS."""
    return LargeFiles(tmp_path)


@pytest.fixture
def clone(world: World, tmp_path: Path, large: LargeFiles) -> World:
    """A clone that has pointers, as CI has where nobody asked for LFS; nothing is remembered in it."""
    world.write(".gitignore", ".micropkgd\n")
    world.write(".gitattributes", "*.bin filter=lfs -text\nparameters_*.yml filter=lfs -text\n")
    publish(world, "1.0")
    world.asks_for("../ds.tar.gz")
    world.sync()
    git(world.root, "init", "-q")
    for key, value in large.config(fetches=True).items():
        git(world.root, "config", key, value)
    commit_all(world.root)
    git(world.root, "clone", "-q", str(world.root), str(tmp_path / "clone"))
    for key, value in large.config(fetches=False).items():
        git(tmp_path / "clone", "config", key, value)
    os.chdir(tmp_path / "clone")
    return World.at(tmp_path / "clone")


def test_a_pointer_is_the_file_that_it_stands_for(clone: World) -> None:
    """Nobody edited anything, and nothing is written."""
    assert clone.read(TABLE).startswith(LINES)
    before = clone.tree()
    for options in ((), ("--locked",), ("--locked", "--check")):
        said = clone.reconcile(*options)
        assert said.code == 0, said
        assert "drifted" not in said.out
    assert clone.tree() == before
    assert "drifted" not in clone.run("status").out
    assert clone.run("verify").code == 0
    assert not clone.run("diff", "--edits").out


def test_what_was_not_fetched_is_said(clone: World) -> None:
    """A clone with pointers is in sync, and its files are not there: each pass says so, until they are fetched."""
    for _ in range(2):
        said = clone.reconcile()
        assert f"  not fetched: {TABLE} (a pointer of Git LFS: `git lfs pull`)\n" in said.out
        assert "not fetched: src/shop/ds/nodes.py" not in said.out
        assert "  hint: `git lfs pull` fetches them\n" in clone.run("status").out
    (entry,) = json.loads(clone.run("status", "--json").out)["projects"][0]["entries"]
    assert (entry["standing"]["state"], entry["standing"]["reason"]) == ("Ready", "Unfetched")
    assert entry["unfetched"] == [PARAMETERS, TABLE]
    assert json.loads(clone.reconcile("--json").out)["projects"][0]["entries"][0]["unfetched"] == [PARAMETERS, TABLE]
    clone.write("src/shop/ds/nodes.py", "A = 'mine'\n")
    said = clone.run("status")
    assert "drifted: src/shop/ds/nodes.py" in said.out
    assert f"not fetched: {TABLE}" in said.out

    clone.write(TABLE, b"\x011.0\r\n\r\n")
    clone.write(PARAMETERS, "a: 1\n")
    clone.write("src/shop/ds/nodes.py", "A = 1.0\n")
    assert "not fetched" not in clone.reconcile().out
    assert clone.run("status").out.startswith("Ready")
    assert "Unfetched" not in clone.run("status").out


def reason(daemon: Daemon, clone: World) -> object:
    """Why the entry stands as it does, as the service has it."""
    status = daemon.status(clone.root)
    assert status is not None
    return status["entries"][0]["standing"]["reason"]


def test_the_service_says_it_too(clone: World, tmp_path: Path) -> None:
    """In how the entry stands, which the page and the metrics show; it ends with the next pass after `git lfs pull`."""
    with Daemon(tmp_path / "d", f'projects = ["{clone.root}"]\n') as daemon:
        daemon.ready(clone.root)
        assert reason(daemon, clone) == "Unfetched"
        assert TABLE in daemon.command("status", cwd=clone.root).stdout
        clone.write(TABLE, b"\x011.0\r\n\r\n")
        clone.write(PARAMETERS, "a: 1\n")
        assert daemon.command("reconcile", "--once", cwd=clone.root).returncode == 0
        assert reason(daemon, clone) == "InSync"


def test_a_new_version_replaces_it(clone: World) -> None:
    """Byte for byte; git makes a pointer of it again."""
    publish(clone, "2.0")
    said = clone.reconcile()
    assert said.code == 0, said
    assert (clone.root / TABLE).read_bytes() == b"\x012.0\r\n\r\n"
    assert clone.read(PARAMETERS).startswith(LINES)  # that did not change
    commit_all(clone.root)
    assert git(clone.root, "show", f"HEAD:{TABLE}").startswith(LINES)
    assert clone.reconcile().code == 0
    assert not git(clone.root, "status", "--porcelain")


def test_a_pointer_to_something_else_is_an_edit(clone: World) -> None:
    """It stands for other bytes than the locked ones; a text that goes on behind it is a person's, too."""
    pointer = clone.read(TABLE)
    for text in (re.sub("sha256:.{8}", "sha256:01234567", pointer), f"{pointer}mine\n"):
        clone.write(TABLE, text)
        assert f"drifted: {TABLE}" in clone.reconcile().out
        assert clone.run("verify").code == 6
        publish(clone, "2.0")
        assert clone.reconcile().code == 4
        assert clone.read(TABLE) == text
        publish(clone, "1.0")
