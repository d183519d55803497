"""The key that tells this user's own journals from all others (docs/decisions/0007-foreign-journals.md).

32 random bytes that only this user can read, made when the first commit needs them. They lie in the user's state
folder, where no repository, archive or copy of a project can put anything; in the project itself only where there is
no such folder that this user owns and can write to.
"""

import errno
import os
import stat

from micropkgd import folders
from micropkgd.annotations import Final
from micropkgd.model.tree import RelPath
from micropkgd.workspace.fsops import FsOps

_NAME: Final = RelPath("key")
_IN_PROJECT: Final = RelPath(".micropkgd/key")
_SIZE: Final = 32  # bytes
_NOT_OURS_TO_WRITE: Final = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
}


def own_key(fs: FsOps) -> bytes:
    """The key of this user on this machine; a new one, durable before this returns, where there is none yet.

    Raises `OSError` where it can be kept nowhere, and where a disk fails: another key then would disown a good journal.
    """
    folder = state_folder()
    if folder is not None:
        try:
            make_folder(folder)
            with FsOps(folder) as home:
                return user_key(home)
        except OSError as error:
            if error.errno not in _NOT_OURS_TO_WRITE:
                raise
    return _key_at(fs, RelPath(".micropkgd"), _IN_PROJECT)


def user_key(home: FsOps) -> bytes:
    """The key that lies in the user's state folder, made where there is none yet."""
    return _key_at(home, None, _NAME)


def state_folder() -> str | None:
    """Where this user keeps state; None where that is somebody else's.

    Somebody else's it is under `sudo` that keeps HOME: what root left there its owner could not read.
    """
    nearest = folder = folders.state_folder(os.environ)
    if not os.path.isabs(folder):
        return None
    while not os.path.exists(nearest):
        nearest = os.path.dirname(nearest)
    return folder if os.stat(nearest).st_uid == os.geteuid() else None


def make_folder(folder: str) -> None:
    """Make a folder and those above it, durably."""
    if os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    make_folder(above)
    os.makedirs(folder, 0o700, exist_ok=True)
    with FsOps(above) as fs:
        fs.sync_folder(None)


def _key_at(fs: FsOps, folder: RelPath | None, path: RelPath) -> bytes:
    """The key at a path; one that others can read, or that is none, is replaced."""
    key = _read(fs, path)
    if key is not None:
        return key
    draft, new = RelPath(f"{path}.{os.urandom(8).hex()}"), os.urandom(_SIZE)
    fs.write_file(draft, new, 0o600)
    fs.sync_file(draft)
    if fs.status(path) is not None and _read(fs, path) is None:
        fs.remove_file(path)
    try:
        fs.rename_new(draft, path)
    except FileExistsError:  # another process was first
        fs.remove_file(draft)
    fs.sync_folder(folder)
    return _read(fs, path) or new  # where a file system keeps no owners and modes, no key outlives its commit


def _read(fs: FsOps, path: RelPath) -> bytes | None:
    status = fs.status(path)
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        return None
    data = fs.read(path)
    return data if len(data) == _SIZE else None
