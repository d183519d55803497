"""Copies of what publishing replaced and this machine had not put there: `.micropkgd/replaced/FILE.DIGEST`.

The only copy of a colleague's release, or of a file that happened to have the name, may be among them. They go when
they are more than twenty and older than thirty days.
"""

import time

from micropkgd.annotations import BinaryIO, Final
from micropkgd.model.tree import Digest, RelPath
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.transaction.journal import FOLDER
from micropkgd.workspace.trees import make_own_folder

_REPLACED: Final = RelPath(f"{FOLDER}/replaced")
_KEPT: Final = 20
_PIECE: Final = 1 << 20
_AGE: Final = 30 * 86_400  # seconds


def keep_copy(root: str, file: str, stream: BinaryIO, digest: Digest) -> RelPath:
    """Put a copy aside, durably; where it is. `TreeError` where the disk refuses it."""
    path = RelPath(f"{_REPLACED}/{file}.{digest.removeprefix('sha256:')[:12]}")
    try:
        with FsOps(root) as fs:
            make_own_folder(fs, _REPLACED)
            if fs.found(path) != digest:
                _write(fs, path, stream)
            _remove_oldest(fs)
    except OSError as error:
        raise refused_by_disk(error) from error
    return path


def _write(fs: FsOps, path: RelPath, stream: BinaryIO) -> None:
    draft = RelPath(f"{path}.tmp")
    if fs.status(draft) is not None:
        fs.remove_file(draft)
    fs.write_pieces(draft, iter(lambda: stream.read(_PIECE), b""), 0o600)
    fs.sync_file(draft)
    fs.rename(draft, path)
    fs.sync_folder(_REPLACED)


def _remove_oldest(fs: FsOps) -> None:
    paths = [RelPath(f"{_REPLACED}/{name}") for name in fs.names(_REPLACED)]
    by_age = sorted(
        ((status.st_mtime, path) for path in paths if (status := fs.status(path)) is not None), reverse=True
    )
    for when, path in by_age[_KEPT:]:
        if when < time.time() - _AGE:
            fs.remove_file(path)
