"""The only calls that change a user's files, each on one path below the project.

Every path is walked from the project's own folder descriptor, one component at a time and following no link, so that
a parent folder swapped for a link cannot lead a write outside (docs/threats.md, T19, T20). Nothing here decides
anything, and nothing is durable until `sync_file` and `sync_folder` say so.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, wraps
from types import TracebackType

from micropkgd.annotations import BinaryIO, Final, Self, TypeVar, cast
from micropkgd.errors import ShortageError, TreeError, is_shortage, words_of
from micropkgd.model.tree import Digest, Found, Obstacle, RelPath, digest_of
from micropkgd.workspace.reading import CONTENT, read_within, regular

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_NO_SUCH_CALL: Final = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
_CHUNK: Final = 1024 * 1024  # bytes
_PIECE: Final = 1 << 20
_KEPT_DESCRIPTORS: Final = 64
_MANY: Final = 64  # files to sync; fewer are done before threads have started
_AT_ONCE: Final = 4

HALFWAY: Final = "~"  # ends the name that a file has in the middle of an exchange without `renameat2`

MUTATING: Final = (
    "make_folder", "write_file", "write_pieces", "sync_file", "sync_folder", "rename", "rename_new", "exchange",
    "remove_file", "remove_folder",
)  # fmt: skip


class LinkInTheWayError(TreeError):
    """A folder on the way to a path is a symbolic link."""


_Call = TypeVar("_Call", bound=Callable[..., object])


def _telling(call: _Call) -> _Call:
    """Let an error name the last path of a call, of which the system knows no more than the name in its folder."""

    @wraps(call)
    def told(*arguments: object, **options: object) -> object:
        try:
            return call(*arguments, **options)
        except OSError as error:
            error.filename = next((each for each in reversed(arguments) if isinstance(each, str)), ".")
            raise

    return cast(_Call, told)


class FsOps:
    """Files below one folder. Paths are relative to it; `OSError`s are those of the calls beneath."""

    def __init__(self, root: str) -> None:
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folders: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget_folders()
        os.close(self._root)

    # What changes the disk

    @_telling
    def make_folder(self, path: RelPath, mode: int = 0o777) -> None:
        """Create one folder; its parent must be there."""
        parent, name = self._split(path)
        os.mkdir(name, mode, dir_fd=parent)

    @_telling
    def write_file(
        self, path: RelPath, data: bytes, mode: int | None = None, *, executable: bool = False
    ) -> None:  # fmt: skip
        """Create a file that is not there yet, with these bytes and this mode, or the one the umask gives.

        An executable one can be run by whoever can read it.
        """
        self._write(path, [data], mode, executable=executable)

    @_telling
    def write_pieces(
        self, path: RelPath, pieces: Iterable[bytes], mode: int | None = None, *, executable: bool = False
    ) -> None:
        """Create a file that is not there yet from bytes that come in pieces, and need not be in memory together."""
        self._write(path, pieces, mode, executable=executable)

    @_telling
    def sync_file(self, path: RelPath) -> None:
        """Make a file's bytes durable."""
        parent, name = self._split(path)
        descriptor = os.open(name, _FILE, dir_fd=parent)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_files(self, paths: Sequence[RelPath]) -> None:
        """Make files of one folder durable: many of them side by side, for a disk confirms several at once."""
        if len(paths) < _MANY:
            self._sync_in_turn(paths)
            return
        from concurrent.futures import ThreadPoolExecutor

        self._forget_folders()
        self._split(paths[0])  # so that the threads find the folder open, and none of them opens or closes one
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for _ in threads.map(self._sync_in_turn, [paths[start::_AT_ONCE] for start in range(_AT_ONCE)]):
                pass

    @_telling
    def sync_folder(self, path: RelPath | None) -> None:
        """Make a folder's names durable; None is the project itself."""
        os.fsync(self._root if path is None else self._folder(path))

    @_telling
    def rename(self, source: RelPath, target: RelPath) -> None:
        """Move a file or folder; a file that stands at the target is replaced."""
        (old, old_name), (new, new_name) = self._pair(source, target)
        os.rename(old_name, new_name, src_dir_fd=old, dst_dir_fd=new)
        self._forget_folders()

    @_telling
    def rename_new(self, source: RelPath, target: RelPath) -> None:
        """Move a file to where nothing stands; `FileExistsError` where something does."""
        (old, old_name), (new, new_name) = self._pair(source, target)
        if not _renameat2(old, old_name, new, new_name, _NOREPLACE):
            os.link(old_name, new_name, src_dir_fd=old, dst_dir_fd=new, follow_symlinks=False)
            os.unlink(old_name, dir_fd=old)

    @_telling
    def exchange(self, one: RelPath, other: RelPath) -> None:
        """Let two files trade places at once."""
        if not self.trades_places(one, other):
            (a, a_name), (b, b_name) = self._pair(one, other)
            self._exchange_by_link(a, a_name, b, b_name)

    def trades_places(self, one: RelPath, other: RelPath) -> bool:
        """Let two files trade places in one step; False, and nothing done, where the file system cannot."""
        (a, a_name), (b, b_name) = self._pair(one, other)
        return _renameat2(a, a_name, b, b_name, _EXCHANGE)

    @_telling
    def remove_file(self, path: RelPath) -> None:
        """Remove one file."""
        parent, name = self._split(path)
        os.unlink(name, dir_fd=parent)

    @_telling
    def remove_folder(self, path: RelPath) -> None:
        """Remove one empty folder."""
        parent, name = self._split(path)
        os.rmdir(name, dir_fd=parent)
        self._forget_folders()

    # What only looks

    def found(self, path: RelPath) -> Found:
        """Say what stands at a path: a regular file's digest, an obstacle, or nothing."""
        try:
            parent, name = self._split(path)
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                return Obstacle(kind_of_file(status.st_mode))
            return _digest(parent, name, status.st_size)
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            return Obstacle("something else than a folder above it")
        except LinkInTheWayError:
            return Obstacle("a symbolic link above it")
        except OSError as error:
            if error.errno == errno.ELOOP:  # it became one between the two looks
                return Obstacle("a symbolic link")
            raise

    def look(self, path: RelPath) -> Found:
        """The same, said for people: a file that may not be read is an obstacle, `TreeError` names what else fails."""
        try:
            return self.found(path)
        except PermissionError:
            return Obstacle("a file without permission to read it")
        except OSError as error:
            raise TreeError.unreadable(error, path) from error

    @_telling
    def read(self, path: RelPath, *, at_most: int | None = CONTENT) -> bytes:
        """The bytes of a regular file; `OSError` for anything else, and for one of more than `at_most` bytes.

        Unless somebody says otherwise that is what any file of an archive may have: a larger one is no version of any.
        """
        parent, name = self._split(path)
        with regular(os.open(name, _FILE, dir_fd=parent), path) as stream:
            return read_within(stream, at_most, path)

    def pieces(self, path: RelPath) -> Iterator[bytes]:
        """The bytes of a regular file, in pieces; `OSError` for anything else."""
        parent, name = self._split(path)
        with regular(os.open(name, _FILE, dir_fd=parent), path) as stream:
            while data := stream.read(_PIECE):
                yield data

    @_telling
    def entries(self, path: RelPath) -> Sequence[tuple[str, os.stat_result]]:
        """The names in a folder, sorted, each with the stat of what bears it; what is behind a link does not count."""
        if len(self._folders) >= _KEPT_DESCRIPTORS:
            self._forget_folders()
        with os.scandir(self._folder(path)) as found:
            return sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in found)

    def status(self, path: RelPath) -> os.stat_result | None:
        """The stat of a path itself, or None where nothing stands; what is behind a link does not count."""
        try:
            parent, name = self._split(path)
            return os.stat(name, dir_fd=parent, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError, LinkInTheWayError):
            return None

    def is_executable(self, path: RelPath) -> bool:
        """Whether a file can be run by its owner."""
        status = self.status(path)
        return status is not None and stat.S_ISREG(status.st_mode) and bool(status.st_mode & stat.S_IXUSR)

    def names(self, path: RelPath) -> Sequence[str]:
        """The names in a folder, sorted; none where there is no such folder."""
        try:
            return sorted(os.listdir(self._folder(path)))
        except (FileNotFoundError, NotADirectoryError, LinkInTheWayError):
            return ()

    def is_writable(self, path: RelPath | None) -> bool:
        """Whether a file could be made in a folder, or in the nearest folder above it that is there."""
        while path is not None and self.status(path) is None:
            path = _parent(path)
        parent, name = (self._root, ".") if path is None else self._split(path)
        return os.access(name, os.W_OK | os.X_OK, dir_fd=parent, effective_ids=True)

    @_telling
    def open_file(self, path: RelPath) -> BinaryIO:
        """Open a regular file to read it; `OSError` for anything else."""
        parent, name = self._split(path)
        return regular(os.open(name, _FILE, dir_fd=parent), path)

    @_telling
    def scratch(self, folder: RelPath) -> BinaryIO:
        """A file without a name, on the disk of a folder; it is gone when it is closed, also by a crash."""
        parent, nameless = self._folder(folder), getattr(os, "O_TMPFILE", 0)  # not every system has them
        if nameless:
            try:
                return open(os.open(".", os.O_RDWR | nameless | os.O_CLOEXEC, 0o600, dir_fd=parent), "w+b")
            except OSError as error:  # nor every file system
                if error.errno not in {*_NO_SUCH_CALL, errno.EISDIR}:
                    raise
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        name = f".scratch.{os.getpid()}.{os.urandom(4).hex()}"
        descriptor = os.open(name, flags, 0o600, dir_fd=parent)
        os.unlink(name, dir_fd=parent)
        return open(descriptor, "w+b")

    def _write(self, path: RelPath, pieces: Iterable[bytes], mode: int | None, *, executable: bool) -> None:
        parent, name = self._split(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o666, dir_fd=parent)
        try:
            if executable:
                readable = os.fstat(descriptor).st_mode if mode is None else mode
                mode = stat.S_IMODE(readable | (readable & 0o444) >> 2)
            if mode is not None:
                os.fchmod(descriptor, mode)
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)

    def _exchange_by_link(self, a: int, a_name: str, b: int, b_name: str) -> None:
        """Trade places where the file system has no exchange: the second file is never absent.

        A save by rename between the check and the rename would be lost; the window is two system calls.
        """
        aside = f"{a_name}{HALFWAY}"
        if not stat.S_ISREG(os.stat(b_name, dir_fd=b, follow_symlinks=False).st_mode):
            raise BlockingIOError(errno.EAGAIN, "is not a regular file any more", b_name)
        os.link(b_name, aside, src_dir_fd=b, dst_dir_fd=a, follow_symlinks=False)
        linked = os.stat(aside, dir_fd=a, follow_symlinks=False)
        if linked.st_ino != os.stat(b_name, dir_fd=b, follow_symlinks=False).st_ino:
            os.unlink(aside, dir_fd=a)
            raise BlockingIOError(errno.EAGAIN, "changed while it was replaced", b_name)
        os.rename(a_name, b_name, src_dir_fd=a, dst_dir_fd=b)
        os.rename(aside, a_name, src_dir_fd=a, dst_dir_fd=a)

    def _sync_in_turn(self, paths: Sequence[RelPath]) -> None:
        for path in paths:
            self.sync_file(path)

    def _split(self, path: RelPath) -> tuple[int, str]:
        """A descriptor of the folder above a path, and the last name; good until the next call."""
        parent, _, name = path.rpartition("/")
        known = self._folders.get(parent)
        if known is not None:  # nearly always: files are looked at folder by folder
            return known, name
        if len(self._folders) >= _KEPT_DESCRIPTORS:
            self._forget_folders()
        return self._above(path)

    def _pair(self, one: RelPath, other: RelPath) -> tuple[tuple[int, str], tuple[int, str]]:
        return self._split(one), self._above(other)

    def _above(self, path: RelPath) -> tuple[int, str]:
        parent, _, name = path.rpartition("/")
        return (self._folder(RelPath(parent)) if parent else self._root), name

    def _folder(self, path: RelPath) -> int:
        """A descriptor of a folder; it stays open for the paths to come."""
        known = self._folders.get(path)
        if known is not None:
            return known
        parent, _, name = path.rpartition("/")
        above = self._folder(RelPath(parent)) if parent else self._root
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=above)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR} and _is_link(above, name):
                raise LinkInTheWayError(
                    "a symbolic link stands where a folder should", where=path, hint="links are never followed"
                ) from error
            raise
        self._folders[path] = descriptor
        return descriptor

    def _forget_folders(self) -> None:
        for descriptor in self._folders.values():
            os.close(descriptor)
        self._folders.clear()


def refused_by_disk(error: OSError) -> TreeError:
    """What people are told of a call that failed for good."""
    reason = words_of(error)
    problem, where = f"the disk refused a write: {reason}", str(error.filename or "")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ShortageError(problem, where=where, hint="free some space and run again")
    if is_shortage(error):
        return ShortageError(problem, where=where, hint="give micropkgd more, or let go of some")
    return TreeError(problem, where=where)


def kind_of_file(mode: int) -> str:
    """Name what a mode says, for people."""
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a folder" if stat.S_ISDIR(mode) else "a special file"


def _digest(parent: int, name: str, size: int) -> Digest:
    """The digest of a file that had this size: one read that gives so much is all of it."""
    descriptor = os.open(name, _FILE, dir_fd=parent)
    try:
        data = os.read(descriptor, min(size + 1, _CHUNK))
        if not data or len(data) == size:
            return digest_of(data)
        from micropkgd.model.hashing import Hasher

        hasher = Hasher()
        while data:
            hasher.update(data)
            data = os.read(descriptor, _CHUNK)
    finally:
        os.close(descriptor)
    return hasher.digest


def _parent(path: RelPath) -> RelPath | None:
    parent = path.rpartition("/")[0]
    return RelPath(parent) if parent else None


def _is_link(parent: int, name: str) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


_NOREPLACE: Final = 1
_EXCHANGE: Final = 2


def _renameat2(old: int, old_name: str, new: int, new_name: str, flags: int) -> bool:
    """Call renameat2(2), which the standard library lacks; False where the file system or the C library has none."""
    call = c_function("renameat2")
    if call is None:
        return False
    if call(old, os.fsencode(old_name), new, os.fsencode(new_name), flags) == 0:
        return True
    from ctypes import get_errno

    number = get_errno()
    if number in _NO_SUCH_CALL:
        return False
    raise OSError(number, os.strerror(number), new_name)


@cache
def c_function(name: str) -> Callable[..., int] | None:
    """A function of the C library, looked up once."""
    from ctypes import CDLL

    found: Callable[..., int] | None = getattr(CDLL(None, use_errno=True), name, None)
    return found
