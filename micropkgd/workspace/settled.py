"""The short way through a pass that has nothing to do: if nothing moved since the last one, it says the same again.

A pass that ends in sync leaves the signature of everything it depended on: manifest, lock, settings, local archives
and every installed file. The next one compares them, one `stat` each, before it parses a document or imports the
loop. Only projects whose refs are all local can be settled this way; a remote source must be asked.
The record may only skip work: whatever is not as recorded leads to a whole pass.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from micropkgd import __version__
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome
from micropkgd.model.packaged import Archived, PackageOutcome, Published, Step
from micropkgd.model.plan import EntryPlan
from micropkgd.model.tree import Digest, RelPath
from micropkgd.workspace.root import MANIFEST_NAME

if TYPE_CHECKING:
    from micropkgd.workspace.fsops import FsOps

GRAIN_NS = 10_000_000  # a file younger than the kernel's clock tick (at most 10 ms) may still change unseen

_RECORD = RelPath(".micropkgd/settled.json")
_DRAFT = RelPath(".micropkgd/settled.json.tmp")
_JOURNAL = ".micropkgd/journal"
_SCHEMA = f"2 {__version__}"

Signature = tuple[int, int, int, int]  # mtime_ns, ctime_ns, size, inode


class Watched(NamedTuple):
    """What an outcome depended on besides the installed files, as it was before it was read."""

    files: Mapping[str, Signature | None]  # documents and archives; None: it was not there
    folders: Mapping[str, bool]  # whether a folder was there, where that decides the layout


def settled_outcome(root: str, *, apply: bool) -> Outcome | None:
    """The outcome of a pass in which nothing moved since the last one; None where a whole pass must look."""
    try:
        record = json.loads(_own_bytes(f"{root}/{_RECORD}"))
        if record["schema"] != _SCHEMA or os.path.lexists(f"{root}/{_JOURNAL}"):
            return None
        if record["read"][MANIFEST_NAME] is None:  # whose signature no clone or copy shares
            return None
        for path, signature in record["read"].items():
            if _signature(os.stat, os.path.join(root, path)) != signature:
                return None
        for path, signature in record["installed"].items():
            if _signature(os.lstat, f"{root}/{path}") != signature:
                return None
        if any(os.path.isdir(f"{root}/{path}") != there for path, there in record["folders"].items()):
            return None
        entries = tuple(_entry(row) for row in record["entries"])
        return Outcome(root, entries, tuple(_package(row) for row in record["packages"]), applied=apply)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None


def _own_bytes(path: str) -> bytes:
    """The bytes of a regular file: a link to a device, or a pipe, that somebody put in its place has no end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        return stream.read()


def watch(root: str, files: Iterable[str], folders: Iterable[str]) -> Watched:
    """Take the signatures of what is about to be read."""
    return Watched(
        {path: _tuple(_signature(os.stat, os.path.join(root, path))) for path in files},
        {path: os.path.isdir(os.path.join(root, path)) for path in folders},
    )


def settle(
    fs: "FsOps", root: str, before: Watched, installed: Mapping[str, Signature | None], outcome: Outcome
) -> None:
    """Leave the record of a pass that ended in sync, unless something moved while it ran or it says nothing new.

    `installed` has the signature that each installed or packaged file had when it was read. Not synced and not part of
    any promise: without the record the next pass looks at everything.
    """
    if watch(root, before.files, before.folders) != before:
        return
    signatures = (*before.files.values(), *installed.values())
    newest = max((max(signature[:2]) for signature in signatures if signature is not None), default=0)
    time.sleep(max(0, min(GRAIN_NS, newest + GRAIN_NS - time.time_ns())) / 1e9)
    record = {
        "schema": _SCHEMA,
        "read": before.files,
        "installed": installed,
        "folders": before.folders,
        "entries": _rows(outcome.entries),
        "packages": [[one.module, *one.archived[:5], one.published] for one in outcome.packages if one.archived],
    }
    data = json.dumps(record, separators=(",", ":")).encode()
    if fs.status(_RECORD) is None or fs.read(_RECORD) != data:
        if fs.status(_DRAFT):
            fs.remove_file(_DRAFT)
        fs.write_file(_DRAFT, data, 0o600)
        fs.rename(_DRAFT, _RECORD)


def can_settle(outcome: Outcome) -> bool:
    """Whether nothing is left to do or to say: no failure, nothing held, nothing noted."""
    if outcome.exit_code != 0 or any(entry.notes or entry.after is None or entry.failure for entry in outcome.entries):
        return False
    return all(package.archived is not None and not package.archived.notes for package in outcome.packages)


def _signature(look: Callable[[str], os.stat_result], path: str) -> list[int] | None:
    """What was read is looked at through links, as reading does; what is installed is never a link.

    What nobody can look at, behind links in a circle or a closed folder, counts as what is not there; who reads it
    says why.
    """
    try:
        status = look(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]


def _tuple(signature: list[int] | None) -> Signature | None:
    return None if signature is None else (signature[0], signature[1], signature[2], signature[3])


def _rows(entries: Sequence[EntryOutcome]) -> list[list[object]]:
    return [
        [entry.ref, entry.target, entry.name, *entry.after, list(entry.plan.edited if entry.plan else ())]
        for entry in entries
        if entry.after is not None
    ]


def _entry(row: Sequence[object]) -> EntryOutcome:
    ref, target, name, version, archive = (str(field) for field in row[:5])
    installed = Installed(version, Digest(archive))
    drifted = tuple(RelPath(str(path)) for path in row[5]) if isinstance(row[5], list) else ()
    plan = EntryPlan(ref, RelPath(target), (), drifted)
    return EntryOutcome(ref, RelPath(target), name, installed, installed, plan)


def _package(row: Sequence[object]) -> PackageOutcome:
    module, path, name, version, digest, content = (str(field) for field in row[:6])
    published = Published(*row[6]) if isinstance(row[6], list) else None
    archived = Archived(path, name, version, Digest(digest), Digest(content))
    return PackageOutcome(module, Step.NONE, archived, published=published)
