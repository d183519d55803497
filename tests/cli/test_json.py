"""The `--json` contract: every outcome a pass can have is a document of docs/schema/reconcile.json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.kit.places import REPOSITORY
from tests.kit.world import ROW, World

SCHEMA = json.loads((REPOSITORY / "docs/schema/reconcile.json").read_text())
NODES = "src/shop/ds/nodes.py"
ONE, TWO = {"nodes.py": "A = 1\n"}, {"nodes.py": "A = 2\n"}


def fresh(world: World) -> None:
    """An entry that waits to be installed."""
    world.publish(ONE)
    world.asks_for()


def in_sync(world: World) -> None:
    """An entry that is installed."""
    fresh(world)
    world.sync()


def outdated(world: World) -> None:
    """An entry with a new version."""
    in_sync(world)
    world.publish(TWO, version="2.0")


def edited(world: World) -> None:
    """An entry with a new version and a local edit."""
    outdated(world)
    world.write(NODES, "A = 'mine'\n")


def drifted(world: World) -> None:
    """An entry with a local edit."""
    in_sync(world)
    world.write(NODES, "A = 'mine'\n")


def damaged(world: World) -> None:
    """An entry with a missing file."""
    in_sync(world)
    (world.root / NODES).unlink()


def leaving(world: World) -> None:
    """An entry that left the manifest."""
    in_sync(world)
    world.manifest("")


def adoptable(world: World) -> None:
    """A tree that already has every file."""
    fresh(world)
    world.write(NODES, "A = 1\n")
    world.write("src/shop/ds/__init__.py", "")


def away(world: World) -> None:
    """An archive that is not there."""
    world.asks_for()


def broken(world: World) -> None:
    """An archive that is none."""
    world.asks_for()
    world.write(ROW, "no archive")


def suspended(world: World) -> None:
    """An entry that somebody asked to be left alone."""
    in_sync(world)
    world.run("suspend", "ds")


def unreadable(world: World) -> None:
    """A manifest that does not parse."""
    world.write("pyproject.toml", "[")


def document(world: World, *arguments: str) -> dict[str, Any]:
    """What a command prints, checked against the schema and against its own exit code."""
    said = world.run(*arguments, "--json")
    found: dict[str, Any] = json.loads(said.out)
    jsonschema.validate(found, SCHEMA)
    assert found["exit_code"] == said.code
    assert found["command"] == arguments[0]
    return found


@pytest.mark.parametrize("mode", ["--once", "--dry-run", "--check"])
@pytest.mark.parametrize(
    ("prepare", "action", "condition"),
    [
        (fresh, "install", "Ready"),
        (in_sync, "none", "Ready"),
        (outdated, "update", "Ready"),
        (edited, "hold", "Held"),
        (drifted, "none", "Ready"),
        (damaged, "repair", "Ready"),
        (leaving, "remove", "Ready"),
        (adoptable, "adopt", "Ready"),
        (away, "fail", "Stalled"),
        (broken, "fail", "Stalled"),
        (suspended, "suspend", "Suspended"),
    ],
)
def test_every_outcome(world: World, prepare: Callable[[World], None], action: str, condition: str, mode: str) -> None:
    """One document on stdout, valid, with the word for what was done and how the entry stands."""
    prepare(world)
    (project,) = document(world, "reconcile", mode)["projects"]
    (entry,) = project["entries"]

    assert (entry["action"], entry["condition"]) == (action, condition)
    assert project["applied"] == (mode == "--once")


def test_a_project_that_cannot_be_worked_on(world: World) -> None:
    """Also a failure is a document, and stdout has nothing else."""
    unreadable(world)
    (project,) = document(world, "reconcile", "--once")["projects"]

    assert project["failure"]["exit_code"] == 2
    assert project["entries"] == []


def test_several_projects(world: World, tmp_path: Path) -> None:
    """One document for all, in the order of the arguments; the worst exit code counts."""
    fresh(world)
    other = World(tmp_path / "other")
    unreadable(other)
    found = document(world, "reconcile", "--once", str(other.root), str(world.root))

    assert [project["exit_code"] for project in found["projects"]] == [2, 0]
    assert found["exit_code"] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("lock",),
        ("lock", "--check"),
        ("add", "dist/b.tar.gz", "--alias", "bb"),
        ("remove", "ds"),
        ("diff",),
        ("rollback",),
        ("pull", "dist/b.tar.gz", "--alias", "bb"),
        ("pull", "--all"),
        ("migrate",),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_every_command_that_runs_a_pass(world: World, arguments: tuple[str, ...]) -> None:
    """The same document from every command."""
    outdated(world)
    world.publish(ONE, to="dist/b.tar.gz")

    document(world, *arguments)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_migrate_says_what_moved(world: World, options: tuple[str, ...]) -> None:
    """Beside what every pass says."""
    world.publish(ONE)
    world.manifest(f'"{ROW}" = {{}}', home="tool.kedro.micropkg.pull")
    found = document(world, "migrate", *options)

    assert found["moved"]
    assert "+[tool.micropkgd.pull]" in found["diff"]


def test_a_module_that_is_suspended(world: World) -> None:
    """It stands like an entry that is."""
    world.write("src/shop/one/__init__.py", "")
    world.manifest("one = {}", home="tool.micropkgd.package")
    world.run("suspend", "one")
    (project,) = document(world, "reconcile", "--once")["projects"]

    assert [package["condition"] for package in project["packages"]] == ["Suspended"]


def test_resolve(world: World) -> None:
    """The choice is a pass like any other."""
    edited(world)
    world.reconcile()

    document(world, "resolve", "ds", "--take")


@pytest.mark.parametrize("command", ["status", "verify"])
def test_what_looks_prints_a_document_too(world: World, command: str) -> None:
    """The head is the same; the project is named."""
    drifted(world)
    said = world.run(command, "--json")
    found = json.loads(said.out)

    assert (found["schema"], found["command"], found["exit_code"]) == ("micropkgd/1", command, said.code)
    assert found["projects"][0]["project"] == str(world.root)


@pytest.mark.parametrize(
    "arguments",
    [("remove", "nothing"), ("resolve", "ds", "--keep"), ("status",), ("verify",), ("lock",), ("add", "a b")],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_fails_outright_prints_a_document(world: World, arguments: tuple[str, ...]) -> None:
    """A program that asked for JSON gets JSON also when the whole command was wrong."""
    if arguments[0] in {"status", "verify", "lock"}:
        unreadable(world)
    said = world.run(*arguments, "--json")
    found = json.loads(said.out)
    failure = found.get("failure") or found["projects"][0]["failure"]

    assert (said.code, found["exit_code"], failure["exit_code"]) == (2, 2, 2)
    assert failure["problem"]
