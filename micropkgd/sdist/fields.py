"""The header fields of a PKG-INFO file, read without `email` (whose import costs more than the whole reading).

Rules: a field is `Name: value` from the first column; lines that begin with a blank continue the field above, which
may be none that matters here; the first empty line ends the header. A line that is neither is refused: skipping it
could lose a requirement.
"""

from collections.abc import Iterator

from micropkgd.annotations import Final
from micropkgd.errors import ArchiveError

_KEPT: Final = frozenset({"metadata-version", "name", "version", "dynamic", "requires-dist", "requires-python"})
_ALSO_KEPT: Final = frozenset({"classifier", "license-expression"})  # which nothing depends on: never refused
_AT_MOST: Final = 1 << 20  # bytes of the header; old tools put the whole description there


class HeaderFields:
    """The fields of one header that matter for us, names without regard to case."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values

    def all(self, name: str) -> list[str]:
        """All values of a field that may stand several times, in order."""
        return self._values.get(name.lower(), [])

    def one(self, name: str) -> str:
        """The value of a field that stands once; empty where it is missing."""
        values = self.all(name)
        if len(values) > 1:
            raise _unreadable(f"it has {len(values)} `{name}` fields")
        return values[0] if values else ""


def read_fields(data: bytes) -> HeaderFields:
    """Parse the header of a PKG-INFO, which may be empty; what follows the first empty line is the description."""
    values: dict[str, list[str]] = {}
    name = ""
    for number, line in enumerate(_header_lines(data), start=1):
        if line[:1] in {" ", "\t"} and name not in _KEPT:
            continue
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name.replace("-", "").isalnum():
            raise _unreadable(f"line {number} is not a field of one line")
        if name in _KEPT or name in _ALSO_KEPT:
            values.setdefault(name, []).append(value.strip())
    return HeaderFields(values)


def _header_lines(data: bytes) -> Iterator[str]:
    head, end, _ = data[:_AT_MOST].replace(b"\r\n", b"\n").partition(b"\n\n")
    if not end and len(data) > _AT_MOST:
        raise _unreadable("its header is too large to be read")
    if b"\r" in head:
        raise _unreadable("it has a carriage return inside a line, where other readers begin a new one")
    try:
        text = head.decode("utf-8-sig").rstrip("\n")
    except UnicodeDecodeError as error:
        raise _unreadable("it is not UTF-8") from error
    yield from text.split("\n") if text else ()


def _unreadable(problem: str) -> ArchiveError:
    return ArchiveError("bad-metadata", problem, where="PKG-INFO")
