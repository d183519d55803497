"""The journal: what a commit is about to do, made durable before the first file changes place.

It lists digests, not intentions, so that a later process can see on disk how far the work came. It is data from the
project's folder, where a clone, an archive, a backup or another user can put files: only one that bears this user's
mark is read at all, and only in the folder where it was written is it carried out (docs/threats.md, T18;
docs/faults.md, F33).
"""

import json
import os
import stat
from collections.abc import Mapping

from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.hashing import mark_of
from micropkgd.model.lock import BY_HAND
from micropkgd.model.tree import Digest, RelPath, managed_path, parse_digest, rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.reading import DOCUMENT
from micropkgd.workspace.transaction.journal_key import own_key

FOLDER = RelPath(".micropkgd")
JOURNAL = RelPath(".micropkgd/journal")
DRAFT = RelPath(".micropkgd/journal.tmp")
_SCHEMA = 2


class ForeignJournalError(TreeError):
    """A journal that this user did not write here on this machine: nothing it says may be done."""

    def __init__(self, problem: str, where: RelPath) -> None:
        super().__init__(problem, where=where, hint="the next pass sets it aside, and does nothing of what it says")


class Operation(NamedTuple):
    """One file's way from `before` to `after`; `staged` holds the other of the two."""

    path: RelPath
    staged: RelPath
    before: Digest | None  # None: the file is created
    after: Digest | None  # None: the file is deleted


class Journal(NamedTuple):
    """One commit."""

    id: str
    operations: tuple[Operation, ...]
    folders: tuple[RelPath, ...]  # made by this commit, parents first
    floors: tuple[RelPath, ...] = ()  # folders that stay even when they become empty
    undo: bool = False  # the commit could not go on and is being taken back

    @property
    def stage(self) -> RelPath:
        """Where this commit's files wait."""
        return stage_folder(self.id)


def stage_folder(commit: str) -> RelPath:
    """The folder of one commit's staged files."""
    return RelPath(f".micropkgd/txn/{commit}")


def write_journal(fs: FsOps, journal: Journal) -> None:
    """Put the journal in place, durably: before this returns nothing has happened, after it everything will."""
    document = {
        "schema": _SCHEMA,
        "folder": _folder_number(fs),
        "id": journal.id,
        "undo": journal.undo,
        "folders": journal.folders,
        "floors": journal.floors,
        "operations": [operation._asdict() for operation in journal.operations],
    }
    data = signed(fs, document)
    if fs.status(DRAFT):
        fs.remove_file(DRAFT)
    fs.write_file(DRAFT, data, 0o600)
    fs.sync_file(DRAFT)
    fs.rename(DRAFT, JOURNAL)
    fs.sync_folder(FOLDER)


def read_journal(fs: FsOps) -> Journal | None:
    """The journal of an interrupted commit, if there is one; `ForeignJournalError` where it may not be carried out."""
    document = _read(fs, JOURNAL)
    if document is None:
        return None
    if document.get("folder") != _folder_number(fs):
        raise ForeignJournalError("the journal was written in another folder, of which this is a copy", JOURNAL)
    return _parsed(document, JOURNAL)


def read_kept_journal(fs: FsOps, path: RelPath) -> Journal | None:
    """The journal of a finished commit, if there is one; `ForeignJournalError` where this user did not write it.

    It says what was done, and a copy of the project has the same past.
    """
    document = _read(fs, path)
    return None if document is None else _parsed(document, path)


def signed(fs: FsOps, document: Mapping[str, object]) -> bytes:
    """A document with this user's mark below it."""
    body = json.dumps(document).encode()
    return body + b"\n" + _mark(fs, body)


def _read(fs: FsOps, path: RelPath) -> dict[str, object] | None:
    """What a journal says, once its mark has shown that this user wrote it."""
    status = fs.status(path)
    if status is None:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise ForeignJournalError("the journal is not a regular file", path)
    if status.st_size > DOCUMENT:
        raise ForeignJournalError("the journal is larger than any of ours", path)
    if status.st_uid != os.geteuid():
        raise ForeignJournalError("the journal belongs to another user", path)
    from hmac import compare_digest

    body, _, mark = fs.read(path, at_most=DOCUMENT).rpartition(b"\n")
    if not compare_digest(mark, _mark(fs, body)):
        raise ForeignJournalError("the journal was not written by this user on this machine", path)
    document = json.loads(body)
    return document if isinstance(document, dict) else {}


def _mark(fs: FsOps, body: bytes) -> bytes:
    """What only this user can write below these bytes: their HMAC-SHA256."""
    return mark_of(own_key(fs), body)


def _folder_number(fs: FsOps) -> int:
    """What a copy of the project does not share: the inode of its own folder.

    Not the device's number too: that may be another after the very power loss which recovery is for.
    """
    status = fs.status(FOLDER)
    return 0 if status is None else status.st_ino


def _parsed(document: dict[str, object], path: RelPath) -> Journal:
    try:
        return _parse(document)
    except (ValueError, KeyError, TypeError, AttributeError, DocumentError) as error:
        raise ForeignJournalError(f"the journal cannot be read: {error}", path) from error


def _parse(document: dict[str, object]) -> Journal:
    if document["schema"] != _SCHEMA:
        raise ValueError(f"schema {document['schema']} is not {_SCHEMA}")
    operations, folders, floors = document["operations"], document["folders"], document["floors"]
    if not (isinstance(operations, list) and isinstance(folders, list) and isinstance(floors, list)):
        raise TypeError("operations, folders and floors must be lists")
    journal = Journal(
        id=_plain_name(str(document["id"])),
        operations=tuple(_operation(row) for row in operations),
        folders=tuple(managed_path(folder) for folder in folders),
        floors=tuple(RelPath(str(folder)) for folder in floors),
        undo=bool(document["undo"]),
    )
    for operation in journal.operations:
        if operation.staged.rpartition("/")[0] != journal.stage:
            raise ValueError(f"{operation.staged} is not staged by this commit")
    return journal


def _operation(row: dict[str, object]) -> Operation:
    before, after = row["before"], row["after"]
    return Operation(
        path=BY_HAND if row["path"] == BY_HAND else managed_path(str(row["path"])),
        staged=rel_path(str(row["staged"])),
        before=None if before is None else parse_digest(before),
        after=None if after is None else parse_digest(after),
    )


def _plain_name(text: str) -> str:
    if not text.isalnum():
        raise ValueError(f"`{text}` is not a commit id")
    return text
