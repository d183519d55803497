"""A file that upstream moved or renamed takes the edit along; what is doubtful is held where it was."""

import json

import pytest

from tests.kit.world import World

OLD, NEW = "src/shop/ds/nodes.py", "src/shop/ds/steps/clean.py"
MORE = "\n\ndef theirs():\n    return 3\n"
BASE = "A = 1\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n\n\nB = 1\n"
OURS = BASE.replace("return 1", "return 'mine'")
THEIRS = BASE.replace("B = 1", "B = 2")


def edited(world: World, theirs: dict[str, str], policy: str = "", ours: str = OURS) -> None:
    """An edit of a file that the next version no longer has."""
    world.publish({"nodes.py": BASE, "other.py": "O = 1\n"})
    world.asks_for(policy=policy)
    world.sync()
    world.write(OLD, ours)
    world.publish(theirs, version="2.0")


@pytest.mark.parametrize(
    ("theirs", "result"),
    [
        pytest.param(BASE, OURS, id="as-it-was"),
        pytest.param(THEIRS, OURS.replace("B = 1", "B = 2"), id="changed"),
        pytest.param(
            f"{BASE}\n\ndef theirs():\n    return 3\n", f"{OURS}\n\ndef theirs():\n    return 3\n", id="grown"
        ),
    ],
)
def test_the_edit_comes_along(world: World, theirs: str, result: str) -> None:
    """The old file goes, the new one has the edit, and the passes after it find drift and write nothing."""
    edited(world, {"steps/__init__.py": "", "steps/clean.py": theirs, "other.py": "O = 2\n"})
    assert f"(renamed upstream from {OLD}, with your edit)" in world.reconcile("--dry-run").out
    document = json.loads(world.reconcile("--json").out)
    ways = {one["path"]: one["way"] for one in document["projects"][0]["entries"][0]["changes"]}
    assert ways[NEW] == "renamed"
    assert (world.has(OLD), world.read(NEW), world.read("src/shop/ds/other.py")) == (False, result, "O = 2\n")

    world.sync()
    before = world.stamps()
    assert world.reconcile().code == 0
    assert world.stamps() == before
    world.publish({"steps/__init__.py": "", "steps/clean.py": theirs.replace("A = 1", "A = 3")}, version="3.0")
    world.sync()
    assert world.read(NEW) == result.replace("A = 1", "A = 3")


@pytest.mark.parametrize(
    ("theirs", "policy", "ours"),
    [
        pytest.param({"a.py": BASE, "b.py": BASE}, "", OURS, id="two-that-are-alike"),
        pytest.param({"a.py": "X = 1\n" * 40}, "", OURS, id="another-file"),
        pytest.param({"a.txt": BASE}, "", OURS, id="another-kind"),
        pytest.param({"a.py": BASE.replace("return 1", "return 4")}, "", OURS, id="colliding"),
        pytest.param({"a.py": BASE}, 'merge = "text"', OURS, id="by-lines-alone"),
        pytest.param({"a.py": BASE}, 'on-local-edit = "hold"', OURS, id="held-by-policy"),
        pytest.param(
            {"a.py": BASE.partition("def two")[0], "b.py": BASE.partition("def two")[2]}, "", OURS, id="split"
        ),
    ],
)
def test_what_is_doubtful_is_held_where_it_was(world: World, theirs: dict[str, str], policy: str, ours: str) -> None:
    """Nothing of the entry changes, and a later pass says the same."""
    edited(world, theirs, policy, ours)
    for _ in range(2):
        assert world.reconcile().code == 4
        assert (world.read(OLD), world.has("src/shop/ds/a.py")) == (ours, False)


def test_a_pass_names_what_came_along(world: World) -> None:
    """Not only a dry run: where an edit went is nothing to be counted."""
    edited(world, {"a.py": THEIRS})
    assert f"  create   src/shop/ds/a.py  (renamed upstream from {OLD}, with your edit)\n" in world.reconcile().out


def test_a_file_of_a_person_in_the_way_is_kept(world: World) -> None:
    """Where something of a person's stands at the new path, nothing is brought there."""
    edited(world, {"a.py": BASE})
    world.write("src/shop/ds/a.py", "mine = 1\n")
    assert world.reconcile().code == 4
    assert (world.read(OLD), world.read("src/shop/ds/a.py")) == (OURS, "mine = 1\n")


def test_an_edit_in_a_crlf_checkout_comes_along(world: World) -> None:
    """Line ends stay those of the file that was edited, and of the others."""
    edited(world, {"a.py": THEIRS, "other.py": "O = 2\n"}, ours=OURS.replace("\n", "\r\n"))
    world.write("src/shop/ds/other.py", "O = 1\r\n")
    world.sync()
    assert world.read("src/shop/ds/a.py") == OURS.replace("B = 1", "B = 2").replace("\n", "\r\n")
    assert world.read("src/shop/ds/other.py") == "O = 2\r\n"
