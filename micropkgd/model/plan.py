"""The plan of one pass: a value that can be shown, counted and compared."""

from enum import StrEnum

from micropkgd.model.entry_key import EntryKey
from micropkgd.model.tree import Digest, RelPath
from micropkgd.named_tuples import NamedTuple


class ChangeKind(StrEnum):
    """What one step does to one path."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"  # ours and theirs, both changed, joined (`MergeWay`)
    ADOPT = "adopt"  # a file that already has the wanted bytes becomes managed; nothing is written
    RESTORE = "restore"  # a managed file that went missing
    RELEASE = "release"  # an edited file that the new version no longer has stays, and is the user's from now on
    HOLD = "hold"  # someone must choose; nothing of the entry is applied


class MergeWay(StrEnum):
    """How an edit and a new version of a file were joined."""

    TEXT = "text"  # line by line
    STRUCTURE = "structure"  # definition by definition, key by key
    RENAMED = "renamed"  # with the file that upstream made of it


_WRITES = frozenset({ChangeKind.CREATE, ChangeKind.UPDATE, ChangeKind.DELETE, ChangeKind.MERGE, ChangeKind.RESTORE})


class Change(NamedTuple):
    """One step on one path. `before` is its precondition: what must stand there when it is applied."""

    kind: ChangeKind
    path: RelPath
    before: Digest | None  # None: nothing stands there
    after: Digest | None  # None: nothing will
    reason: str
    executable: bool = False  # it is to be run: a new file gets the bits for that, one that is there keeps its own, too
    way: MergeWay | None = None  # of a merge

    @property
    def writes(self) -> bool:
        """Whether applying it touches the disk."""
        return self.kind in _WRITES


class Blocked(NamedTuple):
    """A path that cannot be written because something else than a file stands there."""

    path: RelPath
    what: str  # "a symbolic link"


class EntryPlan(NamedTuple):
    """All steps for one entry, and what is known of its local edits."""

    ref: str
    target: RelPath
    changes: tuple[Change, ...] = ()
    drifted: tuple[RelPath, ...] = ()  # edited, and left alone
    blocked: tuple[Blocked, ...] = ()
    formatted: tuple[RelPath, ...] = ()  # of the drifted ones, those that a formatter made, as far as that is known
    unfetched: tuple[RelPath, ...] = ()  # in whose place a pointer of Git LFS stands, and goes on to

    @property
    def key(self) -> EntryKey:
        """The entry's identity."""
        return EntryKey(self.ref, self.target)

    @property
    def edited(self) -> tuple[RelPath, ...]:
        """The files that hold an edit once the plan is applied: those left alone, and those merged."""
        merged = (change.path for change in self.changes if change.kind is ChangeKind.MERGE)
        return tuple(sorted((*self.drifted, *merged)))

    @property
    def held(self) -> tuple[Change, ...]:
        """The steps that wait for a person; one of them holds the whole entry."""
        if not self.changes:  # of thousands of entries, in most passes all
            return ()
        return tuple(change for change in self.changes if change.kind is ChangeKind.HOLD)

    @property
    def writes(self) -> tuple[Change, ...]:
        """The steps to apply: none while anything is held or blocked."""
        if not self.changes or self.held or self.blocked:
            return ()
        return tuple(change for change in self.changes if change.writes)


class Plan(NamedTuple):
    """All steps of one pass. `shared` are files with several owners: parent packages, requirements, lock (last)."""

    entries: tuple[EntryPlan, ...] = ()
    shared: tuple[Change, ...] = ()

    @property
    def writes(self) -> tuple[Change, ...]:
        """Every step that touches the disk, in the order in which it is safe: the lock is last."""
        return tuple(change for entry in self.entries for change in entry.writes) + self.shared
