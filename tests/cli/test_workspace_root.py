"""What each command does at the root of a workspace, by one rule: all of a project is all of each member.

What is about a single entry, module, file or commit asks for the member, and says how it is named.
"""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from micropkgd.cli.parser import COMMANDS
from tests.kit.daemon import Daemon
from tests.kit.world import Said, World

MEMBERS = ["beta", "alpha"]  # who releases before who pulls
OVER_MEMBERS = [
    "init --dry-run", "reconcile --once", "lock", "lock --check", "lock --upgrade", "status", "diff", "diff --edits",
    "verify", "outdated", "accept", "history", "pull --all", "package --all", "publish", "publish --dry-run", "doctor",
    "suspend", "resume", "trust --dry-run", "service add --dry-run",
]  # fmt: skip
OF_ONE = [
    "add x", "remove x", "resolve --take", "rollback", "pull x.tar.gz", "package tools", "publish tools", "patch",
    "export --format pylock", "migrate", "why src", "diff tools", "diff --edits tools", "accept tools",
    "lock --upgrade tools", "suspend tools", "resume tools", "doctor --bundle report.tar.gz",
]  # fmt: skip
OF_A_SERVICE = ["trigger", "events"]
OF_NO_PROJECT = {"token", "ui", "health", "config", "explain", "completion", "cache"}


@pytest.fixture
def workspace(world: World) -> World:
    """Two projects in one repository: `alpha` pulls what `beta` releases, and one that speaks of no micro-packages."""
    for path in ("src/shop/__init__.py", "tests/__init__.py"):
        (world.root / path).unlink()
    world.write("pyproject.toml", '[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    rows = {
        "alpha": '[tool.micropkgd.pull]\n"../beta/dist/tools-1.0.tar.gz" = {}\n',
        "beta": '[tool.micropkgd.package]\n"tools" = {publish = "../../shelf/", publish-when = "saved"}\n',
        "plain": "",
    }
    for name, tables in rows.items():
        project = f'[tool.micropkgd.project]\npackage = "{name}"\n' if tables else ""
        text = f'[project]\nname = "{name}"\nversion = "1.0"\n{project}{tables}'
        world.write(f"packages/{name}/pyproject.toml", text)
        world.write(f"packages/{name}/src/{name}/__init__.py", "")
    world.write("packages/beta/src/beta/tools/__init__.py", '__version__ = "1.0"\n')
    (world.root / "shelf").mkdir()
    world.sync()
    return world


def projects(said: Said) -> list[dict[str, Any]]:
    """The rows of a document."""
    found: list[dict[str, Any]] = json.loads(said.out)["projects"]
    return found


def named(said: Said) -> list[str]:
    """The projects that a document tells of."""
    return [Path(row["project"]).name for row in projects(said)]


def test_every_command_has_a_row() -> None:
    """What a new command does there is decided, too."""
    told = {line.split()[0] for line in (*OVER_MEMBERS, *OF_ONE, *OF_A_SERVICE)}
    assert told | OF_NO_PROJECT == {*COMMANDS}
    assert not told & OF_NO_PROJECT


@pytest.mark.parametrize("line", OVER_MEMBERS)
def test_each_member_is_asked(workspace: World, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """In the root as in a folder of it; what people read says of whom it is."""
    monkeypatch.setenv("HOME", str(workspace.root.parent))
    for folder in (".", "shelf"):
        monkeypatch.chdir(workspace.root / folder)
        said = workspace.run(*line.split(), "--json")
        assert said.code == 0, said
        want = {*MEMBERS, "plain"} if line.startswith("init") else {*MEMBERS}
        assert {*named(said)} - {workspace.root.name} == want
    words = workspace.run(*line.split())
    assert words.code == 0, words
    for name in () if line.startswith("diff") else ("beta",) if line.startswith("publish") else MEMBERS:
        assert f"packages/{name}" in words.out
    assert not workspace.has(".micropkgd")


@pytest.mark.parametrize("line", OF_ONE)
def test_the_member_is_asked_for(workspace: World, line: str) -> None:
    """Nothing is done, and the command that is printed is the way on."""
    before = workspace.tree()
    said = workspace.run(*line.split())
    assert said.code == 2
    assert f"error: {workspace.root}: a workspace of 3 projects, and this is about one [MPK101]\n" in said.err
    assert "hint: run in its folder, or add `--project packages/alpha` (or packages/beta, packages/plain)" in said.err
    assert workspace.tree() == before
    assert "workspace" not in "".join(workspace.run(*line.split(), *shlex.split("--project packages/alpha"))[1:])


@pytest.mark.parametrize("line", ["status", "diff", "diff --edits", "verify", "outdated", "accept", "lock", "publish",
                                  "package --all", "reconcile --once", "doctor", "pull --all"])  # fmt: skip
def test_a_member_that_is_broken_stops_no_other(workspace: World, line: str) -> None:
    """Promise P7: it is named with what is wrong, and the exit code says so, but that of `status`."""
    workspace.write("packages/alpha/pyproject.toml", "[tool.micropkgd\n")
    said = workspace.run(*line.split(), "--json")
    assert {*named(said)} - {workspace.root.name} == {*MEMBERS}
    assert said.code == {"status": 0, "doctor": 1}.get(line, 2)
    words = workspace.run(*line.split())
    assert words.code == said.code
    assert "pyproject.toml: invalid TOML" in words.out + words.err
    assert "packages/alpha" in words.out + words.err
    assert line.startswith("diff") or "packages/beta" in words.out


def test_init_says_which_member_is_broken(workspace: World) -> None:
    """It writes in none of them."""
    workspace.write("packages/alpha/pyproject.toml", "[project\n")
    before = workspace.tree()
    assert f"error: {workspace.root}/packages/alpha/pyproject.toml: invalid TOML" in workspace.run("init", "--yes").err
    assert workspace.tree() == before


def test_who_needs_somebody_comes_first(workspace: World) -> None:
    """Of all members, as `status --all` has it; what differs is told below its member."""
    tools = "packages/alpha/src/alpha/tools/__init__.py"
    workspace.write(tools, '__version__ = "mine"\n')
    status = workspace.run("status").out.splitlines()
    assert [line.split()[0] for line in status if line.endswith(("alpha", "beta"))] == ["Ready", "Ready"]
    assert "drifted: src/alpha/tools/__init__.py" in "\n".join(status)
    (workspace.root / tools).unlink()
    assert workspace.run("status", "-q").out.splitlines()[0].startswith("Pending")
    said = workspace.run("verify")
    assert said.code == 6
    assert f"{workspace.root}/packages/alpha:\nmissing   src/alpha/tools/__init__.py\n1 files checked" in said.out
    assert f"{workspace.root}/packages/alpha:\n--- /dev/null\n" in workspace.run("diff").out


def test_with_a_service(workspace: World, tmp_path: Path) -> None:
    """Each member is asked of it, and told what happened in it."""
    with Daemon(tmp_path / "d", f'projects = ["{workspace.root}/packages/*"]\n') as daemon:
        for name in MEMBERS:
            daemon.ready(workspace.root / "packages" / name)
        for line in (*OF_A_SERVICE, "status"):
            said = daemon.command(*line.split(), "--json", cwd=workspace.root)
            assert said.returncode == 0, said
            rows = json.loads(said.stdout)
            found = {Path(row["project"]).name for row in rows.get("events") or rows["projects"]}
            assert found == {*MEMBERS}
        said = daemon.command("events", cwd=workspace.root)
        assert all(f"packages/{name}" in said.stdout for name in MEMBERS)


def test_a_manifest_that_only_says_the_word(world: World) -> None:
    """Nothing is a workspace that has no members: what is wrong with it is said as ever."""
    world.write("pyproject.toml", '[project]\nname = "workspace"\nversion = "1.0"\n')
    for line in ("status", "rollback"):
        assert "this is about one" not in world.run(line).err
    assert "nothing says which package" in world.run("status").err
