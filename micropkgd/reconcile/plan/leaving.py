"""The blocks that no entry answers to any more: which of them go, and what some of them still stay for."""

import os
from collections.abc import Collection, Sequence

from micropkgd.model.lock import Block, stray_paths
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.workspace.project import Project


def leaving(project: Project, staying: Sequence[Desired]) -> list[Desired]:
    """What comes of these blocks. An entry that failed keeps its block, wherever it stands.

    A file that git's merge left in two blocks is that of the entry that stays, else of the first.
    """
    stays = [desired.before for desired in staying if desired.before is not None]
    kept = {block.key for block in stays}
    stuck = {desired.ref for desired in staying if desired.failure is not None}
    taken = {path for block in stays for path in block.paths}
    gone = []
    for block in project.lock.blocks:
        if block.key not in kept and block.ref not in stuck:
            gone.append(_left(project, _without(block, taken), staying))
            taken |= block.paths
    return gone


def _without(block: Block, taken: Collection[RelPath]) -> Block:
    """The block without the files that are another entry's."""
    if block.paths.isdisjoint(taken):
        return block
    old = block.superseded
    files = {path: digest for path, digest in block.files.items() if path not in taken}
    rest = {path: digest for path, digest in old.files.items() if path not in taken} if old is not None else {}
    return block._replace(files=files, superseded=old._replace(files=rest) if old is not None else None)


def _left(project: Project, block: Block, staying: Sequence[Desired]) -> Desired:
    """A block whose entry left: it goes, unless the policy or what may be its successor wants it to stay."""
    successors = (one.ref for one in staying if one.entry is not None and _may_succeed(one, one.entry, block, project))
    successor = next(successors, None)
    if successor is not None:
        return Desired(block.ref, None, block, block, notes=(f"stays until `{successor}` can be installed",))
    if stray_paths(block, project.layout) and _stands(block, project.root):
        note = f"left the manifest, and {block.target} is a place of another layout: remove its files by hand"
        return Desired(block.ref, None, block, block, notes=(note,))
    if not project.manifest.policy.prune:
        return Desired(block.ref, None, block, block, notes=("left the manifest",))
    return Desired(block.ref, None, block, None)


def _stands(block: Block, root: str) -> bool:
    """Whether anything of it is on disk, in whatever form."""
    return any(os.path.lexists(os.path.join(root, path)) for path in block.paths)


def _may_succeed(desired: Desired, entry: PullEntry, block: Block, project: Project) -> bool:
    """Whether an entry of which nothing could be read yet may turn out to have the place of this block."""
    if desired.failure is None or desired.target is not None:
        return False
    return project.layout.place(entry.destination, entry.alias or block.key.name, None).code == block.target
