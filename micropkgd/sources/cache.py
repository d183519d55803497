"""Archives by their sha256, shared by all projects of a user, so that switching branches needs no network.

Promise: what is given out has the digest it was asked for; it is hashed again whenever it is found, so nothing here is
flushed to disk and a crash costs a download, never a wrong byte. Only a large archive that this very process has just
hashed and written is not read twice: once, and as long as its stat is what it left. Rules: an archive is written to a
file of its own below `partial/` and renamed to its name, which any number of processes may do at the same time; it
never changes afterwards (0444). A process that dies leaves its partial file unlocked, and a later one sweeps it away.
An archive's mtime says when its bytes were last used, to the day: atime would not do, for many disks are mounted
without it.

Layout: `archives/sha256/ab/<62 more hex digits>`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from operator import attrgetter
from types import TracebackType

from micropkgd.annotations import BinaryIO, Self
from micropkgd.errors import DocumentError, ShortageError, TreeError, UsageError, is_shortage, words_of
from micropkgd.folders import cache_folder
from micropkgd.model.hashing import Hasher, digest_of_stream
from micropkgd.model.tree import Digest, digest_of, parse_digest
from micropkgd.model.variables import CACHE_DIR
from micropkgd.named_tuples import NamedTuple

# Only a partial file that has stood this long is taken for a dead one: between its creation and its lock lies a
# moment in which a sweeper could find it unlocked.
_DEAD_AFTER_SECONDS = 600

# A use is noted once a day: whoever reads the same archive again and again writes nothing.
_USE_NOTED_EVERY_SECONDS = 86_400

_PIECE = 1 << 20


_LARGE = 16 << 20  # bytes that take longer to read and hash again than to look at

_signature = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")


class TooLargeError(Exception):
    """More bytes came than the caller allows: a signal to the source, which answers `Failed`; never shown."""


def default_cache_folder(environ: Mapping[str, str]) -> str:
    """Where archives are kept when nobody says otherwise."""
    if chosen := environ.get(CACHE_DIR):
        if not os.path.isabs(chosen):
            raise UsageError(f"{CACHE_DIR} is `{chosen}`, which is not an absolute path")
        return chosen
    return cache_folder(environ)


class Archive(NamedTuple):
    """One archive that the cache holds."""

    digest: Digest
    size: int  # bytes
    used: float  # when last, to the day; seconds since the epoch


class ArchiveCache:
    """The archives below one folder, which is made when first written to."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = os.fspath(folder)
        self._swept = False
        self._just_written: dict[Digest, tuple[int, ...]] = {}  # the signatures of large archives

    def has(self, digest: Digest) -> bool:
        """Whether an archive stands under this digest; only `read` says whether it is sound."""
        return os.path.isfile(_path_of(self.folder, digest))

    def read(self, digest: Digest) -> bytes | None:
        """The bytes of an archive, or nothing; a file that is not what its name says is removed."""
        path = _path_of(self.folder, digest)
        with _naming_trouble("read", self.folder), suppress(FileNotFoundError):
            with open(path, "rb") as file:
                data = file.read()
            if digest_of(data) == digest:
                _note_use(path)
                return data
            os.unlink(path)
        return None

    def find(self, digest: Digest) -> "CachedArchive | None":
        """An archive to read, or nothing; a file that is not what its name says is removed."""
        path = _path_of(self.folder, digest)
        with _naming_trouble("read", self.folder), suppress(FileNotFoundError):
            written = self._just_written.pop(digest, None)
            if (written is not None and _signature(os.stat(path)) == written) or _hashed(path) == digest:
                _note_use(path)
                return CachedArchive(path, os.stat(path).st_size)
            os.unlink(path)
        return None

    def take(self, stream: BinaryIO, digest: Digest, max_bytes: int) -> "CachedArchive | None":
        """Take in the archive of this digest; nothing, and no trace, where the stream is another one."""
        with self.writer(max_bytes) as writer, suppress(TooLargeError):
            while piece := stream.read(_PIECE):
                writer.write(piece)
            if writer.digest == digest:
                writer.commit()
                return CachedArchive(_path_of(self.folder, digest), writer.size)
        return None

    def scratch(self) -> BinaryIO:
        """A file without a name, gone when it is closed: in the cache, or where that may not be, in the temp folder."""
        from tempfile import TemporaryFile

        with suppress(OSError):
            return TemporaryFile(dir=self.folder)
        return TemporaryFile()

    def archives(self) -> Iterator[Archive]:
        """Every archive that the cache holds, sound or not; what else stands in its folders is passed over."""
        top = os.path.join(self.folder, "archives", "sha256")
        with _naming_trouble("read", self.folder), suppress(FileNotFoundError):
            for name in sorted(os.listdir(top)):
                with suppress(NotADirectoryError):
                    yield from _archives_below(os.path.join(top, name), name)

    def discard_unused(self, since: float) -> list[Archive]:
        """Remove the archives that nobody used since then (seconds since the epoch), and say which they were."""
        unused = [archive for archive in self.archives() if archive.used <= since]
        with _naming_trouble("write to", self.folder):
            for archive in unused:
                with suppress(FileNotFoundError):
                    os.unlink(_path_of(self.folder, archive.digest))
        return unused

    def discard_damaged(self) -> tuple[int, list[Archive]]:
        """Hash every archive and remove those that are not what their name says: how many there were, and which."""
        checked, damaged = 0, []
        for archive in self.archives():
            path = _path_of(self.folder, archive.digest)
            with _naming_trouble("verify", self.folder), suppress(FileNotFoundError):
                checked += 1
                if _hashed(path) != archive.digest:
                    damaged.append(archive)
                    os.unlink(path)
        return checked, damaged

    def sweep(self) -> int:
        """Remove what processes that are no more left half written: how many files."""
        with _naming_trouble("write to", self.folder), suppress(FileNotFoundError):
            return _sweep(os.path.join(self.folder, "partial"))
        return 0

    def writer(self, max_bytes: int) -> "ArchiveWriter":
        """Take in one archive of at most `max_bytes`; use it in a `with` and call `commit` at the end."""
        partial = os.path.join(self.folder, "partial")
        with _naming_trouble("write to", self.folder):
            os.makedirs(partial, mode=0o700, exist_ok=True)
            if not self._swept:
                self._swept = True
                _sweep(partial)
            path = f"{partial}/{os.getpid()}-{os.urandom(8).hex()}"
            return ArchiveWriter(self.folder, path, _create_locked(path), max_bytes, self._just_written)


class CachedArchive(NamedTuple):
    """An archive that was found whole."""

    path: str
    size: int

    @contextmanager
    def reading(self) -> Iterator[BufferedReader]:
        """Read it from its beginning."""
        with _naming_trouble("read", os.path.dirname(self.path)), open(self.path, "rb") as stream:
            yield stream

    def open(self) -> BufferedReader:
        """Open it for who sends it elsewhere, where not all that goes wrong is the cache's."""
        with _naming_trouble("read", os.path.dirname(self.path)):
            return open(self.path, "rb")


class ArchiveWriter:
    """One archive on its way into the cache. Without `commit`, leaving the `with` leaves no trace."""

    def __init__(
        self, folder: str, path: str, descriptor: int, max_bytes: int, written: dict[Digest, tuple[int, ...]]
    ) -> None:
        self.size = 0
        self._folder = folder
        self._path = path
        self._descriptor = descriptor
        self._max_bytes = max_bytes
        self._hash = Hasher()
        self._written = written
        self._committed = False

    @property
    def digest(self) -> Digest:
        """The digest of what was written so far."""
        return self._hash.digest

    def write(self, chunk: bytes | bytearray) -> None:
        """Add bytes; `TooLargeError` before the first one too many reaches the disk."""
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise TooLargeError
        self._hash.update(chunk)
        rest = memoryview(chunk)
        with _naming_trouble("write to", self._folder):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def commit(self) -> tuple[Digest, int]:
        """Give the archive its name; from now on it can be read."""
        digest = self.digest
        path = _path_of(self._folder, digest)
        with _naming_trouble("write to", self._folder):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.fchmod(self._descriptor, 0o444)
            os.rename(self._path, path)
            if self.size >= _LARGE:
                self._written[digest] = _signature(os.fstat(self._descriptor))
        self._committed = True
        return digest, self.size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._committed:
            with suppress(OSError):
                os.unlink(self._path)
        os.close(self._descriptor)


def _path_of(folder: str, digest: Digest) -> str:
    name = digest.removeprefix("sha256:")
    return os.path.join(folder, "archives", "sha256", name[:2], name[2:])


def _note_use(path: str) -> None:
    import time

    with suppress(OSError):  # a cache that can only be read serves all the same
        if os.stat(path).st_mtime < time.time() - _USE_NOTED_EVERY_SECONDS:
            os.utime(path)


def _archives_below(folder: str, start: str) -> Iterator[Archive]:
    """The archives whose digests begin alike."""
    with os.scandir(folder) as found:
        for entry in found:
            with suppress(DocumentError, FileNotFoundError):
                digest = parse_digest(f"sha256:{start}{entry.name}")
                if len(start) == 2 and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield Archive(digest, status.st_size, status.st_mtime)


def _hashed(path: str) -> Digest:
    with open(path, "rb") as file:
        return digest_of_stream(file)


@contextmanager
def _naming_trouble(doing: str, folder: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise (ShortageError if is_shortage(error) else TreeError)(
            f"cannot {doing} the archive cache: {words_of(error)}",
            where=folder,
            hint=f"mend the folder, or set {CACHE_DIR} to another one",
        ) from error


def _create_locked(path: str) -> int:
    import fcntl

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system that knows no locks
        os.close(descriptor)
        raise
    return descriptor


def _sweep(folder: str) -> int:
    """Remove the partial files of processes that are no more: how many."""
    import time

    latest = time.time() - _DEAD_AFTER_SECONDS
    removed = 0
    with os.scandir(folder) as found:
        for entry in found:
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < latest and _unlocked(entry.path):
                    os.unlink(entry.path)
                    removed += 1
    return removed


def _unlocked(path: str) -> bool:
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
