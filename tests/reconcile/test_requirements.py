"""Requirement lines on disk: made, updated and removed with their entry; a person's lines are never touched."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from micropkgd.reconcile.plan import requirements_source
from micropkgd.reconcile.plan.requirements_source import read_source
from tests.kit.world import ROW, World, archive

HEADER = "# Additional requirements from micro-package `ds`:"


def publish(world: World, *requires: str, version: str = "1.0") -> None:
    """Publish an archive that asks for these."""
    world.write(ROW, archive({}, version, requires))


def test_requirements_in_is_made_from_requirements_txt(world: World) -> None:
    """The person's lines stay, the entry's stand under its header, the seed is untouched."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=2.1\n"
    assert world.read("requirements.txt") == "kedro\n"


def test_a_real_sdist_with_every_form(world: World) -> None:
    """What Kedro's pull added to the same file, with an end of line, and nothing that is there already."""
    world.copy_sample("07-requirements/features-1.4.0rc1.tar.gz", ROW)
    world.write("requirements.txt", "kedro~=0.19.15\npandas\nnumpy\npyyaml  # have it\n-r extra.txt\n")
    world.asks_for(policy='requirements-file = "requirements.txt"')
    world.sync()

    assert world.read("requirements.txt") == (
        "kedro~=0.19.15\npandas\nnumpy\npyyaml  # have it\n-r extra.txt\n\n"
        "# Additional requirements from micro-package `features`:\n"
        "Scikit_Learn[alldeps]==1.3.*\n"
        "mytool @ https://example.com/mytool-1.0.zip#sha1=da9234ee\n"
        "name\n"
        'numpy; python_version < "3.13"\n'
        "pandas<3,>=1.5\n"
        'requests[socks,use_chardet_on_py3]>=2.8.1; sys_platform == "win32" or python_version >= "3.9"\n'
    )


def test_lines_are_updated_with_their_entry(world: World) -> None:
    """The old version's line goes; Kedro left both."""
    world.copy_sample("13-upgrade-v1/ds-1.0.0.tar.gz", ROW)
    world.asks_for()
    world.sync()
    world.copy_sample("14-upgrade-v2/ds-2.0.0.tar.gz", ROW)
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas==2.0\n"


def test_lines_go_with_their_entry(world: World) -> None:
    """After a removal the file is as if the entry had never been."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    world.manifest("")
    world.sync()

    assert world.read("requirements.in") == "kedro\n"


def test_a_line_that_a_person_removed_is_not_added_again(world: World) -> None:
    """The same choice is not asked for twice; Kedro re-added it at each pull."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    world.write("requirements.in", "kedro\n")
    world.sync()

    assert world.read("requirements.in") == "kedro\n"


def test_a_held_entry_keeps_its_old_lines(world: World) -> None:
    """Requirements move with the code or not at all."""
    publish(world, "pandas==1.0")
    world.asks_for(policy='on-local-edit = "hold"')
    world.sync()
    world.write("src/shop/ds/__init__.py", "# mine\n")
    world.write(ROW, archive({"__init__.py": "X = 1\n"}, "2.0", ("pandas==2.0",)))

    assert world.reconcile().code == 4
    assert "pandas==1.0\n" in world.read("requirements.in")


def test_lines_of_a_lock_written_first_are_applied_by_the_next_pass(world: World) -> None:
    """`lock` leaves the requirements alone, `reconcile` brings them."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.write("requirements.in", "kedro\n")
    world.run("lock")
    assert world.read("requirements.in") == "kedro\n"
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=2.1\n"


def test_lines_of_a_lock_that_was_upgraded_first_replace_the_old_ones(world: World) -> None:
    """`lock` on an installed entry does not forget which lines are in the file."""
    publish(world, "pandas==1.0")
    world.asks_for()
    world.sync()
    publish(world, "pandas==2.0", version="2.0")
    world.run("lock")
    assert "pandas==1.0\n" in world.read("requirements.in")
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas==2.0\n"


def test_a_fresh_clone_respects_a_line_that_was_removed(world: World) -> None:
    """Where the entry's code is committed too, the requirements file is as the team left it."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    world.write("requirements.in", "kedro\n")
    shutil.rmtree(world.root / ".micropkgd")
    world.sync()

    assert world.read("requirements.in") == "kedro\n"


def test_lines_of_a_committed_lock_reach_a_fresh_clone(world: World) -> None:
    """Without this machine's memory and without a requirements file, the locked lines are written."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    (world.root / "requirements.in").unlink()
    shutil.rmtree(world.root / ".micropkgd")
    world.sync()

    assert "pandas>=2.1\n" in world.read("requirements.in")


def test_a_requirements_file_that_was_deleted_comes_back(world: World) -> None:
    """Like any other file that a pass keeps, also where nothing else moved."""
    publish(world, "pandas>=2.1")
    world.asks_for()
    world.sync()
    world.sync()
    (world.root / "requirements.in").unlink()
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=2.1\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kedro\r\npandas\r\n", id="crlf"),
        pytest.param("kedro", id="no-final-newline"),
        pytest.param("--index-url https://example.com/simple\n-e .\nkedro==1 --config-settings=x=1\n", id="options"),
        pytest.param("kedro \\\n  >=0.19\n", id="continuation"),
        pytest.param("# Größe\nkedro  # 東京\n", id="unicode"),
        pytest.param("\n\n\nkedro\n\n\n", id="blank-lines"),
        pytest.param("not a requirement !!\n${VAR}\n", id="nonsense"),
        pytest.param("", id="empty"),
    ],
)
def test_odd_content_of_a_person_stays(world: World, text: str) -> None:
    """Every byte that a person wrote is still there, and a removal gives the file back."""
    world.write("requirements.in", text)
    publish(world, "zlib-ng>=0.5")
    world.asks_for()
    world.sync()
    assert world.read("requirements.in").startswith(text)
    assert "zlib-ng>=0.5" in world.read("requirements.in")
    world.manifest("")
    world.sync()

    assert world.read("requirements.in").rstrip("\r\n") == text.rstrip("\r\n")


def test_crlf_files_get_crlf_lines(world: World) -> None:
    """No mixed ends of line."""
    world.write("requirements.in", "kedro\r\n")
    publish(world, "pandas")
    world.asks_for()
    world.sync()

    assert world.read("requirements.in") == f"kedro\r\n\r\n{HEADER}\r\npandas\r\n"


def test_a_requirements_file_that_is_not_utf8_stops_its_own_entry(world: World) -> None:
    """The file is named, nothing is changed."""
    world.write("requirements.in", b"caf\xe9\n")
    publish(world, "pandas")
    world.asks_for()
    before = world.tree()
    said = world.reconcile()

    assert said.code == 1
    assert "error: requirements.in: it cannot be read as UTF-8" in said.out
    assert world.tree() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("evil @ https://host.example/evil.zip", "`evil` from https://host.example/evil.zip,", id="https"),
        pytest.param("evil[x]@git+ssh://git@host.example/e", "`evil[x]` from git+ssh://host.example/e,", id="git"),
        pytest.param(
            "evil @ https://me:canary@host.example/e.zip?token=canary ; python_version > '3'",
            "`evil` from https://host.example/e.zip?token=***,",
            id="credentials",
        ),
    ],
)
def test_requirement_with_an_address_of_its_own_is_said(world: World, line: str, said: str) -> None:
    """It would be fetched from where the publisher likes; whoever reviews the change must see it."""
    publish(world, "pandas>=2.1", line.replace("'", '"'))
    world.asks_for()
    done = world.reconcile()

    assert done.code == 0
    assert f"note: it requires {said}" in done.out
    assert "canary" not in done.out + done.err
    assert done.out.count("it requires") == 1


def sync(world: World) -> None:
    """Run a pass that must end in sync, wherever the working folder is."""
    done = world.reconcile(str(world.root))
    assert done.code == 0, done


class TestEntriesDoNotDisturbEachOther:
    """The file is a function of the person's lines and of the lock, whatever the order of passes and failures."""

    def asks(self, world: World, **versions: Sequence[str]) -> None:
        """Ask for archives with these requirements, by alias."""
        for name, requires in versions.items():
            world.write(f"dist/{name}.tar.gz", archive({"v.py": f"V = {sorted(requires)}\n"}, "1.0", tuple(requires)))
        world.manifest("".join(f'"dist/{name}.tar.gz" = {{alias = "{name}"}}\n' for name in versions))

    def test_a_line_that_two_need_stays_while_one_needs_it(self, world: World) -> None:
        """`remove aa` took the line that bb needs, too."""
        self.asks(world, aa=["pandas>=2"], bb=["pandas>=2"])
        world.sync()
        assert world.run("remove", "dist/aa.tar.gz").code == 0

        assert world.read("requirements.in").splitlines().count("pandas>=2") == 1

    def test_an_entry_that_the_disk_refused_leaves_no_trace(self, world: World, tmp_path: Path) -> None:
        """Once it is let in, the file is the one of a pass that nothing disturbed."""
        other = World(tmp_path / "other")
        for each in (world, other):
            self.asks(each, aa=["pandas>=2", "numpy"], bb=["pandas>=2"], cc=["zlib"])
        sync(other)
        blocker = world.write("src/shop/aa", "not a folder")
        assert world.reconcile().code == 1
        assert "numpy" not in world.read("requirements.in")
        blocker.unlink()
        world.sync()

        assert world.read("requirements.in") == other.read("requirements.in")

    def test_memory_does_not_matter(self, world: World, tmp_path: Path) -> None:
        """A clone without it comes to the same file as the machine that made the change."""
        self.asks(world, aa=["pandas>=2", "numpy"], bb=["scipy"])
        world.sync()
        text = world.read("requirements.in").replace("pandas>=2\n", "# for the reports\npandas>=2,<3\n")
        world.write("requirements.in", text)
        clone = World(tmp_path / "clone")
        for each in (world, clone):
            for path, data in world.tree().items():
                each.write(path, data)
            self.asks(each, aa=["pandas>=2", "polars"], bb=["scipy>=1"])
            sync(each)

        assert clone.read("requirements.in") == world.read("requirements.in")
        assert "polars\n# for the reports\npandas>=2,<3\n" in world.read("requirements.in")

    def test_a_lock_that_moved_alone_is_followed_on_a_clone(self, world: World, tmp_path: Path) -> None:
        """The lock says what it superseded, the lines too; twice is once."""
        self.asks(world, aa=["pandas>=2"])
        world.sync()
        self.asks(world, aa=["pandas>=3"])
        assert world.run("lock").code == 0
        clone = World(tmp_path / "clone")
        for path, data in world.tree().items():
            clone.write(path, data)
        sync(clone)
        clone.write("requirements.in", clone.read("requirements.in").replace("pandas>=3\n", "pandas>=3,<4\n"))
        sync(clone)

        assert clone.read("requirements.in").splitlines()[-1] == "pandas>=3,<4"

    def test_only_the_lines_differ_and_the_lock_moved_alone(self, world: World) -> None:
        """No file of the entry tells which version stands: the requirements file does."""
        publish(world, "pandas>=2", "numpy")
        world.asks_for()
        world.sync()
        publish(world, "pandas>=3", "numpy", version="1.0.post1")
        assert world.run("lock").code == 0
        world.sync()
        assert world.read("requirements.in") == f"kedro\n\n{HEADER}\nnumpy\npandas>=3\n"
        world.write("requirements.in", f"kedro\n\n{HEADER}\npandas>=3\n")
        world.sync()

        assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=3\n"

    def test_a_clone_that_lacks_the_code_keeps_what_the_team_edited(self, world: World) -> None:
        """Where pulled code is not committed, the header says that the lines were written."""
        publish(world, "pandas>=2", "numpy")
        world.asks_for()
        world.sync()
        edited = f"kedro\n\n{HEADER}\npandas>=2,<3\n"
        world.write("requirements.in", edited)
        shutil.rmtree(world.root / "src/shop/ds")
        shutil.rmtree(world.root / ".micropkgd")
        world.sync()

        assert world.read("requirements.in") == edited

    def test_an_edited_block_follows_an_alias(self, world: World) -> None:
        """The entry moved, the cap moved along."""
        publish(world, "pandas>=2", "numpy")
        world.asks_for()
        world.sync()
        world.write("requirements.in", f"kedro\n\n{HEADER}\npandas>=2,<3\n\nflask\n")
        world.asks_for(alias="fc")
        world.sync()

        assert world.read("requirements.in") == f"kedro\n\n{HEADER.replace('`ds`', '`fc`')}\npandas>=2,<3\n\nflask\n"

    def test_an_edited_block_follows_the_layout(self, world: World) -> None:
        """Another package name is another place for the same entry."""
        publish(world, "pandas>=2", "numpy")
        world.asks_for()
        world.sync()
        edited = f"kedro\n\n{HEADER}\npandas>=2,<3\n"
        world.write("requirements.in", edited)
        (world.root / "src/shop").rename(world.root / "src/store")
        world.write("pyproject.toml", world.read("pyproject.toml").replace('"shop"', '"store"'))
        publish(world, "pandas>=2", "numpy", "scipy", version="2.0")
        world.sync()

        assert world.read("requirements.in") == f"kedro\n\n{HEADER}\nscipy\npandas>=2,<3\n"

    def test_lines_of_a_pull_by_hand_are_taken_over(self, world: World) -> None:
        """What was pulled by hand and is now in the manifest has its lines updated."""
        publish(world, "pandas>=2")
        assert world.run("pull", ROW).code == 0
        publish(world, "pandas>=3")
        world.asks_for()
        world.sync()

        assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=3\n"

    def test_rollback_gives_an_edited_block_its_old_lines(self, world: World) -> None:
        """What the person wrote in it stays."""
        publish(world, "pandas>=2")
        world.asks_for()
        world.sync()
        publish(world, "numpy", version="2.0")
        world.sync()
        world.write("requirements.in", world.read("requirements.in") + "scipy  # mine\n")
        assert world.run("rollback").code == 0

        assert world.read("requirements.in") == f"kedro\n\n{HEADER}\npandas>=2\nscipy  # mine\n"

    def test_a_pass_with_nothing_to_do_does_not_read_the_file(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody's lines change, so nobody asks what it says."""
        publish(world, "pandas>=2")
        world.asks_for()
        world.sync()
        read = Mock(side_effect=read_source)
        monkeypatch.setattr(requirements_source, "read_source", read)
        world.write("conf/base/parameters.yml", "own: 2\n")
        world.sync()

        read.assert_not_called()


HASH = f"--hash=sha256:{'0' * 64}"
CANNOT_BE_EXTENDED = [
    pytest.param("kedro\r\n".encode("utf-16"), "it is written in UTF-16", id="powershell"),
    pytest.param("\ufeffkedro\r\n".encode("utf-16-be"), "it is written in UTF-16", id="utf-16-be"),
    pytest.param("kedro\r\n".encode("utf-16-le"), "it has zero bytes, as UTF-16 without a mark", id="without-a-mark"),
    pytest.param("kedro\n".encode("utf-32"), "it is written in UTF-32", id="utf-32"),
    pytest.param("# café\nkedro\n".encode("latin-1"), "it cannot be read as UTF-8", id="latin-1"),
    pytest.param(b"# coding: latin-1\n# caf\xe9\nkedro\n", "it is written in latin-1", id="coding"),
    pytest.param(b"# coding: klingon\nkedro\n", "it cannot be read as klingon", id="unknown-coding"),
    pytest.param(f"kedro==1 \\\n  {HASH}\n".encode(), "it lists hashes", id="hashes"),
    pytest.param(f"kedro==1 {HASH}\r\n".encode(), "it lists hashes", id="hashes-crlf"),
    pytest.param(b"--require-hashes\n", "it lists hashes", id="require-hashes"),
    pytest.param(b"-r more/base.txt\n", "it lists hashes", id="hashes-in-an-included-file"),
    pytest.param(b"kedro\n<<<<<<< HEAD\nnumpy\n=======\n>>>>>>> x\n", "line 2 is a git conflict marker", id="merge"),
    pytest.param(b"name: shop\ndependencies:\n  - kedro\n", "it begins with `name: shop`", id="conda"),
    pytest.param(b"[packages]\nkedro = '*'\n", "it begins with `[packages]`", id="pipfile"),
    pytest.param(b"<!DOCTYPE html>\n", "it begins with `<!DOCTYPE html>`", id="error-page"),
    pytest.param(b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "it has zero bytes", id="word"),
]


class TestFilesThatLinesCannotBeAddedTo:
    """They stop the entries that have requirements, by name, and are left as they are to the last byte."""

    def set_up(self, world: World, data: bytes, path: str = "requirements.in") -> None:
        """Two entries, one of them with a requirement."""
        world.write("more/base.txt", f"-r ../other.txt\n-r {path.replace('/', '-')}\n")
        world.write("other.txt", f"numpy==2 {HASH}\n")
        world.write(path, data)
        world.publish({"nodes.py": "A = 1\n"}, to="dist/plain.tar.gz")
        publish(world, "pandas>=2")
        world.manifest(f'"dist/plain.tar.gz" = {{alias = "plain"}}\n"{ROW}" = {{}}')

    @pytest.mark.parametrize("path", ["requirements.in", "requirements.txt"])
    @pytest.mark.parametrize(("data", "words"), CANNOT_BE_EXTENDED)
    def test_only_entries_with_requirements_stop(self, world: World, path: str, data: bytes, words: str) -> None:
        """Also where the file is the one that the requirements file is made from; `status` and `doctor` name it."""
        self.set_up(world, data, path)
        before = world.tree()
        said = world.reconcile()

        assert said.code == 1
        assert f"error: {path}: " in said.out
        assert words in said.out
        assert "it was to get `pandas>=2`" in said.out
        assert {name: world.tree()[name] for name in before} == before
        assert world.has("src/shop/plain/nodes.py")
        assert not world.has("src/shop/ds")
        assert not world.has("requirements.in") or path == "requirements.in"
        assert f"RequirementsFile: {path}: " in world.run("status").out
        assert path in "".join(line for line in world.run("doctor").out.splitlines() if " requirements " in line)

    def test_the_next_pass_installs_what_waited(self, world: World) -> None:
        """Saved as UTF-8, it gets its lines."""
        self.set_up(world, "kedro\r\n".encode("utf-16"))
        assert world.reconcile().code == 1
        world.write("requirements.in", "kedro\r\n")
        world.sync()

        assert world.read("requirements.in") == f"kedro\r\n\r\n{HEADER}\r\npandas>=2\r\n"

    def test_an_update_and_a_removal_wait_too(self, world: World) -> None:
        """The old version stays whole, code and lines; nothing of a removed entry goes either."""
        self.set_up(world, b"kedro\n")
        world.sync()
        written = world.read("requirements.in").encode("utf-16")
        world.write("requirements.in", written)
        publish(world, "pandas>=3", version="2.0")
        assert world.reconcile().code == 1
        code = world.tree()
        world.manifest('"dist/plain.tar.gz" = {alias = "plain"}')
        assert world.reconcile().code == 1
        assert {path: data for path, data in world.tree().items() if path != "pyproject.toml"} == {
            path: data for path, data in code.items() if path != "pyproject.toml"
        }
        world.write("requirements.in", written.decode("utf-16"))
        world.sync()

        assert world.read("requirements.in") == "kedro\n"
        assert not world.has("src/shop/ds")

    def test_an_entry_whose_lines_stay_goes_on(self, world: World) -> None:
        """Its new code has nothing to do with the file."""
        self.set_up(world, b"kedro\n")
        world.sync()
        world.write("requirements.in", world.read("requirements.in").encode("utf-16"))
        world.write(ROW, archive({"new.py": "A = 1\n"}, "2.0", ("pandas>=2",)))
        world.sync()

        assert world.has("src/shop/ds/new.py")

    def test_a_lost_file_is_not_made_again_from_one_with_hashes(self, world: World) -> None:
        """The installed entries say so, and the others go on."""
        self.set_up(world, b"kedro\n")
        world.sync()
        (world.root / "requirements.in").unlink()
        world.write("requirements.txt", f"kedro==1 {HASH}\n")
        said = world.reconcile()

        assert said.code == 1
        assert "hint: write requirements.in with what the project itself asks for" in said.out
        assert not world.has("requirements.in")

    @pytest.mark.parametrize("place", ["a folder", "a link"])
    def test_something_else_in_its_place(self, world: World, place: str) -> None:
        """Links are never followed, folders never replaced."""
        self.set_up(world, b"kedro\n", "elsewhere.txt")
        if place == "a link":
            (world.root / "requirements.in").symlink_to("elsewhere.txt")
        else:
            (world.root / "requirements.in").mkdir()
        said = world.reconcile()

        assert said.code == 1
        assert "stands in the way" in said.out
        assert world.has("src/shop/plain/nodes.py")
        assert world.read("elsewhere.txt") == "kedro\n"

    def test_a_version_that_is_pinned_with_hashes_will_do(self, world: World) -> None:
        """The way out for who keeps hashes by hand; one that does not fit is asked for by name."""
        self.set_up(world, f"kedro==1 {HASH}\npandas==1.5 {HASH}\n".encode())
        said = world.reconcile().out
        assert "it was to get `pandas>=2` [" in said
        assert "\n  hint: add it with its version and hashes\n" in said
        text = f"kedro==1 {HASH}\nPandas==2.2.1 \\\n    {HASH}\n"
        world.write("requirements.in", text)
        world.sync()

        assert world.read("requirements.in") == text
        assert "all is well" in world.run("doctor").out

    def test_a_mark_and_crlf_are_kept(self, world: World) -> None:
        """A file as an editor on Windows saves it is as good as any."""
        self.set_up(world, b"\xef\xbb\xbfkedro\r\nnumpy")
        world.sync()
        lines = ["kedro", "numpy", "", HEADER, "pandas>=2", ""]

        assert world.read("requirements.in") == "\ufeff" + "\r\n".join(lines)
        world.manifest("")
        world.sync()
        assert world.read("requirements.in") == "\ufeffkedro\r\nnumpy\r\n"

    def test_what_a_compiler_made_is_told_by_doctor(self, world: World) -> None:
        """Lines that are written there go with its next run."""
        self.set_up(
            world, b"# This file is autogenerated by pip-compile with Python 3.11\nkedro==1\n", "requirements.txt"
        )
        world.manifest(f'"{ROW}" = {{}}', policy='requirements-file = "requirements.txt"')
        world.sync()

        assert "requirements.txt is made by pip-compile, whose next run leaves out" in world.run("doctor").out

    def test_lines_that_somebody_took_out_are_told_by_doctor(self, world: World) -> None:
        """Nothing is done about it, and nothing is wrong."""
        self.set_up(world, b"kedro\n")
        world.sync()
        assert "does not stand in" not in world.run("doctor").out
        world.write("requirements.in", "kedro\n")
        said = world.run("doctor")

        assert (
            f"ok       requirements `pandas>=2`, which `{ROW}` asks for, does not stand in requirements.in" in said.out
        )
        assert said.code == 0


@pytest.mark.parametrize("options", [{"alias": "x"}, {"destination": "deep"}])
def test_a_move_that_was_locked_alone_brings_its_lines(world: World, options: dict[str, str]) -> None:
    """Under the new name, on a clone too; a rollback and another pass come to the same."""
    publish(world, "numpy", "pandas")
    world.asks_for()
    world.sync()
    publish(world, "pandas", "polars", version="2.0")
    world.asks_for(**options)
    assert world.run("lock", "--upgrade").code == 0
    before = world.read("requirements.in")
    world.forget()
    world.sync()
    label = options.get("alias") or "deep.ds"
    wanted = f"kedro\n\n# Additional requirements from micro-package `{label}`:\npandas\npolars\n"
    assert world.read("requirements.in") == wanted
    assert world.run("rollback").code == 0
    assert world.read("requirements.in") == before
    world.sync()
    assert world.read("requirements.in") == wanted
