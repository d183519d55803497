"""The short way through a pass that has nothing to do: if nothing moved since the last one, it says the same again.

A pass that ends in sync leaves the signature of everything it depended on: manifest, lock, settings, local archives
and every installed file (`settling`). The next one compares them, one `stat` each, before it parses a document or
imports the loop. Where all refs are local that ends a pass; a remote source must be asked, and the record says what.
Who asks no source, as `status`, needs neither those nor the archives. The record may only skip work: whatever is not
as recorded leads to a whole look.

Rule: imports next to nothing, for beside the `stat` calls that would be most of the cost. So the record is no JSON,
which takes `re` and `collections` to read: it is text between the marks of ASCII, and then numbers (decision 4).
"""

import os
from itertools import chain
from operator import attrgetter

from micropkgd import __version__
from micropkgd.workspace.root import MANIFEST_NAME

TYPE_CHECKING = False  # as `typing` has it, which is not imported here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Final

    Look = Callable[[str], os.stat_result]

RECORD = ".micropkgd/settled"
SCHEMA = f"9 {__version__}"
FIELDS = 9  # of the row of an entry, before its drifted files

SECTION, ROW, FIELD = "\x1d", "\x1e", "\x1f"  # the marks that ASCII has between groups, records and units
NUMBERS = b"\0"  # before the signatures: four numbers of 64 bits a file that is there, in the order of the paths
NUMBER: "Final" = "Q"

Signature = tuple[int, int, int, int]  # mtime_ns, ctime_ns, size, inode
Row = tuple[str, ...]

signature_of: "Callable[[os.stat_result], Signature]" = attrgetter("st_mtime_ns", "st_ctime_ns", "st_size", "st_ino")

_JOURNAL = ".micropkgd/journal"
_LARGEST = 64 << 20  # bytes of the record


def settled_rows(root: str, *, with_sources: bool = True) -> "tuple[list[Row], list[Row]] | None":
    """What the last pass came to, if nothing moved since; None where a whole pass must look, or a source be asked.

    `with_sources`: nor did anything where the archives come from.
    """
    found = unmoved(root, archives=with_sources, remote=not with_sources)
    return None if found is None else found[:2]


def unmoved(root: str, *, archives: bool, remote: bool) -> tuple[list[Row], list[Row], str] | None:
    """What the last pass came to, if nothing moved since on this machine, and what the other sources are asked.

    `archives`: nor did those. `remote`: also where some come from elsewhere.

    A row an entry: ref, target, name, version, archive, since when it stands so, those that are only formatted in one
    text, the index it is looked up in, by whom it is signed, then the drifted files. A row a packaged module: its name,
    since when it stands so, the path, name, version, digest and content of its archive, then where it was published,
    and as what.
    """
    try:
        (asking, folders, *groups, entries, packages), numbers = _record(root)
        if asking and not remote:
            return None
        read, local, installed = _groups(groups, numbers)
        start = _start(root)
        # The fewest first. What is read is looked at through links, as reading does; what is installed is never one.
        if not _were_read(start, *read) or (archives and not _stand(start, os.stat, *local)):
            return None
        if not _stand(start, os.lstat, *installed):
            return None
        if any(os.path.isdir(f"{root}/{path}") != bool(there) for path, there in _rows(folders, 2)):
            return None
        return _rows(entries, FIELDS), _rows(packages, 7), asking
    except (OSError, ValueError, TypeError):
        return None


def documents_stand(root: str) -> bool:
    """Whether manifest and lock are those that the last pass has read, and ended in sync with."""
    try:
        (_, _, read, *_), numbers = _record(root)
        return _were_read(_start(root), *next(_groups([read], numbers)))
    except (OSError, ValueError, TypeError):
        return False


def _record(root: str) -> "tuple[list[str], memoryview]":
    """The sections of the record, and all signatures; `ValueError` where it cannot hold any more."""
    if _is_older(root) or os.path.lexists(f"{root}/{_JOURNAL}"):
        raise ValueError(root)
    text, _, numbers = _own_bytes(f"{root}/{RECORD}").partition(NUMBERS)
    schema, *sections = text.decode(errors="surrogatepass").split(SECTION)
    if schema != SCHEMA:
        raise ValueError(schema)
    return sections, memoryview(numbers).cast(NUMBER)


def _is_older(root: str) -> bool:
    """Whether a document changed since the record was written: then it need not be read to know that it says less."""
    written = os.lstat(f"{root}/{RECORD}").st_ctime_ns
    documents = (signature(os.stat, f"{root}/{name}") for name in (MANIFEST_NAME, "micropkg.lock"))
    return any(document is not None and document[1] > written for document in documents)


def signature(look: "Look", path: str) -> Signature | None:
    """How a file stands; None where there is none.

    What nobody can look at, behind links in a circle or a closed folder, counts as what is not there; who reads it
    says why.
    """
    try:
        return signature_of(look(path))
    except OSError:
        return None


def _start(root: str) -> str:
    """What paths begin with: nothing where we stand in the project, for to walk down to it is a tenth of a look."""
    return "" if os.path.samestat(os.stat("."), os.stat(root)) else f"{root}/"


def _stand(start: str, look: "Look", paths: "Sequence[str]", signatures: "memoryview", absent: "Iterable[str]") -> bool:
    """Whether files are as recorded. Most of a pass with nothing to do is spent here, so it loops in C."""
    whole = [path if path.startswith("/") else start + path for path in paths] if start else paths
    if [*chain.from_iterable(map(signature_of, map(look, whole)))] != signatures.tolist():
        return False
    return all(signature(look, os.path.join(start, path)) is None for path in absent)


def _were_read(start: str, paths: "Sequence[str]", signatures: "memoryview", absent: "Iterable[str]") -> bool:
    """Whether documents are those that were read; the manifest among them, whose signature no clone or copy shares."""
    return MANIFEST_NAME in paths and _stand(start, os.stat, paths, signatures, absent)


def _groups(
    texts: "Iterable[str]", numbers: "memoryview"
) -> "Iterator[tuple[Sequence[str], memoryview, Sequence[str]]]":
    """The paths of files that are compared together, their signatures, and the paths where there was none."""
    for text in texts:
        paths, absent = map(_fields, text.split(ROW))
        end = 4 * len(paths)
        yield paths, numbers[:end], absent
        numbers = numbers[end:]


def _fields(text: str) -> "Sequence[str]":
    return text.split(FIELD) if text else ()


def _own_bytes(path: str) -> bytes:
    """The bytes of a regular file no larger than ours: a device or a pipe in its place would have no end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        if os.fstat(descriptor).st_size > _LARGEST:
            raise ValueError(path)
        return stream.read()


def _rows(text: str, fields: int) -> list[Row]:
    rows = [tuple(row.split(FIELD)) for row in text.split(ROW)] if text else []
    if any(len(row) < fields for row in rows):
        raise ValueError
    return rows
