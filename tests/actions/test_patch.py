"""`micropkgd patch`: edits of a pulled module, carried to the repository that it came from, where git takes them."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from micropkgd.model.module_origin import blob_name
from micropkgd.sdist.reader import read_sdist
from tests.kit.git import commit_all, git
from tests.kit.homes import CODE, FILES, HERE, Homes, homes
from tests.kit.sdists import write_sdist
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import SAMPLES, World
from tests.package.test_samples import ALL, Sample, become

NODES = f"{HERE}/nodes.py"
EDIT = "\n\ndef edited():\n    import shop.lib.fcst as me\n\n    return me\n"


@pytest.fixture
def pair(tmp_path: Path, world: World) -> Homes:
    """Both projects, the module pulled."""
    made = homes(tmp_path, world)
    made.release()
    return made


def append(world: World, path: str, text: str) -> None:
    """Add text to a file, as an editor does."""
    world.write(path, world.read(path) + text)


def test_no_marker_goes_home(pair: Homes) -> None:
    """A file in which git has left both sides is nobody's edit yet; the others can be chosen."""
    append(pair.here, NODES, "<<<<<<< HEAD\nX = 1\n=======\nX = 2\n>>>>>>> other\n")
    append(pair.here, "conf/base/parameters_fcst.yml", "b: 2\n")
    said = pair.here.run("patch")

    assert (said.code, said.out) == (4, "")
    assert f"error: {NODES}: markers of a merge are in lines " in said.err
    assert "+b: 2" in pair.here.run("patch", "--exclude", NODES).out
    assert "<<<<<<<" not in pair.here.run("patch", "--exclude", NODES).out


class TestCarried:
    """What stands there after `micropkgd patch | git apply -3`."""

    def test_an_edit_under_the_names_that_it_has_there(self, pair: Homes) -> None:
        """Paths, imports and uses are those of the repository, and nothing but the edit changes."""
        append(pair.here, NODES, "\n\ndef more():\n    import shop.lib.fcst.helpers as h\n    return h\n")
        append(pair.here, "tests/lib/fcst/test_nodes.py", "\n\nimport tests.lib.fcst.test_nodes\n")
        append(pair.here, "conf/base/parameters_fcst.yml", "b: 2\n")
        pair.carry()

        changed = git(pair.there.root, "diff", "HEAD", "--name-only").split()
        assert changed == ["conf/base/parameters_ds.yml", f"{CODE}/nodes.py", "tests/pipelines/ds/test_nodes.py"]
        wanted = "\n\ndef more():\n    import shop.pipelines.ds.helpers as h\n    return h\n"
        assert pair.there.read(f"{CODE}/nodes.py") == FILES["nodes.py"] + wanted
        assert pair.there.read("conf/base/parameters_ds.yml") == "a: 1\nb: 2\n"

    def test_the_next_release_has_it_and_the_drift_is_gone(self, pair: Homes) -> None:
        """The pass adopts what is equal: nothing is held, merged or written."""
        append(pair.here, NODES, "X = 1\n")
        pair.carry()
        pair.there.write(f"{CODE}/__init__.py", '__version__ = "2.0"\n')
        commit_all(pair.there.root)
        pair.package()
        pair.here.manifest('"../shelf/ds-2.0.tar.gz" = {destination = "lib", alias = "fcst"}')
        before = pair.here.read(NODES)
        pair.here.sync()
        assert "drifted" not in pair.here.run("status").out
        assert pair.here.read(NODES) == before
        assert pair.patch() == b""

    def test_new_and_deleted_files(self, pair: Homes) -> None:
        """Each in its place; ignored, hidden and backup files stay, and are told where they could be missed."""
        pair.here.write(f"{HERE}/sub/__init__.py", "")
        pair.here.write(f"{HERE}/sub/new.py", "from shop.lib.fcst import nodes\n")
        pair.here.write("tests/lib/fcst/test_new.py", "T = 1\n")
        pair.here.write(f"{HERE}/nodes.py~", "")
        (pair.here.root / HERE / "data.csv").unlink()
        said = pair.here.run("patch")
        assert f"note: {HERE}/nodes.py~ is not in the patch: is the backup of an editor\n" in said.err
        pair.carry()
        status = git(pair.there.root, "status", "--short").split("\n")
        assert status == [
            f"D  {CODE}/data.csv",
            f"A  {CODE}/sub/__init__.py",
            f"A  {CODE}/sub/new.py",
            "A  tests/pipelines/ds/test_new.py",
            "",
        ]
        assert pair.there.read(f"{CODE}/sub/new.py") == "from shop.pipelines.ds import nodes\n"

    def test_an_edit_of_what_the_archive_made_is_a_new_file(self, pair: Homes) -> None:
        """The tests there have no `__init__.py`; deleting ours changes nothing there."""
        pair.here.write("tests/lib/fcst/__init__.py", "X = 1\n")
        pair.carry()
        assert git(pair.there.root, "status", "--short") == "A  tests/pipelines/ds/__init__.py\n"
        (pair.here.root / "tests/lib/fcst/__init__.py").unlink()
        assert pair.patch() == b""

    def test_modes(self, pair: Homes) -> None:
        """The executable bit of old and new files; in a project where every file has it, it says nothing."""
        for path in (f"{HERE}/data.csv", NODES):
            os.chmod(pair.here.root / path, 0o755)
        append(pair.here, NODES, "X = 1\n")
        os.chmod(pair.here.root / NODES, 0o755)
        os.chmod(pair.here.write(f"{HERE}/run.sh", "#!/bin/sh\n"), 0o755)
        patch = pair.patch()
        assert patch.count(b"new mode 100755") == 2
        pair.apply(patch)
        for name in ("data.csv", "nodes.py", "run.sh"):
            assert (pair.there.root / CODE / name).stat().st_mode & stat.S_IXUSR
        for whole in pair.here.root.rglob("*"):
            if whole.is_file():
                os.chmod(whole, 0o755)
        assert b"new mode" not in pair.patch()

    @pytest.mark.parametrize(
        ("name", "before", "after"),
        [
            pytest.param("a.py", b"A = 1", b"A = 2", id="no-final-newline"),
            pytest.param("a.py", b"A = 1", b"A = 1\nB = 2\n", id="final-newline-came"),
            pytest.param("a.py", b"A = 1\r\nB = 2\r\n", b"A = 1\r\nB = 3\r\n", id="crlf"),
            pytest.param("a.txt", b"A\r\nB\nC\r\n", b"A\r\nB\nD\r\n", id="mixed-ends"),
            pytest.param("a.py", b"", b"A = 1\n", id="was-empty"),
            pytest.param("a.py", b"A = 1\n", b"", id="is-empty"),
            pytest.param("a.bin", b"\0\1" * 300, b"\0\2" * 300 + b"end", id="binary"),
            pytest.param("a.txt", b"text\n", b"\0binary", id="becomes-binary"),
            pytest.param("a.txt", "caf\xe9\n".encode("latin-1"), "th\xe9\n".encode("latin-1"), id="latin-1"),
            pytest.param(
                "a.py",
                "# coding: latin-1\nX = 'é'\nfrom {} import nodes\n".encode("latin-1"),
                "# coding: latin-1\nX = 'è'\nfrom {} import nodes\nY = 1\n".encode("latin-1"),
                id="coding-comment",
            ),
            pytest.param("a.txt", "x\n".encode("utf-16"), "y\nz\n".encode("utf-16"), id="utf-16"),
            pytest.param("a b.txt", b"1\n", b"2\n", id="blank-in-the-name"),
            pytest.param("\xe9\u6f22.txt", b"1\n", b"2\n", id="name-of-other-letters"),
            pytest.param("a.txt", b"--- a\n+++ b\n@@ -1 +1 @@\n", b"--- b\n+++ a\n@@ -2 +2 @@\n", id="a-patch"),
            pytest.param("a.txt", b"1\n" * 500, b"1\n" * 250 + b"2\n" + b"1\n" * 250, id="many-alike"),
        ],
    )
    @pytest.mark.parametrize("mail", [False, True], ids=["patch", "mail"])
    def test_every_kind_of_text(
        self, tmp_path: Path, world: World, name: str, before: bytes, after: bytes, mail: bool
    ) -> None:
        """Git makes the very bytes, by `apply` and by `am`."""
        both = homes(tmp_path, world)
        both.release({name: before.replace(b"{}", b"shop.pipelines.ds"), **FILES})
        assert both.here.tree()[f"{HERE}/{name}"] == before.replace(b"{}", b"shop.lib.fcst")
        both.here.write(f"{HERE}/{name}", after.replace(b"{}", b"shop.lib.fcst"))
        if mail:
            (tmp_path / "mail").write_bytes(both.patch("--mail"))
            git(both.there.root, "am", "-q", "-3", "--keep-cr", str(tmp_path / "mail"))
        else:
            both.carry()
        assert both.there.tree()[f"{CODE}/{name}"] == after.replace(b"{}", b"shop.pipelines.ds")

    def test_three_way_where_the_repository_moved_on(self, pair: Homes) -> None:
        """Git knows the blob that the edit started from, spellings that a pull loses included, and merges."""
        append(pair.here, NODES, "X = 1\n")
        pair.there.write(
            f"{CODE}/nodes.py", "# new\n# lines\n# above\n# all\n" + FILES["nodes.py"].replace("run", "go")
        )
        commit_all(pair.there.root)
        patch = pair.patch()
        assert f"index {blob_name(FILES['nodes.py'].encode())}..".encode() in patch
        pair.apply(patch)
        text = pair.there.read(f"{CODE}/nodes.py")
        assert (text[:6], "def go():" in text, text[-6:]) == ("# new\n", True, "X = 1\n")

    def test_a_line_beside_a_spelling_that_was_lost(self, pair: Homes) -> None:
        """`from ..ds import helpers` was pulled as an absolute import; an edit next to it leaves it as it is there."""
        text = pair.here.read(NODES)
        assert text.startswith("from shop.lib.fcst import helpers\n")
        pair.here.write(NODES, f"import os\n{text}")
        pair.carry()
        assert pair.there.read(f"{CODE}/nodes.py") == "import os\n" + FILES["nodes.py"]


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.sdist.partition("/")[0])
def test_every_sample_comes_back_as_it_was_edited(tmp_path: Path, world: World, sample: Sample) -> None:
    """Every text of it edited, taken home, packaged there: another project pulls exactly the edited copy."""
    both = homes(tmp_path, world)
    become(both.there, sample.source)
    git(both.there.root, "init", "-q")
    commit_all(both.there.root)
    archive = f"there/dist/{Path(sample.sdist).name}"
    assert world.run("package", sample.module, "--project", str(both.there.root)).code == 0
    world.asks_for(f"../{archive}", alias="fcst", destination="lib", env="uat")
    world.sync()
    for path in sorted(world.pulled()):
        if path.endswith((".py", ".yml", ".yaml")) and not path.endswith("lib/__init__.py"):
            append(world, path, "# edited\n" if path.endswith("ml") else EDIT)
    edited = both.edited()
    both.carry()
    assert world.run("package", sample.module, "--project", str(both.there.root)).code == 0
    shutil.rmtree(world.root)
    fresh = World(world.root)
    os.chdir(fresh.root)
    fresh.asks_for(f"../{archive}", alias="fcst", destination="lib", env="uat")
    fresh.sync()
    assert both.edited() == edited


CONF = "parameters_ds.yml"


def names_in(patch: bytes) -> list[str]:
    """The files that a patch changes."""
    lines = patch.decode().split("\n")
    return sorted(line.rpartition("/")[2] for line in lines if line.startswith("diff --git "))


class TestChosen:
    """What a person names, or leaves out, of the edits."""

    def test_paths(self, pair: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
        """Files and folders, from the project or from where one stands; what is left out wins."""
        append(pair.here, NODES, "X = 1\n")
        append(pair.here, f"{HERE}/helpers.py", "Y = 1\n")
        append(pair.here, "conf/base/parameters_fcst.yml", "b: 2\n")
        pair.here.write(f"{HERE}/sub/__init__.py", "")
        (pair.here.root / HERE / "data.csv").unlink()
        changed = {
            (): ["__init__.py", "data.csv", "helpers.py", "nodes.py", CONF],
            ("fcst", NODES): ["nodes.py"],
            ("fcst", HERE): ["__init__.py", "data.csv", "helpers.py", "nodes.py"],
            ("fcst", HERE, "--exclude", NODES, "--exclude", f"{HERE}/sub/"): ["data.csv", "helpers.py"],
            ("--exclude", HERE): [CONF],
            ("fcst", "src/../conf"): [CONF],
            ("fcst", "--exclude", "."): [],
        }
        for options, wanted in changed.items():
            assert names_in(pair.patch(*options)) == wanted, options
        monkeypatch.chdir(pair.here.root / HERE)
        inside = {
            ("nodes.py", "--exclude", "./helpers.py"): ["nodes.py"],
            (".",): ["__init__.py", "data.csv", "helpers.py", "nodes.py"],
            (str(pair.here.root / NODES),): ["nodes.py"],
        }
        for options, wanted in inside.items():
            assert names_in(pair.here.run("patch", "fcst", *options).out.encode()) == wanted, options

    @pytest.mark.parametrize("options", [("fcst", "src/own.py"), ("--exclude", f"{HERE}/helpers.py")])
    def test_what_was_not_edited(self, pair: Homes, options: tuple[str, ...]) -> None:
        """A slip of the pen leaves nothing out silently."""
        append(pair.here, NODES, "X = 1\n")
        said = pair.here.run("patch", *options)
        assert (said.code, said.out) == (2, "")
        assert f"`{options[-1]}` is not among the edited files" in said.err
        assert f"these are: {NODES}" in said.err

    @pytest.mark.parametrize("old", [False, True], ids=["by-its-new-name", "by-its-old-name"])
    def test_a_move_is_one_edit(self, pair: Homes, old: bool) -> None:
        """It goes home with the imports that follow it, or all of it stays here."""
        new = f"{HERE}/tools/aids.py"
        (pair.here.root / HERE / "tools").mkdir()
        pair.here.write(f"{HERE}/tools/__init__.py", "")
        (pair.here.root / HERE / "helpers.py").rename(pair.here.root / new)
        pair.here.sync()
        append(pair.here, NODES, "X = 1\n")
        assert "from shop.lib.fcst.tools import aids as helpers" in pair.here.read(NODES)
        name = f"{HERE}/helpers.py" if old else new
        assert names_in(pair.patch("fcst", name)) == ["aids.py", "helpers.py"]

        patch = pair.patch("--exclude", name, "--exclude", f"{HERE}/tools/__init__.py")
        assert names_in(patch) == ["nodes.py"]
        pair.apply(patch)
        assert pair.there.read(f"{CODE}/nodes.py") == FILES["nodes.py"] + "X = 1\n"
        append(pair.here, new, "Y = 1\n")
        assert pair.patch("--exclude", f"{HERE}/tools", "--exclude", NODES) == b""


class TestTold:
    """What cannot be carried as it is, on stderr."""

    def test_an_import_that_is_not_there(self, pair: Homes) -> None:
        """The project's own module: in the patch all the same, with file and line."""
        pair.here.write(NODES, f"from shop.own import x\n{pair.here.read(NODES)}")
        said = pair.here.run("patch")
        assert said.code == 0
        assert f"note: {NODES}:1: `from shop.own import x`: " in said.err
        assert "+from shop.own import x\n" in said.out

    def test_a_spelling_that_comes_back_otherwise(self, pair: Homes) -> None:
        """With the line that the next release will bring."""
        append(pair.here, f"{HERE}/helpers.py", "\n\nfrom ..fcst import nodes\n")
        said = pair.here.run("patch")
        assert f"note: {HERE}/helpers.py:8: comes back as `from shop.lib.fcst import nodes`\n" in said.err
        assert "+from shop.pipelines.ds import nodes\n" in said.out

    def test_code_that_does_not_parse(self, pair: Homes) -> None:
        """Its lines are carried, in the original's words where those were not edited."""
        append(pair.here, NODES, "def broken(:\n")
        said = pair.here.run("patch")
        assert f"note: {NODES}: line 6 does not parse by Python" in said.err
        pair.carry()
        assert pair.there.read(f"{CODE}/nodes.py") == FILES["nodes.py"] + "def broken(:\n"

    def test_requirements_do_not_travel_as_a_file(self, pair: Homes) -> None:
        """They are metadata."""
        pair.here.write(f"{HERE}/requirements.txt", "x\n")
        said = pair.here.run("patch", "fcst")
        assert f"note: {HERE}/requirements.txt is not in the patch" in said.err

    def test_nothing_to_carry(self, pair: Homes) -> None:
        """Empty output, exit code 0, a note; line ends of a checkout are not edits."""
        for arguments in ((), ("fcst",), ("--mail", "ds")):
            said = pair.here.run("patch", *arguments)
            assert (said.code, said.out) == (0, "")
            assert said.err.startswith("note: ")
        pair.here.write(NODES, pair.here.read(NODES).replace("\n", "\r\n"))
        assert pair.here.run("patch").out == ""
        append(pair.here, NODES, "X = 1\r\n")
        pair.carry()
        assert pair.there.read(f"{CODE}/nodes.py") == FILES["nodes.py"] + "X = 1\n"


class TestWritesNothing:
    """But the patch."""

    def test_the_project_stays(self, pair: Homes) -> None:
        """Not a byte, a time or a record changes."""
        append(pair.here, NODES, "X = 1\n")
        before = pair.here.stamps()
        assert pair.here.run("patch").code == 0
        assert pair.here.run("patch", "-o", "../out.patch").out == ""
        assert pair.here.stamps() == before
        assert (pair.here.root.parent / "out.patch").read_bytes() == pair.patch()

    def test_a_file_that_cannot_be_written(self, pair: Homes) -> None:
        """Is an error with its name."""
        append(pair.here, NODES, "X = 1\n")
        said = pair.here.run("patch", "-o", "nowhere/out.patch")
        assert (said.code, "nowhere/out.patch" in said.err) == (1, True)


class TestWhich:
    """Which entry is meant, and what its edits started from."""

    def test_two_with_edits(self, pair: Homes) -> None:
        """Each has a home of its own: one must be named."""
        pair.here.manifest(
            '"../shelf/ds-1.0.tar.gz" = {destination = "lib", alias = "fcst"}\n"dist/ds.tar.gz" = {alias = "two"}'
        )
        pair.here.publish({"x.py": "X = 1\n"})
        pair.here.sync()
        append(pair.here, NODES, "X = 1\n")
        assert b"+X = 1" in pair.patch()
        append(pair.here, "src/shop/two/x.py", "Y = 1\n")
        said = pair.here.run("patch")
        assert (said.code, "2 entries have edits" in said.err) == (2, True)
        assert b"+X = 1" in pair.patch("fcst")
        assert b"+Y = 1" in pair.patch("two")
        assert pair.here.run("patch", "none").code == 2

    def test_not_installed(self, world: World) -> None:
        """There is nothing to compare with."""
        world.publish()
        world.asks_for()
        said = world.run("patch", "dist/ds.tar.gz")
        assert (said.code, "is not installed" in said.err) == (2, True)

    def test_the_archive_is_fetched_again(self, pair: Homes) -> None:
        """By its digest, where the cache has lost it."""
        append(pair.here, NODES, "X = 1\n")
        pair.here.forget()
        pair.here.forget_archives()
        assert b"+X = 1" in pair.patch()

    def test_the_archive_is_away(self, pair: Homes, faults: FaultServer) -> None:
        """Exit code 5 offline, and the message names the archive; nothing is printed."""
        url = faults.script("/ds-1.0.tar.gz", Reply(body=(pair.shelf / "ds-1.0.tar.gz").read_bytes()))
        pair.here.manifest(f'"{url}" = {{destination = "lib", alias = "fcst"}}')
        pair.here.sync()
        append(pair.here, NODES, "X = 1\n")
        assert b"+X = 1" in pair.patch("--offline")
        pair.here.forget_archives()
        said = pair.here.run("patch", "--offline")
        assert (said.code, said.out) == (5, "")
        assert "the archive that the edits started from is not at hand (sha256:" in said.err
        assert b"+X = 1" in pair.patch()

    def test_a_held_entry(self, pair: Homes) -> None:
        """The edits are those against the version that is installed, not against the one that waits."""
        append(pair.here, NODES, "X = 1\n")
        pair.there.write(f"{CODE}/nodes.py", FILES["nodes.py"] + "X = 2\n")
        pair.there.write(f"{CODE}/__init__.py", '__version__ = "2.0"\n')
        pair.package()
        pair.here.manifest('"../shelf/ds-2.0.tar.gz" = {destination = "lib", alias = "fcst"}')
        assert pair.here.reconcile().code == 4
        patch = pair.patch()
        assert b"Package: ds 1.0\n" in patch
        assert b"+X = 1" in patch

    def test_an_entry_whose_row_has_come_to_say_another_place(self, pair: Homes) -> None:
        """Before the pass that moves it the edits are where its files are."""
        append(pair.here, NODES, "X = 1\n")
        before = pair.patch()
        pair.here.manifest('"../shelf/ds-1.0.tar.gz" = {destination = "other", alias = "fcst"}')
        assert pair.patch() == before

    def test_a_lock_that_ran_ahead_of_the_tree(self, pair: Homes) -> None:
        """`micropkgd lock` moved on: the edits are those against the version that the tree has."""
        append(pair.here, NODES, "X = 1\n")
        pair.there.write(f"{CODE}/helpers.py", "A = 2\n")
        pair.there.write(f"{CODE}/__init__.py", '__version__ = "2.0"\n')
        pair.package()
        pair.here.manifest('"../shelf/ds-2.0.tar.gz" = {destination = "lib", alias = "fcst"}')
        assert pair.here.run("lock").code == 0
        patch = pair.patch("fcst")
        assert b"Package: ds 1.0\n" in patch
        assert patch.count(b"diff --git") == 1

    def test_files_that_the_lock_does_not_account_for(self, pair: Homes) -> None:
        """A row that came to say another environment: exit code 3, and a pass first."""
        append(pair.here, NODES, "X = 1\n")
        pair.here.manifest('"../shelf/ds-1.0.tar.gz" = {destination = "lib", alias = "fcst", env = "uat"}')
        said = pair.here.run("patch", "fcst")
        assert (said.code, said.out) == (3, "")
        assert "run `micropkgd reconcile --once`" in said.err

    def test_a_link_where_a_file_was(self, pair: Homes) -> None:
        """It is not followed, and not taken for an edit."""
        (pair.here.root / NODES).unlink()
        (pair.here.root / NODES).symlink_to("/etc/hostname")
        said = pair.here.run("patch", "fcst")
        assert (said.code, said.out) == (1, "")
        assert f"{NODES}: a symbolic link stands where a file was" in said.err


class TestWithoutOrigin:
    """Archives that do not say where they come from."""

    def test_paths_of_the_archive(self, world: World, tmp_path: Path) -> None:
        """With the names that it has, and a note that says which option of git puts the paths right."""
        world.copy_sample("01-minimal/ds-0.1.tar.gz", "pulled.tar.gz")
        world.asks_for("pulled.tar.gz", alias="fcst", destination="pipelines")
        world.sync()
        path = "src/shop/pipelines/fcst/nodes.py"
        append(world, path, "\n\nimport shop.pipelines.fcst.nodes\n")
        ended = world.spawn_bytes("patch")
        assert b"note: paths and names are those in the archive" in ended.stderr
        assert b"--directory=FOLDER" in ended.stderr
        for member in read_sdist((SAMPLES / "01-minimal/ds-0.1.tar.gz").read_bytes()).members:
            whole = tmp_path / "their/src" / member.path
            whole.parent.mkdir(parents=True, exist_ok=True)
            whole.write_bytes(member.data)
        git(tmp_path / "their", "init", "-q")
        commit_all(tmp_path / "their")
        (tmp_path / "edits.patch").write_bytes(ended.stdout)
        git(tmp_path / "their", "apply", "-3", "--directory=src", str(tmp_path / "edits.patch"))
        assert (tmp_path / "their/src/ds/nodes.py").read_text().endswith("\n\nimport ds.nodes\n")

    @pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.sdist.partition("/")[0])
    def test_every_sample_of_kedro(self, world: World, tmp_path: Path, sample: Sample) -> None:
        """Every text of it edited, the patch applied to the unpacked archive: packed again it gives the edited copy."""
        world.copy_sample(sample.sdist, "pulled.tar.gz")
        world.asks_for("pulled.tar.gz", alias="fcst", destination="lib")
        world.sync()
        for path in sorted(world.pulled()):
            if path.endswith((".py", ".yml", ".yaml")) and not path.endswith("lib/__init__.py"):
                append(world, path, "# edited\n" if path.endswith("ml") else EDIT)
        wanted = {path: data for path, data in world.tree().items() if path in world.pulled() - {"pulled.tar.gz"}}
        (tmp_path / "edits.patch").write_bytes(world.spawn_bytes("patch").stdout)
        sdist = read_sdist((SAMPLES / sample.sdist).read_bytes())
        unpacked = World(tmp_path / "unpacked")
        shutil.rmtree(unpacked.root / "tests")
        for one in sdist.members:
            unpacked.write(one.path, one.data)
        git(unpacked.root, "init", "-q")
        commit_all(unpacked.root)
        git(unpacked.root, "apply", "-3", str(tmp_path / "edits.patch"))
        members = [one._replace(content=(unpacked.root / one.path).read_bytes()) for one in sdist.members]
        shutil.rmtree(world.root)
        fresh = World(world.root)
        os.chdir(fresh.root)
        fresh.write("pulled.tar.gz", write_sdist(sdist._replace(members=tuple(members))).data)
        fresh.asks_for("pulled.tar.gz", alias="fcst", destination="lib")
        fresh.sync()
        assert {path: data for path, data in fresh.tree().items() if path in wanted} == wanted

    @pytest.mark.parametrize(
        ("key", "value"),
        [("source-dir", '"../../etc"'), ("source-dir", '"/etc"'), ("tests", "3"), ("conf", '".git"')],
    )
    def test_an_origin_that_lies(self, pair: Homes, key: str, value: str) -> None:
        """Refused, exit code 6, with the key and the way to leave it aside; pulling it is no matter of that."""
        path = pair.shelf / "ds-1.0.tar.gz"
        sdist = read_sdist(path.read_bytes())
        members = [
            one._replace(content=lying(one.data.decode(), key, value).encode()) if one.path == "pyproject.toml" else one
            for one in sdist.members
        ]
        path.write_bytes(write_sdist(sdist._replace(members=tuple(members))).data)
        pair.here.sync()
        append(pair.here, NODES, "X = 1\n")
        said = pair.here.run("patch")
        assert (said.code, said.out) == (6, "")
        assert f"`{key}`" in said.err or "path `" in said.err
        assert "--as-archived" in said.err
        assert b"diff --git a/ds/nodes.py b/ds/nodes.py\n" in pair.patch("--as-archived")


def lying(text: str, key: str, value: str) -> str:
    """The pyproject.toml with another value of a key of its origin."""
    return "\n".join(f"{key} = {value}" if line.startswith(f"{key} =") else line for line in text.split("\n"))


class TestMail:
    """`--mail`."""

    @pytest.mark.parametrize("name", ["Zoë Doe", "Doe, Jane", 'J "D" \\ Doe'])
    def test_it_says_who_and_what(self, pair: Homes, name: str) -> None:
        """The author is who git says, and the message names package, version and archive."""
        append(pair.here, NODES, "X = 1\n")
        path = pair.here.root.parent / "mail"
        git(pair.here.root, "init", "-q")
        git(pair.here.root, "config", "user.name", name)
        git(pair.here.root, "config", "user.email", "zoe@team.example")
        path.write_bytes(pair.patch("--mail"))
        git(pair.there.root, "am", "-q", "-3", str(path))
        shown = git(pair.there.root, "log", "-1", "--format=%an|%ae|%s|%b")
        assert shown.startswith(f"{name}|zoe@team.example|ds: edits made in project|Package: ds 1.0\n")
        assert "Archive: sha256:" in shown

    def test_nobody_is_known(self, pair: Homes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """An error with what to do."""
        append(pair.here, NODES, "X = 1\n")
        for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_CONFIG_GLOBAL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        said = pair.here.run("patch", "--mail")
        assert (said.code, "git config user.name" in said.err) == (2, True)


def test_the_document(pair: Homes) -> None:
    """`--json` says what the patch has, and the patch itself where it is text."""
    append(pair.here, NODES, "X = 1\n")
    pair.here.write(f"{HERE}/new.py", "")
    said = pair.here.run("patch", "--json")
    document = json.loads(said.out)
    (project,) = document["projects"]
    assert (document["command"], document["exit_code"], project["version"]) == ("patch", 0, "1.0")
    assert project["origin"] == {"module": "shop.pipelines.ds", "repository": ""}
    assert project["files"] == [
        {"path": f"{CODE}/new.py", "change": "add"},
        {"path": f"{CODE}/nodes.py", "change": "edit"},
    ]
    assert project["patch"].encode() == pair.patch()
