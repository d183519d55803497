"""Says of each file of a project that is not what its lock says what it is instead.

For an entry with accepted edits it is a gate: these belong to what the lock says, and whatever else differs was edited
without anybody's word. Files that `keep-deleted` names are as the manifest says.
"""

from collections.abc import Iterator, Mapping

from micropkgd.actions.verification import Verification
from micropkgd.model.lock import Block
from micropkgd.model.tree import LEFT_OUT, Found, Obstacle, RelPath
from micropkgd.reconcile.plan.accepted import is_accepted, unaccepted
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.observe import as_texts, with_left_out
from micropkgd.workspace.project import read_project


def verify_whole(fs: FsOps, root: str, seen: Mapping[RelPath, Found]) -> Verification:
    """Look at every file of the inventory that was not `seen` a moment ago."""
    project = read_project(root)
    keep_deleted = {entry.ref.text: entry.keep_deleted for entry in project.manifest.pulls}
    locked = {path: digest for block in project.lock.blocks for path, digest in block.files.items()}
    differing: dict[RelPath, str] = {}
    accepted: list[RelPath] = []
    more: set[RelPath] = set()
    there = with_left_out(root, {path: seen[path] if path in seen else fs.look(path) for path in locked})
    other = {path: {digest} for path, digest in locked.items() if there[path] != digest}
    found = as_texts(fs, there, other)
    for block in project.lock.blocks:
        wrong = dict(unaccepted(fs, block, found, keep_deleted.get(block.ref, ())))
        differing |= {path: _instead(block, path, there) for path, there in wrong.items()}
        more.update(wrong if block.edited else ())
        accepted += _accepted(fs, block, found)
    checked = len(locked) - sum(there == LEFT_OUT for there in found.values())
    return Verification(root, checked, tuple(sorted(differing.items())), tuple(sorted(accepted)), frozenset(more))


def _accepted(fs: FsOps, block: Block, found: Mapping[RelPath, Found]) -> Iterator[RelPath]:
    return (path for path, edit in block.edited.items() if is_accepted(fs, path, found.get(path), edit))


def _instead(block: Block, path: RelPath, found: Found) -> str:
    if path not in block.files:
        return "accepted, and no longer part of its entry"
    return "unedited" if found == block.files[path] else instead(found)


def instead(found: Found) -> str:
    """What is there in place of a locked file."""
    if found is None:
        return "missing"
    return found.what if isinstance(found, Obstacle) else "modified"
