"""Matches the blocks of the lock with the entries of the manifest."""

from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import RefKind
from micropkgd.reconcile.resolve.rendering import requested
from micropkgd.workspace.project import Project


def is_let_in(block: Block, entry: PullEntry) -> bool:
    """Whether a requirement lets in the version that is locked for it.

    Git joins a narrower row with a lock that moved on, line by line and without a word: then the row is a person's.
    """
    if entry.ref.kind is not RefKind.INDEX:
        return True
    from micropkgd.model.requirement_conflicts import rules_out

    return not rules_out(entry.ref.text, block.version)


def is_of_row(block: Block, entry: PullEntry, layout: Layout) -> bool:
    """Whether a block was locked for this very row of the manifest, in this layout."""
    return block.requested == requested(entry, layout) and is_let_in(block, entry)


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
