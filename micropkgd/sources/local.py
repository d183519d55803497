"""Archives in the file system: relative to the project, never to the working folder.

Promise: a file rewritten while it is read is never taken half old, half new. Rule: whoever's file has not changed
pays for one `stat` and nothing else, since a pass with nothing to do asks this a thousand times.
"""

import os
import stat
import time
from contextlib import suppress

from micropkgd.clock import let_grain_pass
from micropkgd.errors import words_of
from micropkgd.model.index import newest_in
from micropkgd.sources.cache import ArchiveCache, ArchiveWriter, TooLargeError
from micropkgd.sources.source import (
    Answer,
    Failed,
    FailureKind,
    Fetched,
    Request,
    StrPath,
    Unchanged,
    Validator,
    not_expected,
    too_large,
)

_TRIES = 4
_PAUSE_SECONDS = 0.05
_CHUNK = 1 << 20


def fetch_local(request: Request, project_root: StrPath, cache: ArchiveCache) -> Answer:
    """Answer one request for a path."""
    path = os.path.join(project_root, request.ref.location)
    try:
        found = os.stat(path)
        if request.validator is not None and validator_of(found) == request.validator:
            return Unchanged()
        return _oddity(request, found) or _fetch(request, path, cache)
    except (OSError, ValueError) as error:
        return _failure(request, path, error)


def validator_of(found: os.stat_result) -> Validator:
    """The change time is in it because a modification time can be set back (`cp -p`, `touch -r`)."""
    return Validator(f"{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_size}-{found.st_ino}")


def _oddity(request: Request, found: os.stat_result) -> Failed | None:
    """Why this is not opened: a pipe could block for ever, a device is endless."""
    if not stat.S_ISREG(found.st_mode):
        folder = stat.S_ISDIR(found.st_mode)
        what, hint = ("a folder", newest_in(request.ref.text)) if folder else ("not a regular file", _ARCHIVE)
        return Failed(FailureKind.REFUSED, f"`{request.ref.location}` is {what}", hint)
    return too_large(request, found.st_size) if found.st_size > request.max_bytes else None


def _fetch(request: Request, path: str, cache: ArchiveCache) -> Answer:
    for tried in range(_TRIES):
        if tried:
            time.sleep(_PAUSE_SECONDS * tried)
        with cache.writer(request.max_bytes) as writer, suppress(TooLargeError):
            before = _copy(path, writer)
            if before is None:
                continue
            if request.expected not in {None, writer.digest}:
                return not_expected(request, writer.digest)
            return Fetched(*writer.commit(), validator_of(before))
    return Failed(
        FailureKind.UNREACHABLE, f"`{request.ref.location}` keeps changing while it is read", "wait for its writer"
    )


def _copy(path: str, writer: ArchiveWriter) -> os.stat_result | None:
    """Copy a file and say as what it was found, or nothing where it changed meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        before = os.fstat(descriptor)
        let_grain_pass(before.st_ctime_ns)  # so that an equal validator means equal bytes
        if not stat.S_ISREG(before.st_mode):
            return None
        while chunk := os.read(descriptor, _CHUNK):
            writer.write(chunk)
        return before if writer.size == before.st_size and _same_content(before, os.fstat(descriptor)) else None
    finally:
        os.close(descriptor)


def _same_content(before: os.stat_result, after: os.stat_result) -> bool:
    """Replacing a file by another one touches its change time, and nothing of what we have open."""
    replaced = after.st_nlink == 0 and after.st_mtime_ns == before.st_mtime_ns and after.st_size == before.st_size
    return replaced or validator_of(before) == validator_of(after)


def _failure(request: Request, path: str, error: OSError | ValueError) -> Failed:
    name = request.ref.location
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Failed(FailureKind.GONE, f"there is no file `{name}`", _nearest(path))
    if isinstance(error, PermissionError):
        return Failed(
            FailureKind.DENIED, f"`{name}` may not be read", "check the permissions of the file and its folder"
        )
    if isinstance(error, ValueError):
        return Failed(FailureKind.REFUSED, f"`{name!a}` cannot be a file name", "name the `.tar.gz` itself")
    return Failed(FailureKind.UNREACHABLE, f"`{name}` cannot be read: {words_of(error)}")


_ARCHIVE = "name the `.tar.gz` itself"
_HINT = "paths are looked up from the project's folder: see `ls`"


def _nearest(path: str) -> str:
    from difflib import get_close_matches

    folder, name = os.path.split(path)
    with suppress(OSError):
        if os.path.isfile(os.path.join(folder, "dist", name)):
            return f"did you mean `dist/{name}`?"
        names = os.listdir(folder)
        near = get_close_matches(name, names, n=1) or [one for one in names if one == f"{name}.tar.gz"]
        return f"did you mean `{near[0]}`, in the same folder?" if near else _HINT
    return "its folder does not exist either"
