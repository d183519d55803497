"""`resolve --edit`: both sides are joined in git's merge tool or an editor, at a terminal and nowhere else."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from tests.kit.joins import BASE, BOTH, MERGED, OURS, THEIRS, A, B, hold_two, script, use_tool
from tests.kit.world import Said, World


@pytest.fixture(autouse=True)
def _held(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    hold_two(world, monkeypatch, tmp_path_factory.mktemp("home"))


def at_terminal(world: World, *words: str, **environ: str) -> Said:
    """Run one command line where a person would; what it prints comes through the terminal."""
    person, terminal = pty.openpty()
    command = [sys.executable, "-m", "micropkgd", *words]
    process = subprocess.Popen(
        command, cwd=world.root, env=os.environ | environ, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE
    )  # fmt: skip
    os.close(terminal)
    impatience = Timer(60, process.kill)
    impatience.start()
    out = b""
    while True:
        try:
            said = os.read(person, 4096)
        except OSError:  # the other side is closed
            break
        if not said:
            break
        out += said
    _, err = process.communicate()
    impatience.cancel()
    os.close(person)
    return Said(process.returncode, out.decode().replace("\r\n", "\n"), err.decode())


def test_gits_merge_tool_gets_the_three_texts(world: World, tmp_path: Path) -> None:
    """By the names that git gives them; what it writes is what `--merged` takes."""
    seen = tmp_path / "seen"
    tool = script(tmp_path, f'cat "$1" "$2" "$3" >> {seen}; echo "{BOTH.strip()}" > "$4"')
    use_tool("mine", cmd=f'"{tool}" "$BASE" "$LOCAL" "$REMOTE" "$MERGED"', trustExitCode="true")
    said = at_terminal(world, "resolve", "ds", "--edit")

    assert said.code == 0, said
    assert seen.read_text() == (BASE + OURS + THEIRS) * 2
    assert f"joined   {A}\njoined   {B}\n" in said.out
    assert f"\n  micropkgd resolve ds {A} {B} --merged\n" in said.out
    assert world.read(A) == OURS
    assert {path.name for path in (world.root / MERGED / "src/shop/ds").iterdir()} == {"a.py", "b.py"}
    assert world.run("resolve", "ds", "--merged").code == 0
    assert [world.read(A), world.read(B)] == [BOTH, BOTH]


def test_a_merge_tool_of_this_project_alone(world: World, tmp_path: Path) -> None:
    """As `git config` says in it, like any command of git."""
    subprocess.run(["git", "init", "--quiet"], cwd=world.root, check=True)
    tool = script(tmp_path, f'printf "%s\\n" "{BOTH.strip()}" > "$1"')
    for key, value in (("merge.tool", "own"), ("mergetool.own.cmd", f'"{tool}" "$MERGED"')):
        subprocess.run(["git", "config", key, value], cwd=world.root, check=True)
    subprocess.run(["git", "config", "mergetool.own.trustExitCode", "true"], cwd=world.root, check=True)

    assert at_terminal(world, "resolve", "ds", A, "--edit").code == 0
    assert world.read(f"{MERGED}/{A}") == BOTH
    assert "<<<<<<<" in world.read(f"{MERGED}/{B}")
    assert world.run("resolve", "ds", A, "--merged").code == 4


@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
def test_else_the_editor_opens_what_lies_beside(world: World, tmp_path: Path, variable: str) -> None:
    """With the words that the variable has, and every file behind them."""
    editor = script(tmp_path, 'test "$1" = --wait && shift; for file; do echo "X = 3" > "$file"; done')
    said = at_terminal(world, "resolve", "ds", "--edit", **{variable: f"'{editor}' --wait"})

    assert said.code == 0, said
    assert [world.read(f"{MERGED}/{path}") for path in (A, B)] == ["X = 3\n", "X = 3\n"]


def test_what_is_left_to_do_is_named(world: World, tmp_path: Path) -> None:
    """An editor that saved one file, another one, or nothing of use."""
    editor = script(tmp_path, f'echo "X = (" > "$1"; echo "X = 9" > "{world.root}/elsewhere.py"')
    said = at_terminal(world, "resolve", "ds", "--edit", EDITOR=f"'{editor}'")

    assert said.code == 4
    assert f"open     {A}  (cannot be parsed: line 1: '(' was never closed)\n" in said.out
    assert f"open     {B}  (markers are left, in lines 1, 3, 5, 7)\n" in said.out
    assert world.read(A) == OURS


@pytest.mark.parametrize(("end", "how"), [("exit 3", "ended with 3"), ("kill -9 $$", "was ended by signal 9")])
def test_an_editor_that_fails(world: World, tmp_path: Path, end: str, how: str) -> None:
    """Nothing is taken, and what was saved stays."""
    editor = script(tmp_path, f'echo "{BOTH.strip()}" > "$1"; {end}')
    said = at_terminal(world, "resolve", "ds", "--edit", EDITOR=f"'{editor}'")

    assert said.code == 4
    assert how in said.err
    assert "hint: what was saved is still there" in said.err
    assert world.read(f"{MERGED}/{A}") == BOTH
    assert world.read(A) == OURS


def test_a_merge_tool_that_fails(world: World, tmp_path: Path) -> None:
    """What git says of it is seen, and nothing of ours is lost."""
    use_tool("mine", cmd=f'"{script(tmp_path, "exit 1")}" "$MERGED"', trustExitCode="true")
    before = world.read(f"{MERGED}/{A}")
    said = at_terminal(world, "resolve", "ds", A, "--edit")

    assert said.code == 4
    assert "`mine` ended with 1" in said.err
    assert world.read(f"{MERGED}/{A}") == before
    assert world.read(A) == OURS


def test_a_merge_tool_that_is_not_there(world: World) -> None:
    """Git says so, and we do."""
    use_tool("absent", cmd='absent-tool "$MERGED"', trustExitCode="true")
    said = at_terminal(world, "resolve", "ds", A, "--edit")

    assert said.code == 4
    assert "`absent` ended with " in said.err


@pytest.mark.parametrize(
    ("editor", "problem"),
    [
        ("", "neither a merge tool of git nor an editor is configured"),
        ("no-such-editor --wait", "`no-such-editor` was not found"),
        ("'unclosed", "`'unclosed` cannot be read as a command"),
    ],
)
def test_nothing_to_open_it_with(world: World, editor: str, problem: str) -> None:
    """The message says what to configure."""
    said = at_terminal(world, "resolve", "ds", "--edit", EDITOR=editor)

    assert said.code == 2
    assert f"error: {problem}" in said.err
    assert "hint: " in said.err


def test_no_program_of_the_project_is_found(world: World) -> None:
    """Whatever PATH says."""
    world.write("bin/our-editor", "#!/bin/sh\ntouch ran\n").chmod(0o755)
    for path in (f"{world.root}/bin:/usr/bin:/bin", "bin:/usr/bin:/bin"):
        said = at_terminal(world, "resolve", "ds", "--edit", EDITOR="our-editor", PATH=path)
        assert not world.has("ran")
        assert said.code == 2


def test_without_a_terminal_nothing_is_opened(world: World, tmp_path: Path) -> None:
    """The service never comes here, and a script has `--merged`."""
    said = world.spawn("resolve", "ds", "--edit", EDITOR=script(tmp_path, "touch ran"))

    assert said.returncode == 2
    assert "error: `--edit` needs a terminal" in said.stderr
    assert not world.has("ran")


def test_a_dry_run_opens_nothing(world: World, tmp_path: Path) -> None:
    """It says what would be opened, and in what."""
    before = world.stamps()
    said = at_terminal(world, "resolve", "ds", "--edit", "--dry-run", EDITOR=f"'{script(tmp_path, 'touch ran')}'")

    assert said.code == 0
    assert f"would open {MERGED}/{A} " in " ".join(said.out.split())
    assert world.stamps() == before


def test_in_json(world: World, tmp_path: Path) -> None:
    """The files, and what is wrong with each."""
    editor = script(tmp_path, f'echo "{BOTH.strip()}" > "$1"')
    said = at_terminal(world, "resolve", "ds", "--edit", "--json", EDITOR=f"'{editor}'")
    document = json.loads(said.out)

    assert (document["exit_code"], document["opened"]) == (4, True)
    assert [(file["path"], file["problem"] is None) for file in document["files"]] == [(A, True), (B, False)]


def test_what_is_open_is_not_laid_anew(world: World, tmp_path: Path) -> None:
    """A version that comes meanwhile, while nothing was saved yet."""
    micropkgd = f"{sys.executable} -m micropkgd reconcile --once"
    world.publish({"a.py": "X = 3\n", "b.py": "X = 3\n"}, version="3.0")
    editor = script(tmp_path, f'{micropkgd} > /dev/null; sed -n "/>>>>>>>/p" "$1" > {tmp_path}/seen')
    at_terminal(world, "resolve", "ds", "--edit", EDITOR=f"'{editor}'")

    assert (tmp_path / "seen").read_text() == ">>>>>>> 2.0\n"


def test_an_entry_that_is_not_held(world: World) -> None:
    """There is nothing to join."""
    world.run("resolve", "ds", "--take")
    said = at_terminal(world, "resolve", "ds", "--edit", EDITOR="our-editor")

    assert said.code == 2
    assert "is not held" in said.err
