"""Requirements in a dependency group of pyproject.toml (PEP 735), what installs them, and which are at odds."""

import json
import tomllib
from typing import Any

import pytest

from tests.kit.world import KEDRO, World, archive

GROUP = 'requirements-group = "micropkg"'
AA, BB = "dist/aa.tar.gz", "dist/bb.tar.gz"


def named(name: str, version: str, requires: tuple[str, ...], python: str = "") -> bytes:
    """An archive of package `ds`, under another name in the project."""
    data = archive({"nodes.py": f"N = '{name}'\n"}, version, requires)
    if not python:
        return data
    from tests.kit.archives import project

    metadata = f"[project]\nname = 'ds'\nversion = '{version}'\nrequires-python = '{python}'\n"
    return project({"pyproject.toml": metadata, "ds/__init__.py": "", "ds/nodes.py": ""}, root=f"ds-{version}")


def asks(world: World, *rows: str, policy: str = GROUP, more: str = "") -> None:
    """A manifest with these rows, each under an alias of its own."""
    lines = "".join(f'"{row}" = {{alias = "{row[5:7]}"}}\n' for row in rows)
    text = f"{KEDRO}\n[project]\nname = 'shop'  # ours\n\n[tool.micropkgd]\n{policy}\n\n[tool.micropkgd.pull]\n{lines}"
    world.write("pyproject.toml", text + more)


def group(world: World, name: str = "micropkg") -> Any:
    """What stands in the group; None where there is none."""
    return tomllib.loads(world.read("pyproject.toml")).get("dependency-groups", {}).get(name)


def test_the_group_has_what_entries_ask_for(world: World) -> None:
    """It comes, changes and goes with them; all else of the file stays, and no requirements file is made."""
    world.write(AA, named("aa", "1", ("pandas>=2", "numpy")))
    world.write(BB, named("bb", "1", ("scipy", "pandas>=2")))
    asks(world, AA, BB)
    before = world.read("pyproject.toml")
    said = world.reconcile()
    assert said.code == 0, said
    assert group(world) == ["numpy", "pandas>=2", "scipy"]
    assert world.read("pyproject.toml").startswith(before)
    assert not world.has("requirements.in")
    assert world.read("requirements.txt") == "kedro\n"
    stamps = world.stamps()
    world.sync()
    assert world.stamps() == stamps

    world.write(AA, named("aa", "2", ("pandas>=2",)))
    world.sync()
    assert group(world) == ["pandas>=2", "scipy"]
    world.run("remove", "bb")
    assert group(world) == ["pandas>=2"]
    world.run("remove", "aa")
    assert group(world) == []
    assert "# ours" in world.read("pyproject.toml")


def test_a_clone_and_every_order_come_to_the_same_group(world: World) -> None:
    """It is a function of the lock: what a merge left in it, or a person wrote between, goes."""
    world.write(AA, named("aa", "1", ("pandas>=2", "numpy")))
    world.write(BB, named("bb", "1", ("scipy",)))
    asks(world, AA, BB)
    world.sync()
    whole = world.read("pyproject.toml")
    world.write("pyproject.toml", whole.replace('    "numpy",\n', '    "requests",\n'))
    world.forget()
    world.sync()
    assert world.read("pyproject.toml") == whole


@pytest.mark.parametrize(
    ("more", "name", "words"),
    [
        ('[dependency-groups]\nmicropkg = ["pytest"]\n', "micropkg", "has what no entry asks for: `pytest`"),
        ('[dependency-groups]\nMicro_pkg = ["pytest"]\n', "micro-pkg", "has what no entry asks for: `pytest`"),
        ('[dependency-groups]\nmicropkg = "pytest"\n', "micropkg", "is not an array"),
    ],
)
def test_a_group_of_somebody_else_is_not_taken_over(world: World, more: str, name: str, words: str) -> None:
    """Who asks for lines in it fails, as with a file that cannot be written; nothing is written."""
    world.write(AA, named("aa", "1", ("pandas>=2",)))
    asks(world, AA, policy=f'requirements-group = "{name}"', more=more)
    before = world.tree()
    said = world.reconcile()

    assert said.code == 1
    assert words in said.out
    assert "it was to get `pandas>=2`" in said.out
    assert {path: data for path, data in world.tree().items() if path != "micropkg.lock"} == before


def test_a_lock_that_moved_on_alone_is_installed_with_its_lines(world: World) -> None:
    """By the pass that installs it, on a clone too; the next one, and one where the entry fails, leave them."""
    world.write(AA, named("aa", "1", ("pandas>=2", "numpy")))
    asks(world, AA)
    world.sync()
    world.write(AA, named("aa", "2", ("pandas>=2", "polars")))
    assert world.run("lock", "--upgrade").code == 0
    assert group(world) == ["numpy", "pandas>=2"]
    world.forget()
    world.sync()
    assert group(world) == ["pandas>=2", "polars"]
    world.sync()
    world.write(AA, b"broken")
    assert world.reconcile().code == 6
    assert group(world) == ["pandas>=2", "polars"]


def test_lines_that_stand_already_are_taken_over(world: World) -> None:
    """Where another tool wrote the file anew and dropped our note."""
    world.write(AA, named("aa", "1", ("pandas>=2",)))
    asks(world, AA, more='\n[dependency-groups]\nmicropkg = [ "pandas>=2" ]\nall = [{ include-group = "micropkg" }]\n')
    before = world.read("pyproject.toml")
    world.sync()
    assert world.read("pyproject.toml") == before
    world.write(AA, named("aa", "2", ("pandas>=3",)))
    world.sync()
    assert group(world) == ["pandas>=3"]
    assert group(world, "all") == [{"include-group": "micropkg"}]


def test_what_a_command_did_goes_back_as_one(world: World) -> None:
    """Row, files, lock and group; of one entry, its lines."""
    world.write(AA, named("aa", "1", ("pandas>=2",)))
    world.write(BB, named("bb", "1", ("scipy",)))
    asks(world, AA)
    world.sync()
    before = world.tree()
    assert world.run("add", BB, "--alias", "bb").code == 0
    assert group(world) == ["pandas>=2", "scipy"]
    assert world.run("rollback").code == 0
    assert world.tree() == before
    world.write(AA, named("aa", "2", ("pandas>=3",)))
    world.sync()
    assert world.run("rollback", "aa").code == 0
    assert group(world) == ["pandas>=2"]


def test_both_homes_at_once_are_refused(world: World) -> None:
    """And so is a name that no group can have."""
    for policy, words in (
        (f'requirements-file = "x.in"\n{GROUP}', "to a file or to a group, not to both"),
        ('requirements-group = "-x"', "`-x` is not a name for a dependency group"),
    ):
        asks(world, policy=policy)
        said = world.reconcile()
        assert said.code == 2
        assert words in said.err


@pytest.mark.parametrize(
    ("policy", "files", "path", "command"),
    [
        (GROUP, {}, "pyproject.toml", "pip install --group micropkg"),
        (GROUP, {"uv.lock": ""}, "pyproject.toml", "uv sync --group micropkg"),
        ("", {}, "requirements.in", "pip install -r requirements.in"),
        ('requirements-file = "requirements.txt"', {}, "requirements.txt", "pip install -r requirements.txt"),
        (
            "",
            {
                "requirements.in": "",
                "requirements.txt": "#\n# This file is autogenerated by pip-compile with Python 3.11\n",
            },
            "requirements.in",
            "pip-compile -o requirements.txt requirements.in",
        ),
        (
            "",
            {
                "requirements.in": "",
                "requirements.txt": "# This file was autogenerated by uv via the following command:\n",
            },
            "requirements.in",
            "uv pip compile -o requirements.txt requirements.in",
        ),
    ],
)
def test_the_outcome_says_what_installs(
    world: World, policy: str, files: dict[str, str], path: str, command: str
) -> None:
    """Where lines came or went, and only there; as JSON, too."""
    for name, text in files.items():
        world.write(name, text)
    world.write(AA, named("aa", "1", ("pandas>=2",)))
    asks(world, AA, policy=policy)
    said = world.reconcile("--dry-run")
    assert f"requirements in {path} would change: `{command}` installs them\n" in said.out
    (project,) = json.loads(world.reconcile("--json").out)["projects"]
    assert project["requirements"] == {"path": path, "command": command}
    (project,) = json.loads(world.reconcile("--json").out)["projects"]
    assert project["requirements"] is None


@pytest.mark.parametrize("policy", [GROUP, ""])
def test_requirements_at_odds_are_named(world: World, policy: str) -> None:
    """Of two entries, and of one and a person's line; doctor goes on to tell of the former."""
    world.write("requirements.in", "scipy<1\n")
    world.write(AA, named("aa", "1", ("pandas>=2",)))
    world.write(BB, named("bb", "1", ("pandas<2", "scipy>=1")))
    asks(world, AA, policy=policy)
    world.sync()
    asks(world, AA, BB, policy=policy, more=world.read("pyproject.toml").partition('alias = "aa"}\n')[2])
    said = world.reconcile()
    assert said.code == 0
    assert f"note: `pandas<2` and `pandas>=2`, which `{AA}` asks for, cannot hold together" in said.out
    mine = "note: `scipy>=1` and `scipy<1`, which stands in requirements.in, cannot hold together"
    assert (mine in said.out) == (policy == "")
    assert "cannot hold together" not in world.reconcile().out
    assert "cannot hold together" in world.run("doctor").out


def test_a_python_that_is_left_out_is_named(world: World) -> None:
    """By what the archive says it needs, and the project allows."""
    world.write(AA, named("aa", "1", (), ">=3.12"))
    asks(world, AA)
    text = world.read("pyproject.toml")
    world.write("pyproject.toml", text.replace("name = 'shop'", "name = 'shop'\nrequires-python = '>=3.9,<3.12'"))
    said = world.reconcile()

    assert said.code == 0
    assert "note: it needs Python >=3.12, and the project says `requires-python` >=3.9,<3.12" in said.out


def test_a_file_that_nothing_names_is_told_by_doctor(world: World) -> None:
    """With what installs it."""
    world.write(AA, named("aa", "1", ("pandas>=2",)))
    asks(world, AA, policy="")
    world.sync()
    said = world.run("doctor")
    assert "nothing here names requirements.in" in said.out
    assert "pip install -r requirements.in" in said.out
    world.write("requirements.txt", "-r requirements.in\n")
    assert "nothing here names" not in world.run("doctor").out
