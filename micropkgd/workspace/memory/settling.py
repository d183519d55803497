"""Writes the record that a pass in sync leaves for the next one (`settled`), and reads it as an outcome.

Files younger than the clock's grain are waited for, and nothing is recorded if something moved while the pass ran.
"""

import json
import os
from array import array
from collections.abc import Collection, Iterable, Mapping
from itertools import chain

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.clock import let_grain_pass
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome
from micropkgd.model.packaged import Archived, PackageOutcome, Published, Step
from micropkgd.model.plan import EntryPlan
from micropkgd.model.tree import Digest, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.memory.settled import (
    FIELD,
    FIELDS,
    NUMBER,
    NUMBERS,
    RECORD,
    ROW,
    SCHEMA,
    SECTION,
    Row,
    Signature,
    signature,
    unmoved,
)
from micropkgd.workspace.record import replace_record

if TYPE_CHECKING:
    from micropkgd.workspace.fsops import FsOps

_RECORD = RelPath(RECORD)
_FORMER = RelPath(".micropkgd/settled.json")  # as it was called until 0.2


class AskedSources(NamedTuple):
    """Where the entries of a pass come from."""

    archives: Collection[str]  # of this machine
    asking: Mapping[str, object] | None  # how those that come from elsewhere are asked for; None: there are none
    origins: Mapping[str, tuple[str, str]]  # by ref: the index that it is looked up in, by whom it is signed


class Settled(NamedTuple):
    """What a pass comes to in which nothing moved on this machine since the last one."""

    outcome: Outcome  # unless a source has news
    asking: Mapping[str, object]  # how the sources are asked; empty where none is, and the outcome stands


class Watched(NamedTuple):
    """What an outcome depended on besides the installed files, as it was before it was read."""

    files: Mapping[str, Signature | None]  # documents and archives; None: it was not there
    folders: Mapping[str, bool]  # whether a folder was there, where that decides the layout


def settled_outcome(root: str, *, apply: bool, lock_only: bool = False) -> Settled | None:
    """The outcome of a pass in which nothing moved since the last one; None where a whole pass must look.

    One that is about the lock alone says nothing of edits and of the project's own modules.
    """
    found = unmoved(root, archives=True, remote=True)
    if found is None:
        return None
    entries, packages, asked = found
    try:
        asking = json.loads(asked or "{}")
    except (ValueError, RecursionError):
        return None
    if lock_only:
        entries, packages = [row[:FIELDS] for row in entries], []
    outcome = Outcome(root, tuple(map(_entry, entries)), tuple(map(_package, packages)), applied=apply)
    return Settled(outcome, asking)


def watch(root: str, files: Iterable[str], folders: Iterable[str]) -> Watched:
    """Take the signatures of what is about to be read."""
    return Watched(
        {path: signature(os.stat, os.path.join(root, path)) for path in files},
        {path: os.path.isdir(os.path.join(root, path)) for path in folders},
    )


def settle(
    fs: "FsOps",
    root: str,
    before: Watched,
    installed: Mapping[str, Signature | None],
    outcome: Outcome,
    asked: AskedSources,
) -> None:
    """Leave the record of a pass that ended in sync, unless something moved while it ran or it says nothing new.

    `installed` has the signature that each installed or packaged file had when it was read. Not synced and not part of
    any promise: without the record the next pass looks at everything.
    """
    if watch(root, before.files, before.folders) != before:
        return
    archives = {path: one for path, one in before.files.items() if path in asked.archives}
    read = {path: one for path, one in before.files.items() if path not in archives}
    groups = [read, archives, installed]
    signatures = [one for group in groups for one in group.values() if one is not None]
    if any(min(one) < 0 for one in signatures):  # from before 1970, which is no number of a record
        return
    entries = [_entry_row(one, one.after, asked) for one in outcome.entries if one.after]
    packages = [_package_row(one, one.archived) for one in outcome.packages if one.archived]
    if _has_marks(chain(*groups, *entries, *packages)):
        return
    newest = max((ctime for _, ctime, *_ in signatures), default=0)
    let_grain_pass(newest)
    asking = json.dumps(asked.asking) if asked.asking is not None else ""
    folders = [(path, "there" if there else "") for path, there in before.folders.items()]
    text = SECTION.join([SCHEMA, asking, _text(folders), *map(_group, groups), _text(entries), _text(packages)])
    numbers = array(NUMBER, chain.from_iterable(signatures)).tobytes()
    data = text.encode(errors="surrogatepass") + NUMBERS + numbers
    if not _says(fs, data):
        replace_record(fs, _RECORD, data)
        if fs.status(_FORMER):
            fs.remove_file(_FORMER)


def can_settle(outcome: Outcome) -> bool:
    """Whether nothing is left to do or to say: no failure, nothing held, no note that the next pass would have, too."""
    if outcome.exit_code != 0:
        return False
    if any(entry.notes or entry.after is None or entry.failure or entry.last_failure for entry in outcome.entries):
        return False
    if any(entry.plan is not None and entry.plan.unfetched for entry in outcome.entries):
        return False
    return all(package.archived is not None and not package.archived.notes for package in outcome.packages)


def _has_marks(fields: Iterable[str]) -> bool:
    """Whether a text has a mark that a record sets between texts, as no name has that we wrote."""
    text = "".join(fields)
    return any(mark in text for mark in (SECTION, ROW, FIELD, NUMBERS.decode()))


def _group(files: Mapping[str, Signature | None]) -> str:
    """The paths of a record whose signatures are compared together, and those where nothing is."""
    there = [path for path, signature in files.items() if signature is not None]
    absent = [path for path, signature in files.items() if signature is None]
    return _text([there, absent])


def _text(rows: Iterable[Iterable[str]]) -> str:
    return ROW.join(map(FIELD.join, rows))


def _entry_row(entry: EntryOutcome, after: Installed, asked: AskedSources) -> list[str]:
    formatted, edited = (entry.plan.formatted, entry.plan.edited) if entry.plan else ((), ())
    stands = [entry.ref, entry.target or "", entry.name, *after, entry.since]
    return [*stands, "\n".join(formatted), *asked.origins.get(entry.ref, ("", "")), *edited]


def _package_row(package: PackageOutcome, archived: Archived) -> list[str]:
    path, name, version, digest, content, *_ = archived
    return [package.module, package.since, path, name, version, digest, content, *(package.published or ())]


def _entry(row: Row) -> EntryOutcome:
    ref, target, name, version, archive, since, formatted, index_url, signed_by, *drifted = row
    installed = Installed(version, Digest(archive))
    only = tuple(map(RelPath, formatted.split("\n"))) if formatted else ()
    plan = EntryPlan(ref, RelPath(target), (), tuple(map(RelPath, drifted)), formatted=only)
    return EntryOutcome(
        ref, RelPath(target), name, installed, installed, plan, since=since, index_url=index_url, signed_by=signed_by
    )


def _package(row: Row) -> PackageOutcome:
    module, since, path, name, version, digest, content, *published = row
    to = Published(published[0], Digest(published[1])) if len(published) > 1 else None
    archived = Archived(path, name, version, Digest(digest), Digest(content))
    seen = to is not None  # it is a file on this machine, and among those that were looked at
    return PackageOutcome(module, Step.NONE, archived, published=to, verified=seen, since=since)


def _says(fs: "FsOps", data: bytes) -> bool:
    """Whether the record is these bytes; one that cannot be read is written anew."""
    try:
        return fs.read(_RECORD) == data
    except OSError:
        return False
