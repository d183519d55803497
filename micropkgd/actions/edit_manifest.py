"""Edit the pull manifest for a person: comments and layout of `pyproject.toml` stay, and it is swapped in one step."""

import os
import time
from collections.abc import Mapping

from micropkgd import documents
from micropkgd.clock import utc
from micropkgd.documents.edits import add_row, edited, remove_row
from micropkgd.documents.rows import with_rows
from micropkgd.errors import MicropkgError, ProjectBusyError, TreeError, UsageError
from micropkgd.model.manifest import Manifest
from micropkgd.model.plan import Change, ChangeKind
from micropkgd.model.project_tables import OWN_PULL
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.pass_log import PassRecord, note
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import read_document, read_manifest, read_project
from micropkgd.workspace.root import MANIFEST_NAME
from micropkgd.workspace.transaction import kept
from micropkgd.workspace.transaction.commit import commit, recover

_MANIFEST = RelPath(MANIFEST_NAME)


class Added(NamedTuple):
    """A row that was added, and what takes it back."""

    root: str
    ref: str
    before: bytes
    after: bytes
    commits: tuple[str, ...]  # the ids of those that it made

    def take_back(self, lock_timeout: float) -> bool:
        """Put the manifest back; False where the entry is locked by now, for then the row belongs to it.

        Neither step is there to be rolled back: together they did nothing.
        """
        with hold(self.root, lock_timeout), FsOps(self.root) as fs:
            recover(fs)
            if _is_locked(self.root, self.ref):
                return False
            known = kept.ids(self.root)
            _replace(fs, self.after, self.before)
            made = tuple(kept.ids(self.root) - known)
            note(fs, PassRecord(os.urandom(6).hex(), utc(time.time()), f"add {self.ref}", (), made, self.commits))
        return True


class ManifestEdit(NamedTuple):
    """The manifest as it is, and as it is to be."""

    before: bytes
    after: bytes


def with_entry(root: str, ref: str, options: Mapping[str, str]) -> ManifestEdit:
    """The manifest with another pull entry. `UsageError` where the ref is there already."""
    if any(entry.ref.text == ref for entry in read_manifest(root).pulls):
        raise UsageError(f"`{ref}` is in the manifest already", hint=f"edit its row in {MANIFEST_NAME}")
    for text in (ref, *options.values()):
        _check_written(text)
    before = read_document(root, MANIFEST_NAME)
    after = edited(before, lambda text: add_row(text, OWN_PULL, ref, options))
    Manifest.from_mapping(documents.read_toml(after))
    return ManifestEdit(before, after)


def without_entry(root: str, ref: str) -> ManifestEdit:
    """The manifest without a pull entry, in whichever table that stands.

    Of one that is locked the table stays, with its last row, too: until the files are gone (they may be held, or a pass
    be cut) a manifest without it would look like one whose header is misspelt.
    """
    entry = next(entry for entry in read_manifest(root).pulls if entry.ref.text == ref)
    before, stays = read_document(root, MANIFEST_NAME), _is_locked(root, ref)

    def without(text: str) -> str:
        left = remove_row(text, entry.home, ref)
        return with_rows(left, entry.home, ()) if stays else left

    return ManifestEdit(before, edited(before, without))


def _is_locked(root: str, ref: str) -> bool:
    try:
        return any(block.ref == ref for block in read_project(root).lock.blocks)
    except MicropkgError:
        return False


def add_entry(root: str, ref: str, options: Mapping[str, str], lock_timeout: float) -> Added:
    """Add a pull entry. `UsageError` where the ref is there already."""
    before, after = with_entry(root, ref, options)
    known = kept.ids(root)
    swap(root, before, after, lock_timeout)
    return Added(root, ref, before, after, tuple(kept.ids(root) - known))


def _check_written(text: str) -> None:
    """What the command line brought may be bytes that no TOML document can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"`{text}` has bytes that are not UTF-8", hint="rename the file, and name it anew") from error


def remove_entry(root: str, ref: str, lock_timeout: float) -> None:
    """Remove a pull entry from whichever table it stands in."""
    before, after = without_entry(root, ref)
    swap(root, before, after, lock_timeout)


def swap(root: str, before: bytes, after: bytes, lock_timeout: float) -> None:
    """Replace `pyproject.toml` in one step, if it is still what it was; an interrupted pass comes first."""
    with hold(root, lock_timeout), FsOps(root) as fs:
        recover(fs)
        _replace(fs, before, after)


def _replace(fs: FsOps, before: bytes, after: bytes) -> None:
    change = Change(ChangeKind.UPDATE, _MANIFEST, digest_of(before), digest_of(after), "edited by command")
    refusal = commit(fs, [change], {digest_of(after): after})
    if refusal is not None and refusal.raced:
        raise ProjectBusyError(refusal.problem, where=refusal.path, hint="run again")
    if refusal is not None:
        raise TreeError(refusal.problem, where=refusal.path, hint="edit the file that stands behind it by hand")
