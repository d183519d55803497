"""Observes the tree with as little reading as can be: `stat` first, a hash only where it must be.

A remembered hash is trusted while the file's signature is the same. A signature younger than the clock's grain at the
time of the hash could hide a second write in the same tick (git's rule for racily clean entries): it is not kept.
"""

import os
import stat
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from operator import attrgetter

from micropkgd.clock import is_young
from micropkgd.errors import TreeError, words_of
from micropkgd.model.text_form import pointed_at, same_texts
from micropkgd.model.tree import LEFT_OUT, Digest, Found, Obstacle, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps, kind_of_file
from micropkgd.workspace.memory.state import Signature

_parts: Callable[[os.stat_result], tuple[int, int, int, int]] = attrgetter(
    "st_mtime_ns", "st_ctime_ns", "st_size", "st_ino"
)

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
            found[path] = fs.look(path)  # nothing, or what stands above it
            continue
        except PermissionError:
            found[path] = Obstacle("a folder without permission to look into it")
            continue
        except OSError as error:
            raise TreeError(f"cannot be looked at: {words_of(error)}", where=path) from error
        if not stat.S_ISREG(status.st_mode):
            found[path] = Obstacle(kind_of_file(status.st_mode))
            continue
        known = hashes.get(path)
        if known is not None and known[0] == _parts(status):
            found[path], kept[path] = known[1], known
            continue
        found[path] = digest = fs.look(path)
        if isinstance(digest, str) and not is_young(status.st_ctime_ns, now):
            kept[path] = (signature_of(status), digest)
    return Seen(with_left_out(root, found), kept)


def with_left_out(root: str, found: Mapping[RelPath, Found]) -> Mapping[RelPath, Found]:
    """What stands at each path, where git's index tells on purpose from missing; it is read where anything is."""
    if None not in found.values():
        return found
    from micropkgd.workspace.git import left_out

    missing = [path for path, there in found.items() if there is None]
    return {**found, **dict.fromkeys(map(RelPath, left_out(root, missing)), LEFT_OUT)}


def as_texts(
    fs: FsOps, found: Mapping[RelPath, Found], known: Mapping[RelPath, Collection[Digest]]
) -> Mapping[RelPath, Found]:
    """What stands at each path, told by the digest that is known of it where it is the same text in another form."""
    texts: dict[RelPath, Found] = {}
    for path, wanted in known.items():
        digest = found.get(path)
        if not isinstance(digest, str) or digest in wanted:
            continue
        try:
            data = fs.read(path)
        except OSError:  # it goes, or cannot be read: the look before said what it was
            continue
        same = next((form for form in same_texts(data) if form in wanted), None)
        if same is not None and digest_of(data) == digest:
            texts[path] = same
    return {**found, **texts} if texts else found


def unfetched(
    fs: FsOps, paths: Iterable[RelPath], found: Mapping[RelPath, Found], texts: Mapping[RelPath, Found]
) -> frozenset[RelPath]:
    """Where a pointer of Git LFS stands for a file that is known: `as_texts` has told it by that file's digest."""
    other = (path for path in paths if texts.get(path) != found.get(path) and isinstance(found.get(path), str))
    return frozenset(path for path in other if _is_pointer(fs, path))


def _is_pointer(fs: FsOps, path: RelPath) -> bool:
    try:
        return pointed_at(fs.read(path)) is not None
    except OSError:
        return False


def signature_of(status: os.stat_result) -> Signature:
    """The part of a stat that changes when a file does."""
    return Signature(*_parts(status))
