"""Accept the edits that the tree has: they are written into the lock, where a review sees them and the gates know them.

Nothing in the tree changes. It is one commit like that of a pass, which `rollback` takes back.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from micropkgd.clock import utc
from micropkgd.errors import OutOfStepError, ProjectBusyError, StillHeldError, TreeError
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.lock import Block, Lock
from micropkgd.model.pull_entry import stays_deleted
from micropkgd.model.tree import LEFT_OUT, Digest, Found, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.accepted import edit_digest
from micropkgd.reconcile.plan.facts import as_it_stands
from micropkgd.reconcile.plan.shared_files import lock_changes
from micropkgd.reconcile.plan.whole_file import contents_of
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.git import PATIENCE, wait_for_git
from micropkgd.workspace.memory.pass_log import PassRecord, note
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import Project, read_project
from micropkgd.workspace.transaction.commit import commit, recover
from micropkgd.workspace.transaction.kept import KEPT


class AcceptedEntry(NamedTuple):
    """What is accepted of one entry."""

    ref: str
    target: RelPath
    accepted: tuple[RelPath, ...]  # edited files that were not, or otherwise
    dropped: tuple[RelPath, ...]  # files that are not edited any more
    missing: tuple[RelPath, ...]  # files that are not there: no edit that could be accepted

    def document(self) -> dict[str, object]:
        """For programs."""
        return self._asdict()


def accept_edits(
    root: str,
    only: str | None,
    lock_timeout: float,
    *,
    apply: bool = True,
    seen: str | None = None,
    fsops: Callable[[str], FsOps] = FsOps,
) -> tuple[AcceptedEntry, ...]:
    """Write the digests of the edited files into the lock: of every entry that is installed, or of one.

    `OutOfStepError` where the lock moved on to a version that the tree has not; `StillHeldError` where somebody says
    which edits they saw (`seen_edits`), and these are others.
    """
    with fsops(root) as fs, hold(root, lock_timeout):
        recover(fs)
        wait_for_git(root, PATIENCE)
        project, before = read_project(root), frozenset(fs.names(KEPT))
        wanted = {ref: block for ref, block in current_blocks(project).items() if only in {None, ref}}
        blocks = {block.key: block for block in project.lock.blocks}
        said = []
        for entry in project.manifest.pulls:
            block = wanted.get(entry.ref.text)
            if block is not None and block.files:
                one, blocks[block.key] = _accept(fs, project, block, entry.keep_deleted)
                said.append(one)
        if seen is not None:
            _check_seen(blocks, wanted, seen)
        if apply:
            _write(fs, project, Lock.of(blocks, project.lock.place))
            commits = tuple(sorted({*fs.names(KEPT)} - before))
            if commits:
                note(fs, PassRecord(os.urandom(6).hex(), utc(time.time()), "accept", (), commits))
        return tuple(said)


def seen_edits(edited: Mapping[RelPath, Digest]) -> str:
    """One word that stands for the edits of an entry."""
    return sha256(json.dumps(sorted(edited.items())).encode()).hexdigest()[:32]


def _check_seen(blocks: Mapping[EntryKey, Block], wanted: Mapping[str, Block | None], seen: str) -> None:
    for ref, block in wanted.items():
        if block is None or seen_edits(blocks[block.key].edited) != seen:
            problem = "the edits are not what you saw any more"
            raise StillHeldError(problem, where=ref, hint="nothing was accepted; look at them again")


def _accept(fs: FsOps, project: Project, block: Block, keep_deleted: Sequence[str]) -> tuple[AcceptedEntry, Block]:
    """The block with the edits that stand here; `OutOfStepError` where another version is installed."""
    version, found = as_it_stands(fs, project.root, block, {})
    if block.superseded is not None and version == block.superseded:
        problem = f"`{block.ref}` is locked at {block.version}, and the tree has {block.superseded.version}"
        raise OutOfStepError(problem, hint="run `micropkgd reconcile --once` first, then accept what is edited")
    unseen = {path: edit for path, edit in block.edited.items() if found.get(path) == LEFT_OUT}
    edited = _edited(fs, block, found) | unseen
    missing = (path for path in sorted(block.files) if found[path] is None and not stays_deleted(path, keep_deleted))
    accepted = sorted(path for path, digest in edited.items() if block.edited.get(path) != digest)
    dropped = sorted(block.edited.keys() - edited.keys())
    entry = AcceptedEntry(block.ref, block.target, tuple(accepted), tuple(dropped), tuple(missing))
    return entry, block._replace(edited=edited)


def _edited(fs: FsOps, block: Block, found: Mapping[RelPath, Found]) -> dict[RelPath, Digest]:
    """The digest of each file that holds an edit, told as a text where it is one."""
    return {
        path: edit_digest(fs.read(path))
        for path, digest in block.files.items()
        if isinstance(found[path], str) and found[path] != digest
    }


def _write(fs: FsOps, project: Project, lock: Lock) -> None:
    """Commit the lock alone."""
    written = lock_changes(fs, project, lock)
    if not written:
        return
    refusal = commit(fs, [one.change for one in written], contents_of(written), project.layout.floors)
    if refusal is not None and refusal.raced:
        raise ProjectBusyError(refusal.problem, where=refusal.path, hint="run again")
    if refusal is not None:
        raise TreeError(refusal.problem, where=refusal.path, hint="see `ls -ld` of its folder")
