"""The journal: what a commit is about to do, made durable before the first file changes place.

It lists digests, not intentions, so that a later process can see on disk how far the work came. It is data from the
project's folder: every path is checked, and one that is not ours by owner is refused (reliability.md, T18).
"""

import json
import os
from typing import NamedTuple

from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.lock import BY_HAND
from micropkgd.model.tree import Digest, RelPath, parse_digest, rel_path
from micropkgd.workspace.fsops import FsOps

FOLDER = RelPath(".micropkgd")
JOURNAL = RelPath(".micropkgd/journal")
DRAFT = RelPath(".micropkgd/journal.tmp")
_SCHEMA = 1


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
        "id": journal.id,
        "undo": journal.undo,
        "folders": journal.folders,
        "floors": journal.floors,
        "operations": [operation._asdict() for operation in journal.operations],
    }
    if fs.status(DRAFT):
        fs.remove_file(DRAFT)
    fs.write_file(DRAFT, json.dumps(document).encode(), 0o600)
    fs.sync_file(DRAFT)
    fs.rename(DRAFT, JOURNAL)
    fs.sync_folder(FOLDER)


def read_journal(fs: FsOps, path: RelPath = JOURNAL) -> Journal | None:
    """The journal of an interrupted commit, if there is one; `TreeError` where it cannot be trusted."""
    status = fs.status(path)
    if status is None:
        return None
    hint = "if no pass of yours was interrupted, remove this file and run again"
    if status.st_uid != os.geteuid():
        raise TreeError("the journal belongs to another user", where=path, hint=hint)
    try:
        return _parse(json.loads(fs.read(path)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, DocumentError) as error:
        raise TreeError(f"the journal cannot be read: {error}", where=path, hint=hint) from error


def _parse(document: dict[str, object]) -> Journal:
    if document["schema"] != _SCHEMA:
        raise ValueError(f"schema {document['schema']} is not {_SCHEMA}")
    operations, folders, floors = document["operations"], document["folders"], document["floors"]
    if not (isinstance(operations, list) and isinstance(folders, list) and isinstance(floors, list)):
        raise TypeError("operations, folders and floors must be lists")
    journal = Journal(
        id=_plain_name(str(document["id"])),
        operations=tuple(_operation(row) for row in operations),
        folders=tuple(_managed(rel_path(folder)) for folder in folders),
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
        path=_managed(rel_path(str(row["path"]))),
        staged=rel_path(str(row["staged"])),
        before=None if before is None else parse_digest(before),
        after=None if after is None else parse_digest(after),
    )


def _managed(path: RelPath) -> RelPath:
    """No commit ever touches a hidden folder of the project: not git's, nor our own but for one record."""
    if path.startswith(".") and path != BY_HAND:
        raise ValueError(f"{path} is not a path that a commit may change")
    return path


def _plain_name(text: str) -> str:
    if not text.isalnum():
        raise ValueError(f"`{text}` is no commit id")
    return text
