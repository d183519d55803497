"""Blocks of the requirements file under names that their entries do not have, as git or Kedro left them.

A block under a name that no entry has, and at which nothing stands in the tree, is a leftover: both sides of a merge
moved or kept it, or Kedro wrote it under the bare name of what it put elsewhere. Where it bears the name of one entry
it is that entry's, a person's lines in it too; whose any other is cannot be told, so it stays as it is.
"""

from collections.abc import Collection, Iterator, Sequence

from micropkgd.model import requirements
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block
from micropkgd.model.requirement_lines import name_in
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.plan.requirements_file import label_of
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.trees import files_below, is_folder


def with_leftovers(fs: FsOps, layout: Layout, text: str, entries: Sequence[Block]) -> str:
    """The text with each leftover joined to the block of the entry whose name it bears."""
    owners = {label: owner for label, owner in _leftovers(fs, layout, text, entries) if owner}
    return requirements.joined(text, owners) if owners else text


def ownerless(fs: FsOps, layout: Layout, text: str, entries: Sequence[Block]) -> list[str]:
    """The leftovers that bear the name of no entry, or of several."""
    return sorted(label for label, owner in _leftovers(fs, layout, text, entries) if not owner)


def _leftovers(fs: FsOps, layout: Layout, text: str, entries: Sequence[Block]) -> Iterator[tuple[str, str]]:
    """Each block that stands for nothing, with the label of the entry that it belongs to, or nothing."""
    labels = requirements.blocks_of(text).keys()
    known = {label_of(version.target, labels, layout) for block in entries for version in block.versions}
    for label in labels - known:
        if not _stands(fs, layout, label):
            own = {_own_label(block, labels, layout) for block in entries if _bears_name(label, block)}
            yield label, own.pop() if len(own) == 1 else ""


def _own_label(block: Block, labels: Collection[str], layout: Layout) -> str:
    """The label of an entry, of its versions' the one that is there."""
    own = [label_of(version.target, labels, layout) for version in block.versions]
    return next((label for label in own if label in labels), own[0])


def _bears_name(label: str, block: Block) -> bool:
    name = name_in(label.rpartition(".")[2])
    return name in {name_in(block.name), *(name_in(version.target.rpartition("/")[2]) for version in block.versions)}


def _stands(fs: FsOps, layout: Layout, label: str) -> bool:
    """Whether the package that a label names has files in the project; what could be no package may be anything."""
    if not all(part.isidentifier() for part in label.split(".")):
        return True
    folder = RelPath(f"{layout.package_folder}/{label.replace('.', '/')}")
    return is_folder(fs, folder) and any("/__pycache__/" not in path for path in files_below(fs, folder))
