"""Promise P3: whatever a person does while a pass is at work, their last save is in the tree and none is lost."""

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest

from micropkgd.errors import MicropkgError
from micropkgd.model.tree import Found, RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.transaction import kept
from tests.kit.faults import Call, Hook, Recorder, Scene, changing_scene, fast_folder, hooking, tree_of

pytestmark = pytest.mark.no_cover

SWAPS = int(os.environ.get("MICROPKGD_TEST_SWAPS", "20000"))
MINE = b"MINE = True\n"
BETA = ("src/shop/beta/one.py", "src/shop/beta/two/y.py", "src/shop/beta/gone.py", "src/shop/beta/deep/x.py",
        "conf/base/parameters_beta.yml")  # fmt: skip
Edit = Callable[[Path], None]
T = TypeVar("T")


@pytest.fixture(scope="module")
def before() -> Iterator[Scene]:
    """A project with every kind of change before it."""
    with fast_folder() as folder:
        yield changing_scene(folder / "before")


@contextmanager
def copy_of(scene: Scene) -> Iterator[Scene]:
    """A copy of a scene that goes away."""
    with tempfile.TemporaryDirectory(dir=scene.folder.parent) as folder:
        yield scene.copy(Path(folder))


def save_in_place(path: Path) -> None:
    """As an editor that writes into the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(MINE)


def save_by_rename(path: Path) -> None:
    """As an editor that writes another file and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(".draft")
    draft.write_bytes(MINE)
    draft.rename(path)


def once_at(number: int, act: Callable[[], object]) -> Hook:
    """Act before one call."""

    def hook(call: Call) -> None:
        if call.number == number:
            act()

    return hook


def calls_of(before: Scene) -> list[Call]:
    """The calls of an undisturbed pass, from the last look at the tree on."""
    calls = Recorder()
    with copy_of(before) as copy:
        copy.run(calls)
    return [call for call in calls.calls if call.name != "sync_file" and call.number > 20]


def versions(scene: Scene, files: tuple[str, ...], old: Scene) -> set[str]:
    """Which versions of an entry's files are in the tree."""
    return {"old" if scene.text(path) == old.text(path) else "new" for path in files}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("src/shop/beta/one.py", id="updated"),
        pytest.param("src/shop/beta/two/y.py", id="created"),
        pytest.param("src/shop/beta/gone.py", id="deleted"),
        pytest.param("src/shop/gamma/text.py", id="merged"),
    ],
)
@pytest.mark.parametrize("save", [save_in_place, save_by_rename])
def test_a_save_between_any_two_calls_stays(before: Scene, path: str, save: Edit) -> None:
    """The save is in the tree, its entry is of one version, the other entries are applied; so after the next pass."""
    others = tuple(other for other in BETA if other != path)
    for call in calls_of(before):
        with copy_of(before) as scene:
            file = scene.root / path
            scene.run(hooking(once_at(call.number, partial(save, file))))
            assert file.read_bytes() == MINE, call
            assert len(versions(scene, others, before)) == 1, call
            assert scene.text("src/shop/alpha/new.py") == "NEW = 1\n"
            assert scene.text("src/shop/zeta/back.py") == "BACK = 1\n"
            scene.run()
            assert file.read_bytes() == MINE, call
            assert scene.own("txn") == []


def test_a_deletion_between_any_two_calls_harms_nothing_else(before: Scene) -> None:
    """A file that is deleted under a pass is there again or stays gone, and its entry is of one version."""
    for call in calls_of(before):
        with copy_of(before) as scene:
            file = scene.root / BETA[0]
            scene.run(hooking(once_at(call.number, partial(file.unlink, missing_ok=True))))
            assert len(versions(scene, BETA[1:], before)) == 1, call
            assert scene.text("src/shop/alpha/new.py") == "NEW = 1\n"
            scene.run()  # which holds the entry where the deletion came before its update
            assert not file.exists() or file.read_bytes() == b"ONE = 2\n"
            assert len(versions(scene, BETA[1:], before)) == 1, call


@pytest.mark.parametrize("path", ["requirements.in", "micropkg.lock"])
def test_a_save_of_a_shared_file_stays(before: Scene, path: str) -> None:
    """A file with several owners that is edited under a pass keeps the edit; nothing is half applied."""
    for call in calls_of(before):
        with copy_of(before) as scene:
            file = scene.root / path
            edited = file.read_bytes() + b"# mine\n"
            hook = once_at(call.number, partial(file.write_bytes, edited))
            try:
                scene.run(hooking(hook))
            except MicropkgError:
                assert len(versions(scene, (*BETA, "src/shop/alpha/new.py"), before)) == 1
            if path == "micropkg.lock":
                assert file.read_bytes() == edited, call
            else:
                assert b"# mine\n" in file.read_bytes(), call
                scene.run()
                assert b"# mine\n" in file.read_bytes(), call
                assert scene.text("src/shop/alpha/new.py") == "NEW = 1\n"


class Looks:
    """Gives `FsOps` with somebody who acts once, after one of its looks at the project's own files."""

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self.left, self._act = number, act

    def __call__(self, root: str) -> FsOps:
        """Open a project."""
        looks = self

        class Looking(FsOps):
            def found(self, path: RelPath) -> Found:
                return looks.then(path, super().found(path))

            def read(self, path: RelPath, *, at_most: int | None = None) -> bytes:
                return looks.then(path, super().read(path, at_most=at_most))

            def status(self, path: RelPath) -> os.stat_result | None:
                return looks.then(path, super().status(path))

        return Looking(root)

    def then(self, path: RelPath, seen: T) -> T:
        """Count a look, and act after the one."""
        self.left -= not path.startswith(".micropkgd")
        if self.left == 0:
            self.left = -1
            self._act()
        return seen


@pytest.mark.parametrize("path", ["requirements.in", "src/shop/tools/__init__.py"])
def test_a_save_after_any_look_at_a_shared_file_stays(before: Scene, path: str) -> None:
    """What a shared file is made from is what may be replaced: a save after that is not taken for it."""
    for number in count(1):
        with copy_of(before) as scene:
            pull = '"dist/alpha.tar.gz" = {destination = "tools"}'
            manifest = (scene.root / "pyproject.toml").read_text()
            scene.write({"pyproject.toml": manifest.replace('"dist/alpha.tar.gz" = {}', pull)})
            looks = Looks(number, partial(save_by_rename, scene.root / path))
            with suppress(MicropkgError):
                scene.run(looks)
            if looks.left > 0:
                break
            assert MINE in (scene.root / path).read_bytes(), number


def test_a_lock_that_git_brings_while_sources_are_asked_stays(before: Scene) -> None:
    """The lock is replaced only by one that was made from it; the next pass begins from what git brought."""
    with copy_of(before) as scene:
        lock = scene.root / "micropkg.lock"
        others = lock.read_bytes().replace(b'"dist/beta.tar.gz"', b'"dist/of-others.tar.gz"')

        class Slow(FsOps):
            def found(self, path: RelPath) -> Found:  # the first look at the tree comes after the sources
                if path.startswith("src/") and lock.read_bytes() != others:
                    lock.write_bytes(others)
                return super().found(path)

        with pytest.raises(MicropkgError, match="changed while this pass was at work"):
            scene.run(Slow)
        assert lock.read_bytes() == others
        assert scene.tree().keys() == before.tree().keys()


def swap_for_link(folder: Path, outside: Path) -> None:
    """Move a folder away and put a link to another one in its place."""
    if not folder.is_symlink():
        folder.rename(folder.with_name("moved"))
        folder.symlink_to(outside)


def test_nothing_is_written_through_a_link(before: Scene, tmp_path: Path) -> None:
    """A parent that becomes a link to a folder elsewhere at any moment leads no write there."""
    for call in calls_of(before):
        with copy_of(before) as scene:
            outside = scene.folder / "outside"
            shutil.copytree(scene.root / "src/shop/beta", outside)
            untouched = tree_of(outside)
            folder = scene.root / "src/shop/beta"
            hook = once_at(call.number, partial(swap_for_link, folder, outside))
            scene.run(hooking(hook))
            assert tree_of(outside) == untouched, call
            scene.run()
            assert tree_of(outside) == untouched, call
            assert scene.text("src/shop/alpha/new.py") == "NEW = 1\n"


SWAPPED = ("src/shop/beta", "conf/base", "tests", "src/shop")


@contextmanager
def swapping(root: Path, links: list[RelPath], swaps: int) -> Iterator[Callable[[], bool]]:
    """A process that lets folders and links trade places, at odd moments; gives what says whether it is still at it.

    An even number of swaps, so that each folder is in its place at the end.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with FsOps(str(root)) as fs:
                for _ in range(swaps // len(links) // 2):
                    for link in links:
                        for _ in range(2):
                            assert fs.trades_places(RelPath(link.removesuffix(".link")), link)
                            time.sleep(random.expovariate(1e4))  # seconds: 100 microseconds, more or less
            code = 0
        finally:
            os._exit(code)
    ended: list[int] = []

    def is_at_it() -> bool:
        if not ended and (found := os.waitpid(child, os.WNOHANG)) != (0, 0):
            ended.append(os.waitstatus_to_exitcode(found[1]))
            assert ended == [0]
        return not ended

    try:
        yield is_at_it
    finally:
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@pytest.mark.parametrize("place", SWAPPED)
def test_folders_swapped_for_links_as_fast_as_can_be(tmp_path: Path, place: str) -> None:
    """Another process does so all the while: nothing behind the links changes, and afterwards passes come to rest.

    What is behind them is a copy, so that every digest that a pass may look for is there too.
    """
    with fast_folder() as folder:
        scene = Scene(folder / "one")
        scene.ask_for("beta", policy='on-local-edit = "overwrite"')
        scene.write({"conf/base/catalog.yml": "", "tests/test_own.py": ""})
        release(scene, 0)
        scene.run()
        outside = scene.folder / "outside"
        shutil.copytree(scene.root / place, outside)
        (scene.root / f"{place}.link").symlink_to(outside)
        untouched, passes, done = tree_of(outside), 0, 0
        with swapping(scene.root, [RelPath(f"{place}.link")], SWAPS // len(SWAPPED)) as is_at_it:
            while is_at_it():
                passes += 1
                release(scene, passes)
                with suppress(MicropkgError):
                    done += scene.run().exit_code == 0
                assert tree_of(outside) == untouched
        (scene.root / f"{place}.link").unlink()
        scene.run()
        scene.run()
        assert scene.text("src/shop/beta/one.py") == f"ONE = {passes}\n"
        assert scene.text("tests/beta/test_one.py") == f"T = {passes}\n"
        assert tree_of(outside) == untouched
        assert scene.own("txn") == []
        assert passes > done


def release(scene: Scene, version: int) -> None:
    """Publish a version that updates, creates and deletes below every folder that is swapped."""
    files = {"beta/one.py": f"ONE = {version}\n", "beta/deep/x.py": f"X = {version}\n",
             f"beta/only{version % 2}.py": "",
             "beta/config/parameters_beta.yml": f"a: {version}\n", "tests/test_one.py": f"T = {version}\n"}  # fmt: skip
    scene.publish("beta", files, str(version))


class Editor(threading.Thread):
    """Saves one file again and again, and remembers which saves were in the tree no longer when it looked."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.stop = path, threading.Event()
        self.passes = 0  # that have ended
        self.saves, self.taken = 0, set[bytes]()

    def run(self) -> None:
        """Save until told to stop."""
        while not self.stop.is_set():
            last = self.text(self.saves)
            if self.saves and self._is_gone(last):
                self.taken.add(last)
            self.saves += 1
            if self.saves % 2:
                self.path.write_bytes(self.text(self.saves))
            else:
                self.path.with_name("draft").write_bytes(self.text(self.saves))
                self.path.with_name("draft").rename(self.path)
            time.sleep(0.03 if self.saves % 5 == 0 else 0.001)  # a pass wins only while the editor rests

    def _is_gone(self, last: bytes) -> bool:
        """Whether the save is gone for good: one that raced a pass is away until that pass ends."""
        passes, is_over = self.passes, False
        while self.path.read_bytes() != last:
            if is_over:
                return True
            is_over = self.passes > passes or self.stop.is_set()
            time.sleep(0.001)
        return False

    @staticmethod
    def text(number: int) -> bytes:
        """The bytes of one save."""
        return b"SAVE = %d\n" % number


def test_an_editor_that_never_stops_loses_no_save(tmp_path: Path) -> None:
    """Every save that passes took out of the tree, because the policy says so, is kept."""
    scene = Scene(tmp_path)
    scene.ask_for("beta", policy='on-local-edit = "overwrite"')
    scene.publish("beta", {"beta/one.py": "ONE = 0\n", "beta/other.py": "OTHER = 0\n"})
    scene.run()
    editor = Editor(scene.root / "src/shop/beta/one.py")
    editor.start()
    stowed: set[bytes] = set()
    try:
        for version in range(1, 80):
            scene.publish("beta", {"beta/one.py": f"ONE = {version}\n", "beta/other.py": f"OTHER = {version}\n"})
            scene.run()
            editor.passes += 1
            stowed |= set(scene.stowed())
    finally:
        editor.stop.set()
        editor.join()
    last = editor.text(editor.saves)
    assert editor.saves > 100
    assert editor.taken
    assert editor.taken <= stowed | {last}
    assert editor.path.read_bytes() == last or last in stowed


def test_what_was_written_into_a_replaced_file_is_never_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that still had the old file open wrote into what is kept: that commit stays for ever."""
    monkeypatch.setattr(kept, "_COMMITS_KEPT_A_DAY", 20)
    scene = Scene(tmp_path)
    scene.ask_for("beta")
    scene.publish("beta", {"beta/one.py": "ONE = 0\n"})
    scene.run()
    with open(scene.root / "src/shop/beta/one.py", "r+b") as late:
        scene.publish("beta", {"beta/one.py": "ONE = 1\n"})
        scene.run()
        late.write(MINE)
    for version in range(2, 26):
        scene.publish("beta", {"beta/one.py": f"ONE = {version}\n"})
        scene.run()
    assert MINE in scene.stowed()
    assert len(scene.own("kept")) <= 22
