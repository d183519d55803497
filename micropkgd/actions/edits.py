"""The edits that people have made of the installed files: each edited one, beside the text that its version has."""

from collections.abc import Callable, Mapping

from micropkgd.model.condition import Failure
from micropkgd.model.lock import Block, Version
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.text_form import form_of, plain
from micropkgd.model.tree import Found, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.facts import as_it_stands
from micropkgd.reconcile.plan.rendered import base_contents
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Fetcher, fetcher_for
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import read_state
from micropkgd.workspace.observe import Hashes
from micropkgd.workspace.project import Project, read_project


class LocalEdit(NamedTuple):
    """One edited file; line ends that are the checkout's are left out of both."""

    path: RelPath
    base: bytes
    ours: bytes | None  # None: it was deleted

    @property
    def is_formatting(self) -> bool:
        """Whether it says and does what it did, laid out otherwise."""
        from micropkgd.merge import is_only_formatted

        return self.ours is not None and is_only_formatted(self.path, self.base, self.ours)


class EditedEntry(NamedTuple):
    """One entry with the edits of its files."""

    ref: str
    target: RelPath
    version: str  # that the tree has
    edits: tuple[LocalEdit, ...] = ()
    failure: Failure | None = None  # why the installed texts cannot be had


def edited_entries(
    root: str, make_fetcher: Callable[[str], Fetcher], only: str | None = None
) -> tuple[EditedEntry, ...]:
    """Every installed entry with its local edits, or one; the installed texts come from the archives of the lock."""
    project = read_project(root)
    blocks = current_blocks(project)
    fetcher = fetcher_for(project.root, project.manifest, make_fetcher)
    with FsOps(root) as fs:
        hashes = read_state(fs).hashes
        return tuple(
            _edited(fs, project, fetcher, entry, block, hashes)
            for entry in project.manifest.pulls
            if only in {None, entry.ref.text} and (block := blocks[entry.ref.text]) is not None and block.files
        )


def _edited(
    fs: FsOps, project: Project, fetcher: Fetcher, entry: PullEntry, block: Block, hashes: Hashes
) -> EditedEntry:
    """One entry with its edits, each beside the text that it was made of; a failure where that text cannot be had."""
    version, edited = _differing(fs, project.root, block, hashes)
    found = EditedEntry(block.ref, version.target, version.version)
    if not edited:
        return found
    texts = base_contents(project, fetcher, entry, version)
    if isinstance(texts, Failure):
        return found._replace(failure=texts)
    by_digest = {digest_of(text): text for text in texts.values()}
    if any(version.files[path] not in by_digest for path in edited):
        problem = "its archive renders to other files than those that are installed"
        return found._replace(failure=Failure(3, "OutOfStep", problem, "run `micropkgd reconcile --once` first"))
    edits = (_edit(fs, path, by_digest[version.files[path]], there) for path, there in sorted(edited.items()))
    return found._replace(edits=tuple(edits))


def _differing(fs: FsOps, root: str, block: Block, hashes: Hashes) -> tuple[Version, Mapping[RelPath, Found]]:
    """The version of an entry that the tree has, and what stands in place of the files that differ from it."""
    version, found = as_it_stands(fs, root, block, hashes)
    differs = {path: found[path] for path, digest in version.files.items() if found[path] != digest}
    return version, {path: there for path, there in differs.items() if there is None or isinstance(there, str)}


def _edit(fs: FsOps, path: RelPath, base: bytes, there: Found) -> LocalEdit:
    """One edit, both texts without what a checkout does to them."""
    if there is None:
        return LocalEdit(path, base, None)
    ours = fs.read(path)
    return LocalEdit(path, base, ours) if form_of(ours) is None else LocalEdit(path, plain(base), plain(ours))
