"""Reports how a project stands in which nothing moved since its last pass, from the record that this pass left."""

from micropkgd.model.standing import in_sync
from micropkgd.model.status import EntryStatus, ProjectStatus, status_of
from micropkgd.workspace.memory.settled import FIELDS, Row, settled_rows


def settled_status(root: str) -> ProjectStatus | None:
    """Say that each entry is in sync, and since when; None where more than the record must be looked at."""
    rows = settled_rows(root)
    if rows is None:
        return None
    entries, packages = rows
    if packages or any(len(row) > FIELDS for row in entries):
        return None
    return status_of(root, list(map(_entry, entries)), (), "")


def _entry(row: Row) -> EntryStatus:
    ref, target, _, version, archive, since, _ = row
    return EntryStatus(ref, target, version, archive, in_sync(since))
