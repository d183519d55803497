"""Reports how a project stands in which nothing moved since its last pass, from the record that this pass left.

Sources are not asked, so nothing of them is looked at either. Rule: whoever has ten thousand entries waits for the
`stat` of their files, and for little else.
"""

from functools import cache

from micropkgd.model.standing import in_sync, project_standing
from micropkgd.model.status import EntryStatus, ProjectStatus
from micropkgd.workspace.memory.settled import FIELDS, settled_rows


def settled_status(root: str) -> ProjectStatus | None:
    """Say that each entry is in sync, and since when; None where more than the record must be looked at."""
    rows = settled_rows(root, with_sources=False)
    if rows is None:
        return None
    entries, packages = rows
    if packages or any(len(row) > FIELDS for row in entries):
        return None
    ready = cache(in_sync)
    found = tuple(
        EntryStatus(ref, target, version, archive, ready(since), index_url=index_url, signed_by=signed_by)
        for ref, target, _, version, archive, since, _, index_url, signed_by in entries
    )
    standing = project_standing([*dict.fromkeys(one.standing for one in found)])
    return ProjectStatus(root, standing, found)
