"""`micropkgd init`: a project begins; nothing that somebody wrote is lost, and a second time there is nothing to do."""

import json
import os
import pty
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.documents.edits import add_values, is_within
from micropkgd.documents.yaml_lists import add_to_list
from tests.kit.daemon import Daemon
from tests.kit.world import KEDRO, World

PLAIN = '# mine\n[project]\nname = "shop"\nversion = "1"  # soon 2\n'
HOOKS = "# ours\nrepos:\n- repo: https://example.com/x\n  rev: v1\n  hooks:\n  - id: a  # first\n# the end\n"


def written(world: World) -> dict[str, object]:
    """What the manifest says of micropkgd."""
    table: dict[str, object] = tomllib.loads(world.read("pyproject.toml"))["tool"]["micropkgd"]
    return table


def test_a_plain_project_begins(world: World) -> None:
    """Its package is found, all that was there stays, and a pass can be run."""
    world.write("pyproject.toml", PLAIN)

    said = world.run("init", "--yes")

    assert said.code == 0, said
    assert f"{world.root}: package shop in src (by the name in [project])" in said.out
    assert written(world) == {"update": "follow", "project": {"package": "shop"}}
    assert world.read("pyproject.toml").startswith(PLAIN)
    world.publish({"nodes.py": "A = 1\n"})
    assert world.run("add", "dist/ds.tar.gz").code == 0
    assert world.has("src/shop/ds/nodes.py")


@pytest.mark.parametrize("version", ["0.18.14", "0.19.3", "0.19.15", "1.0.0"])
def test_a_kedro_project_says_its_package_itself(world: World, version: str) -> None:
    """Of all versions."""
    world.write("pyproject.toml", KEDRO.replace("0.19.15", version))

    said = world.run("init", "--yes")

    assert "package shop in src (by [tool.kedro])" in said.out
    assert written(world) == {"update": "follow"}


def test_the_table_of_kedro_is_adopted(world: World) -> None:
    """Rows, comments and order move, and the pass that follows is named."""
    world.publish({"nodes.py": "A = 1\n"})
    world.manifest('"dist/ds.tar.gz" = {alias = "x"}  # ours', home="tool.kedro.micropkg.pull")

    said = world.run("init", "--yes")

    assert "micropkgd reconcile --once" in said.out
    assert '"dist/ds.tar.gz" = {alias = "x"}  # ours' in world.read("pyproject.toml")
    assert written(world) == {"update": "follow", "pull": {"dist/ds.tar.gz": {"alias": "x"}}}
    assert world.reconcile().code == 0


def test_nothing_is_written_that_nobody_agreed_to(world: World) -> None:
    """Without a terminal and without `--yes` it shows what it would write and ends with 3; a dry run with 0."""
    world.write("pyproject.toml", PLAIN)
    before = world.stamps()

    for options, code in (((), 3), (("--dry-run",), 0), (("--json",), 3)):
        said = world.run("init", *options)
        assert said.code == code, said
        assert '+package = \\"shop\\"' in said.out if "--json" in options else '+package = "shop"' in said.out
    assert world.stamps() == before


def test_a_second_time_there_is_nothing_to_do(world: World) -> None:
    """What is said already is left as it is, in whatever words."""
    world.write("pyproject.toml", PLAIN)
    (world.root / ".git").mkdir()
    world.write(".pre-commit-config.yaml", HOOKS)
    world.write(".gitattributes", "*.ipynb binary")
    world.run("init", "--yes")
    before = world.tree()

    said = world.run("init", "--yes", "--update", "locked")

    assert said.code == 0
    assert "nothing to write" in said.out
    assert world.tree() == before
    assert world.read(".gitattributes") == "*.ipynb binary\nmicropkg.lock merge=micropkgd\n"
    assert yaml.safe_load(world.read(".pre-commit-config.yaml"))["repos"][1]["hooks"][0]["id"] == "micropkgd"


def test_only_the_manifest(world: World) -> None:
    """Whoever wishes keeps what is beside it."""
    world.write("pyproject.toml", PLAIN)
    (world.root / ".git").mkdir()
    world.write(".pre-commit-config.yaml", HOOKS)

    world.run("init", "--yes", "--only-manifest", "--update", "locked")

    assert not world.has(".gitattributes")
    assert world.read(".pre-commit-config.yaml") == HOOKS
    assert written(world)["update"] == "locked"


def test_a_list_that_cannot_be_edited_is_left_alone(world: World) -> None:
    """And it is said."""
    world.write("pyproject.toml", PLAIN)
    world.write(".pre-commit-config.yaml", "repos: []\n")

    said = world.run("init", "--yes")

    assert "note: .pre-commit-config.yaml stays as it is" in said.err
    assert world.read(".pre-commit-config.yaml") == "repos: []\n"


@pytest.mark.parametrize("path", [".gitattributes", ".pre-commit-config.yaml"])
@pytest.mark.parametrize("what", ["link", "folder"])
def test_what_is_odd_beside_the_manifest_stops_nothing(world: World, path: str, what: str) -> None:
    """It is told and left alone; what a link leads to is somebody else's."""
    world.write("pyproject.toml", PLAIN)
    (world.root / ".git").mkdir()
    if what == "link":
        world.write("theirs", HOOKS)
        (world.root / path).symlink_to("theirs")
    else:
        (world.root / path).mkdir()

    said = world.run("init", "--yes")

    assert said.code == 0
    assert f"note: {path} stays as it is: " in said.err
    assert written(world)["project"] == {"package": "shop"}
    assert "micropkg" not in (world.read("theirs") if what == "link" else "")


def test_what_was_wrong_before_is_told_with_its_line(world: World) -> None:
    """And nothing is written."""
    world.write("pyproject.toml", PLAIN + "[tool.micropkgd]\nonlocal = 1\n")
    before = world.tree()

    said = world.run("init", "--yes")

    assert said.code == 2
    assert said.err.startswith("error: pyproject.toml:6: unknown key `onlocal` in [tool.micropkgd]")
    assert world.tree() == before


def test_several_packages_are_told_apart_by_name(world: World) -> None:
    """Nothing is guessed where two may be meant."""
    world.write("pyproject.toml", "[project]\nname = 'x'\n")
    world.write("src/other/__init__.py", "")

    refused = world.run("init", "--yes")
    chosen = world.run("init", "--yes", "--package", "other")

    assert refused.code == 2
    assert "several packages may be meant: other, shop" in refused.err
    assert "--package NAME" in refused.err
    assert chosen.code == 0
    assert written(world)["project"] == {"package": "other"}
    assert world.run("init", "--package", "shop").code == 2


def test_a_person_is_asked(world: World) -> None:
    """On a terminal: which package, the policy, and whether to write it; then `add` asks for the row."""
    world.write("pyproject.toml", "[project]\nname = 'x'\n")
    world.write("src/other/__init__.py", "")
    world.publish({"nodes.py": "A = 1\n"})

    shown, code = at_terminal(world.root, "2\nmaybe\nn\ny\n", "init")
    assert code == 0, shown
    assert "please answer y or n" in shown
    assert written(world) == {"update": "locked", "project": {"package": "shop"}}
    shown, code = at_terminal(world.root, "\ndist/ds.tar.gz\npipelines\nmine\n", "add")
    assert code == 0, shown
    assert world.has("src/shop/pipelines/mine/nodes.py")


def test_requirements_may_go_to_a_group(world: World) -> None:
    """Asked where the project has groups; what is said already stays."""
    world.write("pyproject.toml", PLAIN + '\n[dependency-groups]\ndev = ["pytest"]\n')

    shown, code = at_terminal(world.root, "y\ny\ny\n", "init")

    assert code == 0, shown
    assert written(world)["requirements-group"] == "micropkg"
    assert "nothing to write" in world.run("init", "--yes", "--requirements-group", "other").out
    world.write("pyproject.toml", PLAIN)
    assert world.run("init", "--yes", "--requirements-group", "other").code == 0
    assert written(world)["requirements-group"] == "other"


def test_who_says_no_or_goes_away_changes_nothing(world: World) -> None:
    """Not a byte."""
    world.write("pyproject.toml", PLAIN)
    before = world.tree()

    assert at_terminal(world.root, "y\nn\n", "init")[1] == 3
    assert at_terminal(world.root, "y\n\x04", "init")[1] == 130
    assert world.tree() == before
    assert world.run("add").code == 2


def at_terminal(root: Path, typed: str, *arguments: str) -> tuple[str, int]:
    """Run a command with a terminal on all three streams, and type this; what was shown, and the exit code."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "micropkgd", *arguments]
    with subprocess.Popen(command, cwd=root, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the terminal was closed
                break
        code = process.wait(timeout=60)
    os.close(ours)
    return shown.decode(), code


def workspace(world: World) -> None:
    """Two projects in one repository: `alpha` pulls what `beta` releases."""
    world.write("pyproject.toml", '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/old"]\n')
    for name in ("alpha", "beta", "old"):
        world.write(f"packages/{name}/pyproject.toml", f'[project]\nname = "{name}"\nversion = "1.0"\n')
        world.write(f"packages/{name}/src/{name}/__init__.py", "")


def test_a_workspace_is_its_projects(world: World) -> None:
    """`init` sets up each; a pass goes over who releases before who pulls, so that one round is enough."""
    (world.root / "src/shop/__init__.py").unlink()
    (world.root / "tests/__init__.py").unlink()
    workspace(world)

    said = json.loads(world.run("init", "--yes", "--json").out)
    assert [project["package"] for project in said["projects"]] == ["alpha", "beta"]
    pull = '\n[tool.micropkgd.pull]\n"../beta/dist/tools-1.0.tar.gz" = {}\n'
    world.write("packages/alpha/pyproject.toml", world.read("packages/alpha/pyproject.toml") + pull)
    release = '\n[tool.micropkgd.package]\n"tools" = {}\n'
    world.write("packages/beta/pyproject.toml", world.read("packages/beta/pyproject.toml") + release)
    world.write("packages/beta/src/beta/tools/__init__.py", '__version__ = "1.0"\n')

    said = world.reconcile("--json")

    assert said.code == 0, said
    assert [os.path.basename(one["project"]) for one in json.loads(said.out)["projects"]] == ["beta", "alpha"]
    assert world.has("packages/alpha/src/alpha/tools/__init__.py")
    named = json.loads(world.run("reconcile", "--once", "--json", str(world.root)).out)
    assert named["projects"]
    assert named["projects"] == json.loads(world.reconcile("--json").out)["projects"]
    assert not world.has("packages/old/micropkg.lock")


def test_the_service_serves_the_projects_of_a_workspace(world: World) -> None:
    """Started in its folder, or given it."""
    workspace(world)
    for name in ("alpha", "beta"):
        assert world.run("init", "--yes", f"packages/{name}").code == 0
    for words in ((), (str(world.root),)):
        with Daemon(world.root / "machine", "", *words, cwd=world.root) as daemon:
            for name in ("alpha", "beta"):
                daemon.ready(world.root / "packages" / name)
            assert daemon.status(world.root / "packages/old") is None


def test_projects_that_pull_from_each_other_come_as_they_stand(world: World) -> None:
    """A circle ends."""
    workspace(world)
    for name, other in (("alpha", "beta"), ("beta", "alpha")):
        rows = f'[tool.micropkgd.pull]\n"../{other}/dist/x{other}-1.0.tar.gz" = {{}}\n'
        rows += f'[tool.micropkgd.package]\n"x{name}" = {{}}\n[tool.micropkgd.project]\npackage = "{name}"\n'
        world.write(f"packages/{name}/pyproject.toml", rows)

    said = json.loads(world.reconcile("--json").out)

    assert sorted(os.path.basename(one["project"]) for one in said["projects"]) == ["alpha", "beta"]


@given(st.sampled_from(["", "[tool.micropkgd.pull]\nx = {}\n", "# c\n[a]\nb = 1\n", "tool.micropkgd.prune = true\n",
                        "[tool]\nmicropkgd = {prune = true}\n", "[tool.micropkgd.pull]\n# last"]),
       st.sampled_from(["\n", "\r\n"]))  # fmt: skip
def test_values_are_added_to_any_layout(text: str, end: str) -> None:
    """Wherever the table is, and in whatever form, it says one thing more, and no byte goes."""
    text = text.replace("\n", end)
    table = ("tool", "micropkgd")

    added = add_values(text, table, {"update": "follow"})

    before, after = (tomllib.loads(one).get("tool", {}).get("micropkgd", {}) for one in (text, added))
    assert after == before | {"update": "follow"}
    assert all(line in added.splitlines() or "micropkgd = {" in line for line in text.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        HOOKS,
        "repos:\n    - repo: a\n      hooks: [{id: b}]\n\n\nci:\n  skip: [c]\n",
        "repos:\n- repo: local\n  hooks:\n  - id: x\n    entry: |\n      a\n      b\n\n# end",
        "---\nrepos:\n- a\n...\n",
    ],
)
def test_an_item_is_added_to_any_list(text: str) -> None:
    """As the others are written; every line stays."""
    added = add_to_list(text, "repos", ["repo: new", "hooks:", "  - id: n"])

    before, after = yaml.safe_load(text), yaml.safe_load(added)
    assert after == before | {"repos": [*before["repos"], {"repo": "new", "hooks": [{"id": "n"}]}]}
    assert is_within(text, added)
    assert set(text.splitlines()) <= set(added.splitlines())
