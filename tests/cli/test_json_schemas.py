"""Every `--json` document that is not of a pass, as commands print it, has its form in docs/schema/commands.json."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from micropkgd.cli.json_schemas import commands_schema
from micropkgd.cli.parser import COMMANDS
from tests.kit.daemon import Daemon, served
from tests.kit.git import commit_all, git
from tests.kit.packages import module
from tests.kit.places import REPOSITORY
from tests.kit.site import config
from tests.kit.world import ROW, World

SCHEMA = commands_schema()
NODES = "src/shop/ds/nodes.py"
ONE, TWO = {"nodes.py": "A = 1\n"}, {"nodes.py": "A = 2\n"}
OF_PASSES = set(json.loads((REPOSITORY / "docs/schema/reconcile.json").read_text())["properties"]["command"]["enum"])
SAYS_NOTHING = {"completion"}  # prints a script of a shell, for which there is no document


def closed(node: Any) -> Any:
    """The schema with objects that have their keys and no others: what is not written down shows."""
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: closed(value) for key, value in node.items()}
    if node.get("type") == "object" and isinstance(node.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found


def check(out: str, command: str, form: str = "") -> Any:
    """One document, of the form of its command."""
    document = json.loads(out)
    whole = {**closed(SCHEMA), "anyOf": [{"$ref": f"#/definitions/{form or command}"}]}
    jsonschema.Draft7Validator(whole).validate(document)
    assert jsonschema.Draft7Validator(SCHEMA).is_valid(document)
    assert document["command"] == command
    return document


def edited(world: World) -> None:
    """An entry with an edit and a new version; a module to package and publish."""
    world.publish(ONE)
    module(world)
    (world.root / "shelf").mkdir()
    text = (
        f'"{ROW}" = {{}}\n\n[tool.micropkgd.package]\n"pipelines.ds" = {{publish = "shelf/", publish-when = "asked"}}'
    )
    world.manifest(text)
    world.sync()
    world.write(NODES, "A = 'mine'\n")


def test_the_file_is_what_the_code_makes() -> None:
    """After a change: `python -m micropkgd.cli.json_schemas > docs/schema/commands.json`."""
    assert json.loads((REPOSITORY / "docs/schema/commands.json").read_text()) == SCHEMA
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_every_command_has_a_form() -> None:
    """Here, or in `docs/schema/reconcile.json`."""
    forms = SCHEMA["definitions"].keys() - {"failed"}
    assert {*COMMANDS} - SAYS_NOTHING - forms - OF_PASSES == set()
    assert {form.partition(" ")[0] for form in forms} - {*COMMANDS} == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",), ("verify",), ("outdated",), ("package", "pipelines.ds"), ("package", "--all"), ("publish",),
        ("publish", "--dry-run"), ("doctor",), ("history",), ("why", NODES), ("diff", "--edits"), ("patch",),
        ("patch", "ds", "-o", "../out"), ("accept",),
        ("export", "--format", "pylock"), ("export", "--format", "cyclonedx"),
        ("accept", "ds", "--dry-run"), ("suspend",), ("suspend", "ds"), ("resume",), ("trust",), ("trust", "--list"),
        ("trust", "--revoke"), ("config", "check"), ("config", "show"), ("cache", "info"), ("cache", "gc"),
        ("cache", "verify"), ("explain",), ("init", "--dry-run"), ("service", "install", "--dry-run"),
        ("service", "add", "--dry-run"), ("health",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command(world: World, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """What it prints of a project with an edit."""
    monkeypatch.setenv("HOME", str(world.root.parent))
    edited(world)
    check(world.run(*arguments, "--json").out, arguments[0])


def test_with_something_in_every_list(world: World) -> None:
    """Failures, new versions, what was left out, what differs."""
    edited(world)
    world.publish(TWO, version="2.0")
    found = check(world.run("outdated", "--json").out, "outdated")
    assert found["projects"][0]["entries"][0]["outdated"]
    world.write("src/shop/pipelines/ds/x.bak", "")
    assert check(world.run("package", "--all", "--json").out, "package")["projects"][0]["packages"][0]["left_out"]
    world.write("src/shop/pipelines/ds/x.py", "def (")
    assert check(world.run("publish", "--json").out, "publish")["projects"][0]["packages"][0]["failure"]
    assert check(world.run("verify", "--json").out, "verify")["projects"][0]["differing"]
    world.write(ROW, "no archive")
    check(world.run("outdated", "--json").out, "outdated")
    world.reconcile()
    assert check(world.run("status", "--json").out, "status")["projects"][0]["entries"][0]["drifted"]
    git(world.root, "init", "-q")
    commit_all(world.root)
    check(world.run("doctor", "--json").out, "doctor")
    check(world.run("doctor", "--bundle", "../report.tar.gz", "--json").out, "doctor", "doctor --bundle")


@pytest.mark.parametrize(
    "arguments", [("status",), ("verify",), ("patch",), ("events",), ("trigger",), ("explain", "x")]
)
def test_a_command_that_fails_as_a_whole(
    world: World, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Says so in one form, whatever it is; events that another test left would be an answer."""
    monkeypatch.setenv("XDG_STATE_HOME", str(world.root.parent / "state"))
    world.write("pyproject.toml", "[")
    check(world.run(*arguments, "--json").out, arguments[0], "failed")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[Daemon, World]]:
    """A service with one project."""
    folder = tmp_path / "served"
    world = served(folder / "src")
    with Daemon(folder, config(folder)) as running:
        running.ready(world.root)
        yield running, world


def test_of_the_service(daemon: tuple[Daemon, World]) -> None:
    """What only a running service can say."""
    running, world = daemon
    ask: Callable[..., str] = lambda *words: running.command(*words, "--json", cwd=world.root).stdout  # noqa: E731
    assert check(ask("status"), "status")["projects"][0]["last_pass"]
    check(ask("status", "--all"), "status")
    assert check(ask("events"), "events")["events"]
    check(ask("trigger"), "trigger")
    for probe in ((), ("--ready",), ("--started",)):
        check(ask("health", *probe), "health")
    check(ask("token", "show"), "token")
    assert check(ask("ui", "--print"), "ui")["address"]
    check(ask("service", "reload"), "service")
