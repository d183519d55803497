"""`micropkgd pull`: a ref that no manifest has is placed, remembered on this machine alone, and never overwrites."""

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from micropkgd.actions.pull_by_hand import pull_by_hand
from micropkgd.model.outcome import Outcome
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.workspace.fsops import FsOps
from tests.kit.faults import hooking, in_child, kill_at
from tests.kit.world import ROW, World, archive

NODES = "src/shop/ds/nodes.py"
HELD = ".micropkgd/conflicts/by-hand/ds"
ONE, TWO = {"nodes.py": "one = 1\n", "old.py": ""}, {"nodes.py": "two = 2\n", "new.py": ""}


def publish(world: World, files: dict[str, str], version: str = "1.0", requires: tuple[str, ...] = ()) -> None:
    """Put an archive of package `ds` where `ROW` says."""
    world.write(ROW, archive(files, version, requires))


def pull(world: World, ref: str = ROW, *options: str) -> None:
    """Pull by hand, which must end well."""
    said = world.run("pull", ref, *options)
    assert said.code == 0, said


def test_nothing_is_locked(world: World) -> None:
    """The files stand, and neither manifest nor lock knows of them."""
    publish(world, ONE)
    manifest = world.read("pyproject.toml")
    said = world.run("pull", ROW)

    assert said.out.startswith("installed  dist/ds.tar.gz -> src/shop/ds  1.0 (")
    assert world.read(NODES) == "one = 1\n"
    assert not world.has("micropkg.lock")
    assert world.read("pyproject.toml") == manifest


def test_the_options_say_where_it_goes(world: World) -> None:
    """Alias, destination and environment mean what they mean in a manifest."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", ROW)
    pull(world, ROW, "--alias", "fcst", "-d", "pipelines", "-e", "uat")

    assert "from shop.pipelines.fcst.nodes import run" in world.read("src/shop/pipelines/fcst/pipeline.py")
    assert world.has("src/shop/pipelines/__init__.py")
    assert world.has("conf/uat/parameters_fcst.yml")
    assert world.has("tests/pipelines/fcst/test_ds.py")


def test_new_bytes_update_untouched_files(world: World) -> None:
    """Kedro never updated: changed, added and removed files follow the archive."""
    publish(world, ONE)
    pull(world)
    publish(world, TWO, "2.0")
    said = world.run("pull", ROW)

    assert said.out.startswith("updated    dist/ds.tar.gz -> src/shop/ds  1.0 (")
    assert world.read(NODES) == "two = 2\n"
    assert not world.has("src/shop/ds/old.py")
    assert world.has("src/shop/ds/new.py")


def test_another_ref_for_the_same_place_is_its_next_version(world: World) -> None:
    """`ds-2.0.tar.gz` follows `ds-1.0.tar.gz`: by hand the place is the identity."""
    world.write("dist/ds-1.0.tar.gz", archive(ONE))
    world.write("dist/ds-2.0.tar.gz", archive(TWO, "2.0"))
    pull(world, "dist/ds-1.0.tar.gz")
    pull(world, "dist/ds-2.0.tar.gz")

    assert world.read(NODES) == "two = 2\n"
    assert not world.has("src/shop/ds/old.py")


def test_the_same_bytes_again_write_nothing(world: World) -> None:
    """Not even a time of last change moves."""
    publish(world, ONE, requires=("pandas",))
    pull(world)
    before = world.stamps()
    said = world.run("pull", ROW)

    assert said.out.startswith("unchanged  dist/ds.tar.gz")
    assert world.stamps() == before


def test_an_edit_is_merged_where_it_can_be(world: World) -> None:
    """An edit and a new version in different places of a file are joined."""
    lines = [f"line_{number} = {number}\n" for number in range(9)]
    publish(world, {"nodes.py": "".join(lines)})
    pull(world)
    world.write(NODES, "".join(["mine = 0\n", *lines[1:]]))
    publish(world, {"nodes.py": "".join([*lines[:-1], "theirs = 8\n"])}, "2.0")
    pull(world)

    assert world.read(NODES) == "".join(["mine = 0\n", *lines[1:-1], "theirs = 8\n"])


def test_an_edit_that_disagrees_holds_the_entry(world: World) -> None:
    """Nothing of it changes, the new version lies beside, and the message says what to do."""
    publish(world, ONE)
    pull(world)
    world.write(NODES, "two = 'mine'\n")
    publish(world, TWO, "2.0")
    before = world.tree()
    said = world.run("pull", ROW)

    assert said.code == 4
    assert f"hint: compare with {HELD}, move your file away" in said.out
    assert world.tree() == before
    assert world.read(f"{HELD}/{NODES}") == "two = 2\n"


def test_what_is_held_goes_through_once_the_file_is_moved_away(world: World) -> None:
    """The advice of the message works, and the copy that lay beside goes."""
    publish(world, ONE)
    pull(world)
    world.write(NODES, "two = 'mine'\n")
    publish(world, TWO, "2.0")
    assert world.run("pull", ROW).code == 4
    (world.root / NODES).rename(world.root / "mine.py")
    pull(world)

    assert world.read(NODES) == "two = 2\n"
    assert not world.has(HELD)


def test_a_file_that_was_there_before_is_never_overwritten(world: World) -> None:
    """A foreign file that differs holds the entry; nothing is half placed."""
    world.write(NODES, "precious = 1\n")
    publish(world, ONE)
    said = world.run("pull", ROW)

    assert said.code == 4
    assert world.read(NODES) == "precious = 1\n"
    assert not world.has("src/shop/ds/old.py")


def test_a_pass_leaves_what_a_pull_by_hand_holds(world: World) -> None:
    """The copies beside an entry by hand are not the manifest's to sweep, nor are its files and lines."""
    publish(world, ONE, requires=("pandas",))
    pull(world)
    world.write(NODES, "two = 'mine'\n")
    publish(world, TWO, "2.0", requires=("pandas",))
    assert world.run("pull", ROW).code == 4
    world.copy_sample("09-utility/utils-2.1.tar.gz", "dist/utils.tar.gz")
    world.asks_for("dist/utils.tar.gz")
    world.sync()

    assert world.has(f"{HELD}/{NODES}")
    assert world.has("src/shop/utils/io.py")
    assert "pandas\n" in world.read("requirements.in")


def test_requirement_lines_follow_the_archive(world: World) -> None:
    """A new version replaces its lines; a person's and the manifest's stay."""
    world.copy_sample("07-requirements/features-1.4.0rc1.tar.gz", "dist/features.tar.gz")
    world.asks_for("dist/features.tar.gz")
    world.sync()
    manifests = world.read("requirements.in")
    publish(world, ONE, requires=("polars==1.0",))
    pull(world)
    publish(world, TWO, "2.0", requires=("polars==2.0",))
    pull(world)

    header = "# Additional requirements from micro-package"
    added = f"{header} `ds`:\npolars==2.0\n\n"
    assert world.read("requirements.in") == manifests.replace(header, f"{added}{header}")


def test_a_ref_of_the_manifest_is_refused(world: World) -> None:
    """The manifest says where it goes: two places of record would take turns."""
    publish(world, ONE)
    world.asks_for()
    said = world.run("pull", ROW)

    assert said.code == 2
    assert "error: `dist/ds.tar.gz` is in the manifest" in said.err
    assert "hint: run `micropkgd reconcile --once`" in said.err
    assert not world.has(NODES)


def test_the_place_of_a_locked_entry_is_refused(world: World) -> None:
    """What the lock owns is not pulled over by hand."""
    publish(world, ONE)
    world.asks_for()
    world.sync()
    world.write("dist/other.tar.gz", archive(TWO))
    said = world.run("pull", "dist/other.tar.gz")

    assert said.code == 2
    assert "overlap at src/shop/ds" in said.out
    assert world.read(NODES) == "one = 1\n"


def test_the_hinted_line_hands_it_to_the_manifest(world: World) -> None:
    """`micropkgd add` as hinted adopts what stands there, and the next version updates it."""
    publish(world, ONE, requires=("pandas",))
    said = world.run("pull", ROW, "-d", "pipelines")
    hinted = said.err.partition("kept up to date: micropkgd ")[2].split()
    requirements = world.read("requirements.in")

    assert hinted == ["add", ROW, "--destination", "pipelines"]
    assert world.run(*hinted).out.startswith("adopted    dist/ds.tar.gz -> src/shop/pipelines/ds")
    assert world.read("requirements.in") == requirements
    publish(world, TWO, "2.0", requires=("pandas",))
    assert world.reconcile().out.startswith("updated ")


def test_added_after_the_archive_moved_on(world: World) -> None:
    """The manifest takes over what was placed by hand as its base, so untouched files are updated, not held."""
    publish(world, ONE)
    pull(world)
    publish(world, TWO, "2.0")
    said = world.run("add", ROW)

    assert said.code == 0, said
    assert world.read(NODES) == "two = 2\n"


def test_a_lost_memory_overwrites_nothing(world: World) -> None:
    """Without its record a pull takes equal files over and holds for others."""
    publish(world, ONE)
    pull(world)
    world.write(".micropkgd/by-hand.lock", "garbage")
    assert world.run("pull", ROW).out.startswith("adopted ")
    (world.root / ".micropkgd/by-hand.lock").unlink()
    publish(world, TWO, "2.0")

    assert world.run("pull", ROW).code == 4
    assert world.read(NODES) == "one = 1\n"


def test_two_pulls_by_hand_do_not_forget_each_other(world: World) -> None:
    """Each keeps its files, its lines and its memory."""
    publish(world, ONE, requires=("pandas",))
    world.copy_sample("09-utility/utils-2.1.tar.gz", "dist/utils.tar.gz")
    pull(world)
    pull(world, "dist/utils.tar.gz")
    pull(world, ROW, "--alias", "other")
    publish(world, TWO, "2.0", requires=("pandas",))
    pull(world)

    assert world.read(NODES) == "two = 2\n"
    assert world.read("src/shop/other/nodes.py") == "one = 1\n"
    assert world.has("src/shop/utils/io.py")


def test_a_path_is_meant_as_seen_from_the_working_folder(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with any command; the hint names it as the manifest would."""
    world.write("conf/drop/ds.tar.gz", archive(ONE))
    monkeypatch.chdir(world.root / "conf")
    said = world.run("pull", "drop/ds.tar.gz")

    assert said.out.startswith("installed  conf/drop/ds.tar.gz")
    assert "micropkgd add conf/drop/ds.tar.gz\n" in said.err


def test_a_missing_archive_changes_nothing(world: World) -> None:
    """It is said, with the exit code of what is gone; no index is asked."""
    before = world.tree()
    said = world.run("pull", "dist/none.tar.gz")

    assert said.code == 1
    assert said.out.startswith("failed     dist/none.tar.gz")
    assert "hint: to have it kept" not in said.err
    assert world.tree() == before


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param([], "name a ref, or say --all", id="no ref"),
        pytest.param([ROW, "--all"], "--all takes no ref and no options", id="ref and all"),
        pytest.param(["--all", "--alias", "x"], "--all takes no ref and no options", id="option and all"),
        pytest.param([ROW, "--alias", "class"], "alias `class` is a Python keyword", id="keyword"),
        pytest.param([ROW, "-d", "../out"], "leaves the package folder", id="destination"),
        pytest.param([ROW, "-e", "../../x"], "leaves the config folder", id="env"),
        pytest.param(["ds.whl"], "is neither an address, nor a path to a `.tar.gz`, nor a requirement", id="wheel"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_is_touched(world: World, words: list[str], problem: str) -> None:
    """Exit code 2, and the tree as it was."""
    publish(world, ONE)
    before = world.tree()
    said = world.run("pull", *words)

    assert said.code == 2
    assert problem in said.err
    assert world.tree() == before


def test_all_is_the_pass_over_the_manifest(world: World) -> None:
    """Every row of both homes, locked as ever."""
    publish(world, ONE)
    world.asks_for()
    said = world.run("pull", "--all")

    assert said.code == 0
    assert world.has(NODES)
    assert world.has("micropkg.lock")


def test_json(world: World) -> None:
    """The document has the form of a pass."""
    publish(world, ONE)
    document = json.loads(world.run("pull", ROW, "--json").out)

    assert document["schema"] == "micropkgd/1"
    assert document["command"] == "pull"
    assert document["projects"][0]["entries"][0]["action"] == "install"


def by_hand(world: World, fsops: Callable[[str], FsOps] = FsOps) -> Outcome:
    """One pull of `ROW` in this process, on files as given."""
    cache = ArchiveCache(Path(os.environ["MICROPKGD_CACHE_DIR"]))
    with Sources(cache, offline=True) as sources:
        return pull_by_hand(
            str(world.root), PullEntry(Ref.parse(ROW)), lambda root: Fetcher(root, sources, cache, {}), fsops=fsops
        )


def test_killed_at_any_call_the_next_pull_is_whole(world: World, tmp_path: Path) -> None:
    """What was placed and the memory of it are one transaction: no kill leaves files that nobody knows."""
    for number in count(1):
        each = World(tmp_path / str(number))
        publish(each, ONE, requires=("pandas",))
        killed = in_child(partial(by_hand, each, hooking(kill_at(number))))
        publish(each, TWO, "2.0")
        assert by_hand(each).exit_code == 0
        assert each.read(NODES) == "two = 2\n"
        assert not each.has("src/shop/ds/old.py")
        if killed == 0:
            break
    assert number > 20


def test_a_rollback_of_a_pull_by_hand_names_its_files(world: World) -> None:
    """They are of no entry; `0 entries` alone would look as if nothing had been done."""
    world.publish({"nodes.py": "A = 1\n"})
    world.run("pull", ROW)
    said = world.run("rollback")

    assert "  delete   src/shop/ds/nodes.py" in said.out
    assert not world.has("src/shop/ds")


def test_what_was_removed_by_hand_is_forgotten(world: World) -> None:
    """Another package may have its place and its names, and its requirements are new."""
    world.write(ROW, archive({"config/parameters_ds.yml": "a: 1\n"}, requires=("pandas>=1",)))
    pull(world, ROW, "--alias", "fc")
    for path in ("src/shop/fc", "conf/base/parameters_fc.yml", "requirements.in"):
        whole = world.root / path
        shutil.rmtree(whole) if whole.is_dir() else whole.unlink()
    pull(world, ROW, "--alias", "fc", "-d", "pipelines")

    assert world.read("conf/base/parameters_fc.yml") == "a: 1\n"
    assert "pandas>=1" in world.read("requirements.in")
    assert '"src/shop/fc"' not in world.read(".micropkgd/by-hand.lock")
