"""An entry whose place changes is the same entry in another place, and its edits come along."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.world import ROW, World

V1 = {
    "__init__.py": "from ds.nodes import run\n",
    "nodes.py": "def run(x):\n    return x\n\n\ndef walk(x):\n    return x\n",
    "more.py": "A = 1\n",
    "config/parameters_ds.yml": "lr: 1\n\nsize: 1\n",
    "/tests/test_ds.py": "from ds.nodes import run\n\n\ndef test_run():\n    assert run(1) == 1\n",
}
V2 = {**V1, "nodes.py": V1["nodes.py"].replace("def run(x):\n    return x", "def run(x):\n    return x + 0")}
CODE = "src/shop/pipelines/ds"


def installed(world: World, **options: str) -> None:
    """The first version, below `pipelines`."""
    world.publish(V1)
    world.asks_for(**{"destination": "pipelines", **options})
    world.sync()


def edit(world: World) -> None:
    """A line of a person in the code, in the parameters and in the tests."""
    world.write(f"{CODE}/nodes.py", world.read(f"{CODE}/nodes.py") + "\n\nMINE = 1\n")
    world.write(f"{CODE}/more.py", "A = 1\nfrom shop.pipelines.ds import run as mine\n")
    world.write("conf/base/parameters_ds.yml", "lr: 7\n\nsize: 1\n")
    tests = world.read("tests/pipelines/ds/test_ds.py")
    world.write("tests/pipelines/ds/test_ds.py", tests + "\n\ndef test_mine():\n    assert run(2) == 2\n")


def imports(world: World, statement: str) -> None:
    """Python agrees that the package is whole."""
    environ = {**os.environ, "PYTHONPATH": f"src{os.pathsep}."}
    subprocess.run([sys.executable, "-B", "-c", statement], cwd=world.root, env=environ, check=True)


@pytest.mark.parametrize(
    ("options", "code", "tests", "parameters"),
    [
        pytest.param({"alias": "fc"}, "pipelines/fc", "pipelines/fc", "conf/base/parameters_fc.yml", id="alias"),
        pytest.param({"destination": "other"}, "other/ds", "other/ds", "conf/base/parameters_ds.yml", id="destination"),
        pytest.param({"env": "uat"}, "pipelines/ds", "pipelines/ds", "conf/uat/parameters_ds.yml", id="env"),
        pytest.param(
            {"alias": "fc", "destination": "a.b", "env": "uat"}, "a/b/fc", "a/b/fc", "conf/uat/parameters_fc.yml",
            id="all",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", [V1, V2], ids=["same", "newer"])
def test_edits_come_along(
    world: World, options: dict[str, str], code: str, tests: str, parameters: str, version: dict[str, str]
) -> None:
    """Code, tests and parameters move with a person's lines, imports are rewritten, and the old place is empty."""
    installed(world)
    edit(world)
    world.publish(version, version="1.0" if version is V1 else "2.0")
    world.asks_for(**{"destination": "pipelines", **options})
    said = world.reconcile()
    module = f"shop.{code.replace('/', '.')}"

    assert said.code == 0, said
    assert said.out.startswith("moved      dist/ds.tar.gz -> ") == (code != "pipelines/ds")
    assert "MINE = 1\n" in world.read(f"src/shop/{code}/nodes.py")
    assert ("x + 0" in world.read(f"src/shop/{code}/nodes.py")) == (version is V2)
    assert world.read(parameters) == "lr: 7\n\nsize: 1\n"
    assert f"from {module}.nodes import run\n" in world.read(f"tests/{tests}/test_ds.py")
    imports(world, f"import {module}.more; assert {module}.more.mine is {module}.run")
    if code != "pipelines/ds":
        assert not world.has(CODE)
        assert not world.has("tests/pipelines/ds")
    world.sync()
    assert world.reconcile("--check").code == 0


def test_what_cannot_come_along_holds_the_entry_where_it_is(world: World) -> None:
    """Whole and importable; the choice moves it."""
    installed(world)
    edit(world)
    world.write(f"{CODE}/nodes.py", world.read(f"{CODE}/nodes.py").replace("return x\n", "return x * 2\n", 1))
    before = world.tree()
    data = world.publish(V2, version="2.0")
    world.asks_for(destination="pipelines", alias="fc")
    manifest = world.tree()["pyproject.toml"]

    assert world.reconcile().code == 4
    assert world.tree() == {**before, ROW: data, "pyproject.toml": manifest}
    imports(world, "import shop.pipelines.ds")
    assert world.run("resolve", "ds", "--keep").code == 0
    assert "x * 2" in world.read("src/shop/pipelines/fc/nodes.py")
    imports(world, "import shop.pipelines.fc")


def test_an_edit_that_cannot_be_parsed_holds_the_entry(world: World) -> None:
    """Its imports could not follow."""
    installed(world)
    world.write(f"{CODE}/nodes.py", "from shop.pipelines.ds import (\n")
    world.asks_for(destination="pipelines", alias="fc")
    said = world.reconcile()

    assert said.code == 4
    assert "cannot come along to the new place: it cannot be parsed" in said.out
    assert world.has(CODE)


def test_a_file_of_a_person_stays_and_is_named(world: World) -> None:
    """A new file inside the folder is no part of the entry."""
    installed(world)
    world.write(f"{CODE}/mine.py", "M = 1\n")
    world.asks_for(destination="pipelines", alias="fc")
    said = world.reconcile()

    assert said.code == 0
    assert f"note: {CODE}/mine.py stays where it is" in said.out
    assert world.read(f"{CODE}/mine.py") == "M = 1\n"
    assert not world.has(f"{CODE}/nodes.py")


def test_a_file_in_the_new_place_is_never_covered(world: World) -> None:
    """Somebody else's file holds the whole move."""
    installed(world)
    edit(world)
    world.write("src/shop/pipelines/fc/nodes.py", "FOREIGN = 1\n")
    before = world.tree()
    world.asks_for(destination="pipelines", alias="fc")

    assert world.reconcile().code == 4
    assert world.tree() == {**before, "pyproject.toml": world.tree()["pyproject.toml"]}


@pytest.mark.parametrize("forget", [False, True], ids=["here", "on-a-clone"])
def test_a_move_that_was_locked_first_is_made_by_the_next_pass(world: World, forget: bool) -> None:
    """The lock says where the tree still is, on every clone."""
    installed(world)
    edit(world)
    world.asks_for(destination="pipelines", alias="fc")
    assert world.run("lock").code == 0
    assert world.has(f"{CODE}/nodes.py")
    if forget:
        world.forget()
    world.sync()

    assert "import run as mine" in world.read("src/shop/pipelines/fc/more.py")
    assert not world.has(CODE)
    world.sync()


@pytest.mark.parametrize("forget", [False, True], ids=["here", "on-a-clone"])
@pytest.mark.parametrize("version", [V1, V2], ids=["same", "newer"])
def test_edits_come_along_to_a_place_that_git_filled(world: World, version: dict[str, str], forget: bool) -> None:
    """One moved the entry, another edited it where it was, and git joined the two: the lock says the old place."""
    installed(world)
    before = world.tree()
    world.asks_for(destination="pipelines", alias="fc")
    world.publish(version)
    world.sync()
    moved = world.tree()
    for path in {*(before.keys() - moved.keys()), "micropkg.lock"}:
        world.write(path, before[path])
    edit(world)
    if forget:
        world.forget()
    world.sync()

    nodes = world.read("src/shop/pipelines/fc/nodes.py")
    assert ("MINE = 1" in nodes, "x + 0" in nodes) == (True, version is V2)
    assert "import run as mine" in world.read("src/shop/pipelines/fc/more.py")
    assert "test_mine" in world.read("tests/pipelines/fc/test_ds.py")
    assert "lr: 7" in world.read("conf/base/parameters_fc.yml")
    assert not world.has(CODE)
    world.sync()


def test_a_rollback_takes_a_move_back(world: World) -> None:
    """Byte by byte, the edits too."""
    installed(world)
    edit(world)
    before = world.tree()
    world.asks_for(destination="pipelines", alias="fc")
    manifest = world.read("pyproject.toml")
    world.sync()
    assert world.run("rollback").code == 0

    assert world.tree() == {**before, "pyproject.toml": manifest.encode()} | {
        path: data for path, data in world.tree().items() if path.endswith("/__init__.py") and path not in before
    }


def _tests_folder(root: Path) -> None:
    manifest = root / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace("0.18.14", "0.19.15"))
    (root / "src/tests").rename(root / "tests")


def _conf(root: Path) -> None:
    (root / "conf").rename(root / "config")
    (root / "src/shop/settings.py").write_text('CONF_SOURCE = "config"\n')


def _package(root: Path) -> None:
    manifest = root / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace('package_name = "shop"', 'package_name = "store"'))
    (root / "src/shop").rename(root / "src/store")


def _flat(root: Path) -> None:
    manifest = root / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace("[tool.kedro]\n", '[tool.kedro]\nsource_dir = "."\n'))
    (root / "src/shop").rename(root / "shop")


@pytest.mark.parametrize(
    ("change", "module", "folder"),
    [
        pytest.param(_tests_folder, "shop.pipelines.ds", "src/shop", id="tests"),
        pytest.param(_conf, "shop.pipelines.ds", "src/shop", id="conf"),
        pytest.param(_package, "store.pipelines.ds", "src/store", id="package"),
        pytest.param(_flat, "shop.pipelines.ds", "shop", id="flat"),
    ],
)
@pytest.mark.parametrize("edited", [False, True], ids=["untouched", "edited"])
def test_an_entry_follows_the_layout(world: World, change: object, module: str, folder: str, edited: bool) -> None:
    """A person moves the project's folders; the lock that was valid before stops no command, and edits are kept."""
    if change is _tests_folder:
        (world.root / "tests").mkdir(exist_ok=True)
        manifest = world.root / "pyproject.toml"
        world.publish(V1)
        world.asks_for(destination="pipelines")
        text = manifest.read_text()
        manifest.write_text(re.sub(r'kedro_init_version = "[^"]+"', 'kedro_init_version = "0.18.14"', text))
        shutil.move(world.root / "tests", world.root / "src/tests")
        world.sync()
        assert world.has("src/tests/pipelines/ds/test_ds.py")
    else:
        installed(world)
    if edited:
        world.write(f"{CODE}/nodes.py", world.read(f"{CODE}/nodes.py") + "\nMINE = 1\n")
        world.write("conf/base/parameters_ds.yml", "lr: 7\n\nsize: 1\n")
    assert callable(change)
    change(world.root)
    for command in (["status"], ["doctor"], ["verify"], ["diff"], ["lock", "--check"]):
        assert "Traceback" not in world.run(*command).err
        assert "no layout has" not in world.run(*command).err
    world.sync()

    assert ("MINE = 1" in world.read(f"{folder}/pipelines/ds/nodes.py")) == edited
    imports(world, f"import {module}")
    world.sync()
    assert world.reconcile("--check").code == 0
