"""Tells a folder from one that stands at the same path later: by its inode, and when it was born.

The number alone says too little: a folder that is made right after another was removed often gets the same one. No
device is in it, since its number may change at a reboot.
"""

import os
import sys

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import c_function

_AT_CWD: Final = -100
_BTIME: Final = 0x800  # of the mask of statx(2)
_SIZE: Final = 256  # bytes of its answer
_BTIME_AT: Final = 80  # seconds as 8 bytes, nanoseconds as 4


class Birth(NamedTuple):
    """One folder, whatever it is called."""

    inode: int
    born: int  # nanoseconds since 1970; 0 where the file system does not say


def birth_of(folder: str) -> Birth:
    """The folder that stands at a path now; `OSError` where none does."""
    status = os.stat(folder)
    known = getattr(status, "st_birthtime", None)  # as macOS and the BSDs have it
    return Birth(status.st_ino, int(known * 1e9) if known is not None else _by_statx(folder))


def _by_statx(folder: str) -> int:
    """Ask statx(2), which the standard library lacks; 0 where the system or the file system cannot tell."""
    call = c_function("statx")
    if call is None:
        return 0
    from ctypes import create_string_buffer

    answer = create_string_buffer(_SIZE)
    if call(_AT_CWD, os.fsencode(folder), 0, _BTIME, answer) != 0:
        return 0
    mask = int.from_bytes(answer.raw[:4], sys.byteorder)
    seconds = int.from_bytes(answer.raw[_BTIME_AT : _BTIME_AT + 8], sys.byteorder, signed=True)
    nanoseconds = int.from_bytes(answer.raw[_BTIME_AT + 8 : _BTIME_AT + 12], sys.byteorder)
    return seconds * 1_000_000_000 + nanoseconds if mask & _BTIME else 0
