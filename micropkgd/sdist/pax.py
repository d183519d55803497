"""PAX extended headers: the only thing taken from them is a member's path.

Rules: a key that changes how the archive is read (`linkpath`, `hdrcharset`, sparse maps) is refused and not
ignored, since other programs obey it; so is a `size` other than the one in the member's own header, which some
programs repeat for each member; keys of no consequence for us are known by name; any other key is refused, and so is a
key that is set twice.
"""

from collections.abc import Iterator

from micropkgd.annotations import Final
from micropkgd.errors import ArchiveError
from micropkgd.named_tuples import NamedTuple
from micropkgd.sdist.names import shown

_HARMLESS: Final = frozenset({b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname", b"comment"})
_PATH, _SIZE = b"path", b"size"


class PaxValues(NamedTuple):
    """What stands before a member about it; empty where it says nothing."""

    path: bytes = b""
    size: bytes = b""

    def check_size(self, size: int) -> None:
        """See that it repeats the member's own size, letter for letter: readers differ in whom they believe."""
        if self.size not in {b"", b"%d" % size}:
            raise _refused(_SIZE)


def member_said(data: bytes) -> PaxValues:
    """What a member's own extended header says."""
    said = PaxValues()
    for key, value in _records(data):
        if key == _PATH and value:
            said = said._replace(path=value)
        elif key == _SIZE and value:
            said = said._replace(size=value)
        elif key not in _HARMLESS:
            raise _refused(key)
    return said


def check_global(data: bytes) -> None:
    """See that a header for all members (`git archive` writes one for its commit) changes none of them."""
    for key, _ in _records(data):
        if key not in _HARMLESS:
            raise _refused(key)


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Split records of the form `LENGTH KEY=VALUE LF`; the length counts the whole record."""
    start, seen = 0, set[bytes]()
    while start < len(data):
        digits = data[start : start + 8].partition(b" ")[0]
        end = start + int(digits) if digits.isdigit() else start
        key, equals, value = data[start + len(digits) + 1 : end].partition(b"=")
        if not (key and equals and value.endswith(b"\n")) or end > len(data):
            raise ArchiveError("bad-header", "an extended header of the archive is damaged")
        if key in seen:  # the last one would count; and without this, a header could hold thousands of them
            raise _refused(key)
        seen.add(key)
        yield key, value[:-1]
        start = end


def _refused(key: bytes) -> ArchiveError:
    name = shown(key)
    return ArchiveError(
        "pax-key",
        f"an extended header sets `{name}` in a way that programs understand differently",
        hint="build the archive with `micropkgd package` or `python -m build --sdist`",
    )
