"""Words on a terminal: what may have been meant, colour that means nothing alone, and lines that fit."""

import os
import pty
import re
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.cli.ages import age, moment, size
from micropkgd.cli.examples import example_lines
from micropkgd.cli.parser import COMMANDS, make_parser
from micropkgd.cli.status_table import all_lines, table_lines
from micropkgd.cli.terminal import painted
from micropkgd.model.condition import Standing
from micropkgd.model.event import Event
from micropkgd.model.standing import LOCAL_EDITS
from micropkgd.model.status import EntryStatus, PackageStatus, PassStatus, ProjectStatus
from micropkgd.model.tree import RelPath
from tests.kit.world import World

NOW = 1_790_000_000.0
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@pytest.mark.parametrize(
    ("words", "problem", "hint"),
    [
        ("recon", "`recon` is not a command", "did you mean `reconcile`?"),
        ("xyzzy", "`xyzzy` is not a command", "see `micropkgd --help`"),
        ("reconcile --onec", "unknown option `--onec`", "did you mean `--once`?"),
        ("reconcile --onc", "unknown option `--onc`", "did you mean `--once`?"),
        ("reconcile --lock-time=3", "unknown option `--lock-time`", "did you mean `--lock-timeout`?"),
        ("service instal", "`instal` is not an action", "did you mean `install`?"),
        ("init --update folow", "`folow` is not a choice of --update", "did you mean `follow`?"),
        ("token x", "`x` is not an action", "see `micropkgd token --help`: show, rotate"),
        ("init --update x", "`x` is not a choice of --update", "see `micropkgd init --help`: follow, locked"),
        ("verify src", "`src` is one argument too many", "did you mean `--project src`?"),
        ("verify x", "`x` is one argument too many", "see `micropkgd verify --help`"),
        ("cache gc --older-then 3", "unknown option `--older-then`", "did you mean `--older-than`?"),
    ],
)  # fmt: skip
def test_what_may_have_been_meant(world: World, words: str, problem: str, hint: str) -> None:
    """Of commands, actions, options and choices; no option may be cut short, for a later one may begin like it."""
    said = world.run(*words.split())

    assert said.code == 2
    assert said.err.splitlines()[-2:] == [f"error: {problem} [MPK101]", f"hint: {hint}"]


def test_each_command_has_examples_that_are_true() -> None:
    """Each can be parsed, and is of its command."""
    examples = list(example_lines())

    assert {name for name, _ in examples} == {"", *COMMANDS}
    for name, words in examples:
        options = make_parser().parse_args(shlex.split(words.partition(" > ")[0]))
        assert options.command == (name or words.split()[0])


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits(world: World, monkeypatch: pytest.MonkeyPatch, width: int, command: str) -> None:
    """Also where it names the environment; only a word that is too wide itself stays whole."""
    monkeypatch.setenv("COLUMNS", str(width))
    text = world.run(*command.split(), "--help").out

    assert "examples:" in text
    assert "MICROPKGD_CONFIG" in text
    if width == 80:
        assert [line for line in text.splitlines() if len(line) > width] == []


@given(st.text())
def test_colour_means_nothing_alone(line: str) -> None:
    """Without its marks a line is what it was."""
    assert ESCAPE.sub("", painted(line)) == ESCAPE.sub("", line)


def on_terminal(world: World, *arguments: str, width: int = 80, **environ: str) -> str:
    """What a command shows on a terminal."""
    return "".join(_frames(world, *arguments, width=width, **environ))


def _frames(world: World, *arguments: str, width: int = 80, **environ: str) -> Iterator[str]:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "micropkgd", *arguments]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": str(width), **environ}
    with subprocess.Popen(command, cwd=world.root, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        try:
            while True:
                if select.select([ours], [], [], 30)[0]:
                    yield os.read(ours, 65536).decode()
        except OSError:  # the terminal was closed
            pass
        finally:
            process.kill()
            os.close(ours)


def test_colour_only_where_it_is_seen(world: World) -> None:
    """On a terminal, unless somebody asked for none; elsewhere only if somebody asked for it."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()

    assert "\x1b[32mReady\x1b[0m" in on_terminal(world, "status")
    assert "\x1b" not in on_terminal(world, "status", NO_COLOR="1")
    assert "\x1b" not in on_terminal(world, "status", TERM="dumb")
    assert "\x1b" not in world.run("status").out
    assert "\x1b[32mReady" in world.spawn("status", FORCE_COLOR="1").stdout
    assert "\x1b" not in world.spawn("status", FORCE_COLOR="1", NO_COLOR="1").stdout
    assert "\x1b" not in world.spawn("status", "--json", FORCE_COLOR="1").stdout


def test_status_on_a_terminal_is_short(world: World) -> None:
    """Names in columns; who is wanted by a script gets what it always got."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for(destination="pipelines", alias="a_longer_name")
    world.sync()

    assert ESCAPE.sub("", on_terminal(world, "status")).split() == ["Ready", "a_longer_name", "1.0"]
    assert "from dist/ds.tar.gz" in on_terminal(world, "status", "-v")
    assert "dist/ds.tar.gz -> src/shop/pipelines/a_longer_name" in world.run("status").out


@pytest.mark.parametrize("width", [80, 40])
def test_what_a_pass_says_fits(world: World, width: int) -> None:
    """Words that are wider themselves stay whole, and so do commands that are to be pasted."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for(destination="pipelines.nested.deeper", alias="quarterly_forecast")
    shown = on_terminal(world, "reconcile", "--once", width=width, NO_COLOR="1").splitlines()
    world.write("src/shop/pipelines/nested/deeper/quarterly_forecast/nodes.py", "A = 2\n")
    world.publish({"nodes.py": "A = 3\n"}, version="2.0")
    shown += on_terminal(world, "reconcile", "--once", width=width, NO_COLOR="1").splitlines()

    long = [line for line in shown if len(line) > width]
    assert [line for line in long if len(line.split()) > 1 and "micropkgd " not in line and "#" not in line] == []
    assert any("micropkgd resolve quarterly_forecast --keep" in line for line in shown)


LOOKS = (
    "status", "status -v", "events --all", "history", "why src/shop/pipelines/quarterly_forecast/nodes.py", "verify",
    "outdated", "doctor", "explain MPK301", "trust", "config check", "cache info",
    "export --format pylock", "recon", "verify --what-is-not-an-option of mine",
)  # fmt: skip


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("command", LOOKS)
def test_what_is_looked_at_fits(world: World, command: str, width: int) -> None:
    """Words that are wider themselves stay whole, commands that are to be pasted, and the lines of texts."""
    from micropkgd.machine.memory.event_log import EventLog
    from micropkgd.machine.places import memory_place, served_by

    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 300))
    place = memory_place(served_by(None, None, os.environ), os.environ)
    message = "Held (LocalEdits): src/shop/ds/nodes.py, src/shop/ds/other.py"
    event = Event(7, stamp, "ConditionChanged", str(world.root), "dist/ds.tar.gz", message, hint="x " * 50)
    EventLog(place).keep(event)
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for(destination="pipelines", alias="quarterly_forecast")
    world.sync()
    world.write("src/shop/pipelines/quarterly_forecast/nodes.py", "A = 2\n")
    world.publish({"nodes.py": "A = 3\n"}, version="2.0")
    assert world.reconcile().code == 4
    shown = on_terminal(world, *command.split(), width=width, NO_COLOR="1").splitlines()

    assert shown
    long = [line for line in shown if len(line) > width]
    wide = width - 10  # set in, a word of that width goes beyond
    assert [line for line in long if "micropkgd " not in line and len(max(line.split(), key=len)) < wide] == []


def test_watch_draws_anew(world: World) -> None:
    """What was shown before is wiped where the terminal can."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    seen = ""
    for frame in _frames(world, "status", "--watch"):
        seen += frame
        if "drifted" in seen:
            break
        if "Ready" in seen:
            world.write("src/shop/ds/nodes.py", "A = 2\n")

    assert seen.count("\x1b[2J") == 2
    assert seen.rpartition("\x1b[2J")[2].count("Ready") == 1


def standing(state: str, reason: str = "", message: str = "") -> Standing:
    """One that began five minutes ago and is tried again in one."""
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW + shift)) for shift in (-300, 60)]
    return Standing(state, reason, message, *stamps)


def big() -> ProjectStatus:
    """A project with everything."""
    held = standing("Held", LOCAL_EDITS, "2 files were edited here and changed upstream, and the two disagree")
    entries = (
        EntryStatus("https://example.com/ds-0.1.tar.gz", "src/shop/pipelines/ds", "0.1", "sha256:ab", standing("Ready"),
                    (RelPath("src/shop/pipelines/ds/nodes.py"),)),
        EntryStatus("s3://team/utils-2.tar.gz", "src/shop/utils", "2.1.0", "sha256:cd", held, waiting="2.2.0",
                    choices=("keep", "take", "edit", "merged"), beside=".micropkgd/conflicts/utils"),
        EntryStatus("forecast>=1", "src/shop/pipelines/quarterly_forecast", "1.10.2", "sha256:ef",
                    standing("Retrying", "Unreachable", "no answer from packages.example.com in 10 s")),
    )  # fmt: skip
    packages = (PackageStatus("pipelines.features", "dist/features-0.1.tar.gz", "0.1", standing("Ready")),)
    last = PassStatus("1", "edit: src/shop/x.py", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW)), 1.0, 0)
    return ProjectStatus("/home/ana/src/shop", standing("Held", LOCAL_EDITS, held.message), entries, packages,
                         interrupted=True, running=True, running_since=held.since, last_pass=last)  # fmt: skip


@pytest.mark.parametrize("width", [80, 40])
def test_status_fits(width: int) -> None:
    """80 columns, and 40; a command that is to be pasted stays whole."""
    lines = [*table_lines(big(), width, NOW, verbose=True), *all_lines([big()], width, NOW, home="/home/ana")]

    assert [line for line in lines if len(line) > width and len(max(line.split(), key=len)) < width - 4
            and "micropkgd" not in line] == []  # fmt: skip
    assert [line.split()[0] for line in lines if line[:1] != " "][:4] == ["Ready", "Held", "Retrying", "Ready"]
    assert any("~/src/shop" in line for line in lines)


def test_status_stands_in_columns_and_says_what_to_do() -> None:
    """Versions begin below each other; times are those of the clock on the wall, with how long ago."""
    lines = list(table_lines(big(), 80, NOW))
    heads = [line for line in lines if not line.startswith(" ") and "  " in line.strip()[9:]]

    assert len({line.rindex("  ") for line in heads}) == 1
    assert any(line.startswith("    micropkgd resolve utils --keep") for line in lines)
    assert any(re.search(r"since \d\d:\d\d \(5 min ago\), next try \d\d:\d\d \(in 1 min\)", line) for line in lines)


def test_times_and_sizes() -> None:
    """As a person says them."""
    assert [age(seconds) for seconds in (0, 59, 60, 3600, 86_400, 3 * 86_400)] == [
        "0 s", "59 s", "1 min", "1 h", "1 day", "3 days"]  # fmt: skip
    assert [size(count) for count in (0, 1, 1023, 1024, 1_048_575, 150 << 20)] == [
        "0 bytes", "1 byte", "1023 bytes", "1.0 KiB", "1.0 MiB", "150.0 MiB"]  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d \(7 days ago\)", moment("2026-09-14T00:00:00Z", NOW - 3600))
