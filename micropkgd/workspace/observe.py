"""What stands in the tree, seen with as little reading as can be: `stat` first, a hash only where it must be.

A remembered hash is trusted while the file's signature is the same. A signature younger than the clock's grain at the
time of the hash could hide a second write in the same tick (git's rule for racily clean entries): it is not kept.
"""

import os
import stat
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from micropkgd.errors import ProjectBusyError, TreeError
from micropkgd.model.tree import Digest, Found, Obstacle, RelPath
from micropkgd.workspace.fsops import FsOps, kind_of_file
from micropkgd.workspace.reading import read_regular
from micropkgd.workspace.settling import GRAIN_NS
from micropkgd.workspace.state import Signature

_COARSE_GRAIN_NS = 2_000_000_000  # file systems that keep whole seconds, or two
_GIT_MARKS = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}

Hashes = Mapping[RelPath, tuple[Signature, Digest]]


class Seen(NamedTuple):
    """What stands at each path that was asked for, and the hashes worth remembering."""

    found: Mapping[RelPath, Found]
    hashes: Hashes


def see(fs: FsOps, root: str, paths: Iterable[RelPath], hashes: Hashes) -> Seen:
    """Say what stands at each path; `hashes` spare the reading of files that did not change."""
    found: dict[RelPath, Found] = {}
    kept: dict[RelPath, tuple[Signature, Digest]] = {}
    now = time.time_ns()
    for path in paths:
        try:
            status = os.lstat(f"{root}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            found[path] = _look(fs, path)  # nothing, or what stands above it
            continue
        except PermissionError:
            found[path] = Obstacle("a folder without permission to look into it")
            continue
        except OSError as error:
            raise TreeError(f"cannot be looked at: {(error.strerror or '').lower()}", where=path) from error
        if not stat.S_ISREG(status.st_mode):
            found[path] = Obstacle(kind_of_file(status.st_mode))
            continue
        signature = signature_of(status)
        known = hashes.get(path)
        digest = known[1] if known is not None and known[0] == signature else _look(fs, path)
        found[path] = digest
        if isinstance(digest, str) and not is_young(signature, now):
            kept[path] = (signature, digest)
    return Seen(found, kept)


def signature_of(status: os.stat_result) -> Signature:
    """The part of a stat that changes when a file does."""
    return Signature(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def is_young(signature: Signature, now: int) -> bool:
    """Whether another write could still leave the same signature; `now` is in nanoseconds since the epoch."""
    newest = max(signature.mtime_ns, signature.ctime_ns)
    return newest > now - (GRAIN_NS if signature.ctime_ns % 1_000_000_000 else _COARSE_GRAIN_NS)


def git_operation(root: str) -> str | None:
    """What git is in the middle of in the repository around a project: "a rebase", or None."""
    folder = git_folder(root)
    if folder is None:
        return None
    return next((what for mark, what in _GIT_MARKS.items() if os.path.exists(os.path.join(folder, mark))), None)


def wait_for_git(root: str, timeout: float) -> None:
    """Let git finish what it writes, for `timeout` seconds; `ProjectBusyError` where it does not."""
    if operation := git_operation(root):
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


def _look(fs: FsOps, path: RelPath) -> Found:
    try:
        return fs.found(path)
    except PermissionError:
        return Obstacle("a file without permission to read it")
    except OSError as error:
        raise TreeError(f"cannot be read: {(error.strerror or '').lower()}", where=path) from error


def git_folder(root: str) -> str | None:
    """The `.git` folder of the work tree around a project; in a linked work tree a file points to it."""
    folder = root
    while True:
        mark = os.path.join(folder, ".git")
        if os.path.isdir(mark):
            return mark
        if os.path.isfile(mark):
            try:
                return os.path.join(folder, os.fsdecode(read_regular(mark)).partition("gitdir:")[2].strip())
            except OSError as error:
                raise TreeError(f"cannot be read: {(error.strerror or '').lower()}", where=mark) from error
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
