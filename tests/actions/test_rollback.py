"""Undo for people: `history` says what was done, `rollback` takes it back, and no edit made since is touched."""

import json
import os
import time
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from micropkgd.actions.rollback import roll_back
from micropkgd.model.tree import digest_of
from micropkgd.workspace.transaction import kept
from tests.kit.faults import Hook, Scene, edit_journal, fast_folder, hooking, ignore, in_child, kill_at
from tests.kit.world import ROW, World, archive

NODES = "src/shop/ds/nodes.py"
LOCKED = 'update = "locked"'
ONE, TWO = {"nodes.py": "A = 1\n", "old.py": ""}, {"nodes.py": "A = 2\n", "new.py": ""}
DAY = 24 * 3600


def updated(world: World) -> dict[str, bytes]:
    """Two commits: the first version, then the second. The tree between the two."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    first = world.tree()
    world.publish(TWO, version="2.0")
    world.sync()
    return first | {ROW: world.tree()[ROW]}


def ids(world: World) -> list[str]:
    """The ids that `history` lists."""
    (project,) = json.loads(world.run("history", "--json").out)["projects"]
    return [commit["id"] for commit in project["commits"]]


def two_entries(world: World) -> None:
    """`ds` and `es`, both updated by the last commit, each with a requirement of its own."""
    world.manifest('"dist/ds.tar.gz" = {}\n"dist/es.tar.gz" = {alias = "es"}')
    for version in ("1.0", "2.0"):
        for name in ("ds", "es"):
            files = {"nodes.py": f"V = '{version}'\n"}
            world.write(f"dist/{name}.tar.gz", archive(files, version, (f"{name}-needs=={version}",)))
        world.sync()


def test_history_lists_the_commits_newest_first(world: World) -> None:
    """Each with its id, time and files, from which digest to which."""
    updated(world)
    (project,) = json.loads(world.run("history", "--json").out)["projects"]
    newest, oldest = project["commits"]
    nodes = next(change for change in newest["changes"] if change["path"] == NODES)

    assert nodes == {"path": NODES, "before": digest_of(b"A = 1\n"), "after": digest_of(b"A = 2\n")}
    assert next(change for change in oldest["changes"] if change["path"] == NODES)["before"] is None
    assert oldest["time"] <= newest["time"]
    assert world.run("history").out.startswith(f"{newest['id']}  {newest['time']}  ")


def test_history_of_a_fresh_project_is_empty(world: World) -> None:
    """Looking makes no folder and is no error."""
    assert world.run("history").out == "no commits\n"
    assert not world.has(".micropkgd")


def test_rollback_brings_back_every_byte(world: World) -> None:
    """Tree, requirements and lock are what they were before the last commit."""
    first = updated(world)
    said = world.run("rollback")

    assert said.code == 0, said
    assert "updated    dist/ds.tar.gz -> src/shop/ds  2.0 " in said.out
    assert world.tree() == first
    assert world.run("verify").code == 0


def test_rollback_says_that_the_next_pass_brings_it_again(world: World) -> None:
    """With the hint how to stay; and following it, the next pass does."""
    first = updated(world)
    assert 'set update = "locked"' in world.run("rollback").out
    world.asks_for(policy=LOCKED)
    world.sync()

    assert {**first, "pyproject.toml": b""} == {**world.tree(), "pyproject.toml": b""}
    assert world.reconcile("--check").code == 0


def test_a_rollback_says_whether_it_will_stay(world: World) -> None:
    """The next pass brings the new version again, unless its source has what went back."""
    updated(world)
    assert "brings it again" in world.run("rollback").out
    world.publish(ONE)
    world.sync()
    world.publish(TWO, "2.0")
    world.sync()
    world.publish(ONE)
    assert world.run("lock", "--allow-downgrade").code == 0
    assert "brings it again" in world.run("rollback").out


def test_after_a_rollback_the_next_pass_updates_again(world: World) -> None:
    """What went back is no local edit: nothing is held or merged."""
    updated(world)
    second = world.tree()
    world.run("rollback")

    assert world.reconcile().code == 0
    assert world.tree() == second


def test_the_first_install_goes_back_to_nothing(world: World) -> None:
    """Files, folders, requirements and the lock itself are gone, whatever stood there before stays."""
    before = world.tree()
    world.publish(ONE)
    world.asks_for(destination="pipelines")
    world.sync()

    assert world.run("rollback").code == 0
    assert set(world.tree()) == {*before, ROW}
    assert not world.has("src/shop/pipelines")


def test_an_edit_made_since_is_held_and_named(world: World) -> None:
    """Exit 4, the file named, nothing of the entry touched, the lock neither."""
    updated(world)
    world.write(NODES, "A = 'mine'\n")
    before = world.tree()
    said = world.run("rollback")

    assert said.code == 4
    assert f"hold     {NODES}  (changed since)" in said.out
    assert world.tree() == before


def test_one_held_entry_does_not_stop_the_other(world: World) -> None:
    """The other goes back with its block and its requirement lines; the held one keeps its own."""
    two_entries(world)
    world.write(NODES, "V = 'mine'\n")

    assert world.run("rollback").code == 4
    assert (world.read(NODES), world.read("src/shop/es/nodes.py")) == ("V = 'mine'\n", "V = '1.0'\n")
    assert "ds-needs==2.0" in world.read("requirements.in")
    assert "es-needs==1.0" in world.read("requirements.in")
    assert world.run("verify").out.startswith(f"modified  {NODES}\n")


@pytest.mark.parametrize("name", ["dist/es.tar.gz", "es", "src/shop/es"])
def test_one_entry_goes_back_alone(world: World, name: str) -> None:
    """Named by ref, name or target; its block and its lines go with it, the other entry stays as it is."""
    two_entries(world)
    assert world.run("rollback", name).code == 0

    assert (world.read(NODES), world.read("src/shop/es/nodes.py")) == ("V = '2.0'\n", "V = '1.0'\n")
    assert {"ds-needs==2.0", "es-needs==1.0"} <= set(world.read("requirements.in").splitlines())
    assert world.run("verify").code == 0
    assert world.reconcile("--locked", "--check").code == 0


def test_lines_that_went_back_to_nothing_come_again(world: World) -> None:
    """Also into a file that was there before: what is not written is not taken for written."""
    world.write("requirements.in", "own\n")
    world.write(ROW, archive({"nodes.py": ""}, "1.0", ("ds-needs",)))
    world.asks_for()
    world.sync()
    world.run("rollback")
    assert world.read("requirements.in") == "own\n"

    world.sync()
    assert "ds-needs" in world.read("requirements.in")


def test_requirements_that_came_again_go_and_come_with_the_rest(world: World) -> None:
    """A commit that leaves the lock as it was has one step for the requirements file too."""
    two_entries(world)
    for path in (NODES, "requirements.in"):
        (world.root / path).unlink()
    gone = world.tree()
    world.sync()
    there = world.tree()
    assert {NODES, "requirements.in"} <= there.keys()

    assert world.run("rollback").code == 0
    assert world.tree() == gone
    world.sync()
    assert world.tree() == there


def test_requirements_that_the_commit_did_not_touch_stay(world: World) -> None:
    """Git brought an older lock alone, and a pass caught up with it: the lines stood already, and stand again."""
    world.write(ROW, archive(ONE, "1.0", ("ds-needs>=1",)))
    world.asks_for()
    world.sync()
    older = world.read("micropkg.lock")
    world.write(ROW, archive(TWO, "2.0", ("ds-needs>=2",)))
    world.sync()
    world.write("micropkg.lock", older)
    before = world.tree()
    world.sync()

    assert world.run("rollback").code == 0
    assert world.tree() == before


def test_lines_of_a_person_in_the_requirements_stay(world: World) -> None:
    """A requirements file that was edited since loses and gets the entries' lines alone."""
    two_entries(world)
    world.write("requirements.in", world.read("requirements.in") + "\nmine\n")

    assert world.run("rollback").code == 0
    lines = set(world.read("requirements.in").splitlines())
    assert {"mine", "ds-needs==1.0", "es-needs==1.0"} <= lines
    assert not {"ds-needs==2.0", "es-needs==2.0"} & lines


def test_an_edit_that_was_merged_is_there_again(world: World) -> None:
    """The file as the person left it before the merge, as a local edit of the old version."""
    lines = [f"line_{number} = {number}\n" for number in range(9)]
    world.publish({"nodes.py": "".join(lines)})
    world.asks_for()
    world.sync()
    mine = "".join([*lines[:-1], "mine = 1\n"])
    world.write(NODES, mine)
    world.publish({"nodes.py": "".join(["theirs = 1\n", *lines[1:]])}, version="2.0")
    world.sync()

    assert world.run("rollback").code == 0
    assert world.read(NODES) == mine
    assert world.run("status").out.splitlines()[-1] == f"  drifted: {NODES} (your edit is kept)"


def test_an_add_that_failed_is_not_there_to_be_taken_back(world: World) -> None:
    """It did nothing: the command before it is what `rollback` means."""
    world.manifest("")
    before = world.tree()
    world.publish(ONE)
    assert world.run("add", ROW).code == 0
    there = world.tree()
    assert world.run("add", "dist/none.tar.gz").code != 0
    assert world.tree() == there

    said = world.run("rollback")
    assert (said.code, "brings it again" in said.out) == (0, False)
    assert world.tree() == {**before, ROW: there[ROW]}
    assert "no commit is kept" in world.run("rollback").err


def test_back_to_a_commit_over_several(world: World) -> None:
    """`--to` leaves the tree as that commit had left it, in one step."""
    first = updated(world)
    world.publish({"nodes.py": "A = 3\n"}, version="3.0")
    world.sync()
    oldest = ids(world)[-1]

    assert world.run("rollback", "--to", oldest[:6]).code == 0
    assert world.tree() == first | {ROW: world.tree()[ROW]}


def test_an_edit_between_two_commits_is_not_jumped_over(world: World) -> None:
    """Going back over both would take the edit out of the tree: the entry is held."""
    updated(world)
    oldest = ids(world)[-1]
    world.write(NODES, "A = 'mine'\n")
    world.publish({"nodes.py": "A = 3\n"}, version="3.0")
    world.asks_for(policy='on-local-edit = "overwrite"')
    world.sync()

    assert world.run("rollback", "--to", oldest).code == 4
    assert world.run("rollback").code == 0
    assert world.read(NODES) == "A = 'mine'\n"


def test_a_lock_that_git_changed_holds_everything(world: World) -> None:
    """Nobody can say what of it belongs to the commit."""
    updated(world)
    world.write("micropkg.lock", world.read("micropkg.lock") + "\n# another\n")
    before = world.tree()
    said = world.run("rollback")

    assert said.code == 4
    assert "hold     micropkg.lock" in said.out
    assert world.tree() == before


def test_an_alias_that_was_changed_goes_back_to_its_place(world: World) -> None:
    """The old folder is there again, the new one is not."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    world.asks_for(alias="other")
    world.sync()

    assert world.run("rollback").code == 0
    assert world.has(NODES)
    assert not world.has("src/shop/other")


def test_two_entries_that_traded_places_go_back_together(world: World) -> None:
    """Neither can go without the other; one edit holds both."""
    for name in ("ds", "es"):
        world.publish({"nodes.py": f"N = '{name}'\n"}, to=f"dist/{name}.tar.gz")
    rows = '"dist/ds.tar.gz" = {{alias = "{}"}}\n"dist/es.tar.gz" = {{alias = "{}"}}'
    world.manifest(rows.format("x", "y"))
    world.sync()
    world.manifest(rows.format("y", "x"))
    world.sync()
    world.write("src/shop/x/nodes.py", "mine\n")

    assert world.run("rollback").code == 4
    assert world.read("src/shop/y/nodes.py") == "N = 'ds'\n"
    world.write("src/shop/x/nodes.py", "N = 'es'\n")
    assert world.run("rollback", "y").code == 0
    assert world.read("src/shop/x/nodes.py") == "N = 'ds'\n"


def test_what_was_pulled_by_hand_goes_back_with_its_record(world: World) -> None:
    """The files and the record of this machine."""
    world.publish(ONE)
    assert world.run("pull", ROW).code == 0

    assert world.run("rollback").code == 0
    assert not world.has(NODES)
    assert not world.has(".micropkgd/by-hand.lock")


def test_what_was_pulled_by_hand_and_edited_is_held(world: World) -> None:
    """Files of no entry go back together or not at all."""
    world.publish(ONE)
    world.run("pull", ROW)
    world.write(NODES, "A = 'mine'\n")

    assert world.run("rollback").code == 4
    assert world.has("src/shop/ds/old.py")
    assert world.has(".micropkgd/by-hand.lock")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param([], "no commit is kept", id="no history"),
        pytest.param(["--to", "zz"], "no kept commit `zz`", id="no such commit"),
        pytest.param(["--to", ""], "begins the ids of several", id="not one"),
        pytest.param(["--to", "newest"], "nothing was committed since", id="the newest"),
        pytest.param(["dss"], "no entry `dss`", id="no such entry"),
    ],
)
def test_what_cannot_be_taken_back(world: World, arguments: list[str], problem: str) -> None:
    """Exit 2 and one sentence, nothing touched."""
    if arguments:
        updated(world)
        arguments = [ids(world)[0] if word == "newest" else word for word in arguments]
    before = world.tree()
    said = world.run("rollback", *arguments)

    assert said.code == 2
    assert problem in said.err
    assert world.tree() == before


def test_a_kept_file_that_was_written_to_is_not_restored(world: World) -> None:
    """What came late into a replaced file is not what stood there before."""
    updated(world)
    copy = next(path for path in (world.root / ".micropkgd/kept").glob("*/*") if path.read_bytes() == b"A = 1\n")
    copy.write_bytes(b"late\n")

    assert world.run("rollback").code == 4
    assert world.read(NODES) == "A = 2\n"


def _scene(folder: Path) -> Scene:
    """An entry updated by the last commit: files created, changed and removed, and requirements."""
    scene = Scene(folder)
    scene.ask_for("beta")
    scene.write({"requirements.txt": ""})
    scene.publish("beta", {"beta/one.py": "ONE = 1\n", "beta/gone.py": ""}, requires="numpy>=1")
    scene.run()
    scene.publish("beta", {"beta/one.py": "ONE = 2\n", "beta/new.py": ""}, "2", requires="numpy>=2")
    scene.run()
    return scene


def _roll(scene: Scene, hook: Hook) -> None:
    roll_back(str(scene.root), None, None, 5, fsops=hooking(hook))


@pytest.mark.parametrize("locked", [pytest.param(True, id="locked"), pytest.param(False, id="following")])
def test_killed_at_every_call_a_rollback_is_done_or_not(locked: bool) -> None:
    """After a kill nothing is a local edit, to a pass that keeps to the lock and to one that brings the new version."""
    with fast_folder() as folder:
        scene = _scene(folder / "before")
        done = scene.copy(folder / "done")
        _roll(done, ignore)
        ends = (scene.tree(), done.tree()) if locked else (scene.tree(),)
        for number in count(1):
            hurt = scene.copy(folder / f"{number}")
            status = in_child(partial(_roll, hurt, kill_at(number)))
            outcome = hurt.run(locked=locked)
            assert (outcome.exit_code, [entry.plan and entry.plan.drifted for entry in outcome.entries]) == (0, [()])
            assert hurt.tree() in ends
            if status == 0:
                break
        assert number > 20


def test_a_lock_that_came_alone_replaces_nothing_and_is_explained(world: World) -> None:
    """What this machine remembers tells what stands there, and makes no file replaceable; a person's word does."""
    updated(world)
    second = world.tree()
    world.run("rollback")
    world.asks_for(policy=LOCKED)
    world.write("micropkg.lock", second["micropkg.lock"])
    said = world.reconcile()

    assert (said.code, world.read(NODES)) == (0, "A = 1\n")
    assert f"these are exactly the files of 1.0; `micropkgd resolve {ROW} --take` installs 2.0" in said.out
    assert world.run("resolve", ROW, "--take").code == 0
    assert world.read(NODES) == "A = 2\n"


def test_a_package_above_what_is_held_stays(world: World) -> None:
    """The other entry is gone, and the folder of both is a package still."""
    for name in ("ds", "es"):
        world.publish({"nodes.py": "A = 1\n"}, to=f"dist/{name}.tar.gz")
    row = '"dist/{0}.tar.gz" = {{alias = "{0}", destination = "pipelines"}}\n'
    world.manifest(row.format("ds") + row.format("es"))
    world.sync()
    world.write("src/shop/pipelines/ds/nodes.py", "A = 'mine'\n")

    assert world.run("rollback").code == 4
    assert not world.has("src/shop/pipelines/es")
    assert world.has("src/shop/pipelines/__init__.py")


def test_a_package_above_that_was_put_to_use_stays(world: World) -> None:
    """What a person wrote into the empty `__init__.py` holds no entry, and stays."""
    world.publish(ONE)
    world.asks_for(destination="pipelines")
    world.sync()
    world.write("src/shop/pipelines/__init__.py", "mine = 1\n")

    assert world.run("rollback").code == 0
    assert not world.has("src/shop/pipelines/ds")
    assert world.read("src/shop/pipelines/__init__.py") == "mine = 1\n"


def test_a_commit_that_was_taken_back_is_no_history(world: World) -> None:
    """It changed nothing."""
    updated(world)
    newest, oldest = ids(world)
    edit_journal(world.root, f".micropkgd/kept/{newest}/journal", undo=True)

    assert ids(world) == [oldest]


def aged(world: World, days: float) -> None:
    """Let all kept commits be of some days ago, the first the oldest."""
    for number, commit in enumerate(reversed(ids(world))):
        then = time.time() - days * DAY + number
        for path in (world.root / ".micropkgd/kept" / commit, world.root / ".micropkgd/kept" / commit / "journal"):
            os.utime(path, (then, then))


def three_versions(world: World) -> None:
    """Three commits of one entry."""
    updated(world)
    world.publish({"nodes.py": "A = 3\n"}, version="3.0")
    world.sync()


@pytest.mark.parametrize(("days", "left"), [(29, 3), (31, 1)])
def test_old_commits_go_but_never_the_newest(world: World, days: int, left: int) -> None:
    """After 30 days, when a pass looks."""
    three_versions(world)
    aged(world, days)
    world.reconcile("--allow-downgrade")

    assert len(ids(world)) == left


@pytest.mark.parametrize(("hours", "left"), [(23, 4), (25, 2)])
def test_many_commits_go_a_day_later(world: World, monkeypatch: pytest.MonkeyPatch, hours: int, left: int) -> None:
    """A source that changes every minute takes nothing away before anybody has missed it."""
    monkeypatch.setattr(kept, "_COMMITS_KEPT", 2)
    three_versions(world)
    world.publish({"nodes.py": "A = 4\n"}, version="4.0")
    world.sync()
    aged(world, hours / 24)
    world.reconcile("--allow-downgrade")

    assert len(ids(world)) == left


def test_too_many_commits_of_one_day_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest first."""
    monkeypatch.setattr(kept, "_COMMITS_KEPT_A_DAY", 2)
    three_versions(world)
    before = ids(world)
    world.reconcile("--allow-downgrade")

    assert ids(world) == before[:2]


def test_big_commits_go_but_never_the_newest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest first, until the rest fits."""
    three_versions(world)
    newest, middle, _ = (
        sum(file.stat().st_size for file in (world.root / ".micropkgd/kept" / name).iterdir()) for name in ids(world)
    )
    monkeypatch.setattr(kept, "_BYTES_KEPT", 2 * newest + middle + 64)
    world.publish({"nodes.py": "A = 4\n"}, version="4.0")
    before = ids(world)
    world.sync()
    assert ids(world)[1:] == before[:-1]

    monkeypatch.setattr(kept, "_BYTES_KEPT", 0)
    world.publish({"nodes.py": "A = 5\n"}, version="5.0")
    world.sync()
    assert len(ids(world)) == 1


def test_a_late_save_outlives_the_bounds(world: World) -> None:
    """Nobody has these bytes but us."""
    three_versions(world)
    _, middle, oldest = ids(world)
    folder = world.root / ".micropkgd/kept" / middle
    copy = next(path for path in folder.iterdir() if path.read_bytes() == b"A = 1\n")
    copy.write_bytes(b"late\n")
    aged(world, 40)
    world.reconcile("--allow-downgrade")

    assert oldest not in ids(world)
    assert copy.read_bytes() == b"late\n"
