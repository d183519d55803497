"""Replacing a file of this user's, outside any project: the old one or the new one stands there at any time."""

import os
import stat
from contextlib import suppress

from micropkgd.drafts import draft_name, sweep


def replace_file(path: str, data: bytes, *, private: bool = False, durable: bool = True) -> None:
    """Write it beside, make it durable, rename; folders above are made. `OSError` where the disk refuses.

    Who may read the file that stood there may read the new one. A `private` one, and the folders made for it, nobody
    else may read. One not `durable` may be lost with the power.
    """
    folder = os.path.dirname(path)
    draft = os.path.join(folder, draft_name())
    os.makedirs(folder, mode=0o700 if private else 0o777, exist_ok=True)
    if durable:  # what is written often, and need not last, is swept by whoever it belongs to
        sweep(folder)
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
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
