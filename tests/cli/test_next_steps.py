"""What somebody new to it is told to do next: the words that are printed can be followed, and lead there."""

import re
import shlex

import pytest

from tests.kit.world import KEDRO, ROW, World

NODES = "src/shop/ds/nodes.py"


def held(world: World, *names: str) -> None:
    """Entries that were edited here and changed upstream, in the same line."""
    rows = {f"dist/{name}.tar.gz": name for name in names}
    for version, text in (("1.0", "A = 1\n"), ("2.0", "A = 2\n")):
        for row, name in rows.items():
            world.publish({"nodes.py": text}, version=version, to=row)
            del name
        world.manifest("\n".join(f'"{row}" = {{alias = "{name}"}}' for row, name in rows.items()))
        world.reconcile()
        for name in names:
            world.write(f"src/shop/{name}/nodes.py", "A = 'mine'\n")


class TestAFolderInPlaceOfAnArchive:
    """Of which the newest is meant."""

    @pytest.mark.parametrize("folder", ["../shelf/", "../shelf", "../a shelf/"])
    def test_what_is_said_can_be_run(self, world: World, folder: str) -> None:
        """With the name of the package."""
        world.publish({"nodes.py": "A = 1\n"}, to=f"{folder.rstrip('/')}/ds-1.0.tar.gz")
        said = world.run("add", f"{folder.rstrip('/')}/./" if folder.endswith("/") else folder)
        found = re.search(r"hint: name the `.tar.gz` itself; `micropkgd (add NAME --index [^`]+)`", said.out)
        assert found, said
        words = shlex.split(found[1])
        assert words[:3] == ["add", "NAME", "--index"]
        assert world.run("add", "ds", *words[2:]).code == 0
        assert world.read(NODES) == "A = 1\n"

    @pytest.mark.parametrize("ref", ["s3://team/pkgs/", "gs://team/pkgs/"])
    def test_in_a_bucket(self, world: World, ref: str) -> None:
        """Nobody is asked for it."""
        assert f"`micropkgd add NAME --index {ref}`" in world.run("add", ref).out


class TestAPathMeansOneArchive:
    """So a release beside it is not taken, and is told."""

    def shelf(self, world: World, *versions: str) -> None:
        """A folder of releases, the first of which is pulled by its path."""
        for version in versions:
            world.publish({"nodes.py": f"A = '{version}'\n"}, version=version, to=f"../shelf/ds-{version}.tar.gz")
        world.manifest(f'"../shelf/ds-{versions[0]}.tar.gz" = {{}}')
        world.sync()

    def test_the_newest_is_named_with_the_row_that_follows(self, world: World) -> None:
        """By version, not by spelling."""
        self.shelf(world, "1.9", "1.9.1", "1.10", "1.2")
        said = world.run("outdated")
        assert said.code == 0
        row = '"ds" = {index = "../shelf/"}'
        assert (
            f"note: `ds-1.10.tar.gz` lies beside it, and a path means one archive: the row `{row}` follows" in said.out
        )
        assert "ds-1.10" in world.run("outdated", "--quiet").out
        world.manifest(row)
        world.reconcile()
        assert world.read(NODES) == "A = '1.10'\n"

    def test_where_there_is_none_nothing_is(self, world: World) -> None:
        """Older ones, other packages, other files; and a row that has no choice."""
        self.shelf(world, "1.9", "1.2")
        for other in ("other-3.0.tar.gz", "ds-x.tar.gz", "ds-2.0.zip", "ds.tar.gz"):
            world.write(f"../shelf/{other}", "")
        assert "note" not in world.run("outdated").out
        world.write("../shelf/ds-2.0.tar.gz", "")
        assert "note" in world.run("outdated").out
        digest = re.search(r'sha256 = "([0-9a-f]{64})"', world.read("micropkg.lock"))
        assert digest
        world.manifest(f'"../shelf/ds-1.9.tar.gz" = {{sha256 = "{digest[1]}"}}')
        assert "note" not in world.run("outdated").out


class TestResolveWithoutAName:
    """It means the entry that is held."""

    def test_the_one(self, world: World) -> None:
        """As `patch` means the one with edits."""
        held(world, "ds")
        assert world.run("resolve", "--take").code == 0
        assert world.read(NODES) == "A = 2\n"

    def test_none_and_several(self, world: World) -> None:
        """Said so, with their refs."""
        world.publish({"nodes.py": "A = 1\n"})
        world.asks_for()
        world.sync()
        assert "error: no entry is held" in world.run("resolve", "--take").err
        held(world, "one", "two")
        said = world.run("resolve", "--keep")
        assert said.code == 2
        assert "error: 2 entries are held [MPK101]\nhint: name one: dist/one.tar.gz, dist/two.tar.gz\n" in said.err


def test_at_the_root_of_a_workspace(world: World) -> None:
    """It has no package, and `init` would not find one there."""
    world.write("pyproject.toml", '[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    for command in ("status", "outdated", "verify"):
        hint = "hint: this is a workspace: run in the folder of a member, or name it with `--project`"
        assert hint in world.run(command).err


def test_that_no_service_runs_is_said_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many projects are added to its config."""
    monkeypatch.setenv("HOME", str(world.root.parent))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(world.root.parent / "config"))
    for name in ("one", "two"):
        world.write(f"../{name}/pyproject.toml", KEDRO)
    said = world.run("service", "add", "../one", "../two")
    assert said.code == 0, said
    assert said.out.count("added: ") == 2
    assert said.out.count("no service runs") == 1


def test_two_rows_for_one_place(world: World) -> None:
    """Mostly one was to replace the other."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    world.publish({"nodes.py": "A = 2\n"}, version="2.0", to="../shelf/ds-2.0.tar.gz")
    said = world.run("add", "ds", "--index", "../shelf/")
    assert said.code == 2
    assert "where one is to replace the other, change its row" in said.out


def test_what_taking_means_where_the_row_is_gone(world: World) -> None:
    """There is no new version."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    world.write(NODES, "A = 'mine'\n")
    said = world.run("remove", ROW, "--dry-run")
    assert "micropkgd resolve ds --take  # the entry goes, with your edits; `rollback` undoes it" in said.out


@pytest.mark.parametrize(
    "table", ['[tool.micropkgd.pull]\n"{}" = {{}}\n', '[tool.micropkgd.pull."{}"]\n'], ids=["row", "table"]
)
@pytest.mark.parametrize("way", ["--keep", "--take"])
def test_the_last_entry_goes_in_two_steps(world: World, table: str, way: str) -> None:
    """Held by an edit, then decided by the command that the hold names; passes in between refuse nothing."""
    world.publish({"nodes.py": "A = 1\n"})
    world.write("pyproject.toml", KEDRO + table.format(ROW))
    world.sync()
    world.write(NODES, "A = 'mine'\n")
    assert world.run("remove", "ds").code == 4
    assert world.reconcile().code == 4
    assert world.run("resolve", way).code == 0
    assert world.has(NODES) == (way == "--keep")
    assert world.reconcile().code == 0


@pytest.mark.parametrize("table", ['[tool.micropkgd.pull]\n"{}" = {{}}\n', '[tool.micropkgd.pull."{}"]\n'])
def test_the_last_entry_goes_in_one_step(world: World, table: str) -> None:
    """Whoever names it means it, also where its table goes with it."""
    world.publish({"nodes.py": "A = 1\n"})
    world.write("pyproject.toml", KEDRO + table.format(ROW))
    world.sync()
    assert world.run("remove", "ds").code == 0
    assert not world.has(NODES)
    assert ROW not in world.read("pyproject.toml")
    assert world.reconcile().code == 0


def test_explain_lists_what_each_code_means(world: World) -> None:
    """Whoever looks for one does not know its word."""
    lines = world.run("explain").out.splitlines()
    assert lines[:2] == [
        "MPK101  Usage",
        "        The command line asks for something that cannot be: a misspelt option, a",
    ]
    assert all(len(line) <= 80 for line in lines)
