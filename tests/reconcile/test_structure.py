"""Merges by structure on disk: the policy, what is said of it, and what the passes after it find."""

import json

import pytest

from tests.kit.git import commit_all, git
from tests.kit.world import World

NODES = "src/shop/ds/nodes.py"
PARAMETERS = "conf/base/parameters_ds.yml"
BASE = "def one():\n    return 1\n"
OURS = f"{BASE}\n\ndef ours():\n    return 2\n"
THEIRS = f"{BASE}\n\ndef theirs():\n    return 3\n"
BOTH = f"{OURS}\n\ndef theirs():\n    return 3\n"


KEYS = '\n"a": 1,\n"b": 2,\n"c": 3'


def pulled(world: World, policy: str = "") -> None:
    """A project with an edit, and a new version that collides with it as text."""
    world.publish({"nodes.py": BASE})
    world.asks_for(policy=policy)
    world.sync()
    world.write(NODES, OURS)
    world.publish({"nodes.py": THEIRS}, version="2.0")


def test_both_added_a_function(world: World) -> None:
    """It is merged and told how; the next pass finds drift, and writes nothing."""
    pulled(world)
    said = world.reconcile("--dry-run")
    assert f"  merge    {NODES}  (edited here and changed upstream, merged by its structure)" in said.out
    assert world.read(NODES) == OURS

    document = json.loads(world.reconcile("--json").out)
    (change,) = (one for one in document["projects"][0]["entries"][0]["changes"] if one["kind"] == "merge")
    assert change["way"] == "structure"
    assert world.read(NODES) == BOTH

    world.sync()
    before = world.stamps()
    assert world.reconcile().code == 0
    assert world.stamps() == before


def test_a_merge_by_lines_is_told_as_that(world: World) -> None:
    """What the text could do, the text did."""
    pulled(world)
    world.publish({"nodes.py": BASE.replace("def one():", "def one():  # the first")}, version="2.0")
    document = json.loads(world.reconcile("--json").out)
    (change,) = (one for one in document["projects"][0]["entries"][0]["changes"] if one["kind"] == "merge")
    assert change["way"] == "text"


def test_the_next_version_is_merged_again(world: World) -> None:
    """What came of a merge is an edit like any other: kept through the versions that follow, one after the other."""
    pulled(world)
    world.sync()
    for number in (3, 4):
        more = "".join(f"\n\ndef theirs_{at}():\n    return {at}\n" for at in range(3, number + 1))
        world.publish({"nodes.py": f"{THEIRS}{more}"}, version=f"{number}.0")
        assert world.reconcile().code == 0
        assert world.read(NODES).count("def ours()") == 1
        assert all(world.read(NODES).count(f"def theirs_{at}()") == 1 for at in range(3, number + 1))
    assert world.reconcile("--check").code == 0


def test_the_policy_text_holds_what_the_lines_do_not_tell(world: World) -> None:
    """`merge = "text"` goes no further unasked; who asks for a merge gets it."""
    pulled(world, 'merge = "text"')
    assert world.reconcile().code == 4
    assert world.read(NODES) == OURS
    assert world.run("resolve", "ds", "--merge").code == 0
    assert world.read(NODES) == BOTH


def test_both_added_keys(world: World) -> None:
    """Parameters are merged key by key, their comments with them."""
    world.publish({"config/parameters_ds.yml": "ds:\n  a: 1\n"})
    world.asks_for()
    world.sync()
    world.write(PARAMETERS, "ds:\n  a: 1\n  # Ours.\n  ours: 2\n")
    world.publish({"config/parameters_ds.yml": "ds:\n  a: 1\n  theirs: 3\n"}, version="2.0")
    world.sync()
    assert world.read(PARAMETERS) == "ds:\n  a: 1\n  # Ours.\n  ours: 2\n  theirs: 3\n"


@pytest.mark.parametrize(
    ("path", "base", "ours", "theirs"),
    [
        pytest.param(
            "nodes.py",
            f"A = 1\n\n\n{BASE}\n\nB = 1\n",
            f"A = 1\n\n\ndef new():\n    return 1\n\n\n{BASE}\n\nB = 1\n",
            f"A = 1\n\n\n{BASE}\n\nB = 1\n\n\ndef new():\n    return 2\n",
            id="a-function",
        ),
        pytest.param("c.json", f"{{{KEYS}}}", f'{{\n"n": 1,{KEYS}}}', f'{{{KEYS},\n"n": 2\n}}', id="a-key-of-json"),
        pytest.param("c.yml", "a: 1\nb: 2\n", "n: 1\na: 1\nb: 2\n", "a: 1\nb: 2\nn: 2\n", id="a-key-of-yaml"),
    ],
)
def test_what_both_added_otherwise_at_two_places_is_held(
    world: World, path: str, base: str, ours: str, theirs: str
) -> None:
    """It is clean line by line, and there twice."""
    world.publish({path: base})
    world.asks_for()
    world.sync()
    world.write(f"src/shop/ds/{path}", ours)
    world.publish({path: theirs}, version="2.0")
    assert world.reconcile().code == 4
    assert world.read(f"src/shop/ds/{path}") == ours


def test_a_branch_of_its_own_has_its_own_merge(world: World) -> None:
    """Back on the branch without the update nothing is merged, and git can go there and back."""
    pulled(world)
    git(world.root, "init", "-q")
    commit_all(world.root)
    git(world.root, "checkout", "-q", "-b", "update")
    world.sync()
    commit_all(world.root)
    git(world.root, "checkout", "-q", "main")
    assert world.read(NODES) == OURS
    git(world.root, "checkout", "-q", "update")
    assert world.reconcile("--check").code == 0
    assert world.read(NODES) == BOTH


@pytest.mark.parametrize("policy", ["merge", "hold"])
def test_a_formatter_is_not_a_person(world: World, policy: str) -> None:
    """A file that was only laid out otherwise, its imports sorted, is unedited: the new version replaces it."""
    world.publish({"nodes.py": "import os\nimport abc\ndef one( a ):\n    return [a,\n            os, abc]\n"})
    world.asks_for(policy=f'on-local-edit = "{policy}"')
    world.sync()
    world.write(NODES, "import abc\nimport os\n\n\ndef one(a):\n    return [a, os, abc]\n")
    new = "import os\nimport abc\ndef one( a ):\n    return [a,\n            os, 2]\n"
    world.publish({"nodes.py": new}, version="2.0")
    assert "(changed upstream, and only formatted here)" in world.reconcile("--dry-run").out
    world.sync()
    assert world.read(NODES) == new
    assert world.reconcile("--check").code == 0


@pytest.mark.parametrize(
    "ours",
    [
        pytest.param("import os\n\n\ndef one(a):\n    return [a, os]  # mine\n", id="a-comment"),
        pytest.param("import os\n\n\ndef one(a):\n    return [os, a]\n", id="an-order"),
        pytest.param("import abc\nimport os\n\n\ndef one(a):\n    return [a, os]\n", id="an-import"),
    ],
)
def test_an_edit_among_the_formatting_is_kept(world: World, ours: str) -> None:
    """A comment, an order or an import is an edit, however little it is."""
    world.publish({"nodes.py": "import os\ndef one( a ):\n    return [a, os]\n"})
    world.asks_for(policy='on-local-edit = "hold"')
    world.sync()
    world.write(NODES, ours)
    world.publish({"nodes.py": "import os\ndef one( a ):\n    return [a, os, 2]\n"}, version="2.0")
    assert world.reconcile().code == 4
    assert world.read(NODES) == ours
