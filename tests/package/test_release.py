"""When archives are published, and what is said of those that are not: histories of one project and one place."""

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Request
from tests.kit.git import commit_all, git
from tests.kit.packages import CODE, CONF, TESTS, module
from tests.kit.world import World
from tests.package.test_publish import digest

SHELF = "shelf"
NODES = f"{CODE}/nodes.py"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Where archives are published."""
    folder = tmp_path / SHELF
    folder.mkdir()
    return folder


@pytest.fixture
def committed(world: World, shelf: Path) -> World:
    """A project in a git work tree, all of it committed, whose module is to be published on the shelf."""
    module(world, {"nodes.py": "A = 1\n", f"/{TESTS}/test_nodes.py": "", f"/{CONF}/parameters_ds.yml": "a: 1\n"})
    publishes(world)
    world.write(".gitignore", ".micropkgd/\ndist/\n")
    git(world.root, "init", "-q")
    commit_all(world.root)
    return world


def publishes(world: World, more: str = "") -> None:
    """Write the row."""
    world.manifest(f'"pipelines.ds" = {{publish = "../{SHELF}/"{more}}}', home="tool.micropkgd.package")


def version(world: World, number: str) -> None:
    """Give the module a version."""
    world.write(f"{CODE}/__init__.py", f'__version__ = "{number}"\n')


def row(out: str) -> dict[str, Any]:
    """The one package of a `--json` document."""
    found: dict[str, Any] = json.loads(out)["projects"][0]["packages"][0]
    return found


def passed(world: World, *options: str) -> dict[str, Any]:
    """The package's row of a pass that ended in sync."""
    said = world.reconcile("--json", *options)
    assert said.code == 0, said
    return row(said.out)


def there(shelf: Path) -> list[str]:
    """What is on the shelf."""
    return sorted(os.listdir(shelf))


class TestCommitted:
    """In a git work tree what is published is what is committed."""

    def test_a_test_that_does_not_travel_holds_nothing_back(self, committed: World, shelf: Path) -> None:
        """One beside the folder of the module's tests is told, and need not be committed."""
        committed.write("tests/test_ds.py", "T = 1\n")
        passed(committed)

        assert there(shelf) == ["ds-1.0.tar.gz"]

    def test_a_commit_is_released_and_a_save_is_not(self, committed: World, shelf: Path) -> None:
        """A version that is bumped before its code is finished gets out with the code that is committed with it."""
        found = passed(committed)
        assert (there(shelf), found["sent"], found["unreleased"]) == (["ds-1.0.tar.gz"], True, None)
        version(committed, "1.1")
        found = passed(committed)
        assert found["unreleased"] == f"{CODE}/__init__.py is not committed"
        committed.write(NODES, "A = 2\n")
        found = passed(committed)
        assert found["unreleased"] == f"{CODE}/__init__.py and 1 more are not committed"
        assert (found["condition"], found["published"], there(shelf)) == ("Ready", None, ["ds-1.0.tar.gz"])
        commit_all(committed.root)
        found = passed(committed)
        assert (found["sent"], there(shelf)) == (True, ["ds-1.0.tar.gz", "ds-1.1.tar.gz"])
        assert found["published"]["digest"] == digest((shelf / "ds-1.1.tar.gz").read_bytes())
        assert not passed(committed)["sent"]

    @pytest.mark.parametrize(
        ("change", "path"),
        [
            pytest.param(lambda w: w.write(NODES, "A = 3\n"), NODES, id="edited"),
            pytest.param(lambda w: w.write(f"{CODE}/new.py", ""), f"{CODE}/new.py", id="new"),
            pytest.param(lambda w: (w.root / NODES).unlink(), NODES, id="deleted"),
            pytest.param(lambda w: w.write(f"{TESTS}/test_nodes.py", "1\n"), f"{TESTS}/test_nodes.py", id="test"),
            pytest.param(
                lambda w: (w.root / f"{CONF}/parameters_ds.yml").unlink(), f"{CONF}/parameters_ds.yml", id="parameters"
            ),
            pytest.param(
                lambda w: w.write(f"{CODE}/requirements.txt", "x\n"), f"{CODE}/requirements.txt", id="requirements"
            ),
            pytest.param(
                lambda w: (w.write(".gitignore", "nodes.py\n.micropkgd/\ndist/\n"),), ".gitignore", id="ignored"
            ),
            pytest.param(lambda w: git(w.root, "rm", "-q", "--cached", NODES), None, id="only-staged"),
        ],
    )
    def test_every_file_that_travels_must_be_committed(
        self, committed: World, shelf: Path, change: Any, path: str | None
    ) -> None:
        """Edited, new, deleted, ignored: the archive is not that of HEAD. What is staged alone changes no commit."""
        change(committed)
        found = passed(committed)
        assert found["unreleased"] == (None if path is None else f"{path} is not committed")
        assert bool(there(shelf)) == (path is None)

    def test_what_does_not_travel_may_be_as_it_likes(self, committed: World, shelf: Path) -> None:
        """Other modules, hidden files, backups, a file that is touched."""
        committed.write("src/shop/pipelines/other/nodes.py", "")
        committed.write(f"{CODE}/.notes", "")
        committed.write(f"{CODE}/nodes.py~", "")
        os.utime(committed.root / NODES)
        assert passed(committed)["sent"]

    def test_the_version_of_the_project_counts(self, world: World, shelf: Path) -> None:
        """Where the module states none, the file that does is one that the archive was made from."""
        module(world, {"__init__.py": "", "nodes.py": ""})
        publishes(world)
        text = world.read("pyproject.toml")
        world.write("pyproject.toml", f'[project]\nversion = "2.0"\n{text}')
        git(world.root, "init", "-q")
        commit_all(world.root)
        assert passed(world)["archive"]["version"] == "2.0"
        world.write("pyproject.toml", f'[project]\nversion = "2.1"\n{text}')
        assert passed(world)["unreleased"] == "pyproject.toml is not committed"
        assert there(shelf) == ["ds-2.0.tar.gz"]

    def test_git_itself_may_know_that_a_file_is_unchanged(self, committed: World, shelf: Path) -> None:
        """With line ends that git converts, the bytes on disk are others than those it keeps."""
        git(committed.root, "config", "core.autocrlf", "true")
        (committed.root / NODES).unlink()
        git(committed.root, "checkout", "--", NODES)
        assert committed.read(NODES) == "A = 1\r\n"
        time.sleep(0.05)
        git(committed.root, "update-index", "--refresh")
        assert passed(committed)["sent"]

    def test_nothing_committed_and_no_branch(self, world: World, committed: World, shelf: Path) -> None:
        """An old commit that somebody looks at is no release, nor is what no commit has."""
        git(committed.root, "checkout", "-q", "--detach")
        assert passed(committed)["unreleased"].startswith("HEAD is detached")
        git(committed.root, "checkout", "-q", "--orphan", "new")
        git(committed.root, "rm", "-rq", "--cached", ".")
        assert passed(committed)["unreleased"] == "nothing is committed yet"
        assert there(shelf) == []
        git(committed.root, "checkout", "-qf", "main")
        assert passed(committed)["sent"]

    def test_where_it_cannot_be_told_nothing_is_released(self, committed: World, shelf: Path) -> None:
        """And the reason is said; by hand it is."""
        head = committed.root / ".git" / "HEAD"
        head.write_text("ref: refs/heads/../../x\n")
        assert "it cannot be told whether it is committed" in passed(committed)["unreleased"]
        assert there(shelf) == []
        assert committed.run("publish").code == 0
        assert there(shelf) == ["ds-1.0.tar.gz"]

    def test_a_project_below_the_top_of_its_repository(self, tmp_path: Path, shelf: Path) -> None:
        """Paths are those of the work tree, whatever the project's folder."""
        inner = World(tmp_path / "project" / "team")
        module(inner, {"nodes.py": "A = 1\n"})
        inner.manifest('"pipelines.ds" = {publish = "../../shelf/"}', home="tool.micropkgd.package")
        git(tmp_path / "project", "init", "-q")
        commit_all(tmp_path / "project")
        said = inner.run("package", "--all", "--project", str(inner.root))
        assert "  published: 1.0 (" in said.out
        inner.write(NODES, "A = 2\n")
        said = inner.run("package", "--all", "--project", str(inner.root))
        assert f"  unreleased: {NODES} is not committed" in said.out

    def test_without_git_it_is_a_wish_that_cannot_be_met(self, world: World, shelf: Path) -> None:
        """Which is said, and nothing gets out."""
        module(world)
        publishes(world, ', publish-when = "committed"')
        assert passed(world)["unreleased"] == "there is no git repository around the project"
        assert there(shelf) == []


class TestWhen:
    """`publish-when`, and what holds where it is not said."""

    @pytest.mark.parametrize(
        ("more", "in_git", "sent"),
        [
            pytest.param("", False, False, id="asked-outside-git"),
            pytest.param("", True, False, id="committed-in-git"),
            pytest.param(", overwrite = true", False, True, id="saved-on-a-moving-channel"),
            pytest.param(", overwrite = true", True, True, id="saved-on-a-moving-channel-in-git"),
            pytest.param(', publish-when = "saved"', True, True, id="saved"),
            pytest.param(', publish-when = "asked"', True, False, id="asked"),
            pytest.param(', overwrite = true, publish-when = "asked"', False, False, id="asked-on-a-moving-channel"),
        ],
    )
    def test_what_is_published_without_a_word(
        self, world: World, shelf: Path, more: str, in_git: bool, sent: bool
    ) -> None:
        """Nothing is committed here: what gets out is what may."""
        module(world)
        publishes(world, more)
        if in_git:
            git(world.root, "init", "-q")
        found = passed(world)
        assert (found["sent"], bool(there(shelf)), found["unreleased"] is None) == (sent, sent, sent)
        assert world.run("publish").code == 0
        assert there(shelf) == ["ds-1.0.tar.gz"]
        assert passed(world)["unreleased"] is None

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            pytest.param('publish = "../x/", publish-when = "now"', "saved", id="unknown"),
            pytest.param('publish-when = "saved"', "nothing says where", id="no-place"),
        ],
    )
    def test_a_wish_that_is_none(self, world: World, more: str, words: str) -> None:
        """The error has the line."""
        module(world)
        world.manifest(f'"pipelines.ds" = {{{more}}}', home="tool.micropkgd.package")
        said = world.reconcile()
        assert said.code == 2
        assert words in said.err
        assert "pyproject.toml:" in said.err


class TestByHand:
    """`micropkgd publish`."""

    def test_a_dry_run_asks_and_writes_nothing(self, committed: World, shelf: Path) -> None:
        """It says what would be done, and what is in the way."""
        before = committed.tree()
        said = committed.run("publish", "--dry-run")
        assert said.code == 0
        assert "would package pipelines.ds" in said.out
        assert "  would publish: 1.0 (" in said.out
        assert (there(shelf), committed.tree()) == ([], before)
        assert committed.run("publish").code == 0
        said = committed.run("publish", "--dry-run", "-v")
        assert "  published: 1.0 (" in said.out
        committed.write(NODES, "A = 2\n")
        said = committed.run("publish", "--dry-run")
        assert (said.code, "has other bytes under `ds-1.0.tar.gz`" in said.out) == (1, True)

    def test_each_time_it_says_where_that_is(self, committed: World, shelf: Path) -> None:
        """Whether it was put there now or before; where it could not be, that has failed."""
        for _ in range(2):
            said = committed.run("publish")
            assert re.search(r"^  published: 1\.0 \([0-9a-f]{12}\) at ", said.out, re.MULTILINE), said
        assert said.out.startswith("unchanged  pipelines.ds")
        assert "published" not in committed.run("publish", "--quiet").out
        shutil.rmtree(shelf)
        said = committed.run("publish")
        assert said.code != 0
        assert said.out.startswith("failed     pipelines.ds\n  error: ")
        assert said.out.endswith("1 module: 1 failed\n")

    def test_what_no_commit_has_is_said(self, committed: World, shelf: Path) -> None:
        """It is published all the same: somebody asked."""
        committed.write(NODES, "A = 2\n")
        said = committed.run("publish", "pipelines.ds")
        assert said.code == 0
        assert f"note: no commit has what was published: {NODES} is not committed" in said.out
        assert there(shelf) == ["ds-1.0.tar.gz"]

    @pytest.mark.parametrize(
        ("rows", "words", "code", "out"),
        [
            pytest.param('"pipelines.ds" = {}', ["pipelines.ds"], 2, "has no `publish`", id="no-place"),
            pytest.param('"pipelines.ds" = {}', ["pipelines.x"], 2, "rows are: pipelines.ds", id="no-row"),
            pytest.param(
                "", ["pipelines.x"], 2, 'hint: write `"pipelines.x" = {publish = "../share/"}`', id="no-table"
            ),
            pytest.param('"pipelines.ds" = {}', [], 0, "no package entry has a `publish`\nhint: write `", id="nothing"),
        ],
    )
    def test_modules_that_cannot_be_published(
        self, world: World, rows: str, words: list[str], code: int, out: str
    ) -> None:
        """The error names what there is."""
        module(world)
        world.manifest(rows, home="tool.micropkgd.package")
        said = world.run("publish", *words)
        assert said.code == code
        assert out in said.out + said.err

    def test_only_the_modules_that_are_named(self, world: World, shelf: Path) -> None:
        """The others are neither packaged nor published."""
        module(world)
        world.write("src/shop/pipelines/other/__init__.py", '__version__ = "1.0"\n')
        rows = (f'"pipelines.{name}" = {{publish = "../{SHELF}/"}}' for name in ("ds", "other"))
        world.manifest("\n".join(rows), home="tool.micropkgd.package")
        document = json.loads(world.run("publish", "pipelines.other", "--json").out)
        (project,) = document["projects"]
        assert [one["module"] for one in project["packages"]] == ["pipelines.other"]
        assert there(shelf) == ["other-1.0.tar.gz"]
        assert os.listdir(world.root / "dist") == ["other-1.0.tar.gz"]


class TestItsPlaceIsLookedAt:
    """What was published is not taken for granted."""

    def test_what_vanished_comes_back(self, committed: World, shelf: Path) -> None:
        """Somebody deleted it: it is put there again where it would be released now, and told where not."""
        passed(committed)
        (shelf / "ds-1.0.tar.gz").unlink()
        assert passed(committed)["sent"]
        (shelf / "ds-1.0.tar.gz").unlink()
        publishes(committed, ', publish-when = "asked"')
        found = passed(committed)
        assert found["unreleased"].startswith("1.0 is no longer at ../shelf/; `micropkgd publish pipelines.ds`")
        assert there(shelf) == []

    @pytest.mark.parametrize("more", ["", ", overwrite = true"], ids=["release", "moving"])
    def test_what_somebody_replaced_is_told_and_not_fought_over(self, committed: World, shelf: Path, more: str) -> None:
        """Two that publish to one place would take turns for ever. By hand, `overwrite` takes it back."""
        publishes(committed, more)
        commit_all(committed.root)
        ours = passed(committed)["published"]["digest"]
        (shelf / "ds-1.0.tar.gz").write_bytes(b"theirs")
        for _ in range(2):
            found = passed(committed)
            assert f"was published at ../shelf/ as {ours[7:19]}, and " in found["unreleased"]
            assert (found["published"], found["condition"]) == (None, "Ready")
        assert (shelf / "ds-1.0.tar.gz").read_bytes() == b"theirs"
        said = committed.run("publish", "--json")
        assert (said.code, row(said.out)["sent"]) == ((0, True) if more else (1, False))

    def test_a_moving_channel_moves_on(self, committed: World, shelf: Path) -> None:
        """After somebody else's bytes the next save is published again."""
        publishes(committed, ", overwrite = true")
        passed(committed)
        (shelf / "ds-1.0.tar.gz").write_bytes(b"theirs")
        passed(committed)
        committed.write(NODES, "A = 2\n")
        found = passed(committed)
        assert (found["sent"], found["published"]["digest"]) == (
            True, digest((shelf / "ds-1.0.tar.gz").read_bytes()),
        )  # fmt: skip

    @pytest.mark.parametrize("command", [("reconcile", "--once"), ("package", "--all"), ("publish",)])
    def test_on_command_always(self, committed: World, shelf: Path, command: tuple[str, ...]) -> None:
        """Each of them notices that it is gone."""
        passed(committed)
        (shelf / "ds-1.0.tar.gz").unlink()
        assert "  published: 1.0 (" in committed.run(*command).out
        assert there(shelf) == ["ds-1.0.tar.gz"]

    def test_without_the_record_nothing_is_claimed(
        self, committed: World, shelf: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Everything is found out again, and where nobody can be asked it is not called published."""
        first = passed(committed)["published"]
        (committed.root / ".micropkgd/builds.json").unlink()
        monkeypatch.setattr(Sources, "put", None)
        assert passed(committed)["published"] == first
        (committed.root / ".micropkgd/builds.json").unlink()
        (shelf / "ds-1.0.tar.gz").unlink()
        shelf.rmdir()
        publishes(committed, ', publish-when = "asked"')
        found = passed(committed)
        assert (found["published"], found["unreleased"] is None) == (None, False)

    def test_a_record_that_cannot_be_kept_claims_nothing(self, committed: World, shelf: Path) -> None:
        """A disk that refuses it costs the short way: the next pass looks again."""
        passed(committed)
        builds = committed.root / ".micropkgd/builds.json"
        builds.unlink()
        builds.mkdir()
        (builds / "x").write_text("")
        (shelf / "ds-1.0.tar.gz").unlink()
        assert passed(committed)["sent"]
        (shelf / "ds-1.0.tar.gz").unlink()
        assert passed(committed)["sent"]

    def test_going_back_to_what_was_published(self, committed: World, shelf: Path) -> None:
        """Code that is again what was released is released, without anything being sent."""
        passed(committed)
        committed.write(NODES, "A = 2\n")
        commit_all(committed.root)
        assert "give the module a new version" in passed(committed)["unreleased"]
        git(committed.root, "revert", "-n", "HEAD")
        git(committed.root, "commit", "-qm", "revert")
        found = passed(committed)
        assert (found["unreleased"], found["sent"], found["published"] is None) == (None, False, False)


class TestTold:
    """What is said of it beside a pass."""

    def test_status(self, committed: World, shelf: Path) -> None:
        """`Ready`, with the reason; by hand it is current at once."""
        committed.write(NODES, "A = 2\n")
        committed.sync()
        said = committed.run("status").out
        assert said.startswith("Ready ")
        assert f"  Unreleased: {NODES} is not committed, since " in said
        committed.run("publish")
        assert "Unreleased" not in committed.run("status").out

    def test_doctor(self, committed: World, shelf: Path) -> None:
        """A version that is out with other bytes is trouble; work in progress is not."""
        passed(committed)
        assert "pipelines.ds 1.0 is published at ../shelf/" in committed.run("doctor").out
        version(committed, "1.1")
        passed(committed)
        said = committed.run("doctor")
        assert "pipelines.ds 1.1 is not published at ../shelf/" in said.out
        version(committed, "1.0")
        committed.write(NODES, "A = 2\n")
        passed(committed)
        said = committed.run("doctor")
        assert said.code == 1
        assert "pipelines.ds 1.0 is at ../shelf/ with other bytes" in said.out
        assert "give it a new version" in said.out

    def test_history_of_passes(self, committed: World, shelf: Path) -> None:
        """The pass that published has a page that says so, and where."""
        passed(committed)
        pages = sorted((committed.root / ".micropkgd/passes").iterdir())
        deeds = [deed for page in pages for deed in json.loads(page.read_text())["deeds"]]
        assert [(deed["action"], deed["target"]) for deed in deeds][-1] == ("publish", "../shelf/")


def test_all_places_are_asked_together(world: World, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred modules are one round of questions, so that one listing may answer it."""
    rows = []
    for number in range(6):
        world.write(f"src/shop/pipelines/m{number}/__init__.py", '__version__ = "1.0"\n')
        rows.append(f'"pipelines.m{number}" = {{publish = "../{SHELF}/", publish-when = "saved"}}')
    world.manifest("\n".join(rows), home="tool.micropkgd.package")
    world.sync()
    rounds: list[int] = []
    answer = Sources.answer

    def count(self: Sources, requests: list[Request], root: Path, *, publishing: bool = False) -> Any:
        if publishing:
            rounds.append(len(requests))
        return answer(self, requests, root, publishing=publishing)

    monkeypatch.setattr(Sources, "answer", count)
    (world.root / ".micropkgd/settled").unlink()
    world.sync()
    assert rounds == [6]
