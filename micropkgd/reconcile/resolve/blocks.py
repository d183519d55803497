"""Matches the blocks of the lock with the entries of the manifest."""

from micropkgd.model.lock import Block
from micropkgd.reconcile.resolve.rendering import requested
from micropkgd.workspace.project import Project


def current_blocks(project: Project) -> dict[str, Block | None]:
    """The block of each ref in the manifest; of two that an interrupted move left, the one that still answers."""
    entries = {entry.ref.text: entry for entry in project.manifest.pulls}
    found: dict[str, Block | None] = dict.fromkeys(entries)
    for block in project.lock.blocks:
        entry = entries.get(block.ref)
        if entry is None:
            continue
        if found[block.ref] is None or block.requested == requested(entry, project.layout):
            found[block.ref] = block
    return found
