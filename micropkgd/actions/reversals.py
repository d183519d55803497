"""Computes what can go back: each file's way over the commits that are taken back, and which files go together.

Each file's way back is the way of its commits reversed: what they left is the precondition, what they replaced lies in
`.micropkgd/kept`. Looks at the tree and changes nothing.
"""

from collections.abc import Iterable, Mapping

from micropkgd.model.lock import LOCK_NAME, Block, Lock
from micropkgd.model.plan import Change, ChangeKind
from micropkgd.model.tree import Digest, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.transaction.kept import Commit

_EMPTY = digest_of(b"")


class FileReversal(NamedTuple):
    """One file's way back."""

    path: RelPath
    now: Digest | None  # what the commits left
    then: Digest | None  # what stood there before them
    copy: RelPath  # where that is kept
    unbroken: bool = True  # nobody else changed the file between two of them
    executable: bool = False  # what is kept could be run

    def change(self, kind: ChangeKind | None = None) -> Change:
        """The step that goes it."""
        usual = ChangeKind.CREATE if self.now is None else ChangeKind.DELETE if self.then is None else ChangeKind.UPDATE
        reason = "as it was" if kind is None else "changed since"
        return Change(kind or usual, self.path, self.now, self.then, reason, self.executable)


class ReversalGroup(NamedTuple):
    """What goes back together: entries that share places, mostly one alone. Without a ref: the files of no entry."""

    refs: frozenset[str]
    ways: tuple[FileReversal, ...]
    held: tuple[Change, ...] = ()  # what was changed since: nothing of the part goes back


def ways_back(commits: Iterable[Commit]) -> list[FileReversal]:
    """The way of every file that these commits, the newest first, changed in the end."""
    ways: dict[RelPath, FileReversal] = {}
    for commit in commits:
        for operation in commit.operations:
            path, _, before, after = operation
            later = ways.get(path, FileReversal(path, after, after, RelPath("")))
            unbroken = later.unbroken and later.then == after
            ways[path] = FileReversal(path, later.now, before, commit.copy_of(operation), unbroken)
    return [way for way in ways.values() if way.now != way.then or not way.unbroken]


def can_go(fs: FsOps, way: FileReversal) -> bool:
    """Whether a file is what the commits left, and what they replaced is still there."""
    has_copy = way.then is None or fs.found(way.copy) == way.then
    return way.unbroken and has_copy and fs.found(way.path) == way.now


def parts_of(
    fs: FsOps, ways: Iterable[FileReversal], now: Lock, then: Lock, shared: frozenset[RelPath]
) -> list[ReversalGroup]:
    """Sort the ways by whose files they are; `shared` are left out. A lock that was changed since holds everything."""
    blocks = (*now.blocks, *then.blocks)
    families = _families(blocks)
    owners = {path: block.ref for block in blocks for path in block.files}
    going: dict[frozenset[str], list[FileReversal]] = {
        frozenset(families[ref]): [] for ref in sorted(_refs_that_differ(now, then))
    }
    in_the_way = []
    for way in ways:
        if way.path == LOCK_NAME and not can_go(fs, way):
            in_the_way.append(way.change(ChangeKind.HOLD))
        if way.path not in shared and not _is_outgrown(fs, way, owners):
            owner = owners.get(way.path)
            kept = way._replace(executable=fs.is_executable(way.copy))
            going.setdefault(frozenset(families[owner] if owner else ()), []).append(kept)
    if in_the_way:
        going.setdefault(frozenset(), [])
    return [_part(fs, refs, own, in_the_way) for refs, own in going.items()]


def _part(fs: FsOps, refs: frozenset[str], ways: list[FileReversal], in_the_way: list[Change]) -> ReversalGroup:
    held = [way.change(ChangeKind.HOLD) for way in ways if not can_go(fs, way)]
    return ReversalGroup(refs, tuple(ways), (*held, *in_the_way))


def _is_outgrown(fs: FsOps, way: FileReversal, owners: Mapping[RelPath, str]) -> bool:
    """Whether it is the empty `__init__.py` of a folder above entries, which a person has put to use since."""
    return way.path not in owners and way.then is None and way.now == _EMPTY and not can_go(fs, way)


def _refs_that_differ(now: Lock, then: Lock) -> set[str]:
    ours, theirs = now.by_key(), then.by_key()
    return {key[0] for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}


def _families(blocks: Iterable[Block]) -> dict[str, set[str]]:
    """For each ref, the refs that it goes back with: those which had, or have now, one of its files."""
    families: dict[str, set[str]] = {}
    owners: dict[RelPath, str] = {}
    for block in blocks:
        families.setdefault(block.ref, {block.ref})
        for path in block.files:
            other = owners.setdefault(path, block.ref)
            if other not in families[block.ref]:
                joined = families[other] | families[block.ref]
                families.update(dict.fromkeys(joined, joined))
    return families
