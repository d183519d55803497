"""Replacing a file of this user's, outside any project: the old one or the new one stands there at any time."""

import os
import stat
from contextlib import suppress


def replace_file(path: str, data: bytes, *, private: bool = False, durable: bool = True) -> None:
    """Write it beside, make it durable, rename; folders above are made. `OSError` where the disk refuses.

    Who may read the file that stood there may read the new one. A `private` one, and the folders made for it, nobody
    else may read. One not `durable` may be lost with the power.
    """
    draft = f"{path}.{os.getpid()}.tmp"
    os.makedirs(os.path.dirname(path), mode=0o700 if private else 0o777, exist_ok=True)
    with suppress(FileNotFoundError):
        os.unlink(draft)  # of a process that was killed and had the same number
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(draft, flags, 0o600 if private else 0o666), "wb") as stream:
            if not private:
                with suppress(FileNotFoundError):
                    os.fchmod(stream.fileno(), stat.S_IMODE(os.stat(path).st_mode))
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise
