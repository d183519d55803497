"""Promises P1 and P2: a pass killed at any call, or refused any call by the disk, loses nothing and the next mends it.

One project has every kind of change before it. Each case copies it, hurts one pass in a forked process, looks at what
is left, and lets clean passes follow.
"""

import errno
import os
import resource
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from micropkgd.clock import GRAIN_NS
from micropkgd.errors import ShortageError, TreeError
from micropkgd.workspace.memory.pass_log import DIARY
from tests.kit.faults import (
    Call,
    Hook,
    Recorder,
    Scene,
    Tree,
    changing_scene,
    fail_at,
    fast_folder,
    hooking,
    in_child,
    kill_at,
    killed_inside,
    target_of,
)

pytestmark = pytest.mark.no_cover


class Case:
    """The project before the pass, and the tree that an uninterrupted pass makes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scene = changing_scene(folder / "before")
        self.old = self.scene.tree()
        after = self.copy()
        calls = Recorder()
        after.run(calls)
        self.new = after.tree()
        self.calls = calls.calls

    def copy(self) -> Scene:
        """A fresh copy to hurt."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return self.scene.copy(folder)

    def assert_whole(self, scene: Scene) -> None:
        """Every file is old or new, every edit is there, the lock can be read."""
        found = scene.tree()
        allowed = {path: {self.old.get(path), self.new.get(path)} for path in {*self.old, *self.new, *found}}
        assert {path for path, sides in allowed.items() if found.get(path) not in sides} == set()
        assert "'ours'" in (scene.text("src/shop/gamma/text.py") or "")
        assert scene.text("src/shop/delta/both.py") == "BOTH = 'ours'\n"
        tomllib.loads(scene.text("micropkg.lock") or "")

    def assert_converges(self, scene: Scene) -> None:
        """A clean pass gives the tree of an uninterrupted one, and soon there is nothing left to write."""
        outcome = scene.run()
        assert outcome.exit_code == 4  # delta is held
        assert differences(scene.tree(), self.new) == {}
        assert scene.own("txn") == []
        assert not {"journal", "journal.tmp"} & set(scene.own(""))

    def assert_comes_to_rest(self, scene: Scene) -> None:
        """After a clean pass there is soon nothing left to write."""
        self.assert_converges(scene)
        time.sleep(GRAIN_NS / 1e9)
        scene.run()  # at most one more pass, which remembers what was too young for the first
        assert_quiet(scene)


def differences(found: Tree, wanted: Tree) -> dict[str, object]:
    """What is not as it should be."""
    return {
        path: (found.get(path), wanted.get(path))
        for path in {*found, *wanted}
        if found.get(path) != wanted.get(path)
    }  # fmt: skip


def assert_quiet(scene: Scene) -> None:
    """A pass with nothing to do makes no call that changes the disk."""
    quiet = Recorder()
    scene.run(quiet)
    assert quiet.calls == []


@pytest.fixture(scope="module")
def case() -> Iterator[Case]:
    """The project of this module."""
    with fast_folder() as folder:
        yield Case(folder)


def hurt(scene: Scene, before: Hook, after: Hook) -> int:
    """One pass in a process of its own."""
    return in_child(lambda: scene.run(hooking(before, after)))


def quiet(call: object) -> None:
    """No hook."""


SIDES = [pytest.param(True, id="before"), pytest.param(False, id="after")]


@pytest.mark.parametrize("ahead", SIDES)
def test_killed_at_every_call(case: Case, ahead: bool) -> None:
    """Killed before or after any call, every file is old or new, and a clean pass makes the tree it should be."""
    for number in range(1, len(case.calls) + 1):
        scene = case.copy()
        kill = kill_at(number)
        assert hurt(scene, kill if ahead else quiet, quiet if ahead else kill) == -9
        case.assert_whole(scene)
        case.assert_comes_to_rest(scene)
        shutil.rmtree(scene.folder)


def test_killed_again_while_recovering(case: Case) -> None:
    """Recovery is killed at every one of its calls, one pass after the other, and still comes to its end."""
    for number in range(1, len(case.calls) + 1, 7):
        scene = case.copy()
        assert hurt(scene, kill_at(number), quiet) == -9
        for step in count(1):
            status = hurt(scene, kill_at(step), quiet)
            case.assert_whole(scene)
            if status == 0:
                break
            assert status == -9
        case.assert_comes_to_rest(scene)
        shutil.rmtree(scene.folder)


def test_killed_at_every_call_of_one_recovery(case: Case) -> None:
    """From an interrupted apply, a recovery killed at any call leaves what the next one finishes."""
    middle = next(call.number for call in case.calls if call.name == "exchange") + 2
    for number in count(1):
        scene = case.copy()
        hurt(scene, kill_at(middle), quiet)
        status = hurt(scene, kill_at(number), quiet)
        case.assert_whole(scene)
        case.assert_comes_to_rest(scene)
        shutil.rmtree(scene.folder)
        if status == 0:
            return


def test_killed_while_taking_a_commit_back(case: Case) -> None:
    """A commit that met a full disk and is killed at any call on its way back ends old or new, never between."""
    failing = next(call.number for call in case.calls if call.arguments[-1] == "micropkg.lock")
    for number in count(failing + 1):
        scene = case.copy()

        def hook(call: Call, number: int = number) -> None:
            fail_at(failing, errno.ENOSPC)(call)
            kill_at(number)(call)

        status = hurt(scene, hook, quiet)
        case.assert_whole(scene)
        case.assert_comes_to_rest(scene)
        shutil.rmtree(scene.folder)
        if status != -9:
            assert status == 3
            return


def test_killed_inside_every_call(case: Case) -> None:
    """Killed ahead of any system call, where an exchange is made of three, the next pass mends it."""
    for number in count(1):
        scene = case.copy()
        status = killed_inside(scene, number)
        case.assert_whole(scene)
        case.assert_converges(scene)
        shutil.rmtree(scene.folder)
        if status == 0:
            return
        assert status == -9


CODES = [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.EXDEV, errno.EINVAL]


@pytest.mark.parametrize("code", [pytest.param(code, id=errno.errorcode[code]) for code in CODES])
def test_refused_at_every_call(case: Case, code: int) -> None:
    """A disk that refuses any call ends the pass with an error that people can read, or the tree is right anyway."""
    for call in case.calls:
        if code in {errno.EACCES, errno.EXDEV} and moves_a_file(call):
            continue  # concerns this file alone: see below
        scene = case.copy()
        status = hurt(scene, fail_at(call.number, code), quiet)
        case.assert_whole(scene)
        assert status in {0, 3}, call
        if status == 0:
            passing = str(call.arguments[0]).startswith(DIARY)  # the memory of a pass is not the pass
            assert call.name == "remove_folder" or passing, call
        else:
            case.assert_converges(scene)
        shutil.rmtree(scene.folder)


def test_short_of_descriptors(case: Case) -> None:
    """With any number of free descriptors a pass is done or ends with an error that people can read."""
    statuses = []
    for free in count(1):  # the first is the project itself
        scene = case.copy()
        statuses.append(in_child(partial(run_with, scene, free)))
        case.assert_whole(scene)
        case.assert_converges(scene)
        shutil.rmtree(scene.folder)
        if statuses[-1] == 0:
            break
    assert len(statuses) > 5
    assert set(statuses[:-1]) == {3}


def run_with(scene: Scene, free: int) -> None:
    """One pass that may open so many files at once."""
    highest = os.open(os.devnull, os.O_RDONLY)
    os.close(highest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + free, highest + free))
    try:
        scene.run()
    except OSError as error:  # as the command line and the service do
        raise ShortageError.of(error) from error


def moves_a_file(call: Call) -> bool:
    """Whether a call puts a file into the tree, or takes one out of it."""
    return call.name in {"exchange", "rename_new"} and target_of(call) is not None


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EXDEV, errno.EBUSY])
def test_a_file_that_may_not_be_moved_stops_its_entry_alone(case: Case, code: int) -> None:
    """An immutable file, or a mount point: its entry fails as a whole and says why, the others are applied."""
    shared = {"requirements.in", "micropkg.lock"}
    for call in filter(moves_a_file, case.calls):
        scene, path = case.copy(), target_of(call)
        if path == "micropkg.lock":
            with pytest.raises(TreeError, match="be replaced"):
                scene.run(hooking(fail_at(call.number, code)))
            assert scene.tree() == case.old
        elif path == "requirements.in":  # the entries whose lines it was to get stay as they are, and only they
            outcome = scene.run(hooking(fail_at(call.number, code)))
            reasons = {entry.failure.reason for entry in outcome.entries if entry.failure is not None}
            assert reasons == {"RequirementsFile"}
            assert scene.tree()[path] == case.old[path]
        else:
            outcome = scene.run(hooking(fail_at(call.number, code)))
            (failed,) = [entry for entry in outcome.entries if entry.failure is not None]
            assert failed.failure is not None
            assert str(path) in failed.failure.problem
            changed = differences(scene.tree(), case.old).keys() - shared
            assert changed.isdisjoint(change.path for change in (failed.plan.writes if failed.plan else ()))
            assert changed
            assert all(scene.tree().get(name) == case.new.get(name) for name in changed)
        case.assert_converges(scene)
        shutil.rmtree(scene.folder)


def test_what_was_merged_stays_so_when_the_pass_could_not_remember_it(tmp_path: Path) -> None:
    """After the commit the lock says what is in the tree: an edit on top of it is none of the older version."""
    scene = Scene(tmp_path)
    lines = [f"line_{number} = {number}\n" for number in range(9)]
    scene.ask_for("gamma")
    scene.publish("gamma", {"gamma/text.py": "".join(lines), "gamma/other.py": "OTHER = 1\n"}, requires="numpy>=1")
    scene.run()
    scene.publish(
        "gamma", {"gamma/text.py": "".join(["line_0 = 'theirs'\n", *lines[1:]]), "gamma/other.py": "OTHER = 2\n"}, "2",
        requires="numpy>=2",
    )  # fmt: skip
    scene.write({"src/shop/gamma/text.py": "".join([*lines[:-1], "line_8 = 'ours'\n"])})

    def refuse(call: Call) -> None:
        if call.name == "write_file" and call.arguments[0] == ".micropkgd/state.json.tmp":
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(TreeError, match="no space left"):
        scene.run(hooking(refuse))
    scene.write({"src/shop/gamma/other.py": "OTHER = 2\nMINE = 1\n", "requirements.in": "# numpy is in the image\n"})
    tree = scene.tree()
    (entry,) = scene.run().entries

    assert entry.failure is None
    assert entry.plan is not None
    assert entry.plan.drifted == ("src/shop/gamma/other.py", "src/shop/gamma/text.py")
    assert not entry.plan.held
    assert scene.tree() == tree
    time.sleep(GRAIN_NS / 1e9)
    scene.run()
    assert_quiet(scene)
