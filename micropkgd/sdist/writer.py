"""Write a source archive: the same files give the same bytes, on any machine and at any time.

Promise: `read_sdist` gives back what was written, and every sound tar reader agrees with it. Members are sorted and
belong to nobody; modes are 0644 and 0755, the time is one for all; gzip says neither name, time nor system.
Rule: what `read_sdist` would refuse is not written. Compression may differ between builds of zlib, so the digest of
the tar inside is told, too: that one never does.
"""

import zlib
from collections.abc import Iterable, Iterator

from micropkgd.annotations import BinaryIO, Final
from micropkgd.errors import ArchiveError
from micropkgd.model.hashing import Hasher
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.sdist.headers import parse
from micropkgd.sdist.inflate import Inflater
from micropkgd.sdist.limits import DEFAULT_LIMITS, ReadLimits
from micropkgd.sdist.names import Claims, clean_path
from micropkgd.sdist.reader import Member

_MTIME: Final = 1_580_601_600  # 2020-02-02: later than 1980, where the zip archives of wheels begin
_LEVEL: Final = 6
_BLOCK: Final = 512
_RECORD: Final = 20 * _BLOCK  # a tar is filled up to whole tape records
_SHORT: Final = 100  # bytes of a name in the header itself
_GZIP: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no flags, no time, no hint, no system
_FILE, _PAX = b"0", b"x"
_PLAIN: Final = 0o644
_EXECUTABLE: Final = 0o755
_FEED: Final = 1 << 16  # bytes that the packer gets at a time
_LONGEST_RECORD: Final = 1 << 16


class Part(NamedTuple):
    """One file to be packed, whose bytes come in pieces."""

    path: str  # below the root folder
    size: int
    executable: bool
    pieces: Iterable[bytes]  # `size` bytes together


class Packing:
    """An archive in the making: its files go in one by one, in order, and come out as pieces of a `.tar.gz`."""

    def __init__(self, root: str, *, limits: ReadLimits = DEFAULT_LIMITS) -> None:
        self._root = root
        self._limits = limits
        self._claims = Claims(limits)
        self._last = ""
        self._count = self._unpacked = self._packed = 0
        self._inside = Hasher()
        self._crc = 0
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._waiting = bytearray()

    @property
    def content(self) -> Digest:
        """The digest of the tar, once it is whole."""
        return self._inside.digest

    def pack(self, parts: Iterable[Part]) -> Iterator[bytes]:
        """All of the archive; `ArchiveError` names a file that no reader should be given."""
        self._packed += len(_GZIP)
        yield _GZIP
        for part in parts:
            self._check(part)
            yield from self._through(_front(f"{self._root}/{part.path}", part.size, executable=part.executable))
            yield from self._through(part.pieces)
            yield from self._through([bytes(-part.size % _BLOCK)])
        yield from self._through([bytes(_end_of(self._unpacked))])
        yield from self._out(self._packer.compress(bytes(self._waiting)) + self._packer.flush())
        yield from self._out(self._crc.to_bytes(4, "little") + (self._unpacked & 0xFFFFFFFF).to_bytes(4, "little"))
        _check_size(self._unpacked, self._packed, self._limits)

    def _check(self, part: Part) -> None:
        path = f"{self._root}/{part.path}"
        if clean_path(path.encode(), folder=False, limits=self._limits) != path:
            raise ArchiveError("name-path", "its name is not in its shortest form, in NFC", where=part.path)
        self._claims.add_file(path)
        self._count += 1
        if self._count > self._limits.members:
            raise ArchiveError("too-many-members", f"it would have more than {self._limits.members} members")
        if part.path <= self._last:
            raise ValueError(f"{part.path} comes too late: files are packed in order")
        self._last = part.path

    def _through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pack bytes of the tar. The packer gets blocks of one size, so that what it makes depends on nothing else."""
        for piece in pieces:
            self._unpacked += len(piece)
            if self._unpacked > self._limits.unpacked:
                raise _too_large(self._unpacked, self._packed, self._limits)
            self._inside.update(piece)
            self._crc = zlib.crc32(piece, self._crc)
            self._waiting += piece
            whole = len(self._waiting) - len(self._waiting) % _FEED
            if whole:
                yield from self._out(self._packer.compress(bytes(self._waiting[:whole])))
                del self._waiting[:whole]

    def _out(self, data: bytes) -> Iterator[bytes]:
        if data:
            self._packed += len(data)
            yield data


def part_of(member: Member) -> Part:
    """A file whose bytes are there."""
    return Part(member.path, len(member.data), member.executable, [member.data])


def is_written_here(stream: BinaryIO, *, limits: ReadLimits = DEFAULT_LIMITS) -> bool:
    """Whether an archive is one that `Packing` made: its files, packed again, would give the same tar."""
    try:
        return _is_as_packed(Inflater(stream, limits), limits)
    except ArchiveError:
        return False


def _is_as_packed(source: Inflater, limits: ReadLimits) -> bool:
    """Read a tar once, block by block, and compare each that is not data with the one that would be written."""
    claims, last, roots = Claims(limits), "", set[str]()
    while (raw := source.read(_BLOCK)) != bytes(_BLOCK):
        header = parse(raw)
        name = header.name
        if header.kind == _PAX and header.size <= _LONGEST_RECORD:
            record = source.read(header.size + -header.size % _BLOCK)
            name = record[: header.size].partition(b"=")[2].removesuffix(b"\n")
            block = source.read(_BLOCK)
            raw, header = raw + record + block, parse(block)
        path = clean_path(name, folder=False, limits=limits)
        root, _, inner = path.partition("/")
        claims.add_file(path)
        roots.add(root)
        if raw != b"".join(_front(path, header.size, executable=header.mode == _EXECUTABLE)) or inner <= last:
            return False
        last = inner
        if not _passes(source, header.size):
            return False
    end = source.taken - _BLOCK
    return len(roots) == 1 and bytes(_end_of(end) - _BLOCK) == b"".join(source.rest())


def _passes(source: Inflater, size: int) -> bool:
    """Read past the data of a file, whose padding must be zeros."""
    left = size
    while left > 0 and (piece := source.read(min(left, _FEED))):
        left -= len(piece)
    return left == 0 and source.read(-size % _BLOCK) == bytes(-size % _BLOCK)


def _check_size(unpacked: int, packed: int, limits: ReadLimits) -> None:
    if packed > limits.packed or unpacked > limits.unpacked:
        raise _too_large(unpacked, packed, limits)
    if unpacked > limits.ratio_from and unpacked > packed * limits.ratio:
        problem = f"it packs to less than 1/{limits.ratio} of its size, which readers take for an attack"
        raise ArchiveError("ratio", problem, hint="keep large files of one repeated byte out of the package")


def _too_large(unpacked: int, packed: int, limits: ReadLimits) -> ArchiveError:
    problem = f"it would have {unpacked} bytes or more, {packed} of them packed, where {limits.unpacked} are read"
    return ArchiveError("too-big-unpacked", problem, hint="keep large data files out of the package")


def _front(name: str, size: int, *, executable: bool) -> Iterator[bytes]:
    """The blocks before a file; a name that is long or not ASCII goes into an extended header, where it is UTF-8."""
    plain = name.encode("ascii", "replace")
    if not name.isascii() or len(name) > _SHORT:
        record = _pax_record(b"path", name.encode())
        yield _header(b"././@PaxHeader", len(record), _PLAIN, _PAX)
        yield record + bytes(-len(record) % _BLOCK)
    yield _header(plain[:_SHORT], size, _EXECUTABLE if executable else _PLAIN, _FILE)


def _end_of(size: int) -> int:
    """How many zeros end a tar of that size: two blocks, and what is missing to a whole tape record."""
    return 2 * _BLOCK + -(size + 2 * _BLOCK) % _RECORD


def _header(name: bytes, size: int, mode: int, kind: bytes) -> bytes:
    """One ustar header: user and group 0 without names, no device."""
    front = b"%s%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(_SHORT, b"\0"), mode, 0, 0, size, _MTIME)
    back = kind + bytes(100) + b"ustar\x0000" + bytes(247)
    checksum = sum(front) + sum(back) + 8 * 0x20
    return front + b"%06o\0 " % checksum + back


def _pax_record(key: bytes, value: bytes) -> bytes:
    """`LENGTH KEY=VALUE LF`, the length counting its own digits."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return b"%d%s" % (length, rest)
