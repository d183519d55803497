"""The gzip frame: exactly one member, inflated piece by piece under caps and checked to its last byte.

Rules: RFC 1952 is read here and not by `gzip`, which skips zeros after the end, joins several members and leaves
the checksum unchecked for who stops reading early. Whoever has read to the end of an `Inflater` (`read` gave fewer
bytes than asked, or `rest` is exhausted) knows that length and CRC are right and that nothing follows.
"""

import zlib
from collections.abc import Iterator

from micropkgd.annotations import BinaryIO, Final
from micropkgd.errors import ArchiveError
from micropkgd.sdist.limits import MIB, ReadLimits

_GZIP: Final = b"\x1f\x8b\x08"
_HEADER_CRC, _EXTRA, _NAME, _COMMENT, _RESERVED = 2, 4, 8, 16, 0xE0
_TRAILER: Final = 8
_INTAKE: Final = 1 << 16  # packed bytes read at a time
_PIECE: Final = MIB  # unpacked bytes made at a time: by this much a cap may be overrun before it is noticed

_REBUILD: Final = "build the archive again, or fetch it again if it was downloaded"
_OTHER_KINDS: Final = (
    (b"\xfd7zXZ\x00", "it is packed with xz", "pack it with gzip: a `.tar.gz` as `micropkgd package` writes it"),
    (b"BZh", "it is packed with bzip2", "pack it with gzip: a `.tar.gz` as `micropkgd package` writes it"),
    (b"\x28\xb5\x2f\xfd", "it is packed with zstd", "pack it with gzip: a `.tar.gz` as `micropkgd package` writes it"),
    (b"PK\x03\x04", "it is a zip file or a wheel", "only source archives (`.tar.gz`) can be pulled"),
    (b"version https://git-lfs", "it is a git-lfs pointer", "fetch the file itself with `git lfs pull`"),
    (b"{", "it is JSON, perhaps the error message of a server", "look at the address with curl"),
    (b"<?xml", "it is XML, perhaps the error message of a server", "look at the address with curl"),
    (b"<", "it is a web page", "looks like a login page: check credentials and proxy"),
)


class Inflater:
    """The inside of one gzip stream; `unpacked` counts what was made of it so far."""

    def __init__(self, stream: BinaryIO, limits: ReadLimits) -> None:
        self.unpacked = 0
        self._stream = stream
        self._limits = limits
        self._deflated = zlib.decompressobj(-zlib.MAX_WBITS)
        self._crc = 0
        self._packed = 0
        start = self._intake()
        self._waiting = start[_header_end(start) :]
        self._held = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; fewer only where the inside ends."""
        start, self._at = self._at, self._at + size
        if self._at <= len(self._held):
            return self._held[start : self._at]
        pieces = [self._held[start:]]
        missing = size - len(pieces[0])
        self._held, self._at = b"", 0
        while missing > 0 and (piece := self._inflate()):
            if len(piece) > missing:
                self._held, self._at = piece, missing
                piece = piece[:missing]
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def some(self, most: int) -> bytes:
        """The next bytes as they come, without a copy where they may be all; none only where the inside ends."""
        if self._at == len(self._held):
            self._held, self._at = self._inflate(), 0
        start, self._at = self._at, min(self._at + most, len(self._held))
        return self._held[start : self._at]

    @property
    def taken(self) -> int:
        """How many bytes of the inside were read."""
        return self.unpacked - (len(self._held) - self._at)

    def rest(self) -> Iterator[bytes]:
        """All that is left, in pieces."""
        left, self._held, self._at = self._held[self._at :], b"", 0
        if left:
            yield left
        while piece := self._inflate():
            yield piece

    def _inflate(self) -> bytes:
        """The next piece of the inside; empty at its end, which by then is checked."""
        while not self._deflated.eof:
            packed = self._waiting or self._intake()
            try:
                piece = self._deflated.decompress(packed, _PIECE)
            except zlib.error as error:
                raise ArchiveError("corrupt-gzip", "its packed data are damaged", hint=_REBUILD) from error
            self._waiting = self._deflated.unconsumed_tail
            if piece:
                self._count(piece)
                return piece
            if not packed:
                raise _truncated()
        self._check_end()
        return b""

    def _intake(self) -> bytes:
        packed = self._stream.read(_INTAKE)
        self._packed += len(packed)
        if self._packed > self._limits.packed:
            raise ArchiveError("too-big-packed", f"it is larger than {_mib(self._limits.packed)}")
        return packed

    def _count(self, piece: bytes) -> None:
        self._crc = zlib.crc32(piece, self._crc)
        self.unpacked += len(piece)
        limits, consumed = self._limits, self._packed - len(self._waiting)
        if self.unpacked > limits.unpacked:
            raise ArchiveError("too-big-unpacked", f"it unpacks to more than {_mib(limits.unpacked)}")
        if self.unpacked > limits.ratio_from and self.unpacked > limits.ratio * consumed:
            raise ArchiveError("too-big-unpacked", f"it unpacks to more than {limits.ratio} times its own size")

    def _check_end(self) -> None:
        """Compare CRC and length, and see that the file ends with them. The inside is over: runs once or again."""
        tail = self._deflated.unused_data
        while len(tail) <= _TRAILER and (more := self._intake()):
            tail += more
        if len(tail) < _TRAILER:
            raise _truncated()
        crc, length = int.from_bytes(tail[:4], "little"), int.from_bytes(tail[4:_TRAILER], "little")
        if (crc, length) != (self._crc, self.unpacked & 0xFFFFFFFF):
            raise ArchiveError("bad-crc", "its checksum does not fit its content", hint=_REBUILD)
        if len(tail) > _TRAILER:
            what = "a second gzip member follows" if tail[_TRAILER:].startswith(_GZIP[:2]) else "bytes follow"
            raise ArchiveError("trailing-data", f"{what} after the end of the gzip data", hint=_REBUILD)


def _header_end(start: bytes) -> int:
    """Where the packed data begin, after the optional fields."""
    if not start or not _GZIP.startswith(start[:3]):
        raise _not_gzip(start)
    if len(start) < 10:
        raise _truncated()
    flags, end = start[3], 10
    if flags & _EXTRA:
        end += 2 + int.from_bytes(start[10:12], "little")
    for text in (_NAME, _COMMENT):
        if flags & text:
            end = start.find(b"\0", end) + 1 or len(start) + 1
    if flags & _HEADER_CRC:
        end += 2
        if end <= len(start) and zlib.crc32(start[: end - 2]) & 0xFFFF != int.from_bytes(
            start[end - 2 : end], "little"
        ):
            raise ArchiveError("bad-crc", "the checksum of its gzip header is wrong", hint=_REBUILD)
    if flags & _RESERVED:
        raise ArchiveError("corrupt-gzip", "its gzip header has unknown flags", hint=_REBUILD)
    if end > len(start):
        raise _truncated()
    return end


def _not_gzip(start: bytes) -> ArchiveError:
    """Say what the file is instead, where its first bytes tell."""
    if not start:
        return ArchiveError("not-gzip", "the file is empty", hint=_REBUILD)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, what, hint in _OTHER_KINDS:
        if text.startswith(magic):
            return ArchiveError("not-gzip", f"not a gzip file: {what}", hint=hint)
    if start[257:262] == b"ustar":
        return ArchiveError("not-gzip", "not a gzip file: it is a bare tar", hint="pack it with gzip")
    return ArchiveError("not-gzip", "not a gzip file", hint="only source archives (`.tar.gz`) can be pulled")


def _truncated() -> ArchiveError:
    return ArchiveError("truncated-gzip", "it ends in the middle of its packed data", hint=_REBUILD)


def _mib(count: int) -> str:
    return f"{count // MIB} MiB" if count >= MIB else f"{count} bytes"
