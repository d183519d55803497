"""The lock among people: conflicts in it are solved by the tool that writes it, in the middle of git's own work."""

import subprocess
import sys

import pytest

from micropkgd.documents.conflicts import sides
from tests.kit.world import World

ROWS = '"dist/{0}.tar.gz" = {{}}\n'


def git(world: World, *words: str) -> "subprocess.CompletedProcess[str]":
    """Let git work in the project."""
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words]
    return subprocess.run(command, cwd=world.root, capture_output=True, text=True, check=False)


def ask(world: World, *names: str) -> None:
    """A manifest with these rows, each an archive of its own name, locked where nobody upgrades."""
    rows = "".join(f'"dist/{name}.tar.gz" = {{alias = "{name}"}}\n' for name in names)
    world.manifest(rows, policy='update = "locked"')


def publish(world: World, name: str, version: str) -> None:
    """One archive."""
    world.publish({"nodes.py": f"A = '{version}'\n"}, version, to=f"dist/{name}.tar.gz")


@pytest.fixture
def repository(world: World) -> World:
    """A project with one entry at 1.0, and two branches that move it on, one adding an entry."""
    for name in ("aa", "mm", "zz"):
        publish(world, name, "1.0")
    ask(world, "mm")
    world.write(".gitignore", "/dist\n.micropkgd\n")
    world.sync()
    git(world, "init", "-q", "-b", "main")
    git(world, "add", "-A")
    git(world, "commit", "-q", "-m", "begin")
    git(world, "checkout", "-q", "-b", "other")
    publish(world, "mm", "3.0")
    ask(world, "aa", "mm")
    assert world.run("lock", "--upgrade").code == 0
    git(world, "commit", "-q", "-a", "-m", "three")
    git(world, "checkout", "-q", "main")
    publish(world, "mm", "2.0")
    assert world.run("lock", "--upgrade").code == 0
    git(world, "commit", "-q", "-a", "-m", "two")
    return world


@pytest.mark.parametrize("how", ["merge", "rebase", "cherry-pick"])
def test_a_conflict_in_the_lock_is_solved_by_lock(repository: World, how: str) -> None:
    """In the middle of git's work; the manifest decides, and the next pass installs it."""
    world = repository
    assert git(world, how, "other").returncode != 0
    assert sides(world.read("micropkg.lock")) is not None
    said = world.reconcile("--locked")
    assert said.code in {2, 7}
    doctor = world.run("status")
    assert doctor.code == 2
    assert "hint: run `micropkgd lock`, which reads both sides" in doctor.err

    said = world.run("lock")
    assert said.code == 0, said
    assert sides(world.read("micropkg.lock")) is None
    assert world.run("lock", "--check").code == 0
    git(world, "add", "-A")
    continued = ["commit", "-q", "--no-edit"] if how == "merge" else ["-c", "core.editor=true", how, "--continue"]
    assert git(world, *continued).returncode == 0
    world.forget()
    world.sync()
    assert world.has("src/shop/aa/nodes.py")
    assert world.read("src/shop/mm/nodes.py") in {"A = '2.0'\n", "A = '3.0'\n"}


@pytest.mark.parametrize("broken", [False, True])
def test_markers_that_somebody_committed_are_solved_too(repository: World, *, broken: bool) -> None:
    """A conflict in one side of a conflict; where no side is a document, the hint is another than to run it again."""
    world = repository
    assert git(world, "merge", "other").returncode != 0
    lock = world.read("micropkg.lock")
    tail = "[[\n" * broken
    world.write("micropkg.lock", f"<<<<<<< HEAD\n{lock}=======\n{lock}>>>>>>> again\n{tail}")
    said = world.run("lock")
    if broken:
        assert said.code == 2, said
        assert "hint: neither side can be read: `git checkout --ours micropkg.lock` takes yours" in said.err
        return
    assert said.code == 0, said
    assert sides(world.read("micropkg.lock")) is None
    assert world.run("lock", "--check").code == 0


def test_the_merge_driver_takes_the_newer_version(repository: World) -> None:
    """And says what it superseded, so that every clone updates; git sees no conflict at all."""
    world = repository
    world.write(".gitattributes", "micropkg.lock merge=micropkgd\n")
    git(world, "add", "-A")
    git(world, "commit", "-q", "-m", "attributes")
    driver = f"{sys.executable} -m micropkgd lock --merge-driver %O %A %B"
    git(world, "config", "merge.micropkgd.driver", driver)
    merged = git(world, "merge", "-q", "--no-edit", "other")

    assert merged.returncode == 0, merged
    text = world.read("micropkg.lock")
    assert 'version = "3.0"' in text
    assert 'version = "2.0"' not in text.partition("superseded")[0]
    publish(world, "mm", "3.0")
    world.forget()
    world.sync()
    assert world.read("src/shop/mm/nodes.py") == "A = '3.0'\n"


def test_other_bytes_of_one_version_are_a_persons_to_choose(world: World) -> None:
    """Nothing says which is newer."""
    texts = []
    for data in ("A = 1\n", "A = 2\n"):
        world.publish({"nodes.py": data})
        world.asks_for()
        assert world.run("lock").code == 0
        texts.append(world.read("micropkg.lock"))
    for name, text in zip(("base", "ours", "theirs"), ("", *texts), strict=True):
        world.write(name, text)
    said = world.run("lock", "--merge-driver", "base", "ours", "theirs")

    assert said.code == 1
    assert "run `micropkgd lock`" in said.err
    assert world.run("lock", "--merge-driver", "base", "nowhere", "theirs").code == 2
    world.write("theirs", "x = [")
    assert world.run("lock", "--merge-driver", "base", "ours", "theirs").code == 2


def test_what_git_mixed_from_two_blocks_is_no_side(repository: World) -> None:
    """One entry twice, and files of one place under another: what cannot be is left out, and `lock` works."""
    world = repository
    git(world, "merge", "-q", "other")
    text = world.read("micropkg.lock")
    clean = git(world, "show", "main:micropkg.lock").stdout
    block = clean[clean.index("[[packages]]") :].rstrip()
    mixed = block.replace('target = "src/shop/mm"', 'target = "src/shop/nn"')
    assert block.count("src/shop/mm/") > 1
    world.write("micropkg.lock", f"{text.rstrip()}\n\n{block}\n\n{mixed}\n")
    said = world.run("lock")

    assert said.code == 0, said
    assert "src/shop/nn" not in world.read("micropkg.lock")
    assert world.run("lock", "--check").code == 0
    git(world, "add", "-A")
    git(world, "commit", "-q", "--no-edit")
    world.sync()


def test_an_entry_that_both_sides_moved(world: World) -> None:
    """A clean merge left its block at both old places, with one file in both: it moves, and nothing is left behind."""
    publish(world, "mm", "1.0")
    world.publish({"config/parameters_ds.yml": "a: 1\n", "nodes.py": "A = 1\n"}, to="dist/mm.tar.gz")
    locks = []
    for options in ("", 'destination = "deep"'):
        world.manifest(f'"dist/mm.tar.gz" = {{{options}}}')
        world.sync()
        locks.append(world.read("micropkg.lock"))
    blocks = [lock[lock.index("[[packages]]") :].rstrip() for lock in locks]
    head = locks[0][: locks[0].index("[[packages]]")]
    world.write("micropkg.lock", "\n\n".join((head.rstrip(), *blocks)) + "\n")
    world.manifest('"dist/mm.tar.gz" = {alias = "x"}')
    said = world.reconcile()

    assert said.code == 0, said
    assert world.reconcile("--locked").code == 0
    assert world.read("conf/base/parameters_x.yml") == "a: 1\n"
    assert not world.has("conf/base/parameters_ds.yml")
    assert not world.has("src/shop/deep/ds")
    assert world.read("src/shop/x/nodes.py") == "A = 1\n"


def test_a_side_that_is_no_document_is_left_out(repository: World) -> None:
    """Git joined the lines of two blocks so that a table stands twice on one side: the other one is read."""
    world = repository
    git(world, "merge", "-q", "other")
    text = world.read("micropkg.lock")
    at = text.index("=======\n")
    world.write("micropkg.lock", f"{text[:at]}[packages.archive]\n[packages.archive]\n{text[at:]}")
    said = world.run("lock")

    assert said.code == 0, said
    assert world.run("lock", "--check").code == 0
    world.write("micropkg.lock", f"{text[:at]}[a]\n[a]\n{text[at:]}\n[a]\n[a]\n")
    assert world.run("lock").code == 2
