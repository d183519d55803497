"""Reading a file of the project, which somebody may have replaced by something that has no end.

Rule: every document has a size that is more than it ever needs. A larger one is refused by its `stat`, before a byte of
it is read, so that nobody's memory is filled by a file that was planted or slipped in.
"""

import errno
import os
import stat
from io import BufferedReader

from micropkgd.annotations import BinaryIO, Final

MIB: Final = 1 << 20
TEXT: Final = 4 * MIB  # bytes of a source file, a manifest, of requirements, of fs-args: what people write by hand
LOCK: Final = 32 * MIB  # of a lock, at 300,000 files; a pass writes none that it would not read
DOCUMENT: Final = 64 * MIB  # of a record: what programs write on this machine
CONTENT: Final = 256 * MIB  # of any file that an archive may hold, of an archive, of git's index


def read_regular(path: str, *, at_most: int | None = DOCUMENT) -> bytes:
    """The bytes of a regular file, also behind a link; `OSError` for a folder, a device, a pipe, a file too large.

    Without a limit it is read whole: what this program made has the size that it was made with.
    """
    with open_regular(path) as stream:
        return read_within(stream, at_most, path)


def open_regular(path: str) -> BufferedReader:
    """Open a regular file to read it, also behind a link; `OSError` for a folder, a device or a pipe."""
    return regular(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), path)


def regular(descriptor: int, path: str) -> BufferedReader:
    """A stream of a descriptor that is open on a regular file; `OSError`, and the descriptor closed, for another."""
    try:
        _check_regular(descriptor, path)
        return open(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def read_within(stream: BinaryIO, at_most: int | None, path: str) -> bytes:
    """The rest of a regular file, if it is no larger than that; one that grows meanwhile is not read on."""
    size = _check_regular(stream.fileno(), path).st_size
    if at_most is None:
        return stream.read()
    data = stream.read(at_most + 1) if size <= at_most else b""
    if max(size, len(data)) > at_most:
        problem = f"it has {max(size, len(data)):,} bytes, and no more than {at_most:,} are read"
        raise OSError(errno.EFBIG, problem, path)
    return data


def _check_regular(descriptor: int, path: str) -> os.stat_result:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    return status
