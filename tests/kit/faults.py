"""Ways to hurt a pass: show every call that changes the disk, let it fail, kill the process, and look at what is left.

`Hooked` is `FsOps` with a hook before and after each call of `fsops.MUTATING`. `Scene` is a small project with an
archive for every kind of change; `in_child` runs a piece of work in a forked process that may die of it.
"""

import json
import os
import shutil
import signal
import stat
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from micropkgd.errors import MicropkgError
from micropkgd.model.outcome import Outcome
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.cycle import run_pass
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.workspace import fsops
from micropkgd.workspace.fsops import MUTATING, FsOps
from micropkgd.workspace.transaction import journal
from tests.kit import archives

Tree = dict[str, tuple[int, bytes]]  # path -> mode and bytes; folders and links too


class Call(NamedTuple):
    """One call that changes the disk; the first is number 1."""

    number: int
    name: str
    arguments: tuple[Any, ...]


Hook = Callable[[Call], None]


def ignore(call: Call) -> None:
    """Do nothing."""


class Hooked(FsOps):
    """The real thing, with a hook on both sides of every call that changes the disk."""

    def __init__(self, root: str, before: Hook = ignore, after: Hook = ignore) -> None:
        super().__init__(root)
        self.calls: list[Call] = []
        self._before, self._after = before, after

    def _show(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        if name == "write_pieces":  # on the disk it is the same as one write
            path, pieces, *rest = arguments
            name, arguments = "write_file", (path, b"".join(pieces), *rest)
        call = Call(len(self.calls) + 1, name, arguments)
        self.calls.append(call)
        self._before(call)
        try:
            getattr(super(), name)(*arguments, **options)
        finally:
            self._after(call)


def _hooked(name: str) -> Callable[..., None]:
    return lambda fs, *arguments, **options: fs._show(name, arguments, options)


for _name in MUTATING:
    setattr(Hooked, _name, _hooked(_name))


def hooking(before: Hook = ignore, after: Hook = ignore) -> Callable[[str], Hooked]:
    """What `run_pass` takes as `fsops`."""
    return lambda root: Hooked(root, before, after)


def kill_at(number: int) -> Hook:
    """SIGKILL the own process at one call."""

    def kill(call: Call) -> None:
        if call.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def fail_at(number: int, code: int) -> Hook:
    """Raise an `OSError` at one call."""

    def fail(call: Call) -> None:
        if call.number == number:
            raise OSError(code, os.strerror(code))

    return fail


class Recorder:
    """Gives `FsOps` that keep their calls in one list."""

    def __init__(self, before: Hook = ignore, after: Hook = ignore) -> None:
        self.calls: list[Call] = []
        self._before, self._after = before, after

    def __call__(self, root: str) -> Hooked:
        """Open a project."""
        fs = Hooked(root, self._before, self._after)
        fs.calls = self.calls
        return fs


@contextmanager
def fast_folder() -> Iterator[Path]:
    """A folder in memory where the machine has one: thousands of syncs follow."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class SystemCalls:
    """The module `os` as `fsops` sees it, killing the process ahead of one call that changes the disk."""

    CHANGING = frozenset({"mkdir", "write", "fsync", "link", "rename", "unlink", "rmdir", "fchmod"})

    def __init__(self, number: int) -> None:
        self.left = number

    def __getattr__(self, name: str) -> Any:
        self.left -= name in self.CHANGING
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return getattr(os, name)


def in_child(work: Callable[[], object]) -> int:
    """Do work in a forked process: 0 done, 3 ended by a `MicropkgError`, 1 by another error, -9 killed."""
    child = os.fork()
    if child == 0:
        sys.settrace(None)  # what coverage would note of it dies with it
        code = 1
        try:
            work()
            code = 0
        except MicropkgError:
            code = 3
        finally:
            if code == 1:
                traceback.print_exc()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_inside(scene: "Scene", number: int) -> int:
    """One pass in a process that dies ahead of one system call, on a file system without `renameat2`."""

    def work() -> None:
        vars(fsops).update(os=SystemCalls(number), _renameat2=lambda *arguments: False)
        scene.run()

    return in_child(work)


class Scene:
    """A project at `root`, archives below its `dist/`, and a cache beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.cache = folder, folder / "shop", folder / "cache"

    def run(self, fsops: Callable[[str], FsOps] = FsOps, **options: Any) -> Outcome:
        """One pass."""
        cache = ArchiveCache(self.cache)
        with Sources(cache, offline=True) as sources:
            wanted = PassOptions(lock_timeout=5, **options)
            return run_pass(str(self.root), wanted, lambda root: Fetcher(root, sources, cache, {}), fsops=fsops)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Put files into the project."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)

    def publish(self, name: str, files: Mapping[str, str | bytes], version: str = "1", requires: str = "") -> None:
        """Put an archive of package `name` where the manifest looks for it."""
        info = f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n"
        info += f"Requires-Dist: {requires}\n" if requires else ""
        data = archives.project({"PKG-INFO": info, f"{name}/__init__.py": "", **files}, f"{name}-{version}")
        self.write({f"dist/{name}.tar.gz": data})

    def ask_for(self, *names: str, policy: str = "") -> None:
        """Write a manifest that pulls these packages."""
        rows = "".join(f'"dist/{name}.tar.gz" = {{}}\n' for name in names)
        manifest = f'[tool.micropkgd]\n{policy}\n[tool.micropkgd.project]\npackage = "shop"\n'
        self.write({"pyproject.toml": f"{manifest}[tool.micropkgd.pull]\n{rows}", "src/shop/__init__.py": ""})

    def copy(self, folder: Path) -> "Scene":
        """The same scene at another place; the archives in the cache are shared."""
        shutil.copytree(self.root, folder / "shop", symlinks=True)
        copy = Scene(folder)
        copy.cache = self.cache
        return copy

    def tree(self) -> Tree:
        """Everything in the project but `.micropkgd`."""
        return tree_of(self.root)

    def text(self, path: str) -> str | None:
        """The text of a file, if it is there."""
        file = self.root / path
        return file.read_text() if file.is_file() else None

    def own(self, path: str) -> list[str]:
        """The names in a folder of `.micropkgd`."""
        folder = self.root / ".micropkgd" / path
        return sorted(os.listdir(folder)) if folder.is_dir() else []

    def stowed(self) -> list[bytes]:
        """The bytes of everything kept below `.micropkgd`."""
        return [path.read_bytes() for path in (self.root / ".micropkgd").rglob("*") if path.is_file()]


def edit_journal(root: Path, path: str = ".micropkgd/journal", **fields: object) -> None:
    """Change what a journal of ours says, and sign it as we would."""
    with FsOps(str(root)) as fs:
        document = json.loads((root / path).read_bytes().rpartition(b"\n")[0])
        (root / path).write_bytes(journal.signed(fs, {**document, **fields}))


def tree_of(root: Path, skip: str = ".micropkgd") -> Tree:
    """Everything below a folder: mode and content, a link's content being where it points."""
    found: Tree = {}
    for folder, folders, names in os.walk(root):
        if skip in folders:
            folders.remove(skip)
        for name in (*folders, *names):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            found[os.path.relpath(path, root)] = (stat.S_IMODE(mode), _content(path, mode))
    return found


def _content(path: str, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        return os.fsencode(os.readlink(path))
    return Path(path).read_bytes() if stat.S_ISREG(mode) else b""


def changing_scene(folder: Path) -> Scene:
    """A scene in which the next pass creates, updates, merges, deletes, restores and holds."""
    scene = Scene(folder)
    scene.ask_for("beta", "gamma", "delta", "epsilon", "zeta")
    scene.write({"requirements.txt": "pandas\n", "conf/base/catalog.yml": ""})
    lines = [f"line_{number} = {number}\n" for number in range(9)]
    scene.publish("beta", {"beta/one.py": "ONE = 1\n", "beta/gone.py": "", "beta/deep/x.py": "",
                           "beta/config/parameters_beta.yml": "a: 1\n"}, requires="numpy>=1")  # fmt: skip
    scene.publish("gamma", {"gamma/text.py": "".join(lines)})
    scene.publish("delta", {"delta/both.py": "BOTH = 1\n", "delta/other.py": "OTHER = 1\n"})
    scene.publish("epsilon", {"epsilon/leaving.py": "L = 1\n", "tests/test_epsilon.py": "T = 1\n"})
    scene.publish("zeta", {"zeta/back.py": "BACK = 1\n"})
    scene.run()
    scene.publish("alpha", {"alpha/new.py": "NEW = 1\n"}, requires="scipy")
    scene.publish("beta", {"beta/one.py": "ONE = 2\n", "beta/two/y.py": "Y = 2\n",
                           "beta/config/parameters_beta.yml": "a: 2\n"}, "2", requires="numpy>=2")  # fmt: skip
    scene.publish("gamma", {"gamma/text.py": "".join(["line_0 = 'theirs'\n", *lines[1:]])}, "2")
    scene.publish("delta", {"delta/both.py": "BOTH = 2\n", "delta/other.py": "OTHER = 2\n"}, "2")
    scene.ask_for("alpha", "beta", "gamma", "delta", "zeta")
    scene.write({"src/shop/gamma/text.py": "".join([*lines[:-1], "line_8 = 'ours'\n"])})
    scene.write({"src/shop/delta/both.py": "BOTH = 'ours'\n"})
    (scene.root / "src/shop/zeta/back.py").unlink()
    return scene


def target_of(call: Call) -> RelPath | None:
    """The user's path that a call changes, if it is none of our own."""
    paths = [path for path in call.arguments if isinstance(path, str) and not path.startswith(".micropkgd")]
    return RelPath(paths[-1]) if paths else None


State = dict[str, bytes | None]  # path -> bytes; None is a folder


def states_after_power_loss(start: Mapping[str, bytes], calls: Sequence[Call]) -> Iterator[State]:
    """Every state in which a disk may be found when the power goes after these calls.

    A change of names is kept for sure once every folder it touches was synced after it. Of the others any part may be
    kept, but of two that give a name in one folder never the later alone; a move is kept whole or not at all. What is
    in a folder whose own name was lost is lost. The bytes of a file that was not synced are there, or not.
    """
    changes = [call for call in calls if not call.name.startswith("sync_")]
    synced = {call.arguments[0] for call in calls if call.name == "sync_file"}
    loose = [call for call in changes if not _is_durable(call, calls)]
    unsynced = [call for call in changes if call.name == "write_file" and call.arguments[0] not in synced]
    for kept in _closed_parts(loose, changes):
        gone = {call.number for call in loose} - kept
        for empty in product((False, True), repeat=len(unsynced)):
            emptied = {call.number for call, is_empty in zip(unsynced, empty, strict=True) if is_empty}
            yield _replay(start, changes, gone, emptied)


def _touched(call: Call) -> list[str]:
    """The folders in which a call gives or takes a name; the one in which it gives it is the last."""
    return [part.rpartition("/")[0] for part in call.arguments if isinstance(part, str)]


def _is_durable(call: Call, calls: Sequence[Call]) -> bool:
    synced = {each.arguments[0] or "" for each in calls if each.name == "sync_folder" and each.number > call.number}
    return set(_touched(call)) <= synced


def _closed_parts(loose: Sequence[Call], changes: Sequence[Call]) -> Iterator[set[int]]:
    """The parts of the loose calls in which whatever precedes a kept call in one of its folders is kept too."""
    sure = {call.number for call in changes} - {call.number for call in loose}
    for choice in product((False, True), repeat=len(loose)):
        kept = {call.number for call, is_kept in zip(loose, choice, strict=True) if is_kept}
        alive = [call for call in changes if call.number in kept or call.number in sure]
        lost = [call for call in loose if call.number not in kept]
        if not any(
            _touched(early)[-1] == _touched(late)[-1] and late.number > early.number for early in lost for late in alive
        ):
            yield kept


def _replay(start: Mapping[str, bytes], calls: Sequence[Call], gone: set[int], emptied: set[int]) -> State:
    """The tree after the calls that are not gone."""
    state: State = dict(start)
    for path in start:
        while path := path.rpartition("/")[0]:
            state[path] = None
    nameless = []
    for call in calls:
        one, other = str(call.arguments[0]), str(call.arguments[-1])
        if call.name == "make_folder":
            state[one] = None
            nameless += [one] if call.number in gone else []
        elif call.number in gone:
            continue
        elif call.name == "write_file":
            state[one] = b"" if call.number in emptied else call.arguments[1]
        elif call.name == "exchange":
            state[one], state[other] = state.get(other), state.get(one)
        elif call.name.startswith("rename"):
            moved = [path for path in state if path == one or path.startswith(f"{one}/")]
            state |= {other + path[len(one) :]: state.pop(path) for path in moved}
        elif call.name.startswith("remove") and not any(path.startswith(f"{one}/") for path in state):
            state.pop(one, None)
    lost = tuple(f"{folder}/" for folder in nameless)
    return {path: data for path, data in state.items() if not f"{path}/".startswith(lost)}


def lay_out(state: State, folder: Path) -> Path:
    """Make a tree of a state."""
    folder.mkdir()
    for path in sorted(state):
        data = state[path]
        if data is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(data)
    return folder
