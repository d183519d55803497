"""Archives for tests, good and hostile, put together in memory.

`sdist(...)` is the usual one: gzip of a tar that begins with `demo-1.0/PKG-INFO` and `demo-1.0/demo/__init__.py`.
What `tarfile` will not write is made with `header`, a 512-byte block of which every field can be set.
"""

import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Mapping
from typing import Any

ROOT = "demo-1.0"
PKG_INFO = b"Metadata-Version: 2.2\nName: demo\nVersion: 1.0\n"
END = bytes(1024)

Entry = tuple[tarfile.TarInfo, bytes | None]


def file(name: str, data: bytes = b"x = 1\n", **fields: Any) -> Entry:
    """A regular file; `fields` are attributes of `TarInfo` (`mode`, `size`, `pax_headers`, ...)."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def special(name: str, kind: bytes, to: str = "") -> Entry:
    """A member without data: a folder, a link, a device."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, to, 0o755
    return info, None


def folder(name: str) -> Entry:
    """A folder."""
    return special(name, tarfile.DIRTYPE)


def symlink(name: str, to: str) -> Entry:
    """A symbolic link."""
    return special(name, tarfile.SYMTYPE, to)


def tar(*entries: Entry, form: int = tarfile.PAX_FORMAT, end: bool = True, pax: dict[str, str] | None = None) -> bytes:
    """The tar of these entries, as Python writes it; without its end blocks where `end` is false."""
    out = io.BytesIO()
    archive = tarfile.TarFile(
        fileobj=out, mode="w", format=form, encoding="utf-8", errors="surrogateescape", pax_headers=pax or {}
    )
    for info, data in entries:
        archive.addfile(info, io.BytesIO(data) if data is not None else None)
    if end:
        archive.close()
    return out.getvalue()


def basis(pkg_info: bytes = PKG_INFO) -> tuple[Entry, Entry]:
    """The two files with which every archive here begins."""
    return file(f"{ROOT}/PKG-INFO", pkg_info), file(f"{ROOT}/demo/__init__.py", b"")


def gz(data: bytes) -> bytes:
    """One gzip member without name and time."""
    return gzip.compress(data, mtime=0)


def gz_framed(data: bytes, flags: int, fields: bytes) -> bytes:
    """One gzip member whose header has these flags and optional fields."""
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + fields + gz(data)[10:]


def sdist(*entries: Entry, **options: Any) -> bytes:
    """The archive of the basis and these entries; `options` are those of `tar`."""
    return gz(tar(*basis(), *entries, **options))


def project(files: Mapping[str, str | bytes], root: str = ROOT) -> bytes:
    """The archive of exactly these files, paths given below the root folder."""
    encoded = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return gz(tar(*(file(f"{root}/{path}", data) for path, data in encoded.items())))


def header(
    name: bytes,
    size: int | bytes = 0,
    kind: bytes = b"0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    **fields: bytes,
) -> bytes:
    """One header block with a right checksum; `fields` (`mode`, `uid`, `mtime`, `major`, ...) are raw bytes."""
    block = struct.pack(
        "100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x",
        name,
        fields.get("mode", b"0000644\0"),
        fields.get("uid", b"0000000\0"),
        fields.get("gid", b"0000000\0"),
        size if isinstance(size, bytes) else b"%011o\0" % size,
        fields.get("mtime", b"00000000000\0"),
        b" " * 8,
        kind,
        fields.get("link", b""),
        magic,
        b"",
        b"",
        fields.get("major", b"0000000\0"),
        fields.get("minor", b"0000000\0"),
        prefix,
    )
    return fixed(block)


def fixed(block: bytes) -> bytes:
    """The header block with its checksum made right."""
    total = sum(block[:148]) + sum(block[156:]) + 8 * 0x20
    return block[:148] + b"%06o\0 " % total + block[156:]


def padded(data: bytes) -> bytes:
    """Data filled up to whole blocks."""
    return data + bytes(-len(data) % 512)


def extended(*records: bytes, kind: bytes = b"x") -> bytes:
    """An extended header with these `key=value` records."""
    return raw_extended(b"".join(map(record, records)), kind=kind)


def raw_extended(data: bytes, kind: bytes = b"x") -> bytes:
    """An extended header with this content, right or wrong."""
    return header(b"PaxHeader", len(data), kind) + padded(data)


def record(pair: bytes) -> bytes:
    """One `LENGTH KEY=VALUE` record; the length counts its own digits."""
    length = len(pair) + 3
    while len(b"%d %s\n" % (length, pair)) != length:
        length += 1
    return b"%d %s\n" % (length, pair)


def long_name(name: bytes) -> bytes:
    """GNU's way of saying the name of the next member."""
    return header(b"././@LongLink", len(name) + 1, b"L", b"ustar  \0") + padded(name + b"\0")


def member(name: bytes, data: bytes = b"x = 1\n", **fields: Any) -> bytes:
    """Header and data of one file."""
    return header(name, len(data), **fields) + padded(data)


def raw_sdist(*blocks: bytes, end: bytes = END) -> bytes:
    """The archive of the basis and these blocks."""
    return gz(tar(*basis(), end=False) + b"".join(blocks) + end)


def bomb(size: int) -> bytes:
    """An archive of a few bytes that holds one honest member of `size` zeros."""
    out = io.BytesIO()
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    out.write(packer.compress(tar(*basis(), end=False) + header(f"{ROOT}/zeros".encode(), size)))
    zeros = bytes(1 << 20)
    for _ in range(-(-size // len(zeros))):
        out.write(packer.compress(zeros))
    out.write(packer.compress(END) + packer.flush())
    return out.getvalue()
