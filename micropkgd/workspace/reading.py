"""Reading a file of the project, which somebody may have replaced by something that has no end."""

import errno
import os
import stat
from typing import BinaryIO


def read_regular(path: str) -> bytes:
    """The bytes of a regular file, also behind a link; `OSError` for a folder, a device or a pipe."""
    with open_regular(path) as stream:
        return stream.read()


def open_regular(path: str) -> BinaryIO:
    """Open a regular file to read it, also behind a link; `OSError` for a folder, a device or a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        return open(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise
