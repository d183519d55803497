"""Commits and trees out of git's own store: loose objects and packs, with their deltas, from alternates too.

For people who read it beside gitformat-pack(5): an object is found by its name in a folder of loose ones, or by the
index (version 2) of a pack. Rules: everything read here is a stranger's, so sizes and chains are bounded, and what was
found must have the name that it was asked by; what cannot be read is a `TreeError` that says so.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha1

from micropkgd.annotations import Final
from micropkgd.errors import TreeError
from micropkgd.named_tuples import NamedTuple

_LARGEST: Final = 64 << 20  # bytes of an object, and of all deltas that lead to one
_DELTAS: Final = 1000  # one upon the other; git makes 50
_STORES: Final = 5  # that name each other
_KINDS: Final = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_OFS_DELTA, _REF_DELTA = 6, 7
_PACK_INDEX: Final = b"\xfftOc\0\0\0\2"
_NAMES_AT: Final = 1032  # bytes: the mark, the version, and 256 counts
_ROW: Final = 24  # bytes of name and checksum of each object


class _PackPlace(NamedTuple):
    """Where an object is in a pack."""

    pack: str
    offset: int


class ObjectStore:
    """The objects of a repository, and of the stores that it borrows from."""

    def __init__(self, folder: str) -> None:
        self._folders = list(dict.fromkeys(_stores(folder, 0)))

    def read(self, name: bytes, kind: bytes) -> bytes:
        """The content of an object that must be of this kind."""
        found = self._find(name)
        if found is None:
            problem = f"git's store has no object {name.hex()}"
            raise TreeError(problem, hint="a partial clone has not all of them: fetch what is missing")
        if (
            found[0] != kind
            or sha1(b"%s %d\0" % (kind, len(found[1])) + found[1], usedforsecurity=False).digest() != name
        ):
            raise broken(name.hex())
        return found[1]

    def _find(self, name: bytes) -> tuple[bytes, bytes] | None:
        """Kind and content of an object, all deltas on the way applied."""
        changes: list[bytes] = []
        place = self._place(name)
        while isinstance(place, _PackPlace):
            kind, data, base = _entry(place)
            if base is None:
                place = _KINDS[kind], data
                break
            changes.append(data)
            if len(changes) > _DELTAS or sum(map(len, changes)) > _LARGEST:
                raise broken("a chain of deltas")
            place = self._place(base) if isinstance(base, bytes) else place._replace(offset=base)
        if place is None:
            return None
        kind_of, content = place
        for change in reversed(changes):
            content = _changed(content, change)
        return kind_of, content

    def _place(self, name: bytes) -> _PackPlace | tuple[bytes, bytes] | None:
        """Where an object is packed, or a loose one itself."""
        for folder in self._folders:
            found = _loose(folder, name) or _packed(folder, name)
            if found is not None:
                return found
        return None


def broken(what: str) -> TreeError:
    """Something in the store is not what git would have written."""
    return TreeError(f"git's store is damaged: {what} is not what it should be", hint="run `git fsck`")


def _stores(folder: str, depth: int) -> Iterator[str]:
    yield folder
    if depth < _STORES:
        with suppress(OSError):
            for line in _head_of(os.path.join(folder, "info", "alternates")).splitlines():
                if line and not line.startswith(b"#"):
                    yield from _stores(os.path.normpath(os.path.join(folder, os.fsdecode(line))), depth + 1)


def _loose(folder: str, name: bytes) -> tuple[bytes, bytes] | None:
    text = name.hex()
    try:
        packed = _head_of(os.path.join(folder, text[:2], text[2:]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    head, _, content = _inflated([packed], _LARGEST).partition(b"\0")
    return head.partition(b" ")[0], content


def _packed(folder: str, name: bytes) -> _PackPlace | None:
    packs = os.path.join(folder, "pack")
    with suppress(FileNotFoundError):
        for file in sorted(os.listdir(packs)):
            index = os.path.join(packs, file)
            if file.endswith(".idx") and (offset := _offset(index, name)) is not None:
                return _PackPlace(f"{index.removesuffix('.idx')}.pack", offset)
    return None


def _offset(index: str, name: bytes) -> int | None:
    """Where an object is in the pack of this index."""
    descriptor = os.open(index, os.O_RDONLY | os.O_CLOEXEC)
    try:

        def number(at: int, width: int = 4) -> int:
            return int.from_bytes(os.pread(descriptor, width, at))

        if os.pread(descriptor, len(_PACK_INDEX), 0) != _PACK_INDEX:
            raise TreeError("an index of git's packs is of a version that cannot be read here", where=index)
        low, high = number(8 + 4 * (name[0] - 1)) if name[0] else 0, number(8 + 4 * name[0])
        count = number(8 + 4 * 255)
        while low < high:
            middle = (low + high) // 2
            found = os.pread(descriptor, len(name), _NAMES_AT + len(name) * middle)
            if found == name:
                offsets = _NAMES_AT + _ROW * count
                offset = number(offsets + 4 * middle)
                return number(offsets + 4 * count + 8 * (offset & 0x7FFFFFFF), 8) if offset & 0x80000000 else offset
            low, high = (middle + 1, high) if found < name else (low, middle)
    finally:
        os.close(descriptor)
    return None


def _entry(place: _PackPlace) -> tuple[int, bytes, int | bytes | None]:
    """Kind and content of what is packed; of a delta also what it changes: an offset in the pack, or a name."""
    descriptor = os.open(place.pack, os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = os.pread(descriptor, 64, place.offset)
        kind, size, at = _head(head)
        base: int | bytes | None = None
        if kind == _OFS_DELTA:
            back, at = _number(head, at)
            base = place.offset - back
            if base < 0:
                raise broken("a pack")
        elif kind == _REF_DELTA:
            base, at = head[at : at + 20], at + 20
        elif kind not in _KINDS:
            raise broken("a pack")
        content = _inflated(_chunks(descriptor, place.offset + at), size)
    except (IndexError, OverflowError) as error:  # the latter: further than any file is long
        raise broken("a pack") from error
    finally:
        os.close(descriptor)
    if len(content) != size:
        raise broken("a pack")
    return kind, content, base


def _head(head: bytes) -> tuple[int, int, int]:
    """Kind and size of an entry, and where they end."""
    kind, size, at, shift = head[0] >> 4 & 7, head[0] & 15, 1, 4
    while head[at - 1] & 0x80:
        size |= (head[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return kind, size, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    """How far back a delta's base is, and where that ends."""
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = ((value + 1) << 7) | (data[at] & 0x7F)
    return value, at + 1


def _chunks(descriptor: int, offset: int) -> Iterator[bytes]:
    while chunk := os.pread(descriptor, 1 << 16, offset):
        offset += len(chunk)
        yield chunk


def _inflated(chunks: "Iterator[bytes] | list[bytes]", at_most: int) -> bytes:
    """What a zlib stream holds; it is damaged where that is more than expected, or has no end."""
    inflater, found = zlib.decompressobj(), b""
    if at_most > _LARGEST:
        raise broken("an object")
    try:
        for chunk in chunks:
            found += inflater.decompress(chunk, at_most + 1 - len(found))
            if inflater.eof or len(found) > at_most:
                break
    except zlib.error as error:
        raise broken("an object") from error
    if len(found) > at_most or not inflater.eof:
        raise broken("an object")
    return found


def _changed(base: bytes, delta: bytes) -> bytes:
    """What a delta makes of its base."""
    try:
        expected, at = _size(delta, 0)
        size, at = _size(delta, at)
        if expected != len(base) or size > _LARGEST:
            raise broken("a delta")
        found = bytearray()
        while at < len(delta) and len(found) <= size:
            what, at = delta[at], at + 1
            if what & 0x80:
                start, length, at = _copied(delta, what, at)
                found += base[start : start + length]
            else:
                found += delta[at : at + what]
                at += what
    except IndexError as error:
        raise broken("a delta") from error
    if len(found) != size:
        raise broken("a delta")
    return bytes(found)


def _copied(delta: bytes, what: int, at: int) -> tuple[int, int, int]:
    """Which part of the base is taken over: start and length, and where the instruction ends."""
    numbers = []
    for bit in range(7):
        present = what >> bit & 1
        numbers.append(delta[at] if present else 0)
        at += present
    return int.from_bytes(numbers[:4], "little"), int.from_bytes(numbers[4:], "little") or 0x10000, at


def _size(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7


def _head_of(path: str) -> bytes:
    """The bytes of a file, up to what is reasonable."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        return stream.read(_LARGEST)
