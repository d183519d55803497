"""Accepted edits: a person's word in the lock, which makes `verify` and `--locked` gates for the entry."""

import json
import subprocess
import tomllib
from functools import partial
from pathlib import Path

import pytest

from micropkgd.actions.accept import accept_edits
from micropkgd.model.tree import digest_of
from tests.kit.faults import Recorder, Scene, hooking, in_child, kill_at
from tests.kit.git import git
from tests.kit.world import World

NODES, OTHER = "src/shop/ds/nodes.py", "src/shop/ds/other.py"
BASE = "A = 1\n\n\nB = 1\n"
OURS = "A = 1\n\n\nB = 'mine'\n"
MORE = "A = 1\n\n\nB = 'mine, and more'\n"
NEW = "A = 2\n\n\nB = 1\n"
MERGED = "A = 2\n\n\nB = 'mine'\n"


@pytest.fixture(autouse=True)
def _edited(world: World) -> None:
    """One edited file of two."""
    world.publish({"nodes.py": BASE, "other.py": "O = 1\n"})
    world.asks_for()
    world.sync()
    world.write(NODES, OURS)


def accepted(world: World) -> dict[str, str]:
    """What the lock says."""
    (block,) = tomllib.loads(world.read("micropkg.lock"))["packages"]
    found: dict[str, str] = block["tool"]["micropkgd"].get("edited", {})
    return found


def gates(world: World) -> tuple[int, int, int]:
    """`verify`, `--locked --check`, and `--locked`."""
    return (
        world.run("verify").code,
        world.reconcile("--locked", "--check").code,
        world.reconcile("--locked").code,
    )


def test_without_it_nothing_changes_for_anybody(world: World) -> None:
    """An edit differs for `verify`, and `--locked` keeps it; the lock is written as before."""
    assert gates(world) == (6, 0, 0)
    assert world.read("micropkg.lock").count('lock-version = "1.1"') == 1


def test_the_gates_pass_with_what_was_accepted_and_with_nothing_else(world: World) -> None:
    """0 with it, 4 where somebody edited more, in that file or another; and again 0 once that is accepted too."""
    said = world.run("accept")
    assert said == (0, f"accepted  {NODES}\n1 edit accepted, 0 dropped\n", "")
    assert accepted(world) == {NODES: digest_of(OURS.encode())}
    assert gates(world) == (0, 0, 0)
    assert world.run("verify").out.endswith("files checked, 0 not as locked, 1 with an accepted edit\n")
    for path in (NODES, OTHER):
        before = world.read(path)
        world.write(path, MORE)
        assert gates(world) == (4, 4, 4)
        said = world.reconcile("--locked")
        assert f"  edited   {path}  (beside what was accepted)\n  hint: micropkgd diff --edits ds" in said.out
        assert f"  edited   {path}  " in world.reconcile("--locked", "--quiet").out
        assert world.read(path) == MORE
        world.write(path, before)
    world.write(NODES, MORE)
    world.run("accept", "ds")
    assert gates(world) == (0, 0, 0)


def test_an_edit_that_is_accepted_and_gone_is_no_less_a_question(world: World) -> None:
    """The lock says that the tree has it; `accept` says that it has not any more."""
    world.run("accept")
    world.write(NODES, BASE)
    assert gates(world) == (4, 4, 4)
    assert f"unedited  {NODES}" in world.run("verify").out
    assert world.reconcile().code == 0
    assert accepted(world) != {}
    assert f"dropped   {NODES}  (not edited any more)\n" in world.run("accept").out
    assert accepted(world) == {}
    assert gates(world) == (0, 0, 0)
    assert world.read("micropkg.lock").count('lock-version = "1.1"') == 1


def test_another_entry_has_no_gate_for_it(world: World) -> None:
    """An entry of which nobody accepted anything is as before."""
    world.publish({"x.py": "X = 1\n"}, to="dist/two.tar.gz")
    world.manifest('"dist/ds.tar.gz" = {}\n"dist/two.tar.gz" = {alias = "two"}')
    assert world.reconcile().code == 0
    world.run("accept", "ds")
    world.write("src/shop/two/x.py", "X = 7\n")

    assert world.reconcile("--locked").code == 0
    assert world.run("verify").code == 6


def test_a_deletion_is_a_matter_of_the_manifest(world: World) -> None:
    """`keep-deleted` lets it stay away, for the gates too; without it, it is missing."""
    (world.root / OTHER).unlink()
    assert f"missing   {OTHER}  (`keep-deleted` of its row lets it stay away)\n" in world.run("accept").out
    assert world.run("verify").code == 4
    world.manifest(f'"dist/ds.tar.gz" = {{keep-deleted = ["{OTHER}"]}}')

    assert gates(world) == (0, 0, 0)
    assert not world.has(OTHER)


def test_twice_is_once(world: World) -> None:
    """And a dry run is none."""
    before = world.stamps()
    assert (
        world.run("accept", "--dry-run").out
        == f"accepted  {NODES}\n1 edit accepted, 0 dropped (dry run, nothing was written)\n"
    )
    assert world.stamps() == before
    world.run("accept")
    before = world.stamps()
    assert world.run("accept").out == "0 edits accepted, 0 dropped\n"
    assert world.stamps() == before


def test_in_json(world: World) -> None:
    """What was accepted, entry by entry; what the gates found."""
    (project,) = json.loads(world.run("accept", "--json").out)["projects"]
    assert project["entries"] == [
        {"ref": "dist/ds.tar.gz", "target": "src/shop/ds", "accepted": [NODES], "dropped": [], "missing": []}
    ]
    assert json.loads(world.run("verify", "--json").out)["projects"][0]["accepted"] == [NODES]
    world.write(OTHER, MORE)
    (entry,) = json.loads(world.reconcile("--locked", "--json").out)["projects"][0]["entries"]
    assert entry["unaccepted"] == [OTHER]


def test_line_ends_of_a_checkout_are_not_another_edit(world: World) -> None:
    """A colleague's git may write CRLF."""
    world.run("accept")
    world.write(NODES, OURS.replace("\n", "\r\n"))
    world.write(OTHER, "O = 1\r\n")

    assert gates(world) == (0, 0, 0)
    assert world.run("accept").out == "0 edits accepted, 0 dropped\n"


def test_an_update_carries_on_what_was_accepted(world: World) -> None:
    """As the merge made it, in the same commit: the reviewer sees both lines change."""
    world.run("accept")
    world.publish({"nodes.py": NEW, "other.py": "O = 2\n"}, version="2.0")
    world.sync()

    assert world.read(NODES) == MERGED
    assert accepted(world) == {NODES: digest_of(MERGED.encode())}
    assert gates(world) == (0, 0, 0)


def test_an_update_accepts_nothing_by_itself(world: World) -> None:
    """What was edited beyond what was accepted stays a question."""
    world.run("accept")
    world.write(NODES, MORE)
    world.publish({"nodes.py": NEW, "other.py": "O = 2\n"}, version="2.0")
    world.sync()

    assert world.read(NODES) == MERGED.replace("mine", "mine, and more")
    assert accepted(world) == {NODES: digest_of(OURS.encode())}
    assert gates(world) == (4, 4, 4)


def test_an_edit_that_upstream_took_is_no_edit_any_more(world: World) -> None:
    """The table goes with the last of them."""
    world.run("accept")
    world.publish({"nodes.py": OURS, "other.py": "O = 1\n"}, version="2.0")
    world.sync()

    assert accepted(world) == {}
    assert gates(world) == (0, 0, 0)


def test_an_entry_that_moves_takes_it_along(world: World) -> None:
    """Under its new path."""
    world.run("accept")
    world.asks_for(alias="moved")
    world.sync()

    assert accepted(world) == {"src/shop/moved/nodes.py": digest_of(OURS.encode())}
    assert gates(world) == (0, 0, 0)


@pytest.mark.parametrize(("choice", "kept"), [("--keep", True), ("--take", False)])
def test_a_choice_is_a_word_too(world: World, choice: str, kept: bool) -> None:
    """`--keep` accepts the edits that the entry then has; what was given up is none."""
    if not kept:
        world.run("accept")
    world.publish({"nodes.py": BASE.replace("B = 1", "B = 2"), "other.py": "O = 2\n"}, version="2.0")
    assert world.reconcile().code == 4
    assert world.run("resolve", "ds", choice).code == 0

    assert accepted(world) == ({NODES: digest_of(OURS.encode())} if kept else {})
    assert gates(world) == (0, 0, 0)


def test_what_was_joined_of_an_accepted_edit_is_accepted(world: World) -> None:
    """A person made it of what they had looked at."""
    world.run("accept")
    world.publish({"nodes.py": BASE.replace("B = 1", "B = 2"), "other.py": "O = 2\n"}, version="2.0")
    assert world.reconcile().code == 4
    world.write(f".micropkgd/conflicts/ds/merged/{NODES}", "B = 'both'\n")
    assert world.run("resolve", "ds", "--merged").code == 0

    assert accepted(world) == {NODES: digest_of(b"B = 'both'\n")}
    assert gates(world) == (0, 0, 0)


def test_taking_an_edit_back_takes_it_off_the_list(world: World) -> None:
    """Also without a new version."""
    world.run("accept")
    assert world.run("resolve", "ds", NODES, "--take").code == 0

    assert accepted(world) == {}
    assert gates(world) == (0, 0, 0)


def test_a_rollback_takes_it_back(world: World) -> None:
    """And what an update made of it."""
    before = world.read("micropkg.lock")
    world.run("accept")
    after = world.read("micropkg.lock")
    world.publish({"nodes.py": NEW, "other.py": "O = 2\n"}, version="2.0")
    world.sync()
    assert world.run("rollback").code == 0
    assert (world.read("micropkg.lock"), world.read(NODES)) == (after, OURS)
    assert world.run("rollback").code == 0
    assert (world.read("micropkg.lock"), world.read(NODES)) == (before, OURS)


def test_a_lock_that_went_ahead_keeps_it_and_asks_again(world: World) -> None:
    """What is installed later is another text: nobody has looked at it."""
    world.run("accept")
    world.publish({"nodes.py": NEW, "other.py": "O = 2\n"}, version="2.0")
    assert world.run("lock", "--upgrade").code == 0
    assert accepted(world) == {NODES: digest_of(OURS.encode())}
    said = world.run("accept")
    assert said.code == 3
    assert "is locked at 2.0, and the tree has 1.0" in said.err
    assert world.reconcile("--locked").code == 4
    assert world.read(NODES) == MERGED
    assert world.run("accept").code == 0
    assert gates(world) == (0, 0, 0)


def test_a_clone_without_memory_is_gated_alike(world: World, tmp_path: Path) -> None:
    """What is committed is all that counts, and a colleague's accepted edit arrives with its line in the lock."""
    git(world.root, "init", "--quiet")
    world.write(".gitignore", ".micropkgd/\n")
    git(world.root, "add", "--all")
    git(world.root, "commit", "--quiet", "-m", "edited")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(world.root), str(clone)], check=True)
    world.run("accept")
    git(world.root, "commit", "--quiet", "-am", "accepted")
    git(clone, "pull", "--quiet")

    assert [world.run(*command, "--project", str(clone)).code for command in (("verify",),)] == [0]
    assert world.run("reconcile", "--once", "--locked", "--check", str(clone)).code == 0
    (clone / OTHER).write_text("O = 7\n")
    assert world.run("reconcile", "--once", "--locked", "--check", str(clone)).code == 4
    assert world.run("verify", "--project", str(clone)).code == 4


def test_what_is_no_lock_of_today_is_refused(world: World) -> None:
    """A list that is none, or a path that leaves the project."""
    world.run("accept")
    lock = world.read("micropkg.lock")
    for wrong in (
        lock.replace(f'"{NODES}" = "sha256:{digest_of(OURS.encode())[7:]}"', f'"{NODES}" = "x"'),
        lock.replace(
            "[packages.tool.micropkgd.edited]\n",
            '[packages.tool.micropkgd.edited]\n"../x.py" = "sha256:' + "0" * 64 + '"\n',
        ),
    ):
        world.write("micropkg.lock", wrong)
        assert world.run("verify").code == 2


def test_killed_while_accepting(tmp_path: Path) -> None:
    """At any call: the lock is old or new, and the next one finishes."""
    scene = Scene(tmp_path / "scene")
    scene.ask_for("gamma")
    scene.publish("gamma", {"gamma/text.py": BASE})
    scene.run()
    scene.write({"src/shop/gamma/text.py": OURS})
    calls = Recorder()
    whole = scene.copy(tmp_path / "whole")
    accept_edits(str(whole.root), None, 5, fsops=calls)
    sides = {scene.text("micropkg.lock"), whole.text("micropkg.lock")}
    assert len(sides) == 2
    assert len(calls.calls) > 5
    for number in range(1, len(calls.calls) + 1):
        copy = scene.copy(tmp_path / str(number))
        work = partial(accept_edits, str(copy.root), None, 5, fsops=hooking(kill_at(number)))
        assert in_child(work) == -9
        assert copy.text("micropkg.lock") in sides
        accept_edits(str(copy.root), None, 5)
        assert copy.text("micropkg.lock") == whole.text("micropkg.lock")
        assert copy.text("src/shop/gamma/text.py") == OURS
