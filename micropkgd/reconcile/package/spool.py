"""The bytes of an archive while it is made: in memory while they are few, else in a file without a name."""

from collections.abc import Iterable, Iterator
from types import TracebackType

from micropkgd.annotations import BinaryIO, Final, Self
from micropkgd.model.hashing import Hasher
from micropkgd.model.tree import Digest, RelPath
from micropkgd.workspace.fsops import FsOps

_IN_MEMORY: Final = 8 << 20  # bytes
_PIECE: Final = 1 << 20
_FOLDER: Final = RelPath(".micropkgd")


class Spool:
    """Takes bytes once, and gives them back as often as is asked."""

    def __init__(self, fs: FsOps) -> None:
        self._fs = fs
        self._held = bytearray()
        self._file: BinaryIO | None = None
        self._hash = Hasher()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    @property
    def digest(self) -> Digest:
        """Of all bytes so far."""
        return self._hash.digest

    def clear(self) -> None:
        """Begin anew."""
        self._held.clear()
        self._hash = Hasher()
        if self._file is not None:
            self._file.close()
        self._file = None

    def fill(self, pieces: Iterable[bytes]) -> None:
        """Take more bytes."""
        for piece in pieces:
            self._hash.update(piece)
            self._held += piece
            if len(self._held) > _IN_MEMORY:
                self._file = self._file or self._fs.scratch(_FOLDER)
                self._file.write(self._held)
                self._held.clear()

    def write_to(self, fs: FsOps, path: RelPath) -> None:
        """Create a file that has these bytes."""
        if self._file is None:
            fs.write_file(path, bytes(self._held))
        else:
            fs.write_pieces(path, self._pieces(self._file))

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece
        yield bytes(self._held)
