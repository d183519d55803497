"""Reads git's files for the state of the work tree around a project: nothing in micropkgd may start a process.

What git is in the middle of, which files it tracks below a folder, and which of them it leaves out of the work tree,
from its index (gitformat-index(5), versions 2 to 4). A split or sparse index, or one with SHA-256 names, may list less:
what is found is tracked, what is not found may be tracked all the same.
"""

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping

from micropkgd.errors import ProjectBusyError, TreeError
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.reading import CONTENT, TEXT, read_regular

PATIENCE = 10.0  # seconds that git is let finish what it writes
_GIT_MARKS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}
_TURNING = {"BISECT_LOG": "a bisect", "sequencer": "a cherry-pick or revert"}  # what a pass need not wait for
_BRANCHES = "refs/heads/"
_UNKNOWN = ".invalid"  # the branch that HEAD names where the real one stands in a reftable
_HEADER = 12  # bytes
_UP_TO_FLAGS = 60  # bytes of an entry: ten numbers and a SHA-1
_EXTENDED = 0x4000  # of an entry's flags: two bytes more follow them
_SKIPPED = 0x4000  # of these two: "skip-worktree"
_PLAIN = 2  # the version in which no entry has flags of that kind
_COMPRESSED = 4  # the version in which a name leaves out what it shares with the one before


class Tracked(NamedTuple):
    """One file of git's index."""

    name: bytes  # below the work tree
    ctime_ns: int  # as `stat` said it when git last found the content to be that of `blob`; as the three below
    mtime_ns: int
    inode: int  # the lower 32 bits, as of the size
    size: int
    blob: bytes  # names the content
    skipped: bool = False  # left out of the work tree on purpose; a folder, with a slash behind it, as a whole


class CheckedOut(NamedTuple):
    """What is checked out in the work tree around a project."""

    branch: str = ""  # empty where HEAD is detached, or it cannot be told
    detached: bool = False
    turning: str = ""  # what git is in the middle of: "a bisect", "a merge"


def checked_out(root: str) -> CheckedOut | None:
    """What is checked out around a project; None where no repository is."""
    folder = git_folder(root)
    if folder is None:
        return None
    marks = {**_GIT_MARKS, **_TURNING}
    turning = next((what for mark, what in marks.items() if os.path.exists(os.path.join(folder, mark))), "")
    path = os.path.join(folder, "HEAD")
    try:
        # In repositories of long ago HEAD is a link to the file of its branch.
        said = f"ref: {os.readlink(path)}" if os.path.islink(path) else _said_in(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TreeError.unreadable(error, path) from error
    if not said.startswith("ref:"):
        return CheckedOut(detached=True, turning=turning)
    branch = said.removeprefix("ref:").strip().removeprefix(_BRANCHES)
    return CheckedOut("" if branch == _UNKNOWN else branch, turning=turning)


def git_folder(root: str) -> str | None:
    """The `.git` folder of the work tree around a project; in a linked work tree a file points to it."""
    folder = root
    while True:
        mark = os.path.join(folder, ".git")
        if os.path.isdir(mark):
            return mark
        if os.path.isfile(mark):
            try:
                return os.path.join(folder, _said_in(mark).partition("gitdir:")[2].strip())
            except OSError as error:
                raise TreeError.unreadable(error, mark) from error
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _said_in(path: str) -> str:
    """What one of git's files says that has a line."""
    return os.fsdecode(read_regular(path, at_most=TEXT)).strip()


def git_operation(root: str) -> str | None:
    """What git is in the middle of in the repository around a project: "a rebase", or None."""
    folder = git_folder(root)
    if folder is None:
        return None
    return next((what for mark, what in _GIT_MARKS.items() if os.path.exists(os.path.join(folder, mark))), None)


def wait_for_git(root: str, timeout: float, *, amid: bool = False) -> None:
    """Let git finish what it writes, for `timeout` seconds; `ProjectBusyError` where it does not.

    `amid` a merge, a rebase and the like one may work that helps to finish it.
    """
    if not amid and (operation := git_operation(root)):
        raise ProjectBusyError(
            f"git is in the middle of {operation}", where=root, hint="finish or abort it, then run again"
        )
    folder = git_folder(root)
    deadline = time.monotonic() + timeout
    while folder is not None and os.path.exists(os.path.join(folder, "index.lock")):
        if time.monotonic() > deadline:
            raise ProjectBusyError(
                "git holds its index.lock", where=root, hint="if no git command is running, remove that file"
            )
        time.sleep(0.05)


def tracked_below(root: str, folder: str) -> list[str]:
    """The tracked files below a folder of the project at `root`, as paths below the project."""
    return [path for path in tracked(root) if path.startswith(f"{folder}/")]


def tracked(root: str) -> dict[str, Tracked]:
    """The files of git's index below a project, by their paths there; none where it cannot be read."""
    data, start = _index(root), _prefix(root)
    return {os.fsdecode(one.name.removeprefix(start)): one for one in _entries(data) if one.name.startswith(start)}


def left_out(root: str, missing: Collection[str]) -> frozenset[str]:
    """Those of the missing files of a project that git leaves out of the work tree, as a sparse checkout does.

    So is one that git does not know, below a folder of which it leaves out all that it knows.
    """
    data = _index(root)
    if int.from_bytes(data[4:8]) <= _PLAIN:
        return frozenset()
    start = _prefix(root)
    known = {one.name.removeprefix(start): one.skipped for one in _entries(data) if one.name.startswith(start)}
    hidden = _folders(name for name, skipped in known.items() if skipped)
    shown = _folders(name for name, skipped in known.items() if not skipped)
    return frozenset(path for path in missing if hidden and _is_left_out(os.fsencode(path), known, hidden, shown))


def left_out_below(root: str, folders: Collection[str]) -> list[str]:
    """The files, or whole folders, in these folders of a project that git leaves out of the work tree."""
    data, start = _index(root), _prefix(root)
    if int.from_bytes(data[4:8]) <= _PLAIN:
        return []
    skipped = (one.name for one in _entries(data) if one.skipped and one.name.startswith(start))
    names = (os.fsdecode(name.removeprefix(start)) for name in skipped)
    below = (name for name in names if any(_is_in(name, folder) for folder in folders))
    return [name for name in below if not os.path.lexists(os.path.join(root, name))]


def _is_in(name: str, folder: str) -> bool:
    return name.startswith(f"{folder}/") or (name.endswith("/") and f"{folder}/".startswith(name))


def _is_left_out(path: bytes, known: Mapping[bytes, bool], hidden: Collection[bytes], shown: Collection[bytes]) -> bool:
    if path in known:
        return known[path]
    while (at := path.rfind(b"/", 0, -1)) >= 0:
        path = path[: at + 1]
        if path in hidden or path in shown:
            return path not in shown
    return False


def _folders(names: Iterable[bytes]) -> set[bytes]:
    """The folders above these names, each with a slash behind it; a name that has one is a folder itself."""
    found: set[bytes] = set()
    for name in names:
        end = len(name)
        while (end := name.rfind(b"/", 0, end) + 1) and (folder := name[:end]) not in found:
            found.add(folder)
            end -= 1
    return found


def _index(root: str) -> bytes:
    """The bytes of git's index; none where it cannot be read."""
    folder = git_folder(root)
    try:
        return read_regular(os.path.join(folder, "index"), at_most=CONTENT) if folder is not None else b""
    except OSError:
        return b""


def _prefix(root: str) -> bytes:
    """What git's names of the files of a project begin with."""
    if git_folder(root) is None:
        return b""
    inner = os.fsencode(os.path.relpath(root, work_tree(root)))
    return b"" if inner == b"." else inner + b"/"


def work_tree(root: str) -> str:
    """The top folder of the work tree around a project."""
    folder = root
    while not os.path.lexists(os.path.join(folder, ".git")):
        folder = os.path.dirname(folder)
    return folder


def _entries(data: bytes) -> Iterator[Tracked]:
    """The files in an index; it ends where the bytes are not what they should be."""
    version, count = int.from_bytes(data[4:8]), int.from_bytes(data[8:12])
    if data[:4] != b"DIRC" or version not in {2, 3, _COMPRESSED}:
        return
    at, name = _HEADER, b""
    for _ in range(count):
        begin, at = at, at + _UP_TO_FLAGS
        is_extended = bool(int.from_bytes(data[at : at + 2]) & _EXTENDED)
        skipped = is_extended and bool(int.from_bytes(data[at + 2 : at + 4]) & _SKIPPED)
        at += 4 if is_extended else 2
        if version == _COMPRESSED:
            dropped, at = _number(data, at)
            name = name[: len(name) - dropped]
        end = data.find(b"\0", at)
        if end < 0:
            return
        name = name + data[at:end] if version == _COMPRESSED else data[at:end]
        at = end + 1 if version == _COMPRESSED else begin + (end - begin + 8) // 8 * 8
        yield _tracked(name, data[begin : begin + _UP_TO_FLAGS])._replace(skipped=skipped)


def _tracked(name: bytes, row: bytes) -> Tracked:
    numbers = [int.from_bytes(row[at : at + 4]) for at in range(0, 40, 4)]
    ctime_ns, mtime_ns = (seconds * 1_000_000_000 + rest for seconds, rest in (numbers[:2], numbers[2:4]))
    return Tracked(name, ctime_ns, mtime_ns, inode=numbers[5], size=numbers[9], blob=row[40:])


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable width (as in packs' offsets), and where it ends."""
    value = -1
    while at < len(data):
        byte, at = data[at], at + 1
        value = ((value + 1) << 7) | (byte & 0x7F)
        if not byte & 0x80:
            break
    return max(value, 0), at
