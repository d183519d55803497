"""A commit as it is shown before it is made, and what an objection to it comes to."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.errors import ProjectBusyError
from micropkgd.model.outcome import Outcome
from micropkgd.model.settings import Hooks
from micropkgd.reconcile.commit.preview import Check, Staging, VetoedError
from micropkgd.reconcile.cycle import run_pass
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.service.hooks.command import CommandResult
from micropkgd.service.hooks.gate import check_by_hand
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from tests.kit.world import World


class Objector:
    """Looks at what it is shown, and may object."""

    def __init__(self, look: Callable[[Path], str | None] = lambda _: None) -> None:
        self._look = look
        self.shown: list[Staging] = []

    def __call__(self, staging: Staging) -> str | None:
        """Say what is wrong."""
        self.shown.append(staging)
        return self._look(Path(staging.folder))


def one_pass(world: World, check: Check, options: PassOptions = PassOptions()) -> Outcome:  # noqa: B008 - a value
    """Run a pass that asks before it commits."""
    cache = ArchiveCache(Path(os.environ["MICROPKGD_CACHE_DIR"]))
    with Sources(cache) as sources:
        return run_pass(str(world.root), options, lambda root: Fetcher(root, sources, cache, {}), check=check)


def nothing_is_left(world: World) -> bool:
    """Whether no staged tree stands any more."""
    return list((world.root / ".micropkgd/txn").iterdir()) == []


def test_the_tree_is_shown_as_it_would_be(world: World) -> None:
    """New bytes as files, what is deleted not at all, the rest as links; then it is gone, and the commit is made."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n", "old.py": "gone = 1\n"})
    world.sync()
    world.write("src/shop/own/mine.py", "mine = 1\n")
    world.write(".git/config", "")
    world.publish({"nodes.py": "x = 2\n", "new.py": "y = 1\n"}, "1.1")
    seen = {}

    def look(folder: Path) -> None:
        for path in ("src/shop/ds/nodes.py", "src/shop/ds/new.py", "src/shop/ds/old.py", "src/shop/own/mine.py"):
            one = folder / path
            seen[path] = (one.is_symlink(), one.read_text()) if one.exists() else None
        seen["folder"] = (folder / "src/shop/own").is_symlink(), ""
        seen["lock"] = "1.1" in (folder / "micropkg.lock").read_text(), ""
        seen["ours and git's"] = (folder / ".micropkgd").exists() or (folder / ".git").exists(), ""
        seen["in place"] = False, world.read("src/shop/ds/nodes.py")

    check = Objector(look)
    assert one_pass(world, check).exit_code == 0

    assert seen == {
        "src/shop/ds/nodes.py": (False, "x = 2\n"),
        "src/shop/ds/new.py": (False, "y = 1\n"),
        "src/shop/ds/old.py": None,
        "src/shop/own/mine.py": (True, "mine = 1\n"),
        "folder": (False, ""),
        "lock": (True, ""),
        "ours and git's": (False, ""),
        "in place": (False, "x = 1\n"),
    }
    assert [staging.entries for staging in check.shown] == [("dist/ds.tar.gz",)]
    assert world.read("src/shop/ds/nodes.py") == "x = 2\n"
    assert nothing_is_left(world)


def test_tools_work_on_the_shown_tree(world: World) -> None:
    """Bytecode is compiled from every file, links too, and none of it falls into the project."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    world.write("src/shop/own/mine.py", "mine = 1\n")

    def look(folder: Path) -> str | None:
        command = [sys.executable, "-m", "compileall", "-q", "src"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)
        compiled = sorted(path.name.partition(".")[0] for path in folder.rglob("*.pyc"))
        return f"{ended.returncode} {compiled}"

    check = Objector(look)
    outcome = one_pass(world, check)
    assert outcome.entries[0].failure is not None
    assert outcome.entries[0].failure.problem == "0 ['__init__', '__init__', 'mine', 'nodes']"
    assert list(world.root.rglob("*.pyc")) == []


@pytest.mark.parametrize("folder", ["shop", "code/deep/shop"])
def test_other_layouts_are_shown_whole(world: World, folder: str) -> None:
    """A package beside `pyproject.toml`, and one deep below it: its files in real folders, its neighbours as links."""
    (world.root / "src/shop/__init__.py").unlink()
    world.write(f"{folder}/__init__.py", "")
    world.write(f"{folder}/own/mine.py", "")
    world.write("beside/data.csv", "")
    source = folder.rpartition("/")[0] or "."
    world.asks_for()
    manifest = world.read("pyproject.toml").replace("[tool.kedro]", f'[tool.kedro]\nsource_dir = "{source}"')
    world.write("pyproject.toml", manifest)
    world.publish({"nodes.py": "x = 1\n"})
    seen: dict[str, bool] = {}

    def look(shown: Path) -> None:
        for path in (f"{folder}/own", f"{folder}/own/mine.py", f"{folder}/ds", "beside", "pyproject.toml", "conf/base"):
            seen[path] = (shown / path).is_symlink()

    assert one_pass(world, Objector(look)).exit_code == 0
    assert seen == {
        f"{folder}/own": False,
        f"{folder}/own/mine.py": True,
        f"{folder}/ds": False,
        "beside": True,
        "pyproject.toml": True,
        "conf/base": False,
    }


def test_an_objection_leaves_everything_as_it_was(world: World) -> None:
    """Each entry that would have changed is stalled for it; those that would not are as they were."""
    world.publish({"nodes.py": "x = 1\n"}, to="dist/a.tar.gz")
    world.publish({"nodes.py": "x = 1\n"}, to="dist/b.tar.gz")
    world.manifest('"dist/a.tar.gz" = {alias = "a"}\n"dist/b.tar.gz" = {alias = "b"}')
    world.sync()
    before = world.tree()
    data = world.publish({"nodes.py": "x = 2\n"}, "1.1", to="dist/b.tar.gz")
    outcome = one_pass(world, Objector(lambda _: "tests fail"))

    assert world.tree() == before | {"dist/b.tar.gz": data}
    failures = {entry.ref: entry.failure for entry in outcome.entries}
    assert failures["dist/a.tar.gz"] is None
    vetoed = failures["dist/b.tar.gz"]
    assert vetoed is not None
    assert (vetoed.reason, vetoed.problem, vetoed.transient) == ("Vetoed", "tests fail", False)
    assert "before-commit" in vetoed.hint
    assert nothing_is_left(world)


def test_what_leaves_and_what_is_adopted_may_be_objected_to(world: World) -> None:
    """Also where no file of an entry would be written, but its block in the lock."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    world.sync()
    world.manifest("")
    leaving = one_pass(world, Objector(lambda _: "no"))
    assert [entry.failure and entry.failure.reason for entry in leaving.entries] == ["Vetoed"]
    assert world.has("src/shop/ds/nodes.py")

    world.asks_for()
    (world.root / "micropkg.lock").unlink()
    check = Objector(lambda _: "no")
    adopted = one_pass(world, check)
    assert [entry.failure and entry.failure.reason for entry in adopted.entries] == ["Vetoed"]
    assert not world.has("micropkg.lock")
    assert len(check.shown) == 1


def test_what_is_no_entrys_own_fails_the_project(world: World) -> None:
    """Nobody could be left out to please the hook: here only the requirements are to be written again."""
    world.asks_for("dist/ds.tar.gz")
    world.publish({"nodes.py": "x = 1\n"})
    check = Objector(lambda _: "no")
    with pytest.raises(VetoedError) as raised:
        one_pass(world, check, PassOptions(lock_only=True))
    assert (raised.value.problem, raised.value.exit_code) == ("no", 1)
    assert not world.has("micropkg.lock")
    assert nothing_is_left(world)


def test_nobody_is_asked_where_nothing_is_to_be_written(world: World) -> None:
    """A pass with nothing to do shows nothing, and writes nothing."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    check = Objector()
    one_pass(world, check)
    before = world.stamps()
    one_pass(world, check)
    assert len(check.shown) == 1
    assert world.stamps() == before


def test_equal_offers_have_equal_digests(world: World) -> None:
    """So that whoever refused one knows it again; another content makes another offer."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    check = Objector(lambda _: "no")
    one_pass(world, check)
    one_pass(world, check)
    world.publish({"nodes.py": "x = 2\n"}, "1.1")
    one_pass(world, check)
    first, second, third = (staging.digest for staging in check.shown)
    assert first == second != third


def test_a_tree_that_a_crash_left_is_swept(world: World) -> None:
    """With its links, and without what they point to."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    world.write("src/shop/own/mine.py", "mine = 1\n")

    def crash(folder: Path) -> None:
        os.rename(folder, f"{folder}0")  # out of the reach of the pass that made it

    one_pass(world, Objector(crash))
    assert not nothing_is_left(world)
    one_pass(world, Objector())
    assert nothing_is_left(world)
    assert world.read("src/shop/own/mine.py") == "mine = 1\n"


def test_a_pass_without_a_hook_never_hears_of_staging(world: World) -> None:
    """Not even the module is loaded."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    code = (
        "import sys; from micropkgd.cli.run import run; run(['reconcile', '--once']); "
        "sys.exit('micropkgd.reconcile.commit.preview' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=world.root, capture_output=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert world.has("src/shop/ds/nodes.py")


def test_what_git_began_while_the_hook_looked_is_waited_for(world: World) -> None:
    """A test run may take minutes; nothing is committed into the middle of a rebase."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    world.write(".git/HEAD", "ref: refs/heads/main\n")

    def rebase(_: Path) -> None:
        (world.root / ".git/rebase-merge").mkdir()

    with pytest.raises(ProjectBusyError):
        one_pass(world, Objector(rebase))
    assert not world.has("micropkg.lock")
    assert nothing_is_left(world)


def test_a_pass_by_hand_asks_the_machines_hook(world: World) -> None:
    """There is no loop to wait on, and each pass asks anew."""
    world.asks_for()
    world.publish({"nodes.py": "x = 1\n"})
    told: list[tuple[str, CommandResult]] = []
    check = check_by_hand(Hooks(before_commit=("sh", "-c", "ls src/shop/ds; exit 1")), lambda *news: told.append(news))
    assert check is not None
    for _ in range(2):
        (entry,) = one_pass(world, check).entries
        assert entry.failure is not None
        assert entry.failure.problem == "the hook `before-commit` ended with 1: __init__.py | nodes.py"
    assert told == [(str(world.root), CommandResult("ended with 1", "__init__.py | nodes.py"))] * 2
    assert check_by_hand(Hooks(), lambda *_: None) is None
