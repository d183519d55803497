"""Write a source archive: the same files give the same bytes, on any machine and at any time.

Promise: `read_sdist` gives back what was written, and every sound tar reader agrees with it. Members are sorted and
belong to nobody; modes are 0644 and 0755, the time is one for all; gzip says neither name, time nor system.
Rule: what `read_sdist` would refuse is not written. Compression may differ between builds of zlib, so the digest of
the tar inside is told, too: that one never does.
"""

import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from micropkgd.errors import ArchiveError
from micropkgd.model.tree import Digest, digest_of
from micropkgd.sdist.limits import DEFAULT_LIMITS, Limits
from micropkgd.sdist.names import Claims, clean_path
from micropkgd.sdist.reader import Member, Sdist, read_sdist

_MTIME: Final = 1_580_601_600  # 2020-02-02: later than 1980, where the zip archives of wheels begin
_LEVEL: Final = 6
_BLOCK: Final = 512
_RECORD: Final = 20 * _BLOCK  # a tar is filled up to whole tape records
_SHORT: Final = 100  # bytes of a name in the header itself
_GZIP: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no flags, no time, no hint, no system
_FILE, _PAX = b"0", b"x"


class Written(NamedTuple):
    """One archive."""

    data: bytes  # the `.tar.gz`
    content: Digest  # of the tar inside


def write_sdist(sdist: Sdist, *, limits: Limits = DEFAULT_LIMITS) -> Written:
    """Write the members below their root folder; `ArchiveError` names one that no reader should be given."""
    _check_names(sdist, limits)
    tar = _tar(sdist)
    data = _gzip(tar)
    _check_size(len(tar), len(data), limits)
    return Written(data, digest_of(tar))


def is_written_here(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Whether an archive is one that `write_sdist` made: its files, written again, give the same tar."""
    try:
        sdist = read_sdist(data, limits=limits)
    except ArchiveError:
        return False
    return _tar(sdist) == zlib.decompress(data, zlib.MAX_WBITS | 16)  # which the reader has found whole and in bounds


def _check_names(sdist: Sdist, limits: Limits) -> None:
    claims = Claims(limits)
    for member in sdist.members:
        path = f"{sdist.root}/{member.path}"
        if clean_path(path.encode(), folder=False, limits=limits) != path:
            raise ArchiveError("name-path", "its name is not in its shortest form, in NFC", where=member.path)
        claims.add_file(path)
    if len(sdist.members) > limits.members:
        raise ArchiveError("too-many-members", f"it would have more than {limits.members} members")


def _check_size(unpacked: int, packed: int, limits: Limits) -> None:
    if packed > limits.packed or unpacked > limits.unpacked:
        problem = f"it would have {unpacked} bytes, {packed} of them packed, where {limits.unpacked} are read"
        raise ArchiveError("too-big-unpacked", problem, hint="keep large data files out of the package")
    if unpacked > limits.ratio_from and unpacked > packed * limits.ratio:
        problem = f"it packs to less than 1/{limits.ratio} of its size, which readers take for an attack"
        raise ArchiveError("ratio", problem, hint="keep large files of one repeated byte out of the package")


def _tar(sdist: Sdist) -> bytes:
    pieces = [piece for member in sorted(sdist.members) for piece in _member(sdist.root, member)]
    size = sum(map(len, pieces)) + 2 * _BLOCK
    return b"".join((*pieces, bytes(2 * _BLOCK + -size % _RECORD)))


def _member(root: str, member: Member) -> Iterable[bytes]:
    """The blocks of one file; a name that is long or not ASCII goes into an extended header, where it is UTF-8."""
    name = f"{root}/{member.path}"
    mode = 0o755 if member.executable else 0o644
    plain = name.encode("ascii", "replace")
    if not name.isascii() or len(name) > _SHORT:
        record = _pax_record(b"path", name.encode())
        yield _header(b"././@PaxHeader", len(record), 0o644, _PAX)
        yield _padded(record)
    yield _header(plain[:_SHORT], len(member.data), mode, _FILE)
    yield _padded(member.data)


def _header(name: bytes, size: int, mode: int, kind: bytes) -> bytes:
    """One ustar header: user and group 0 without names, no device."""
    front = b"%s%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(_SHORT, b"\0"), mode, 0, 0, size, _MTIME)
    back = kind + bytes(100) + b"ustar\x0000" + bytes(247)
    checksum = sum(front) + sum(back) + 8 * 0x20
    return front + b"%06o\0 " % checksum + back


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK)


def _pax_record(key: bytes, value: bytes) -> bytes:
    """`LENGTH KEY=VALUE LF`, the length counting its own digits."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return b"%d%s" % (length, rest)


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data) + packer.flush()
    return b"".join((_GZIP, body, zlib.crc32(data).to_bytes(4, "little"), len(data).to_bytes(4, "little")))
