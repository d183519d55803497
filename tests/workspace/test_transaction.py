"""One commit: all or nothing, also without power, and what raced it goes back where it was."""

import errno
import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import get_ident
from typing import NamedTuple

import pytest

from micropkgd.errors import MicropkgError, TreeError
from micropkgd.model.plan import Change, ChangeKind
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.workspace import fsops
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.transaction.commit import Recovery, Refusal, commit, recover
from tests.kit.faults import Call, Hooked, Scene, edit_journal, fail_at, fast_folder, lay_out, states_after_power_loss
from tests.workspace.test_fsops import mounted

OLD = {"pkg/same.py": b"same", "pkg/up.py": b"old up", "pkg/gone.py": b"old gone", "a.lock": b"old lock"}
NEW = {"pkg/same.py": b"same", "pkg/up.py": b"new up", "pkg/sub/made.py": b"new made", "a.lock": b"new lock"}
PATHS = ("pkg/up.py", "pkg/gone.py", "pkg/sub/made.py", "a.lock")
Files = dict[str, bytes]


def change(path: str, old: Mapping[str, bytes] = OLD, new: Mapping[str, bytes] = NEW) -> Change:
    """The step from one tree to another on one path."""
    before, after = (digest_of(tree[path]) if path in tree else None for tree in (old, new))
    kind = ChangeKind.CREATE if before is None else ChangeKind.DELETE if after is None else ChangeKind.UPDATE
    return Change(kind, RelPath(path), before, after, "test")


CHANGES = tuple(map(change, PATHS))
CONTENTS = {digest_of(data): data for data in NEW.values()}


def put(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def files_in(root: Path) -> Files:
    """All files of the tree but our own."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_relative_to(root / ".micropkgd")
    }


def stowed(root: Path) -> set[bytes]:
    """The bytes of everything kept."""
    return {path.read_bytes() for path in (root / ".micropkgd").rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree before the commit."""
    (tmp_path / ".micropkgd").mkdir()
    return put(tmp_path, OLD)


def committed(root: Path, *acts: tuple[str, str, Callable[[], object]], after: bool = False) -> Refusal | None:
    """Commit while others act: before (or after) the first call of that name that has that path."""
    waiting = list(acts)

    def hook(call: Call) -> None:
        for act in waiting:
            if act[0] == call.name and act[1] in call.arguments:
                waiting.remove(act)
                act[2]()
                return

    hooks = {"after" if after else "before": hook}
    with Hooked(str(root), **hooks) as fs:
        return commit(fs, CHANGES, CONTENTS)


def test_a_commit_applies_everything(root: Path) -> None:
    """The tree is the new one, what was replaced is kept, nothing waits."""
    assert committed(root) is None
    assert files_in(root) == NEW
    assert {b"old up", b"old gone", b"old lock"} <= stowed(root)
    assert os.listdir(root / ".micropkgd/txn") == []


def test_a_new_file_keeps_the_mode_of_the_old(root: Path) -> None:
    """An update does not take the owner's mode away."""
    (root / "pkg/up.py").chmod(0o750)
    committed(root)
    assert stat.S_IMODE((root / "pkg/up.py").stat().st_mode) == 0o750


@pytest.mark.parametrize("path", PATHS)
def test_an_edit_before_the_commit_refuses_it(root: Path, path: str) -> None:
    """A file that is not what the plan saw is named, and nothing is touched."""
    put(root, {path: b"mine"})
    with FsOps(str(root)) as fs:
        refusal = commit(fs, CHANGES, CONTENTS)
    assert refusal == Refusal(RelPath(path), "changed while this pass was at work", raced=True)
    assert files_in(root) == {**OLD, path: b"mine"}


def test_a_newer_save_wins_over_the_one_that_is_put_back(root: Path) -> None:
    """Of two saves, one under the swap and one under its taking back, the later is in the tree and the other kept."""
    up = root / "pkg/up.py"
    refusal = committed(
        root, ("exchange", "pkg/up.py", lambda: up.write_bytes(b"mine 1")),
        ("exchange", "pkg/up.py", lambda: put(root, {"draft": b"mine 2"}).joinpath("draft").rename(up)),
    )  # fmt: skip
    assert refusal is not None
    assert files_in(root) == {**OLD, "pkg/up.py": b"mine 2"}
    assert b"mine 1" in stowed(root)


def test_a_deletion_wins_over_the_save_that_is_put_back(root: Path) -> None:
    """Who deletes the file after the save that raced us has said the last word; the save is kept all the same."""
    up = root / "pkg/up.py"
    refusal = committed(
        root, ("exchange", "pkg/up.py", lambda: up.write_bytes(b"mine")), ("exchange", "pkg/up.py", up.unlink)
    )  # fmt: skip
    assert refusal is not None
    assert files_in(root) == {path: data for path, data in OLD.items() if path != "pkg/up.py"}
    assert b"mine" in stowed(root)


def test_a_save_into_a_replaced_file_comes_back_when_the_commit_does(root: Path) -> None:
    """An editor writes into the file it had open after we replaced it; the commit is taken back, the save with it."""
    late = os.open(root / "pkg/up.py", os.O_WRONLY)
    refusal = committed(
        root, ("rename_new", "pkg/sub/made.py", lambda: (os.write(late, b"mine"), put(root, {"pkg/sub/made.py": b"x"})))
    )  # fmt: skip
    os.close(late)
    assert refusal is not None
    assert files_in(root) == {**OLD, "pkg/up.py": b"mineup", "pkg/sub/made.py": b"x"}


def test_a_save_under_the_taking_back_stays(root: Path) -> None:
    """While a commit is taken back a created file is edited: the edit stays in the tree."""
    made, lock = root / "pkg/sub/made.py", root / "a.lock"
    refusal = committed(
        root, ("exchange", "a.lock", lambda: lock.write_bytes(b"mine")),
        ("exchange", "a.lock", lambda: None), ("rename_new", "pkg/sub/made.py", lambda: None),
        ("rename_new", "pkg/sub/made.py", lambda: made.write_bytes(b"edit")),
    )  # fmt: skip
    assert refusal is not None
    assert files_in(root) == {**OLD, "a.lock": b"mine", "pkg/sub/made.py": b"edit"}


@pytest.mark.parametrize(
    "obstacle",
    [
        pytest.param(lambda path: path.mkdir(), id="folder"),
        pytest.param(lambda path: path.symlink_to("elsewhere"), id="dangling-link"),
        pytest.param(lambda path: path.symlink_to("same.py"), id="link"),
        pytest.param(os.mkfifo, id="fifo"),
    ],
)
@pytest.mark.parametrize("at", ["write_file", "exchange"])
@pytest.mark.parametrize("renameat2", [True, False])
def test_what_is_no_file_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch, obstacle: Callable[[Path], None], at: str, renameat2: bool
) -> None:
    """A folder, link or pipe that takes the target's place, early or late, is neither replaced nor followed."""
    if not renameat2:
        monkeypatch.setattr(fsops, "_renameat2", lambda *arguments: False)
    up = root / "pkg/up.py"

    def act() -> None:
        up.unlink()
        obstacle(up)

    calls = {"write_file": ("sync_folder", ".micropkgd"), "exchange": ("exchange", "pkg/up.py")}
    refusal = committed(root, (*calls[at], act))
    assert refusal is not None
    assert refusal.path == "pkg/up.py"
    assert not stat.S_ISREG(os.lstat(up).st_mode)
    kept = {path: data for path, data in OLD.items() if path != "pkg/up.py"}
    assert {path: data for path, data in files_in(root).items() if path != "pkg/up.py"} == kept


def test_a_link_above_a_target_refuses_only_that_change(root: Path) -> None:
    """A folder that is a link is somebody's choice: the commit names the file below it and is not made."""
    (root / "pkg").rename(root / "real")
    (root / "pkg").symlink_to("real")
    refusal = committed(root)
    assert refusal == Refusal(RelPath("pkg/up.py"), "a symbolic link above it is in the way", raced=False)
    assert (root / "real/up.py").read_bytes() == b"old up"


def test_a_link_in_a_new_folders_place_does_not_stop_the_taking_back(root: Path) -> None:
    """The folder a commit made becomes a link: the commit ends, and nothing stands behind the link."""
    (root / "outside").mkdir()

    def act() -> None:
        (root / "pkg/sub").rmdir()
        (root / "pkg/sub").symlink_to(root / "outside")

    refusal = committed(root, ("rename_new", "pkg/sub/made.py", act))
    assert refusal is not None
    assert os.listdir(root / "outside") == []
    with FsOps(str(root)) as fs:
        assert recover(fs) == Recovery()


def test_a_folder_that_was_moved_away_is_not_written_to(root: Path) -> None:
    """A folder that another took the place of between the plan and the commit is looked at anew."""

    def act() -> None:
        (root / "pkg").rename(root / "away")
        put(root, {path: data if path != "pkg/up.py" else b"mine" for path, data in OLD.items()})

    with FsOps(str(root)) as fs:
        fs.found(RelPath("pkg/up.py"))  # the plan looked
        act()
        assert commit(fs, CHANGES, CONTENTS) is not None
    assert (root / "away/up.py").read_bytes() == b"old up"
    assert (root / "pkg/up.py").read_bytes() == b"mine"


def test_a_target_on_another_file_system_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    """No step could replace it at once: its entry fails with the reason, and the other entries are applied."""
    scene = Scene(tmp_path)
    scene.ask_for("beta", "gamma")
    scene.publish("beta", {"beta/one.py": "B = 1\n", "beta/config/parameters_beta.yml": "a: 1\n"})
    scene.publish("gamma", {"gamma/one.py": "G = 1\n"})
    (scene.root / "conf").mkdir()
    with mounted(scene.root / "conf/base"):
        beta, gamma = scene.run().entries
        assert beta.failure is not None
        assert beta.failure.problem == "conf/base/parameters_beta.yml: is on another file system than .micropkgd"
        assert gamma.failure is None
        assert scene.text("src/shop/beta/one.py") is None
        assert scene.text("src/shop/gamma/one.py") == "G = 1\n"
    scene.run()
    assert scene.text("conf/base/parameters_beta.yml") == "a: 1\n"


def test_a_folder_that_is_mounted_on_its_own_stops_its_entry_alone(tmp_path: Path) -> None:
    """Also from the same file system, as containers do, where no number of a device tells it."""
    scene = Scene(tmp_path)
    scene.ask_for("beta", "gamma")
    scene.publish("beta", {"beta/one.py": "B = 1\n"})
    scene.publish("gamma", {"gamma/one.py": "G = 1\n"})
    folder = scene.root / "src/shop/beta"
    folder.mkdir()
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        beta, gamma = scene.run().entries
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    assert beta.failure is not None
    assert "mounted on their own" in beta.failure.problem
    assert gamma.failure is None
    assert scene.text("src/shop/gamma/one.py") == "G = 1\n"
    scene.run()
    assert scene.text("src/shop/beta/one.py") == "B = 1\n"


def test_a_floor_stays_also_when_another_process_finishes(root: Path) -> None:
    """Which folders outlast their files is in the journal: recovery keeps them as the commit would have."""
    changes = [change("pkg/sub/made.py", NEW, {}), change("pkg/up.py", NEW, {}), change("pkg/same.py", NEW, {})]
    put(root, NEW)
    (root / "pkg/gone.py").unlink()
    stop = stop_at("rename_new", "pkg/same.py")
    with Hooked(str(root), after=stop) as fs, pytest.raises(KeyboardInterrupt):
        commit(fs, changes, {}, frozenset({RelPath("pkg")}))
    with FsOps(str(root)) as fs:
        recover(fs)
    assert os.listdir(root / "pkg") == []


def stop_at(name: str, path: str) -> Callable[[Call], None]:
    """Interrupt the process at a call."""

    def stop(call: Call) -> None:
        if call.name == name and path in call.arguments:
            raise KeyboardInterrupt

    return stop


def interrupted(root: Path, name: str = "exchange", path: str = "a.lock") -> None:
    """A commit cut short after one call."""
    with Hooked(str(root), after=stop_at(name, path)) as fs, pytest.raises(KeyboardInterrupt):
        commit(fs, CHANGES, CONTENTS)


def test_an_edit_that_came_out_of_a_swap_before_a_crash_goes_back(root: Path) -> None:
    """Killed between the swap and the look at what came out, the next process finds the save and puts it back."""
    up = root / "pkg/up.py"

    def edit(call: Call) -> None:
        if call.name == "exchange" and "pkg/up.py" in call.arguments:
            up.write_bytes(b"mine")

    with Hooked(str(root), edit, stop_at("exchange", "pkg/up.py")) as fs, pytest.raises(KeyboardInterrupt):
        commit(fs, CHANGES, CONTENTS)
    assert up.read_bytes() == b"new up"
    recovered(root)
    assert files_in(root) == {**OLD, "pkg/up.py": b"mine"}


def recovered(root: Path) -> None:
    """A recovery."""
    with FsOps(str(root)) as fs:
        assert recover(fs).journal is not None
        assert recover(fs) == Recovery()


@pytest.mark.parametrize("cut", [("make_folder", "pkg/sub"), ("exchange", "pkg/up.py"), ("exchange", "a.lock")])
def test_an_edit_after_an_interruption_stays(root: Path, cut: tuple[str, str]) -> None:
    """A file edited between the crash and the recovery keeps the edit, and the rest is of one version."""
    interrupted(root, *cut)
    put(root, {"pkg/up.py": b"mine"})
    recovered(root)
    found = files_in(root)
    assert found.pop("pkg/up.py") == b"mine"
    assert found in [{path: data for path, data in side.items() if path != "pkg/up.py"} for side in (OLD, NEW)]


@pytest.mark.parametrize("cut", [("make_folder", "pkg/sub"), ("exchange", "pkg/up.py"), ("exchange", "a.lock")])
def test_without_its_staged_files_an_interrupted_commit_ends(root: Path, cut: tuple[str, str]) -> None:
    """Somebody removed what was staged: recovery comes to an end, and no file is anything but old or new."""
    interrupted(root, *cut)
    for folder, _, names in os.walk(root / ".micropkgd/txn"):
        for name in names:
            os.unlink(os.path.join(folder, name))
    for stage in (root / ".micropkgd/txn").iterdir():
        stage.rmdir()
    recovered(root)
    for path, data in files_in(root).items():
        assert data in {OLD.get(path), NEW.get(path)}


def test_debris_of_any_kind_is_swept(root: Path) -> None:
    """Whatever a crash or a curious person left in `txn` goes, and a link goes without what it points to."""
    put(root, {".micropkgd/txn/one/0": b"", ".micropkgd/txn/file": b"", ".micropkgd/txn/two/deep/x": b""})
    (root / ".micropkgd/txn/link").symlink_to(root / "pkg")
    with FsOps(str(root)) as fs:
        recover(fs)
    assert os.listdir(root / ".micropkgd/txn") == []
    assert files_in(root) == OLD


class Trace(NamedTuple):
    """The calls of one undisturbed commit in a project that is new to us."""

    old: Files
    calls: list[Call]

    def without(self, kind: str) -> "Trace":
        """As if the commit left out one kind of sync."""
        return Trace(self.old, [call for call in self.calls if not NEEDED[kind](self.calls, call)])


def trace(root: Path, old: Files) -> Trace:
    """Commit the changes from a tree to the new one."""
    changes = [change(path, old) for path in PATHS if old.get(path) != NEW.get(path)]
    with Hooked(str(put(root, old))) as fs:
        fs.make_folder(RelPath(".micropkgd"))
        assert commit(fs, changes, CONTENTS) is None
        return Trace(old, fs.calls)


SAME = {"pkg/same.py": b"same"}  # the tree before a first installation


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trace, Trace]:
    """An update and a first installation."""
    return trace(tmp_path_factory.mktemp("update"), OLD), trace(tmp_path_factory.mktemp("install"), SAME)


def test_a_failed_sync_ends_the_commit(tmp_path: Path, traces: Sequence[Trace]) -> None:
    """No second fsync makes a success of a commit whose first one failed (PostgreSQL's lesson)."""
    for call in traces[0].calls:
        if call.name.startswith("sync_"):
            tree = put(tmp_path / str(call.number), OLD)
            with Hooked(str(tree), before=fail_at(call.number, errno.EIO)) as fs:
                fs.make_folder(RelPath(".micropkgd"))
                with pytest.raises(TreeError, match="input/output error"):
                    commit(fs, CHANGES, CONTENTS)


MANY = {f"pkg/many/{number}.py": str(number).encode() for number in range(200)}


def commit_many(fs: FsOps) -> Refusal | None:
    """Install so many files that they are synced side by side."""
    fs.make_folder(RelPath(".micropkgd"))
    changes = [change(path, {}, MANY) for path in MANY]
    return commit(fs, changes, {digest_of(data): data for data in MANY.values()})


def test_many_files_are_synced_side_by_side(tmp_path: Path) -> None:
    """Every one of them, by several threads, before the journal is written."""
    threads = set()

    def note(call: Call) -> None:
        if call.name == "sync_file" and "/txn/" in call.arguments[0]:
            threads.add(get_ident())

    with Hooked(str(tmp_path), before=note) as fs:
        assert commit_many(fs) is None
        names = [(call.name, call.arguments[0]) for call in fs.calls]
    journal = next(at for at, (name, path) in enumerate(names) if name == "write_file" and "journal" in path)
    written = {path for name, path in names[:journal] if name == "write_file" and "/txn/" in path}
    assert len(written) == len(MANY)
    assert written <= {path for name, path in names[:journal] if name == "sync_file"}
    assert len(threads) > 1
    assert files_in(tmp_path) == MANY


def test_one_failed_sync_of_many_ends_the_commit(tmp_path: Path) -> None:
    """Whichever thread it befell."""

    def fail(call: Call) -> None:
        if call.name == "sync_file" and call.arguments[0].endswith("/102"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Hooked(str(tmp_path), before=fail) as fs:
        with pytest.raises(TreeError, match="input/output error"):
            commit_many(fs)
        assert files_in(tmp_path) == {}
        assert not any(call.name == "write_file" and "journal" in call.arguments[0] for call in fs.calls)


def broken_states(trace: Trace, folder: Path) -> list[str]:
    """What is wrong after power losses: every state that the disk may be in after each call, recovered from."""
    wrong = []
    seen: set[frozenset[tuple[str, bytes | None]]] = set()
    for end in range(len(trace.calls) + 1):
        done = end == len(trace.calls)
        for number, state in enumerate(states_after_power_loss(trace.old, trace.calls[:end])):
            key = frozenset(state.items())
            if done or key not in seen:
                problem = problem_after(lay_out(state, folder / f"{end}.{number}"), [NEW] if done else [trace.old, NEW])
                wrong += [f"{end}: {problem}"] if problem else []
            seen.add(key)
    return wrong


def problem_after(root: Path, allowed: Sequence[Files]) -> str:
    """Recover, and say what is wrong with the tree then."""
    try:
        journal = root / ".micropkgd/journal"
        if (
            journal.is_file() and journal.stat().st_size
        ):  # a disk keeps a folder's number, a tree laid out anew does not
            edit_journal(root, folder=journal.parent.stat().st_ino)
        with FsOps(str(root)) as fs:
            recover(fs)
            left = fs.names(RelPath(".micropkgd/txn"))
    except MicropkgError as error:
        return str(error)
    found = files_in(root)
    return "" if found in allowed and not left else f"neither old nor new: {found}, {left}"


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that syncs fast."""
    with fast_folder() as folder:
        yield folder


def test_power_loss_after_any_call(memory: Path, traces: Sequence[Trace]) -> None:
    """Whatever part of the unsynced calls the disk kept, recovery gives the old or the new tree, whole."""
    for trace in traces:
        (memory / str(len(trace.old))).mkdir()
        assert broken_states(trace, memory / str(len(trace.old))) == []


def is_sync_of(path: str, before: str, after: str = "") -> Callable[[Sequence[Call], Call], bool]:
    """Tells the syncs of a path between the first calls that write to two others."""

    def tell(calls: Sequence[Call], call: Call) -> bool:
        def first(name: str) -> int:
            return next(
                each.number for each in calls if any(name in part for part in each.arguments if isinstance(part, str))
            )

        here = str(call.arguments[0] or ".")
        inside = (first(after) if after else 0) < call.number <= first(before)
        return call.name.startswith("sync_") and bool(re.fullmatch(path, here)) and inside

    return tell


NEEDED = {
    "staged-files": is_sync_of(r"\.micropkgd/txn/\w+/\d+", "journal.tmp"),
    "stage": is_sync_of(r"\.micropkgd/txn/\w+", "journal.tmp"),
    "stages": is_sync_of(r"\.micropkgd/txn", "journal.tmp"),
    "project": is_sync_of(r"\.", "journal.tmp"),
    "journal": is_sync_of(r"\.micropkgd/journal.tmp", "pkg/sub"),
    "journal-folder": is_sync_of(r"\.micropkgd", "pkg/sub"),
    "targets": is_sync_of(r"\.|pkg|pkg/sub", "kept", after="pkg/sub"),
}


@pytest.mark.parametrize("kind", NEEDED)
def test_every_sync_is_needed(memory: Path, traces: Sequence[Trace], kind: str) -> None:
    """Without any one kind of sync the same power losses break the promise: the test above can fail."""
    wrong = []
    for trace in traces:
        folder = memory / str(len(trace.old))
        folder.mkdir()
        wrong += broken_states(trace.without(kind), folder)
    assert wrong
