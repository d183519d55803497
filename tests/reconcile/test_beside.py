"""What is laid beside a held entry: base, theirs, and a merge with markers that a person may work on."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.collision import ThreeTexts
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.plan.marked import markers_in, with_markers
from tests.kit.faults import Recorder, Scene, hooking, in_child, kill_at
from tests.kit.world import World

NODES = "src/shop/ds/nodes.py"
BESIDE = ".micropkgd/conflicts/ds"
MERGED = f"{BESIDE}/merged/{NODES}"
BASE = "A = 1\n\n\nB = 1\n\n\nC = 1\n"
OURS = "A = 1\n\n\nB = 'mine'\n\n\nC = 1\n"
THEIRS = "A = 2\n\n\nB = 2\n\n\nC = 1\n"
MARKED = """\
A = 2


<<<<<<< yours
B = 'mine'
||||||| 1.0
B = 1
=======
B = 2
>>>>>>> 2.0


C = 1
"""
JOINED = "A = 2\n\n\nB = ('mine', 2)\n\n\nC = 1\n"


def held(world: World, policy: str = "", ours: str | None = OURS, theirs: str | None = THEIRS) -> None:
    """An entry with one file that both sides changed."""
    world.publish({"nodes.py": BASE, "other.py": "O = 1\n"})
    world.asks_for(policy=policy)
    world.sync()
    if ours is None:
        (world.root / NODES).unlink()
    else:
        world.write(NODES, ours)
    world.publish({"other.py": "O = 2\n", **({} if theirs is None else {"nodes.py": theirs})}, version="2.0")
    assert world.reconcile().code == 4


def test_clean_hunks_are_merged_and_the_others_marked(world: World) -> None:
    """In `merged`, beside the base and the whole new version; the tree has no marker."""
    held(world)

    assert world.read(MERGED) == MARKED
    assert world.read(f"{BESIDE}/base/{NODES}") == BASE
    assert world.read(f"{BESIDE}/theirs/{NODES}") == THEIRS
    assert world.read(f"{BESIDE}/theirs/src/shop/ds/other.py") == "O = 2\n"
    assert not world.has(f"{BESIDE}/merged/src/shop/ds/other.py")
    assert world.read(NODES) == OURS


def test_the_lines_that_collide_are_told(world: World) -> None:
    """In the file here, in the new version, and in what lies beside."""
    held(world)
    (entry,) = json.loads(world.reconcile("--json").out)["projects"][0]["entries"]

    assert entry["collisions"] == [
        {
            "path": NODES,
            "ours": {"first": 4, "last": 4},
            "theirs": {"first": 4, "last": 4},
            "merged": {"first": 4, "last": 10},
        }
    ]


def test_what_waits_by_the_policy_alone_is_merged_without_markers(world: World) -> None:
    """Nothing collides: a person has only to say yes."""
    held(world, 'on-local-edit = "hold"', theirs=BASE.replace("A = 1", "A = 2"))

    assert world.read(MERGED) == OURS.replace("A = 1", "A = 2")


@pytest.mark.parametrize(("ours", "theirs"), [(None, THEIRS), (OURS, None)], ids=["deleted", "removed"])
def test_a_side_without_the_file_has_nothing_to_join(world: World, ours: str | None, theirs: str | None) -> None:
    """There is a question, and no text that could answer it."""
    held(world, ours=ours, theirs=theirs)

    assert world.read(f"{BESIDE}/base/{NODES}") == BASE
    assert not world.has(MERGED)


def test_a_file_that_was_there_first_has_no_base(world: World) -> None:
    """All that differs collides."""
    world.write(NODES, "MINE = 1\n")
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    assert world.reconcile().code == 4

    assert world.read(MERGED) == "<<<<<<< yours\nMINE = 1\n||||||| \n=======\nA = 1\n>>>>>>> 1.0\n"
    assert not world.has(f"{BESIDE}/base")


def test_line_ends_are_those_of_the_file_here(world: World) -> None:
    """As with any merge."""
    held(world, ours=OURS.replace("\n", "\r\n"))

    assert world.read(MERGED) == MARKED.replace("\n", "\r\n")


def test_nothing_is_laid_twice(world: World) -> None:
    """A pass that finds the same writes nothing (promise P11), also while somebody is at work."""
    held(world)
    before = world.stamps()
    assert world.reconcile().code == 4
    assert world.stamps() == before
    world.write(MERGED, JOINED)
    world.reconcile()
    before = world.stamps()
    assert world.reconcile().code == 4
    assert world.stamps() == before


def test_an_edit_that_goes_on_is_merged_anew(world: World) -> None:
    """As long as nobody has worked on the merge."""
    held(world)
    world.write(NODES, OURS.replace("C = 1", "C = 'mine'"))
    assert world.reconcile().code == 4

    assert world.read(MERGED) == MARKED.replace("C = 1", "C = 'mine'")


@pytest.mark.parametrize("options", [(), ("--offline",), ("--locked",)])
def test_a_persons_work_is_never_made_anew(world: World, options: tuple[str, ...]) -> None:
    """Whatever comes: a new version of either side, or a pass that asks nobody."""
    held(world)
    world.write(MERGED, JOINED)
    world.write(NODES, OURS.replace("C = 1", "C = 'mine'"))
    world.publish({"nodes.py": THEIRS.replace("2", "3")}, version="3.0")
    said = world.reconcile(*options)

    assert said.code == (0 if options == ("--locked",) else 4)
    assert world.read(MERGED) == JOINED
    assert world.read(f"{BESIDE}/theirs/{NODES}") == THEIRS
    if not options:
        assert "waiting: 2.0" in said.out
        assert "note: nothing newer is looked for while somebody settles what lies beside" in said.out


def test_what_a_person_removes_is_laid_again(world: World) -> None:
    """So they can begin anew, with what is newest."""
    held(world)
    world.write(MERGED, JOINED)
    world.publish({"nodes.py": THEIRS.replace("2", "3")}, version="3.0")
    world.reconcile()
    (world.root / MERGED).unlink()
    world.reconcile()

    assert world.read(MERGED) == MARKED.replace("= 2", "= 3").replace("2.0", "3.0")


def test_work_that_a_hold_ends_without_is_set_aside(world: World) -> None:
    """Nothing that a person wrote is ever deleted."""
    held(world)
    world.write(MERGED, JOINED)
    world.write(NODES, BASE)
    world.sync()

    assert not world.has(BESIDE)
    assert world.read(f".micropkgd/conflicts/left-over/ds-1/merged/{NODES}") == JOINED
    world.sync()
    before = world.stamps()
    world.sync()
    assert world.stamps() == before


def test_a_machine_without_memory_lays_it_again(world: World) -> None:
    """And takes up the work that was begun, where it is for the version that waits."""
    held(world)
    world.write(MERGED, JOINED)
    (world.root / ".micropkgd/state.json").unlink()
    assert world.reconcile().code == 4

    assert world.read(MERGED) == JOINED


def scene_of(folder: Path) -> Scene:
    """One entry that a pass will find held."""
    scene = Scene(folder)
    scene.ask_for("delta")
    scene.publish("delta", {"delta/both.py": BASE})
    scene.run()
    scene.publish("delta", {"delta/both.py": THEIRS}, "2")
    scene.write({"src/shop/delta/both.py": OURS})
    return scene


def test_killed_while_it_is_laid(tmp_path: Path) -> None:
    """At any call: the next pass lays the same, and takes nothing of ours for a person's work."""
    scene, calls = scene_of(tmp_path / "scene"), Recorder()
    copy = scene.copy(tmp_path / "whole")
    copy.run(calls)
    wanted = laid(copy)
    assert set(wanted) > {"base/src/shop/delta/both.py", "merged/src/shop/delta/both.py"}
    for number in range(1, len(calls.calls) + 1):
        copy = scene.copy(tmp_path / str(number))
        assert in_child(lambda copy=copy, number=number: copy.run(hooking(kill_at(number)))) == -9  # type: ignore[misc]
        copy.write({"src/shop/delta/both.py": OURS.replace("mine", "more")})  # what was laid is to be laid anew
        copy.run()
        merged = wanted["merged/src/shop/delta/both.py"].replace(b"mine", b"more")
        assert laid(copy)["merged/src/shop/delta/both.py"] == merged
        assert not (copy.root / ".micropkgd/conflicts/left-over").exists()


def laid(scene: Scene) -> dict[str, bytes]:
    """What lies beside, by path."""
    folder = scene.root / ".micropkgd/conflicts/delta"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"=======\n", b"<<<<<<< x\n"]), max_size=6).map(b"".join)


@given(LINES, LINES, LINES)
def test_every_marker_is_found_and_nothing_else(base: bytes, ours: bytes, theirs: bytes) -> None:
    """Law: what we marked is seen as such, and lines of the texts are not, whatever they look like."""
    marked = with_markers(RelPath("a.txt"), ThreeTexts(base, ours, theirs), "1", "2")
    assert marked is not None
    found = markers_in(marked.text, base, ours, theirs)
    for collision in marked.collisions:
        assert {collision.merged.first, collision.merged.last} <= set(found)
    assert bool(found) == bool(marked.collisions)
    assert markers_in(ours, base, ours, theirs) == ()
