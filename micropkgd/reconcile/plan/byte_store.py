"""Bytes that a pass needs later: in memory while they are few, else in a file without a name.

So a pass takes the same memory for small archives and for large ones. The file goes with the store, also by a crash.
Where nothing is to be installed, of a large file nothing is kept but its size and digest.
"""

from collections.abc import Callable, Iterable, Iterator

from micropkgd.annotations import BinaryIO, Final
from micropkgd.model.contents import OutsideMemory
from micropkgd.model.hashing import Hasher
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.reading import TEXT

_IN_MEMORY: Final = 8 << 20  # bytes of all together
_PIECE: Final = 1 << 20


class ByteStore:
    """Takes bytes, and gives them back for as long as somebody holds what it gave for them."""

    def __init__(self, scratch: Callable[[], BinaryIO]) -> None:
        self._scratch = scratch
        self._file: BinaryIO | None = None
        self._filed = 0  # bytes that are in the file; what follows is held
        self._held = bytearray()

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, pieces: Iterable[bytes]) -> OutsideMemory:
        """Take the bytes of one file."""
        start, taken = self._filed + len(self._held), Hasher()
        for piece in pieces:
            taken.update(piece)
            self._held += piece
            if len(self._held) > (_PIECE if self._file is not None else _IN_MEMORY):
                self._put_off()
        size = self._filed + len(self._held) - start
        return StoredFile(self, start, size, taken.digest)

    def anew(self) -> "ByteStore":
        """An empty store that keeps all bytes of everything."""
        return ByteStore(self._scratch)

    def read(self, start: int, size: int) -> bytes:
        """Some of the bytes, counted from the first that it took."""
        in_file = max(min(self._filed - start, size), 0)
        found = b""
        if in_file and self._file is not None:
            self._file.seek(start)
            found = self._file.read(in_file)
        held = start + in_file - self._filed
        return found + self._held[held : held + size - in_file]

    def _put_off(self) -> None:
        if self._file is None:
            self._file = self._scratch()
        self._file.seek(self._filed)
        self._file.write(self._held)
        self._filed += len(self._held)
        self._held.clear()


class DigestStore(ByteStore):
    """A store for whoever wants to know what files are, and reads no more of them than what people write."""

    def keep(self, pieces: Iterable[bytes]) -> OutsideMemory:
        """Take the bytes of one file, and keep those of a text."""
        held, size, taken = bytearray(), 0, Hasher()
        for piece in pieces:
            taken.update(piece)
            size += len(piece)
            if size <= TEXT:
                held += piece
            else:
                held.clear()
        return super().keep([bytes(held)]) if size <= TEXT else SeenFile(size, taken.digest)


class NotKeptError(Exception):
    """A file is wanted of which nothing was kept: a signal to read its archive again; never shown."""


class SeenFile(NamedTuple):
    """A file that was hashed, and not kept."""

    size: int
    digest: Digest

    def pieces(self) -> Iterator[bytes]:
        """None of its bytes."""
        raise NotKeptError


class StoredFile(NamedTuple):
    """One file in a store."""

    store: ByteStore
    start: int
    size: int
    digest: Digest

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, in pieces."""
        for start in range(self.start, self.start + self.size, _PIECE):
            yield self.store.read(start, min(_PIECE, self.start + self.size - start))
