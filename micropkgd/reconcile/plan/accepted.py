"""Accepted edits: the files that a block says the tree has in place of the generated ones, as somebody looked at them.

An accepted edit is an edit like any other for the planner. What it is good for is told by `verify` and `--locked`: they
are gates for an entry with accepted edits, and pass where the tree has these and no others.
Rule: only a person's word adds one. A pass that brings a new version carries on what was accepted, as the merge made
it; an edit that was never accepted is none afterwards either.
"""

from collections.abc import Iterator, Mapping, Sequence

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.lock import Block
from micropkgd.model.pull_entry import stays_deleted
from micropkgd.model.text_form import form_of, plain, same_texts
from micropkgd.model.tree import LEFT_OUT, Digest, Found, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps

if TYPE_CHECKING:
    from micropkgd.model.plan import EntryPlan


def edit_digest(data: bytes) -> Digest:
    """The digest of an edited text, whatever line ends a checkout gave it."""
    return digest_of(data if form_of(data) is None else plain(data))


def is_accepted(fs: FsOps, path: RelPath, found: Found, digest: Digest | None) -> bool:
    """Whether what stands there is the edit that was accepted, in whatever form."""
    if not isinstance(found, str) or digest is None:
        return False
    try:
        return found == digest or digest in same_texts(fs.read(path))
    except OSError:  # it goes, or is larger than any edit that can be accepted
        return False


def unaccepted(
    fs: FsOps, block: Block, found: Mapping[RelPath, Found], keep_deleted: Sequence[str] = ()
) -> Iterator[tuple[RelPath, Found]]:
    """What stands in the tree, and is neither what the block lists nor what it says was accepted, by path."""
    for path, digest in sorted(block.files.items()):
        there, edit = found.get(path), block.edited.get(path)
        is_right = there == digest if edit is None else is_accepted(fs, path, there, edit)
        is_away = there == LEFT_OUT or (there is None and stays_deleted(path, keep_deleted))
        if not is_right and not is_away:
            yield path, there
    yield from ((path, None) for path in sorted(block.edited.keys() - block.files.keys()))


class FilesAfter(NamedTuple):
    """What is known of an entry's files once its plan is applied."""

    fs: FsOps
    plan: "EntryPlan"
    found: Mapping[RelPath, Found]  # what stands at each path, as the plan was told
    merged: Mapping[Digest, bytes]  # what is written besides generated files
    origins: Mapping[RelPath, RelPath]  # the old paths of files that move

    def edits(self, block: Block) -> Iterator[tuple[RelPath, Digest]]:
        """The files that are not as generated, with their digests."""
        from micropkgd.model.plan import ChangeKind

        steps = {change.path: change for change in self.plan.changes if change.kind is not ChangeKind.ADOPT}
        for path, generated in block.files.items():
            there = self.found.get(path)
            if path in steps:
                after = steps[path].after
                data = self.merged.get(after) if after is not None and after != generated else None
            else:
                data = self.fs.read(path) if isinstance(there, str) and there != generated else None
            if data is not None and generated not in {digest_of(data), *same_texts(data)}:
                yield path, edit_digest(data)


def accepted_after(files: FilesAfter, before: Block, after: Block, *, everything: bool) -> dict[RelPath, Digest]:
    """What is accepted once a plan is applied: what was, as it will be then, or `everything` that is edited then."""
    accepted = {}
    for path, digest in files.edits(after):
        old = files.origins.get(path, path)
        was = before.edited.get(old)
        if everything or is_accepted(files.fs, old, files.fs.found(old), was):
            accepted[path] = digest
        elif was is not None:
            accepted[path] = was  # what was edited since stays to be accepted
    return accepted
