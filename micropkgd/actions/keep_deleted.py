"""Write down that a person's deletion is meant: `keep-deleted` in the entry's row, without which a pass restores."""

from collections.abc import Sequence

from micropkgd.actions.edit_manifest import swap
from micropkgd.documents.edits import edited
from micropkgd.documents.lists import add_items
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import read_state
from micropkgd.workspace.project import read_document, read_manifest, read_project
from micropkgd.workspace.root import MANIFEST_NAME

_KEY = "keep-deleted"
_IN_BRACKETS = str.maketrans({character: f"[{character}]" for character in "*?["})


def held_deletions(root: str, ref: str) -> tuple[RelPath, ...]:
    """The files of a held entry that were deleted here and changed upstream."""
    with FsOps(root) as fs:
        hold = read_state(fs).holds.get(ref)
        block = current_blocks(read_project(root)).get(ref)
        if hold is None or block is None:
            return ()
        return tuple(path for path in hold.paths if path in block.files and fs.status(path) is None)


def keep_deleted(root: str, ref: str, paths: Sequence[RelPath], lock_timeout: float) -> None:
    """Add these files to the entry's `keep-deleted`, each as the pattern that matches no other."""
    entry = next(entry for entry in read_manifest(root).pulls if entry.ref.text == ref)
    patterns = [path.translate(_IN_BRACKETS) for path in paths]
    before = read_document(root, MANIFEST_NAME)
    after = edited(before, lambda text: add_items(text, (*entry.home, ref, _KEY), patterns))
    swap(root, before, after, lock_timeout)
