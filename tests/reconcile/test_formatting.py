"""A formatter is not a person: what differs in its layout alone is said to, and stands in the way of no update."""

import json

import pytest

from tests.kit.world import World

NODES, CONF = "src/shop/ds/nodes.py", "conf/base/parameters_ds.yml"
CODE = "import os\nfrom x import (a,\n  b)\n\nA = {'one': 1,\n     'two': os.sep}  # why\n"
FORMATTED = "import os\nfrom x import a, b\n\nA = {\n    'one': 1,\n    'two': os.sep,\n}  # why\n"
YAML = 'ds:\n  names: [a,   b]  # both\n  size: "big"\n  more: {x: 1, y: 2}\n'
YAML_FORMATTED = (
    "ds:\n    names:\n        - a\n        - b  # both\n    size: big\n    more:\n        x: 1\n        y: 2\n"
)


@pytest.fixture
def installed(world: World) -> World:
    """Code and parameters as they were pulled."""
    world.publish({"nodes.py": CODE, "config/parameters_ds.yml": YAML})
    world.asks_for()
    world.sync()
    return world


@pytest.mark.parametrize(("path", "text"), [(NODES, FORMATTED), (CONF, YAML_FORMATTED)], ids=["python", "yaml"])
def test_drift_says_that_it_is_formatting_only(installed: World, path: str, text: str) -> None:
    """In a pass and the next ones, in `status`, in the diff and in JSON; an edit in it is one again."""
    line = f"  drifted: {path} (formatting only)"
    installed.write(path, text)
    assert [line in installed.reconcile().out for _ in range(3)] == [True] * 3
    assert line in installed.run("status").out
    assert f"# {path}: formatting only\n" in installed.run("diff", "--edits").out
    (entry,) = json.loads(installed.reconcile("--json").out)["projects"][0]["entries"]
    assert (entry["drifted"], entry["formatted"]) == ([path], [path])
    (status,) = json.loads(installed.run("status", "--json").out)["projects"][0]["entries"]
    assert status["formatted"] == [path]
    (edited,) = json.loads(installed.run("diff", "--edits", "--json").out)["projects"][0]["entries"]
    assert edited["edits"][0]["formatted"] is True

    installed.write(path, text.replace("1", "11"))
    kept = f"  drifted: {path} (your edit is kept)"
    assert [kept in installed.reconcile().out for _ in range(2)] == [True] * 2
    assert kept in installed.run("status").out


def test_what_is_known_of_a_text_is_not_asked_again(installed: World) -> None:
    """The archive may be gone by then; who never saw it says what is sure."""
    installed.write(NODES, FORMATTED)
    installed.sync()
    installed.forget_archives()
    assert "formatting only" in installed.reconcile("--offline").out
    before = installed.stamps()
    installed.reconcile()
    assert installed.stamps() == before


@pytest.mark.parametrize(
    ("path", "ours", "theirs"),
    [(NODES, FORMATTED, CODE.replace("1", "2")), (CONF, YAML_FORMATTED, YAML.replace("big", "bigger"))],
    ids=["python", "yaml"],
)
def test_a_new_version_replaces_what_was_only_formatted(installed: World, path: str, ours: str, theirs: str) -> None:
    """Nobody edited it."""
    installed.write(path, ours)
    installed.publish({"nodes.py": CODE, "config/parameters_ds.yml": YAML, **_named(path, theirs)}, "2.0")
    assert "only formatted here" in installed.reconcile("--dry-run").out
    installed.sync()
    assert installed.read(path) == theirs


@pytest.mark.parametrize(
    ("path", "ours", "theirs", "merged"),
    [
        pytest.param(
            NODES,
            CODE.replace("1", "2"),
            FORMATTED,
            FORMATTED[: FORMATTED.index("A = ")] + CODE[CODE.index("A = ") :].replace("1", "2"),
            id="python",
        ),
        pytest.param(CONF, YAML.replace("x: 1", "x: 5"), YAML_FORMATTED, YAML.replace("x: 1", "x: 5"), id="yaml"),
    ],
)
def test_an_edit_and_upstreams_formatter_do_not_collide(
    installed: World, path: str, ours: str, theirs: str, merged: str
) -> None:
    """The edit is in what comes of it."""
    installed.write(path, ours)
    installed.publish({"nodes.py": CODE, "config/parameters_ds.yml": YAML, **_named(path, theirs)}, "2.0")
    assert (installed.reconcile().code, installed.read(path)) == (0, merged)


def _named(path: str, text: str) -> dict[str, str]:
    return {"nodes.py" if path == NODES else "config/parameters_ds.yml": text}
