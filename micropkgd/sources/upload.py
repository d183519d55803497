"""Archives on their way out: what a place is asked, and what it answers.

Promise: nothing is replaced unless the upload says so, also where two upload at once: the place itself decides, by a
condition. As in fetching, what the world does is an answer. Rule: the bytes come from a file that nobody changes, and
are sent in pieces, from its beginning for each try, so that a large archive takes no more memory than a small one.
"""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from typing import Protocol, runtime_checkable

from micropkgd.annotations import BinaryIO, Final
from micropkgd.drafts import draft_name, sweep
from micropkgd.errors import words_of
from micropkgd.model.ref import Ref
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.local import validator_of
from micropkgd.sources.source import Failed, FailureKind, Lookup, StrPath, Validator

LEAST_RATE = 100_000.0  # bytes a second that an upload may be expected to make
TAKEN = frozenset({409, 412})  # statuses of a place that has something already
PIECE: Final = 1 << 20  # bytes that are in memory at a time


class UploadBytes(Protocol):
    """The bytes of an upload, such as an archive of the cache."""

    @property
    def size(self) -> int:
        """How many there are."""

    def open(self) -> BinaryIO:
        """Open them to be read from the first."""


class BytesInMemory(NamedTuple):
    """What is in memory anyway."""

    data: bytes

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    def open(self) -> BinaryIO:
        """Open them to be read from the first."""
        return BytesIO(self.data)


class Upload(NamedTuple):
    """One archive, and where it goes."""

    ref: Ref  # asks for it, once it is there
    url: str  # of an index: where it is sent
    file: str  # its name there
    name: str
    version: str
    payload: UploadBytes
    digest: Digest
    overwrite: bool = False
    replaces: Validator | None = None  # nothing but this is replaced, where the place can hold to it
    options: Mapping[str, object] = {}  # fs-args, loaded and interpolated
    lookup: Lookup | None = None  # of an index


class Stored(NamedTuple):
    """The place answered."""

    written: bool  # False: something is there already, and stays


@runtime_checkable
class Store(Protocol):
    """A source that archives can be put at."""

    async def put(self, upload: Upload) -> Stored | Failed:
        """Put one archive in place."""


def put_local(upload: Upload, project_root: StrPath) -> Stored | Failed:
    """Put an archive into a folder that is there: written beside, made durable, then linked or renamed."""
    path = os.path.join(project_root, upload.ref.location)
    folder = os.path.dirname(path)
    draft = os.path.join(folder, draft_name())
    try:
        sweep(folder)
        _write(draft, upload.payload)
        if upload.overwrite and upload.replaces is not None:
            if not _is_still(path, upload.replaces):
                return Stored(written=False)
            os.replace(draft, path)
        else:
            os.link(draft, path)
        _sync(folder)
    except FileExistsError:
        return Stored(written=False)
    except OSError as error:
        return _failure(error, folder)
    finally:
        with suppress(OSError):
            os.unlink(draft)
    return Stored(written=True)


def _is_still(path: str, seen: Validator) -> bool:
    with suppress(FileNotFoundError):
        return validator_of(os.stat(path)) == seen
    return False


def _write(path: str, payload: UploadBytes) -> None:
    with payload.open() as source, open(path, "xb") as stream:
        shutil.copyfileobj(source, stream, PIECE)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failure(error: OSError, folder: str) -> Failed:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Failed(FailureKind.GONE, f"there is no folder `{folder}` to publish in", "make it, or mount it")
    kind = FailureKind.DENIED if isinstance(error, PermissionError) else FailureKind.UNREACHABLE
    return Failed(kind, f"nothing can be written to `{folder}`: {words_of(error)}", "see `ls -ld` of it")
