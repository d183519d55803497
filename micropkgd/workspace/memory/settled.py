"""The short way through a pass that has nothing to do: if nothing moved since the last one, it says the same again.

A pass that ends in sync leaves the signature of everything it depended on: manifest, lock, settings, local archives
and every installed file (`settling`). The next one compares them, one `stat` each, before it parses a document or
imports the loop. Where all refs are local that ends a pass; a remote source must be asked, and the record says what.
Who asks no source, as `status`, needs neither those nor the archives. The record may only skip work: whatever is not
as recorded leads to a whole look.

Rule: imports next to nothing, not even `typing`, for beside the `stat` calls that would be most of the cost.
"""

import json
import os
from array import array
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from itertools import chain
from operator import attrgetter

from micropkgd import __version__
from micropkgd.workspace.root import MANIFEST_NAME

RECORD = ".micropkgd/settled.json"
SCHEMA = f"8 {__version__}"
FIELDS = 9  # of the row of an entry, before its drifted files

Look = Callable[[str], os.stat_result]
Signature = tuple[int, int, int, int]  # mtime_ns, ctime_ns, size, inode
Row = tuple[str, ...]

signature_of: Callable[[os.stat_result], Signature] = attrgetter("st_mtime_ns", "st_ctime_ns", "st_size", "st_ino")

_JOURNAL = ".micropkgd/journal"
_LARGEST = 64 << 20  # bytes of the record


def settled_rows(root: str, *, with_sources: bool = True) -> tuple[list[Row], list[Row]] | None:
    """What the last pass came to, if nothing moved since; None where a whole pass must look, or a source be asked.

    `with_sources`: nor did anything where the archives come from.
    """
    found = unmoved(root, archives=with_sources, remote=not with_sources)
    return None if found is None else found[:2]


def unmoved(root: str, *, archives: bool, remote: bool) -> tuple[list[Row], list[Row], dict[str, object] | None] | None:
    """What the last pass came to, if nothing moved since on this machine, and what the other sources are asked.

    `archives`: nor did those. `remote`: also where some come from elsewhere.

    A row an entry: ref, target, name, version, archive, since when it stands so, those that are only formatted in one
    text, the index it is looked up in, by whom it is signed, then the drifted files. A row a packaged module: its name,
    since when it stands so, the path, name, version, digest and content of its archive, then where it was published,
    and as what.
    """
    try:
        if _is_older(root):
            return None
        record = json.loads(_own_bytes(f"{root}/{RECORD}"))
        if record["schema"] != SCHEMA or os.path.lexists(f"{root}/{_JOURNAL}"):
            return None
        if MANIFEST_NAME not in record["read"]["paths"]:  # whose signature no clone or copy shares
            return None
        asking = record["asking"]
        if asking is not None and not remote:
            return None
        # What was read is looked at through links, as reading does; what is installed is never a link.
        if not (_stand(root, os.stat, **record["read"]) and _stand(root, os.lstat, **record["installed"])):
            return None
        if archives and not _stand(root, os.stat, **record["archives"]):
            return None
        if any(os.path.isdir(f"{root}/{path}") != there for path, there in record["folders"].items()):
            return None
        return _rows(record["entries"], FIELDS), _rows(record["packages"], 7), asking
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_older(root: str) -> bool:
    """Whether a document changed since the record was written: then it need not be read to know that it says less."""
    written = os.lstat(f"{root}/{RECORD}").st_ctime_ns
    documents = (signature(os.stat, f"{root}/{name}") for name in (MANIFEST_NAME, "micropkg.lock"))
    return any(document is not None and document[1] > written for document in documents)


def packed(signatures: Iterable[Signature]) -> str:
    """Signatures as one text: those of ten thousand files are parsed and compared in a few milliseconds.

    `OverflowError` where a file claims to be from before 1970.
    """
    return b2a_base64(array("Q", chain.from_iterable(signatures)), newline=False).decode()


def signature(look: Look, path: str) -> Signature | None:
    """How a file stands; None where there is none.

    What nobody can look at, behind links in a circle or a closed folder, counts as what is not there; who reads it
    says why.
    """
    try:
        return signature_of(look(path))
    except OSError:
        return None


def _stand(root: str, look: Look, paths: Iterable[str], signatures: str, absent: Iterable[str]) -> bool:
    """Whether files are as recorded. Most of a pass with nothing to do is spent here, so it loops in C."""
    whole = (path if path.startswith("/") else f"{root}/{path}" for path in paths)
    if packed(map(signature_of, map(look, whole))) != signatures:
        return False
    return all(signature(look, os.path.join(root, path)) is None for path in absent)


def _own_bytes(path: str) -> bytes:
    """The bytes of a regular file no larger than ours: a device or a pipe in its place would have no end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        if os.fstat(descriptor).st_size > _LARGEST:
            raise ValueError(path)
        return stream.read()


def _rows(recorded: Iterable[Iterable[object]], fields: int) -> list[Row]:
    rows = [tuple(map(str, row)) for row in recorded]
    if any(len(row) < fields for row in rows):
        raise ValueError
    return rows
