"""`diff --edits`, and `diff` of a held entry: what was edited here, what changed upstream, and what collides."""

import json
import subprocess

import pytest

from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

NODES = "src/shop/ds/nodes.py"
OTHER = "src/shop/ds/other.py"
BASE = "A = 1\n#\n#\nB = 1\n"
OURS = "A = 1\n#\n#\nB = 'mine'\n"
THEIRS = "A = 2\n#\n#\nB = 2\n"
EDIT = f"""\
--- a/{NODES}
+++ b/{NODES}
@@ -1,4 +1,4 @@
 A = 1
 #
 #
-B = 1
+B = 'mine'
"""


def edited(world: World, ours: str = OURS) -> None:
    """One edited file of an entry, and one that nobody touched."""
    world.publish({"nodes.py": BASE, "other.py": "O = 1\n"})
    world.asks_for()
    world.sync()
    world.write(NODES, ours)


def held(world: World) -> None:
    """The same, with a version upstream that collides."""
    edited(world)
    world.publish({"nodes.py": THEIRS, "other.py": "O = 2\n"}, version="2.0")
    assert world.reconcile().code == 4


@pytest.mark.parametrize("named", [(), ("ds",), ("src/shop/ds",)])
def test_edits_are_shown_against_the_installed_version(world: World, named: tuple[str, ...]) -> None:
    """As a diff that `git apply -R` takes back; nothing is written."""
    edited(world)
    before = world.stamps()
    said = world.run("diff", "--edits", *named)

    assert said == (0, EDIT, "")
    assert world.stamps() == before
    subprocess.run(["git", "apply", "-R", "-"], cwd=world.root, input=said.out, text=True, check=True)
    assert world.read(NODES) == BASE


def test_edits_in_json(world: World) -> None:
    """The lines of each file's diff, and the version that they are against."""
    edited(world)
    document = json.loads(world.run("diff", "--edits", "--json").out)
    (entry,) = document["projects"][0]["entries"]

    assert document["exit_code"] == 0
    assert (entry["ref"], entry["target"], entry["version"]) == ("dist/ds.tar.gz", "src/shop/ds", "1.0")
    assert entry["edits"] == [{"path": NODES, "formatted": False, "diff": EDIT.splitlines()}]
    assert entry["failure"] is None


def test_what_no_pass_has_held_yet_says_how_it_is_decided(world: World) -> None:
    """Nothing lies beside, and `resolve` would say that nothing is held."""
    edited(world)
    world.publish({"nodes.py": BASE.replace("B = 1", "B = 2")}, version="2.0")
    said = world.run("diff", "dist/ds.tar.gz").out
    assert "hint: no pass has held 2.0 yet: `micropkgd reconcile --once` does" in said
    assert "--merged  # take what was joined\n" in said
    assert "reconcile --once" in world.run("resolve", "dist/ds.tar.gz", "--keep").err

    world.reconcile()
    assert "no pass has held" not in world.run("diff", "dist/ds.tar.gz").out


def test_edits_of_a_held_entry_are_against_what_is_installed(world: World) -> None:
    """Whatever waits."""
    held(world)

    assert world.run("diff", "--edits").out == EDIT


def test_edits_on_top_of_a_merge_are_against_the_merged_version(world: World) -> None:
    """The lock is the base."""
    edited(world)
    world.publish({"nodes.py": BASE.replace("A = 1", "A = 2"), "other.py": "O = 1\n"}, version="2.0")
    world.sync()

    assert world.run("diff", "--edits").out == EDIT.replace("A = 1", "A = 2")


def test_edits_of_a_tree_that_a_lock_went_ahead_of(world: World) -> None:
    """They are against the version that the tree has."""
    edited(world)
    world.publish({"nodes.py": THEIRS, "other.py": "O = 2\n"}, version="2.0")
    assert world.run("lock", "--upgrade").code == 0

    assert world.run("diff", "--edits").out == EDIT


def test_line_ends_are_not_edits_and_deletions_are(world: World) -> None:
    """A checkout with CRLF shows one line, not all."""
    edited(world, OURS.replace("\n", "\r\n"))
    (world.root / OTHER).unlink()

    assert world.run("diff", "--edits").out == f"{EDIT}--- a/{OTHER}\n+++ /dev/null\n@@ -1 +0,0 @@\n-O = 1\n"


def test_edits_without_the_archive(world: World) -> None:
    """It says why the installed text cannot be had."""
    edited(world)
    world.publish({"other.py": "O = 3\n"}, version="3.0")
    world.forget_archives()
    said = world.run("diff", "--edits", "--offline")

    assert said.code == 6
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert "hint: " in said.err


def test_edits_and_a_mode_of_passes(world: World) -> None:
    """There is nothing to install."""
    edited(world)

    assert world.run("diff", "--edits", "--locked").code == 2


def test_a_held_entry_is_told_by_three_names(world: World) -> None:
    """It is held; what changed upstream, what was edited here, which hunks collide; and what to do."""
    held(world)
    said = world.run("diff", "ds")

    assert said.code == 4
    first, *_ = said.out.splitlines()
    assert first.startswith("held       dist/ds.tar.gz -> src/shop/ds  1.0 (")
    assert "waiting: 2.0 (" in first
    upstream = said.out.index("changed upstream, from 1.0 to 2.0:\n")
    edits = said.out.index(f"edited here, since 1.0:\n{EDIT}")
    hunks = said.out.index(
        f"collides:\n  {NODES}: line 4 here, line 4 of 2.0\n<<<<<<< yours\nB = 'mine'\n||||||| 1.0\n"
    )
    choices = said.out.index("  micropkgd resolve ds --keep ")
    assert upstream < edits < hunks < choices
    assert "-A = 1\n+A = 2\n" in said.out[upstream:edits]
    assert "-O = 1\n+O = 2\n" in said.out[upstream:edits]
    assert ">>>>>>> 2.0\n" in said.out[hunks:choices]
    assert said.out.count("+O = 2\n") == 1


def test_a_held_entry_in_json(world: World) -> None:
    """The same three, as lines."""
    held(world)
    document = json.loads(world.run("diff", "--json").out)
    (entry,) = document["held"]

    assert entry["ref"] == "dist/ds.tar.gz"
    assert "+A = 2" in entry["upstream"]
    assert entry["edits"] == EDIT.splitlines()
    assert entry["hunks"][0]["path"] == NODES
    assert entry["hunks"][0]["lines"][0] == "<<<<<<< yours"


def test_a_held_entry_is_told_while_its_source_is_away(world: World, faults: FaultServer) -> None:
    """From what lies beside."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": BASE}))))
    world.sync()
    world.write(NODES, OURS)
    faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": THEIRS}, "2.0")))
    assert world.reconcile().code == 4
    said = world.run("diff", "ds", "--offline")

    assert "changed upstream, from 1.0 to 2.0:\n" in said.out
    assert "+A = 2\n" in said.out
    assert f"edited here, since 1.0:\n{EDIT}" in said.out


def test_a_held_deletion_is_told(world: World) -> None:
    """There is no hunk; the file is named with both sides."""
    edited(world, BASE)
    (world.root / NODES).unlink()
    world.publish({"nodes.py": THEIRS, "other.py": "O = 1\n"}, version="2.0")
    assert world.reconcile().code == 4
    said = world.run("diff")

    assert f"  hold     {NODES}  (deleted here and changed upstream)\n" in said.out
    assert f"--- a/{NODES}\n+++ /dev/null\n" in said.out
    assert "nothing collides line by line\n" in said.out


def test_a_version_that_is_newer_than_the_held_one(world: World) -> None:
    """What is shown waits for nobody yet: `resolve` decides on what a pass held."""
    held(world)
    world.publish({"nodes.py": "A = 3\n"}, version="3.0")
    assert "hint: no pass has held 3.0 yet: `micropkgd reconcile --once` does" in world.run("diff", "ds").out
    assert "-> 2.0 (" in world.run("resolve", "ds", "--take", "--dry-run").out
