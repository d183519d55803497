"""Reading a document of the project, which somebody may have replaced by something that has no end."""

import errno
import os
import stat


def read_regular(path: str) -> bytes:
    """The bytes of a regular file, also behind a link; `OSError` for a folder, a device or a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read()
    finally:
        os.close(descriptor)
