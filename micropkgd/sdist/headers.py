"""Tar blocks: what each 512-byte header says, decided before anything is done with it.

Rules: ustar, GNU and v7 headers, PAX and GNU long names; checksums are checked, which the tars of old made of signed
bytes; links, devices, sparse files and whatever else is no file and no folder are refused. Where known readers take a
header in two ways (a folder with data, a GNU header with a ustar prefix, two names for one member) it is refused. The
archive ends with two zero blocks and nothing but zeros after them.
"""

import re
from collections.abc import Callable, Iterator
from zlib import adler32

from micropkgd.annotations import Final
from micropkgd.errors import ArchiveError
from micropkgd.model.contents import Content, whole
from micropkgd.named_tuples import NamedTuple
from micropkgd.sdist.inflate import Inflater
from micropkgd.sdist.limits import ReadLimits
from micropkgd.sdist.names import shown
from micropkgd.sdist.pax import PaxValues, check_global, member_said

BLOCK: Final = 512
_ZEROS: Final = bytes(BLOCK)
_EXTENSION_AT_MOST: Final = 1 << 16  # bytes of an extended header or a long name
_KEPT_FROM: Final = 1 << 12  # bytes of a member that is given to whoever keeps it
_PIECE: Final = 1 << 20

Keep = Callable[[Iterator[bytes]], Content]
"""Takes the bytes of a member, and gives what holds them."""

_USTAR, _GNU, _V7 = b"ustar\x0000", b"ustar  \x00", bytes(8)
_FILE, _OLD_FILE, _FOLDER, _PAX, _GLOBAL, _LONG_NAME = b"0", b"\0", b"5", b"x", b"g", b"L"
_MEMBERS: Final = frozenset({_FILE, _OLD_FILE, _FOLDER})
_NAMING: Final = frozenset({_PAX, _LONG_NAME})  # at most one for each member
_NAMEABLE: Final = frozenset({_FILE, _FOLDER})  # an old file is told from a folder by its own name: it takes no other
_EXTENSIONS: Final = _NAMING | {_GLOBAL}
_REFUSED: Final = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a named pipe",
    b"K": "a link with a long name",
    b"S": "a sparse file",
}
_OCTAL: Final = re.compile(rb" *([0-7]*)[ \0]*")
_NUMBERS: Final = ((100, 108), (108, 116), (116, 124), (124, 136), (136, 148), (148, 156))  # mode ... checksum
# The same six numbers as nearly every program writes them, in one step: mode, size and checksum are taken out.
_USUAL: Final = re.compile(
    rb"([0-7]{7})[ \0][0-7]{7}[ \0][0-7]{7}[ \0]([0-7]{11})[ \0][0-7]{11}[ \0]([0-7]{6})(?:\0 | \0)"
)
_DEVICES: Final = ((329, 337), (337, 345))
_NO_DEVICES: Final = frozenset({bytes(16), b"0000000\0" * 2, b"000000 \0" * 2})


class Header(NamedTuple):
    """One tar header, its name as it stands there or as an extended header gave it."""

    kind: bytes
    name: bytes
    size: int
    mode: int
    folder: bool

    @property
    def where(self) -> str:
        """The member for messages."""
        return shown(self.name) or "(no name)"


def walk(source: Inflater, limits: ReadLimits, keep: Keep | None = None) -> Iterator[tuple[Header, Content]]:
    """All files and folders in the order of the archive with their data; over only at a proper end of the archive."""
    said: PaxValues | None = None
    begun = False
    for header in _headers(source, limits):
        data = _data(source, header, limits, keep)
        if header.kind == _GLOBAL and not begun:
            check_global(whole(data))
            continue
        begun = True
        if header.kind not in (_NAMING | _MEMBERS if said is None else _NAMEABLE):
            raise _bad_header("an extended header stands where it belongs to no member, or to one that has another")
        if header.kind in _NAMING:
            named = whole(data)
            said = member_said(named) if header.kind == _PAX else PaxValues(_long_name(named))
        else:
            yield (header if said is None else _told(header, said)), data
            said = None
    if said is not None:
        raise _bad_header("an extended header belongs to no member")


def parse(block: bytes) -> Header:
    """Read one header block, its checksum and all its numbers checked."""
    if usual := _USUAL.fullmatch(block, 100, 156):
        mode, size, checksum = int(usual[1], 8), int(usual[2], 8), int(usual[3], 8)
    else:
        mode, _, _, size, _, checksum = (_number(block[start:end]) for start, end in _NUMBERS)
    total = _sum(block[:148]) + 8 * 0x20 + _sum(block[156:384]) + _sum(block[384:])
    if checksum != total and checksum != total - 256 * _high(block[:148] + block[156:]):
        raise _bad_header("the checksum of a header is wrong", reason="bad-checksum")
    if mode < 0:
        raise _bad_header("the mode of a member is negative")
    if block[329:345] not in _NO_DEVICES:
        for start, end in _DEVICES:
            _number(block[start:end])
    kind, name = block[156:157], _name(block)
    # Before POSIX a folder was a file whose name ends with a slash, and readers still know that.
    return Header(kind, name, size, mode, kind == _FOLDER or (kind == _OLD_FILE and name.endswith(b"/")))


def _name(block: bytes) -> bytes:
    """The name in the header itself. GNU keeps other things where ustar has the first half of a long one."""
    name, magic = block[:100].partition(b"\0")[0], block[257:265]
    if magic == _USTAR:
        prefix = block[345:500].partition(b"\0")[0]
        return prefix + b"/" + name if prefix else name
    if magic not in {_GNU, _V7} or any(block[345:500]):
        raise _bad_header("a header is of no known tar format")
    return name


def _headers(source: Inflater, limits: ReadLimits) -> Iterator[Header]:
    """The headers one after the other; whoever takes one must read its data before the next."""
    count, read = 0, _first
    while (block := source.read(BLOCK)) != _ZEROS:
        if len(block) < BLOCK:
            raise _not_tar(block) if block and read is _first else _no_end()
        header, read = _checked(read(block)), parse
        count += header.kind not in _NAMING
        if count > limits.members:
            raise ArchiveError("too-many-members", f"it has more than {limits.members} members")
        yield header
    _check_end(source)


def _first(block: bytes) -> Header:
    """The first header also tells whether this is a tar at all."""
    try:
        return parse(block)
    except ArchiveError as error:
        if block[257:262] == b"ustar":
            raise
        raise _not_tar(block) from error


def _checked(header: Header) -> Header:
    if header.kind not in _MEMBERS | _EXTENSIONS:
        what = _REFUSED.get(header.kind, f"a member of type `{shown(header.kind)}`")
        hint = "put a copy of the file in its place" if header.kind in b"12" else ""
        raise ArchiveError(
            "member-type", f"it is {what}; only files and folders are read", where=header.where, hint=hint
        )
    if header.size < 0:
        raise ArchiveError("negative-size", "its size is negative", where=header.where)
    if header.folder and header.size:
        raise _bad_header("it is a folder with data", where=header.where)
    return header


def _data(source: Inflater, header: Header, limits: ReadLimits, keep: Keep | None) -> Content:
    """The data of a member, its padding passed over; a size is believed only within the caps."""
    if header.size > limits.unpacked:
        raise ArchiveError("too-big-unpacked", f"it claims {header.size} bytes", where=header.where)
    if header.kind in _EXTENSIONS and header.size > _EXTENSION_AT_MOST:
        raise _bad_header("an extended header is too large", where=header.where)
    if keep is None or header.size < _KEPT_FROM or header.kind not in _MEMBERS:
        data: Content = b"".join(_pieces(source, header, header.size))
    else:
        data = keep(_pieces(source, header, _PIECE))
    source.read(-header.size % BLOCK)
    return data


def _pieces(source: Inflater, header: Header, most: int) -> Iterator[bytes]:
    """The data of a member, no more than so many bytes at once."""
    left = header.size
    while left > 0:
        data = source.some(min(most, left))
        if not data:
            problem = f"it claims {header.size} bytes, the archive ends after {header.size - left}"
            raise ArchiveError("size-beyond-end", problem, where=header.where)
        left -= len(data)
        yield data


def _told(header: Header, said: PaxValues) -> Header:
    """A member with what was said before it."""
    said.check_size(header.size)
    return header._replace(name=said.path or header.name)


def _long_name(data: bytes) -> bytes:
    """The name that GNU's header gives the next member."""
    if name := data.removesuffix(b"\0"):
        return name
    raise _bad_header("a long name is empty")


def _check_end(source: Inflater) -> None:
    """One zero block was read: a second must follow, and then nothing but the zeros of the last tape record."""
    second = source.read(BLOCK)
    if len(second) < BLOCK:
        raise _no_end()
    if second != _ZEROS or any(piece.count(0) != len(piece) for piece in source.rest()):
        raise ArchiveError("trailing-data", "data follow after the end of the tar archive")


def _sum(data: bytes) -> int:
    """The sum of up to 256 bytes: the lower half of Adler-32, several times as fast as `sum`."""
    return (adler32(data) & 0xFFFF) - 1


def _high(data: bytes) -> int:
    """The bytes that were negative numbers to the tars of old, which summed them as signed ones."""
    return sum(byte >= 0x80 for byte in data)


def _number(field: bytes) -> int:
    """An octal number, or GNU's big-endian one; a negative is given back for its reader to refuse."""
    if field[0] in {0x80, 0xFF}:
        return int.from_bytes(field[1:], "big") if field[0] == 0x80 else int.from_bytes(field, "big", signed=True)
    if found := _OCTAL.fullmatch(field):
        return int(found[1] or b"0", 8)
    if field.lstrip(b" ").startswith(b"-"):
        return -1
    raise _bad_header("a number in a header cannot be read")


def _bad_header(problem: str, *, reason: str = "bad-header", where: str = "") -> ArchiveError:
    return ArchiveError(reason, problem, where=where, hint="the archive is damaged or made by an unusual program")


def _not_tar(start: bytes) -> ArchiveError:
    twice = start.startswith(b"\x1f\x8b")
    hint = "it is compressed twice: check `Content-Encoding` of the server" if twice else ""
    return ArchiveError("not-tar", "what is packed in it is not a tar archive", hint=hint)


def _no_end() -> ArchiveError:
    return ArchiveError("no-end-of-archive", "it ends without the end marks of a tar: a part of it may be missing")
