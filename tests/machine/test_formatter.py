"""`format` of the machine's config lays out the three versions of what collides; whatever ails it, nothing is lost."""

import json
import os
import sys
from pathlib import Path

import pytest

from micropkgd.machine.formatter import Formatter
from micropkgd.model.tree import RelPath
from tests.kit.daemon import PATIENCE
from tests.kit.world import World

NODES = "src/shop/ds/nodes.py"
UNPARSED = "import ast, sys\nprint(ast.unparse(ast.parse(sys.stdin.read())))\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A formatter that stands beside every project."""
    path = tmp_path / "formatter.py"
    path.write_text(UNPARSED)
    return path


def collides(world: World, format_with: list[str]) -> None:
    """An edit in a body, and upstream's new signature on the same lines; this machine has a formatter."""
    world.publish({"nodes.py": "def one(a,\n        b): return (a,\n                   b)\n"})
    world.asks_for()
    world.sync()
    world.write(NODES, "def one(a,\n        b): return (a,\n                   b, 'mine')\n")
    world.publish({"nodes.py": "def one(a,\n        b=1): return (a,\n                   b)\n"}, "2.0")
    world.write("config.toml", f"format = {json.dumps(format_with)}\n")


def test_what_collides_is_merged_as_it_is_laid_out(world: World, script: Path) -> None:
    """One line for two edits becomes two; without the formatter it is a question."""
    collides(world, [sys.executable, "-I", str(script)])
    assert world.reconcile().code == 4
    assert world.run("reconcile", "--once", "--config", "config.toml").code == 0
    assert world.read(NODES) == "def one(a, b=1):\n    return (a, b, 'mine')\n"


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("sys.exit(1)", id="fails"),
        pytest.param("print('A = 1')", id="says-something-else"),
        pytest.param("print('def one(:')", id="no-python"),
        pytest.param("pass", id="says-nothing"),
    ],
)
def test_a_formatter_that_fails_changes_nothing(world: World, script: Path, code: str) -> None:
    """The entry is held as without it."""
    script.write_text(f"import sys\n{code}\n")
    collides(world, [sys.executable, "-I", str(script)])
    before = world.read(NODES)
    assert world.run("reconcile", "--once", "--config", "config.toml").code == 4
    assert world.read(NODES) == before


def test_no_program_of_the_project_is_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever PATH says, and whatever a whole path names."""
    tool = world.write("bin/tool", "#!/bin/sh\ntouch ran\ncat\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{world.root}/bin{os.pathsep}bin{os.pathsep}{os.environ['PATH']}")
    for argv in (["tool"], [str(tool)], ["bin/tool"], ["./bin/tool"]):
        assert Formatter(argv, str(world.root)).formatted(RelPath("a.py"), b"A = 1\n") is None
    assert not world.has("ran")


def test_a_module_of_the_project_is_not_imported(world: World, script: Path) -> None:
    """Python does not look where it stands, also without `-I`."""
    world.write("ast.py", "open('ran', 'w')\n")
    formatter = Formatter([sys.executable, "-m", "ast", "-"], str(world.root))
    formatter.formatted(RelPath("a.py"), b"A = 1\n")
    assert not world.has("ran")


def test_it_ends_in_time_and_says_only_so_much(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it started ends with it."""
    monkeypatch.setattr("micropkgd.machine.formatter._PATIENCE", 0.5)
    late = tmp_path / "late"
    script.write_text(f"import os, time\nos.fork()\ntime.sleep({PATIENCE})\nopen({str(late)!r}, 'w')\n")
    formatter = Formatter([sys.executable, "-I", str(script)], str(tmp_path / "project"))
    assert formatter.formatted(RelPath("a.py"), b"A = 1\n") is None
    assert not late.exists()
    monkeypatch.setattr("micropkgd.machine.formatter._PATIENCE", 20.0)
    script.write_text("while True: print('A' * 1000000)\n")
    assert formatter.formatted(RelPath("a.py"), b"A = 1\n") is None


def test_it_is_told_the_whole_path(script: Path, tmp_path: Path) -> None:
    """For tools that look for their settings above a file."""
    script.write_text("import sys\nprint(sys.argv[1])\n")
    formatter = Formatter([sys.executable, "-I", str(script), "{path}"], str(tmp_path))
    assert formatter.formatted(RelPath("src/a.py"), b"") == f"{tmp_path}/src/a.py\n".encode()


def test_the_check_names_a_formatter_of_a_project(world: World) -> None:
    """As it does of hooks."""
    world.write("config.toml", f'projects = ["{world.root}"]\nformat = ["bin/black", "-"]\n')
    assert "`format` can run code of a project: `bin/black` is a program of the project" in (
        world.run("config", "check", "--config", "config.toml").out
    )
