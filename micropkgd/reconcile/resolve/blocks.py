"""Matches the blocks of the lock with the entries of the manifest."""

from micropkgd.model.lock import Block
from micropkgd.reconcile.resolve.rendering import requested
from micropkgd.workspace.project import Project


def current_blocks(project: Project) -> dict[str, Block | None]:
    """The block of each ref in the manifest; of two that an interrupted move left, the one that still answers."""
    found: dict[str, Block | None] = {entry.ref.text: None for entry in project.manifest.pulls}
    wishes = {entry.ref.text: requested(entry, project.layout) for entry in project.manifest.pulls}
    for block in project.lock.blocks:
        known = found.get(block.ref)
        if block.ref in found and (known is None or block.requested == wishes[block.ref]):
            found[block.ref] = block
    return found
