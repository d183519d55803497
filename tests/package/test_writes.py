"""When an archive is written, when it is not, and what is left where that fails."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from micropkgd.model.package_entry import PackageEntry
from micropkgd.model.packaged import PackageOutcome, Step
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.package import still
from micropkgd.reconcile.package.entries import looked_at, package_entries, run_package
from micropkgd.reconcile.package.inputs import signatures
from micropkgd.reconcile.package.jobs import PackageRequest
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import read_project
from tests.kit.archives import project
from tests.kit.faults import Call, Hooked, hooking
from tests.kit.packages import ARCHIVE, CODE, CONF, INIT, TESTS, inside, member, module, package
from tests.kit.world import World

DS = PackageRequest("pipelines.ds")
TWO = '"pipelines.ds" = {}\n"pipelines.other" = {}\n'


def both(world: World) -> None:
    """Two modules with a row each."""
    module(world, {"/src/shop/pipelines/other/__init__.py": '__version__ = "2.0"\n'})
    world.manifest(TWO, home="tool.micropkgd.package")


def test_nothing_changed_nothing_is_written(world: World) -> None:
    """No file, no folder, no time stamp, in `.micropkgd` neither."""
    module(world, {"nodes.py": "", f"/{CONF}/parameters_ds.yml": "", f"/{TESTS}/test_ds.py": ""})
    package(world)
    before = world.stamps()
    said = package(world)

    assert said.out.startswith("unchanged  pipelines.ds -> dist/ds-1.0.tar.gz  1.0 (")
    assert world.stamps() == before


def test_nothing_changed_nothing_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module whose files have the same `stat` is not opened."""
    module(world)
    package(world)
    monkeypatch.setattr("micropkgd.reconcile.package.make.make", None)

    assert "unchanged" in package(world).out


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{CODE}/nodes.py", id="code"),
        pytest.param(f"{CODE}/new/data.csv", id="new-file"),
        pytest.param(f"{TESTS}/test_ds.py", id="tests"),
        pytest.param(f"{CONF}/parameters_ds.yml", id="parameters"),
        pytest.param(f"{CONF}/parameters/deep/ds.yml", id="new-parameters"),
        pytest.param(f"{CODE}/requirements.txt", id="requirements"),
    ],
)
def test_each_input_leads_to_a_new_archive(world: World, path: str) -> None:
    """Code, tests, parameters and requirements; in place as well as by rename."""
    module(world, {"nodes.py": "", f"/{TESTS}/test_ds.py": "", f"/{CONF}/parameters_ds.yml": ""})
    package(world)
    world.write(path, "x1\n")
    assert package(world).out.startswith("repackaged pipelines.ds")
    (world.root / path).write_text("x2\n")
    assert package(world).out.startswith("repackaged pipelines.ds")
    (world.root / path).unlink()
    assert package(world).out.startswith("repackaged pipelines.ds")


def test_a_new_version_is_a_new_archive_and_the_old_one_stays(world: World) -> None:
    """Somebody may still pull it."""
    module(world)
    package(world)
    old = world.root.joinpath(ARCHIVE).read_bytes()
    world.write(f"{CODE}/__init__.py", '__version__ = "1.1"\n')
    said = package(world)

    assert said.out.startswith("packaged   pipelines.ds -> dist/ds-1.1.tar.gz  1.1 (")
    assert world.root.joinpath(ARCHIVE).read_bytes() == old


def test_the_projects_version_is_an_input_where_it_is_used(world: World) -> None:
    """A module without a version follows that of the project's package."""
    module(world, {"__init__.py": "", "/src/shop/__init__.py": '__version__ = "0.1"\n'})
    package(world)
    world.write("src/shop/__init__.py", '__version__ = "0.2"\n')
    package(world)

    assert world.has("dist/ds-0.2.tar.gz")


def test_an_archive_that_somebody_removed_comes_back(world: World) -> None:
    """So does one that was overwritten."""
    module(world)
    package(world)
    data = world.root.joinpath(ARCHIVE).read_bytes()
    world.root.joinpath(ARCHIVE).unlink()
    assert package(world).out.startswith("packaged   ")
    world.write(ARCHIVE, "something else")
    assert package(world).out.startswith("repackaged ")

    assert world.root.joinpath(ARCHIVE).read_bytes() == data


def test_equal_bytes_are_not_written(world: World) -> None:
    """A touched file leads to a look, not to a write: whoever watches `dist` is not woken."""
    module(world, {"nodes.py": "x = 1\n"})
    package(world)
    before = world.stamps()[ARCHIVE]
    world.write(f"{CODE}/nodes.py", "x = 1\n")

    assert package(world).out.startswith("unchanged ")
    assert world.stamps()[ARCHIVE] == before


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{}",
        b"nonsense",
        b'{"schema":1,"builds":{"a":{"wish":1}}}',
        b'{"schema":1,"builds":[]}',
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_a_record_that_cannot_be_read_only_costs_work(world: World, record: bytes) -> None:
    """The archive is made again, to the same bytes."""
    module(world)
    package(world)
    world.write(".micropkgd/builds.json", record)

    assert package(world).out.startswith("unchanged ")


def settled(world: World) -> bool:
    """Whether nothing that the manifest's archives depend on has moved since they were made."""
    with FsOps(str(world.root)) as fs:
        seen = looked_at(fs, read_project(str(world.root)))
    return seen is not None and signatures(str(world.root), seen) == seen


def test_a_pass_may_rest_while_no_input_moves(world: World) -> None:
    """Inputs, new files in their folders, and the archives themselves count."""
    both(world)
    assert not settled(world)
    assert world.run("package", "--all").code == 0
    assert settled(world)
    for path in (f"{CODE}/__init__.py", f"{CODE}/new.csv", "dist/other-2.0.tar.gz"):
        world.write(path, '__version__ = "1.0"\n')
        assert not settled(world)
        assert world.run("package", "--all").code == 0
        assert settled(world)


def test_a_dry_run_says_what_would_be_done(world: World) -> None:
    """And writes nothing, no record either."""
    module(world)
    before = world.stamps()
    with FsOps(str(world.root)) as fs:
        (outcome,) = package_entries(fs, read_project(str(world.root)), [PackageEntry("pipelines.ds")], apply=False)

    assert outcome.step is Step.CREATE
    assert world.stamps() == before


BROKEN = "def f(:\n"


@pytest.mark.parametrize("path", [f"{CODE}/nodes.py", f"{CODE}/__init__.py", f"{TESTS}/test_ds.py"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"x = 1\n{BROKEN}", 2, id="syntax"),
        pytest.param(f"import shop.pipelines.ds\n\n{BROKEN}", 3, id="syntax-in-a-file-to-rewrite"),
        pytest.param(f'__version__ = "1.0"\n{BROKEN}', 2, id="syntax-below-a-version"),
        pytest.param("x = 1\nif x:\n    y = (1,", 3, id="half-saved"),
        pytest.param(b"# coding: utf-8\nx = '\xff'\n", 2, id="encoding"),
    ],
)
def test_code_that_does_not_parse_keeps_the_last_good_archive(
    world: World, path: str, text: str | bytes, line: int
) -> None:
    """The error names file and line, and what was packaged before is still there."""
    module(world, {"nodes.py": "", f"/{TESTS}/test_ds.py": ""})
    package(world)
    good = inside(world)
    world.write(path, text)
    said = world.run("package", "pipelines.ds")

    assert said.code == 1
    assert f"error: {path}: line {line} " in said.out
    assert f"  kept: {ARCHIVE}, as it was last packaged" in said.out
    assert inside(world) == good
    world.write(path, '__version__ = "1.0"\ny = 1\n')
    assert package(world).out.startswith("repackaged ")


def test_a_stub_that_does_not_parse_travels_as_it_is(world: World) -> None:
    """It is never run, so it does no harm."""
    module(world, {"types.pyi": "from shop.pipelines.ds import (\n"})
    package(world)

    assert member(world, "ds/types.pyi") == "from shop.pipelines.ds import (\n"


def test_one_broken_module_does_not_stop_the_others(world: World) -> None:
    """Each row has an outcome of its own; the exit code is that of the worst."""
    both(world)
    world.write(f"{CODE}/nodes.py", BROKEN)
    said = world.run("package", "--all")

    assert said.code == 1
    assert said.out.splitlines()[0] == "failed     pipelines.ds"
    assert "packaged   pipelines.other -> dist/other-2.0.tar.gz" in said.out
    assert said.out.endswith("2 modules: 1 packaged, 1 failed\n")


def test_an_empty_file_is_no_archive_to_set_aside(world: World) -> None:
    """`touch` left it."""
    module(world)
    world.write(ARCHIVE, b"")
    said = package(world)

    assert "set aside" not in said.out
    assert [path.name for path in (world.root / "dist").iterdir()] == ["ds-1.0.tar.gz"]


def test_two_rows_for_one_archive_are_both_refused(world: World) -> None:
    """They would overwrite each other for ever."""
    both(world)
    rows = '"pipelines.ds" = {alias = "x_y"}\n"pipelines.other" = {alias = "X__Y"}\n'
    world.manifest(rows, home="tool.micropkgd.package")
    said = world.run("package", "--all")

    assert said.code == 2
    assert said.out.count("error: another entry makes `dist/x_y-*.tar.gz`, too") == 2
    assert not world.has("dist")


def test_an_empty_table_is_no_error(world: World) -> None:
    """There is nothing to do, and that is said."""
    assert world.run("package", "--all") == (0, "no package entries in pyproject.toml\n", "")


def test_a_folder_in_the_way_is_named(world: World) -> None:
    """Nothing is removed to make room."""
    module(world, {f"/{ARCHIVE}/keep.txt": ""})
    said = world.run("package", "pipelines.ds")

    assert said.code == 1
    assert f"error: {ARCHIVE}: a folder stands in the way" in said.out
    assert world.has(f"{ARCHIVE}/keep.txt")


def test_the_json_document_says_it_all(world: World) -> None:
    """Action, archive with both digests, what was left out, notes and failure."""
    module(world, {".env": "", "nodes.py": "import shop\n"})
    document = json.loads(package(world, "--json").out)
    (row,) = document["projects"][0]["packages"]

    data = world.root.joinpath(ARCHIVE).read_bytes()
    assert row["archive"]["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert row["left_out"] == [{"path": f"{CODE}/.env", "reason": "hidden files never travel"}]
    assert (row["module"], row["action"], row["condition"], row["failure"]) == ("pipelines.ds", "create", "Ready", None)
    assert len(row["notes"]) == 1


FOREIGN = project({"ds/__init__.py": "mine = 1\n"}, root="ds-1.0")  # sound, and not as we write it


class TestForeign:
    """What micropkgd did not make is never destroyed, whatever its name."""

    def test_it_is_set_aside_and_that_is_said(self, world: World) -> None:
        """Each in a file of its own, and only once."""
        module(world)
        for number, data in enumerate([FOREIGN, b"\n", b"no archive"], start=1):
            world.write(ARCHIVE, data)
            aside = f"{ARCHIVE}.foreign" if number == 1 else f"{ARCHIVE}.foreign.{number}"
            said = package(world)

            assert said.out.startswith("repackaged pipelines.ds")
            assert f"  note: set aside as {aside}: what stood there was not made by micropkgd\n" in said.out
            assert world.root.joinpath(aside).read_bytes() == data
            assert inside(world) == {"ds/__init__.py": INIT.encode()}
            assert "set aside" not in package(world).out

    def test_a_dry_run_touches_nothing(self, world: World) -> None:
        """It says what would be done."""
        module(world)
        world.write("pyproject.toml", world.read("pyproject.toml") + '[tool.micropkgd.package]\n"pipelines.ds" = {}\n')
        world.write(ARCHIVE, "mine")
        before = world.tree()
        said = world.reconcile("--dry-run", "--json")

        (row,) = json.loads(said.out)["projects"][0]["packages"]
        assert row["notes"] == [f"set aside as {ARCHIVE}.foreign: what stood there was not made by micropkgd"]
        assert world.tree() == before

    def test_a_folder_outside_the_project(self, world: World, tmp_path: Path) -> None:
        """The file lies beside the archive there, too."""
        module(world)
        (tmp_path / "out").mkdir()
        (tmp_path / "out/ds-1.0.tar.gz").write_bytes(b"mine")
        said = package(world, "-d", str(tmp_path / "out"))

        assert f"set aside as {tmp_path}/out/ds-1.0.tar.gz.foreign" in said.out
        assert (tmp_path / "out/ds-1.0.tar.gz.foreign").read_bytes() == b"mine"

    def test_our_own_is_replaced_also_without_the_record(self, world: World) -> None:
        """A clone or a cleaned project has none: the archive itself tells who made it."""
        module(world, {"nodes.py": "x = 1\n", "name-that-needs-a-header-" + "é" * 60: "", "run.sh": ""})
        world.root.joinpath(CODE, "run.sh").chmod(0o755)
        package(world)
        shutil.rmtree(world.root / ".micropkgd")
        world.write(f"{CODE}/nodes.py", "x = 2\n")

        assert "set aside" not in package(world).out
        assert [path.name for path in (world.root / "dist").iterdir()] == ["ds-1.0.tar.gz"]

    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
    @pytest.mark.parametrize("number", range(1, 8))
    def test_it_survives_at_any_call(self, world: World, number: int, error: BaseException) -> None:
        """It stands where it stood, or aside."""
        module(world)
        world.write(ARCHIVE, "mine")

        def strike(call: Call) -> None:
            if call.number == number:
                raise error

        with suppress(KeyboardInterrupt):
            run_package(str(world.root), DS, fsops=lambda root: Hooked(root, before=strike))
        assert b"mine" in {path.read_bytes() for path in (world.root / "dist").iterdir()}
        package(world)
        assert world.root.joinpath(f"{ARCHIVE}.foreign").read_bytes() == b"mine"
        assert inside(world) == {"ds/__init__.py": INIT.encode()}


class TestInterrupted:
    """Whatever call fails or is the last, the archive in place is whole: the old one or the new."""

    def _calls(self, world: World) -> int:
        module(world, {"nodes.py": "x = 1\n"})
        package(world)
        world.write(f"{CODE}/nodes.py", "x = 2\n")
        seen: list[Hooked] = []

        def hooked(root: str) -> FsOps:
            seen.append(Hooked(root))
            return seen[0]

        self.old = world.root.joinpath(ARCHIVE).read_bytes()
        assert run_package(str(world.root), DS, fsops=hooked)[0].step is Step.UPDATE
        self.new = world.root.joinpath(ARCHIVE).read_bytes()
        return len(seen[0].calls)

    @pytest.mark.parametrize("number", range(1, 7))
    @pytest.mark.parametrize(
        "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full", "killed"]
    )
    def test_at_any_call(self, world: World, number: int, error: BaseException) -> None:
        """The next run repairs what is left, and comes to the same bytes; no draft stays."""
        assert self._calls(world) == 6
        world.write(ARCHIVE, self.old)

        def strike(call: Call) -> None:
            if call.number == number:
                raise error

        with suppress(KeyboardInterrupt):
            run_package(str(world.root), DS, fsops=lambda root: Hooked(root, before=strike))
        assert world.root.joinpath(ARCHIVE).read_bytes() in {self.old, self.new}
        package(world)
        assert world.root.joinpath(ARCHIVE).read_bytes() == self.new
        assert [path.name for path in (world.root / "dist").iterdir()] == ["ds-1.0.tar.gz"]


class TestDrafts:
    """A folder of archives may be shared with other machines, where a process has the same number."""

    def test_two_who_place_an_archive_at_once_do_not_take_each_others(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both are told that it was written, and it is whole."""
        other, shelf, said = World(world.root.parent / "other"), world.root.parent / "shelf", list[PackageOutcome]()
        for one in (world, other):
            module(one, {"nodes.py": "x = 1\n"})
            one.manifest(f'"pipelines.ds" = {{destination = "{shelf}"}}\n', home="tool.micropkgd.package")

        def meanwhile(call: Call) -> None:
            if call.name == "sync_file":
                monkeypatch.undo()
                said.append(run_package(str(other.root), DS)[0])

        monkeypatch.setattr("micropkgd.reconcile.package.place.FsOps", hooking(before=meanwhile))
        said.append(run_package(str(world.root), DS)[0])

        assert [(one.step, one.failure) for one in said] == [(Step.CREATE, None)] * 2
        assert os.listdir(shelf) == ["ds-1.0.tar.gz"]
        assert member(world, "ds/nodes.py", archive="../shelf/ds-1.0.tar.gz") == "x = 1\n"

    @pytest.mark.parametrize("is_elsewhere", [False, True])
    def test_the_next_one_clears_away_what_the_killed_left(self, world: World, *, is_elsewhere: bool) -> None:
        """A day later, for until then it may be under way; nothing that is somebody's."""
        destination = str(world.root.parent / "shelf") if is_elsewhere else "dist"
        module(world)
        world.manifest(f'"pipelines.ds" = {{destination = "{destination}"}}\n', home="tool.micropkgd.package")
        old, young, theirs = ".micropkgd.0123456789ab.draft", ".micropkgd.ba9876543210.draft", ".notes.draft"
        for name in (old, young, theirs):
            left = Path(world.write(f"{destination}/{name}", "half"))
            os.utime(left, (0, 0) if name != young else None)

        package(world)

        assert set(os.listdir(world.root / destination)) == {"ds-1.0.tar.gz", young, theirs}


class TestStandingStill:
    """What is packed is what was there at one moment."""

    def test_a_file_that_is_saved_while_it_is_read(self, world: World) -> None:
        """Everything is read again: no archive has a mix of two states."""
        module(world, {"a.py": "x = 1\n", "b.py": "x = 1\n"})
        saved = list[str]()

        def save_behind(path: str) -> None:
            if path.endswith("a.py") and not saved:
                saved.append(path)
                module(world, {"a.py": "x = 2\n", "b.py": "x = 2\n"})

        (outcome,) = run_package(str(world.root), DS, fsops=reading(save_behind))

        assert outcome.failure is None
        assert saved
        assert (inside(world)["ds/a.py"], inside(world)["ds/b.py"]) == (b"x = 2\n", b"x = 2\n")

    @pytest.mark.parametrize("text", ["x = 1\n", "x = 11\n"], ids=["same", "longer"])
    def test_files_that_never_stand_still(self, world: World, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        """The module fails for now; trying again may help."""
        module(world, {"a.py": "x = 1\n"})
        monkeypatch.setattr(still, "_PATIENCE", 0.05)

        def save_again(path: str) -> None:
            with (world.root / CODE / "a.py").open("a") as stream:
                stream.write(text)

        (outcome,) = run_package(str(world.root), DS, fsops=reading(save_again))

        assert outcome.failure is not None
        assert outcome.failure.transient
        assert "keep changing" in outcome.failure.problem


def reading(act: Callable[[str], None]) -> Callable[[str], FsOps]:
    """Do something behind each file of the module that is read."""

    class Reading(FsOps):
        def open_file(self, path: RelPath) -> BinaryIO:
            with super().open_file(path) as stream:
                data = stream.read()
            if path.startswith(CODE):
                act(path)
            return BytesIO(data)

    return Reading


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002], ids=oct)
@pytest.mark.parametrize(
    "environ",
    [
        {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {"TZ": "America/New_York", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "77", "SOURCE_DATE_EPOCH": "1"},
    ],
    ids=["tokyo", "new-york"],
)
def test_the_same_tree_gives_the_same_bytes_anywhere(
    world: World, tmp_path: Path, umask: int, environ: dict[str, str]
) -> None:
    """Whatever the folder, umask, time zone, locale, hash seed, and the order in which files were made."""
    module(world, {"nodes.py": "", "données.csv": "é", "requirements.txt": "b\na\n", f"/{TESTS}/test_ds.py": ""})
    package(world)
    before = os.umask(umask)
    try:
        other = World(tmp_path / "elsewhere" / "copy")
        for folder in ("src", "tests", "conf"):
            shutil.rmtree(other.root / folder)
            shutil.copytree(world.root / folder, other.root / folder, copy_function=shutil.copyfile)
        done = other.spawn("package", "pipelines.ds", **environ)
    finally:
        os.umask(before)

    assert done.returncode == 0, done.stderr
    assert other.root.joinpath(ARCHIVE).read_bytes() == world.root.joinpath(ARCHIVE).read_bytes()
