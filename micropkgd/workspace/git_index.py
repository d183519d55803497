"""Which files git tracks below a folder, read from its index (gitformat-index(5), versions 2 to 4).

Read here because nothing in micropkgd may start a process. A split or sparse index, or one with SHA-256 names, may list
less: what is found is tracked, what is not found may be tracked all the same.
"""

import os
from collections.abc import Iterator

from micropkgd.workspace.observe import git_folder
from micropkgd.workspace.reading import read_regular

_HEADER = 12  # bytes
_UP_TO_FLAGS = 60  # bytes of an entry: ten numbers and a SHA-1
_EXTENDED = 0x4000
_COMPRESSED = 4  # the version in which a name leaves out what it shares with the one before


def tracked_below(root: str, folder: str) -> list[str]:
    """The tracked files below a folder of the project at `root`, as paths below the project."""
    index = git_folder(root)
    if index is None:
        return []
    try:
        data = read_regular(os.path.join(index, "index"))
    except OSError:
        return []
    prefix = os.fsencode(os.path.relpath(root, _work_tree(root)))
    start = b"" if prefix == b"." else prefix + b"/"
    below = start + os.fsencode(folder) + b"/"
    return [os.fsdecode(name.removeprefix(start)) for name in _names(data) if name.startswith(below)]


def _work_tree(root: str) -> str:
    folder = root
    while not os.path.lexists(os.path.join(folder, ".git")):
        folder = os.path.dirname(folder)
    return folder


def _names(data: bytes) -> Iterator[bytes]:
    """The names in an index; it ends where the bytes are not what they should be."""
    version, count = int.from_bytes(data[4:8]), int.from_bytes(data[8:12])
    if data[:4] != b"DIRC" or version not in {2, 3, _COMPRESSED}:
        return
    at, name = _HEADER, b""
    for _ in range(count):
        begin, at = at, at + _UP_TO_FLAGS
        at += 4 if int.from_bytes(data[at : at + 2]) & _EXTENDED else 2
        if version == _COMPRESSED:
            dropped, at = _number(data, at)
            name = name[: len(name) - dropped]
        end = data.find(b"\0", at)
        if end < 0:
            return
        name = name + data[at:end] if version == _COMPRESSED else data[at:end]
        at = end + 1 if version == _COMPRESSED else begin + (end - begin + 8) // 8 * 8
        yield name


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable width (as in packs' offsets), and where it ends."""
    value = -1
    while at < len(data):
        byte, at = data[at], at + 1
        value = ((value + 1) << 7) | (byte & 0x7F)
        if not byte & 0x80:
            break
    return max(value, 0), at
