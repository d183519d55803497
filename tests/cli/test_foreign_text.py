"""What strangers wrote is shown as text: nothing of it moves the cursor, hides a line or reverses one (T25)."""

import json
import re
from collections.abc import Callable

import pytest

from micropkgd.cli.logs import Logs
from tests.cli.test_terminal import on_terminal
from tests.kit.world import World

EVIL = "\x1b[2J\x1b]0;had\x07\x9b31m\u202e\u2028\r"
WRITTEN = EVIL.replace("\r", "").replace("\u2028", "")  # in a line of code
EDITED = f"+A = 2  # {WRITTEN}\n"
NODES = "src/shop/ds/nodes.py"
OWN = re.compile(r"\x1b\[(?:[0-9;]*m|2J|H|3J)|\r?\n|\t")  # colours, wiping and the ends of lines

COMMANDS = [
    ["reconcile", "--once"], ["reconcile", "--once", "--dry-run"], ["reconcile", "--once", "-v"], ["status"],
    ["status", "--all"], ["diff"], ["diff", "--edits"], ["patch", "ds"], ["patch", "ds", "--as-archived"],
    ["verify"], ["why", NODES], ["history"], ["outdated"], ["doctor"], ["events"], ["lock", "--check"],
    ["lock", "--dry-run"], ["review"], ["export", "--format", "pylock"], ["package"], ["accept", "ds"],
    ["resolve", "ds"], ["rollback", "ds"], ["suspend", EVIL], ["why", EVIL], ["patch", EVIL], ["add", EVIL],
    ["remove", EVIL], ["explain", EVIL], [EVIL], ["config", "show"], ["trust", EVIL], ["status", f"/no{EVIL}"],
    ["migrate", "--dry-run"], ["init", "--dry-run"], ["cache", "list"], ["publish", EVIL], ["pull", EVIL, "--dry-run"],
]  # fmt: skip


def edited(world: World) -> None:
    """An edit here that is no merge for upstream's: both are held, and shown."""
    world.publish({"nodes.py": f"A = 1  # {WRITTEN}\n"})
    world.asks_for()
    world.sync()
    world.write(NODES, f"A = 2  # {WRITTEN}\n")
    world.publish({"nodes.py": f"A = 3  # {WRITTEN}\n"}, version="2.0")
    assert world.reconcile().code == 4


def unknown_key(world: World) -> None:
    """A manifest that cannot be read, with the reason in its own words."""
    world.manifest('"\\u001b[2J\\u202e\\u0007\\u009b31m" = 1', home="tool.micropkgd.project")


def branch(world: World) -> None:
    """A branch that git itself would refuse to make, in a repository that came as it is."""
    edited(world)
    world.write(".git/HEAD", f"ref: refs/heads/{WRITTEN}\n")
    world.write(".git/config", f'[remote "origin"]\n\turl = https://{WRITTEN}\n[user]\n\tname = {WRITTEN}\n')
    for folder in ("objects", "refs"):
        (world.root / ".git" / folder).mkdir(parents=True)


def name(world: World) -> None:
    """A module with a file of such a name beside its code."""
    edited(world)
    world.write(f"src/shop/ds/{EVIL}.py", "A = 1\n")
    world.write(f"src/shop/own/{EVIL}.py", "A = 1\n")
    world.write("src/shop/own/__init__.py", "")
    text = world.read("pyproject.toml")
    world.write("pyproject.toml", f'{text}\n[tool.micropkgd.package]\n"own" = {{}}\n')


CASES = [
    *((branch, command) for command in COMMANDS),
    *((name, command) for command in (["reconcile", "--once"], ["status"], ["package"], ["doctor"])),
    *((unknown_key, command) for command in (["reconcile", "--once"], ["status"], ["doctor"])),
]


@pytest.mark.parametrize(
    ("project", "command"),
    CASES,
    ids=[f"{project.__name__}: {' '.join(words)}".replace(EVIL, "EVIL") for project, words in CASES],
)
def test_no_command_says_what_moves_a_cursor(
    world: World, project: Callable[[World], None], command: list[str]
) -> None:
    """On a terminal, where all of data is for people, too."""
    project(world)
    shown = on_terminal(world, *command, width=100_000)
    odd = {character for character in OWN.sub("", shown) if not character.isprintable()}

    assert odd == set(), shown


def test_nor_does_a_patch(world: World) -> None:
    """In a file or a pipe it is as git wants it, byte for byte."""
    edited(world)

    assert "\\x1b[2J" in on_terminal(world, "patch", "ds")
    assert EDITED in world.spawn("patch", "ds").stdout


@pytest.mark.parametrize("form", ["console", "json"])
def test_nor_does_a_log(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whose events, facts and texts of libraries are all a line each."""
    logs = Logs(form, level="info")
    logs.info(f"event{EVIL}\n", project=f"/p{EVIL}", message=f"two words{EVIL}\nthree")
    (line,) = capsys.readouterr().err.splitlines()

    assert line.isprintable()
    assert form != "json" or json.loads(line)["project"] == f"/p{EVIL}"
