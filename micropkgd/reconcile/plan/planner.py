"""Decide what one pass does to each path: the three-way table (docs/merging.md), and nothing else.

Pure: no clock, disk, log or network. The words: *base* is the file as the committed lock has it, *ours* as it is on
disk, *theirs* as newly rendered. A plan that was applied leaves nothing to plan; no plan overwrites or deletes bytes
that a person wrote.
"""

from collections.abc import Collection, Mapping

from micropkgd.annotations import Final
from micropkgd.model.choice import Conflict
from micropkgd.model.plan import Blocked, Change, ChangeKind, EntryPlan, MergeWay
from micropkgd.model.pull_entry import stays_deleted
from micropkgd.model.tree import LEFT_OUT, Digest, Found, Obstacle, RelPath
from micropkgd.named_tuples import NamedTuple

_MERGED: Final = {MergeWay.TEXT: "merged cleanly", MergeWay.STRUCTURE: "merged by its structure"}


class EntryFacts(NamedTuple):
    """All that is known of one entry when its changes are decided."""

    ref: str
    target: RelPath
    theirs: Mapping[RelPath, Digest]  # empty for an entry that is leaving
    found: Mapping[RelPath, Found]  # ours; a path that is not listed has nothing
    base: Mapping[RelPath, Digest]  # what edits started from
    other: Mapping[RelPath, Digest] = {}  # what the lock says was generated, too: also known not to be a person's
    doubtful: Mapping[RelPath, Digest] = {}  # edited files that may have started from this version, not from `base`
    conflict: Conflict = Conflict.MERGE
    choices: Mapping[RelPath, Conflict] = {}  # of single files, before `conflict`
    merges: Mapping[RelPath, Digest] = {}  # clean merges of ours and theirs, and what a person joined
    ways: Mapping[RelPath, MergeWay] = {}  # how each was come by
    formatted: Collection[RelPath] = ()  # files that differ from the base in their layout alone
    keep_deleted: tuple[str, ...] = ()  # patterns
    moves: bool = False  # it leaves one place for another
    rearranged: bool = False  # a person moved files inside it
    retakes: bool = False  # whether `Conflict.TAKE` is meant of edits that nothing new collides with

    def choice(self, path: RelPath) -> Conflict:
        """What is to be done where the two disagree over a file."""
        return self.choices.get(path, self.conflict)

    @property
    def is_leaving(self) -> bool:
        """Whether no entry of the manifest wants its files any more."""
        return not self.theirs

    @property
    def is_absent(self) -> bool:
        """Whether nothing of it stands in the tree: it is not installed yet, rather than deleted file by file."""
        return all(self.found.get(path) is None for path in (*self.base, *self.other))


def plan_entry(subject: EntryFacts) -> EntryPlan:
    """Say what one entry needs."""
    changes: list[Change] = []
    drifted: list[RelPath] = []
    blocked: list[Blocked] = []
    for path in sorted({*subject.theirs, *subject.base, *subject.other}):
        step = _step(path, subject)
        if isinstance(step, Blocked):
            blocked.append(step)
        elif step is not None:
            changes.append(step)
        elif _is_drifted(path, subject):
            drifted.append(path)
    return EntryPlan(subject.ref, subject.target, tuple(changes), tuple(drifted), tuple(blocked))


def contested(subject: EntryFacts) -> tuple[RelPath, ...]:
    """The edited paths whose new version would need a merge: the caller tries them and plans again."""
    return tuple(
        path
        for path in subject.theirs
        if isinstance(ours := subject.found.get(path), str)
        and path in subject.base
        and not _is_ours_to_replace(path, ours, subject)
        and (path in subject.doubtful or subject.theirs[path] not in {ours, subject.base[path]})
    )


def _step(path: RelPath, subject: EntryFacts) -> Change | Blocked | None:
    """One rung for each row of the table; the order of the rungs is the precedence."""
    theirs = subject.theirs.get(path)
    ours = subject.found.get(path)
    base = subject.base.get(path)
    if isinstance(ours, Obstacle):
        return _beside_obstacle(path, ours, theirs, base)
    if theirs is None:
        return _removed(path, ours, subject)
    if path in subject.merges and subject.choice(path) is Conflict.JOINED:
        return _joined(path, ours, theirs, subject)
    if ours is None:
        return _missing(path, theirs, base, subject)
    if ours == theirs:
        known = theirs in {base, subject.other.get(path)}
        return None if known else Change(ChangeKind.ADOPT, path, ours, theirs, "already has the new bytes")
    if _is_ours_to_replace(path, ours, subject):
        follows = subject.rearranged and theirs == base
        reason = "names what you moved" if follows else "changed upstream"
        return Change(ChangeKind.UPDATE, path, ours, theirs, reason)
    if path in subject.doubtful:
        return _undecided(path, ours, theirs, subject)
    if theirs == base:
        return _taken(path, ours, theirs) if subject.retakes and subject.choice(path) is Conflict.TAKE else None
    if base is None:
        return _foreign(path, ours, theirs, subject)
    return _edited(path, ours, theirs, subject)


def _beside_obstacle(
    path: RelPath, ours: Obstacle, theirs: Digest | None, base: Digest | None
) -> Change | Blocked | None:
    """What becomes of a path at which something stands that is no regular file."""
    if ours == LEFT_OUT:
        return None
    if theirs is None:
        return Change(ChangeKind.RELEASE, path, None, None, f"left alone: {ours.what} stands there")
    if theirs == base:
        return None
    return Blocked(path, ours.what)


def _removed(path: RelPath, ours: Digest | None, subject: EntryFacts) -> Change | None:
    """What becomes of a file that its entry has no more."""
    if ours is None:
        return None
    if subject.conflict is Conflict.KEEP and subject.is_leaving and not subject.moves:
        return Change(ChangeKind.RELEASE, path, ours, ours, "its entry left the manifest: yours from now on")
    if _is_ours_to_replace(path, ours, subject):
        return Change(ChangeKind.DELETE, path, ours, None, "no longer part of the entry")
    if path not in subject.base:  # it went with a version before, and what stands there since is a person's
        return None
    choice = subject.choice(path)
    if choice is Conflict.KEEP or subject.moves:
        return Change(ChangeKind.RELEASE, path, ours, ours, "no longer part of the entry: yours from now on")
    if choice is Conflict.TAKE or (choice is Conflict.OVERWRITE and not subject.is_leaving):
        return Change(
            ChangeKind.DELETE, path, ours, None, "no longer part of the entry; your file is kept for rollback"
        )
    reason = "its entry left the manifest" if subject.is_leaving else "removed upstream"
    return Change(ChangeKind.HOLD, path, ours, None, f"edited here and {reason}")


def _missing(path: RelPath, theirs: Digest, base: Digest | None, subject: EntryFacts) -> Change | None:
    if base is None:
        return Change(ChangeKind.CREATE, path, None, theirs, "new")
    if stays_deleted(path, subject.keep_deleted):
        return None
    if theirs == base or subject.is_absent or subject.choice(path) in {Conflict.OVERWRITE, Conflict.TAKE}:
        return Change(ChangeKind.RESTORE, path, None, theirs, "was missing")
    if subject.choice(path) is Conflict.KEEP:
        return None
    return Change(ChangeKind.HOLD, path, None, theirs, "deleted here and changed upstream")


def _foreign(path: RelPath, ours: Digest, theirs: Digest, subject: EntryFacts) -> Change | None:
    if subject.choice(path) is Conflict.TAKE:
        return _taken(path, ours, theirs)
    if subject.choice(path) is Conflict.KEEP:
        return None
    return Change(ChangeKind.HOLD, path, ours, theirs, "a file that micropkgd did not place is there")


def _undecided(path: RelPath, ours: Digest, theirs: Digest, subject: EntryFacts) -> Change | None:
    if subject.choice(path) in {Conflict.OVERWRITE, Conflict.TAKE}:
        return _taken(path, ours, theirs)
    if subject.choice(path) is Conflict.KEEP:
        return None
    return Change(ChangeKind.HOLD, path, ours, theirs, "edited here, and nothing tells from which of two versions")


def _edited(path: RelPath, ours: Digest, theirs: Digest, subject: EntryFacts) -> Change | None:
    choice = subject.choice(path)
    if path in subject.formatted:
        return Change(ChangeKind.UPDATE, path, ours, theirs, "changed upstream, and only formatted here")
    if choice is Conflict.OVERWRITE:
        return Change(ChangeKind.UPDATE, path, ours, theirs, "local edit replaced; your file is kept for rollback")
    merged = subject.merges.get(path)
    if merged is not None and choice is not Conflict.HOLD:
        if merged == ours:  # the new version is in it already, as git merges it too
            return None
        way = subject.ways.get(path, MergeWay.TEXT)
        return Change(
            ChangeKind.MERGE, path, ours, merged, f"edited here and changed upstream, {_MERGED[way]}", way=way
        )
    if choice is Conflict.TAKE:
        return _taken(path, ours, theirs)
    if choice is Conflict.KEEP:
        return None
    return Change(ChangeKind.HOLD, path, ours, theirs, "edited here and changed upstream")


def _joined(path: RelPath, ours: Digest | None, theirs: Digest, subject: EntryFacts) -> Change | None:
    """What a person made of both."""
    joined = subject.merges[path]
    if joined == ours:
        return Change(ChangeKind.ADOPT, path, ours, theirs, "already has the new bytes") if ours == theirs else None
    return Change(ChangeKind.MERGE, path, ours, joined, "joined by you")


def _taken(path: RelPath, ours: Digest, theirs: Digest) -> Change:
    return Change(ChangeKind.UPDATE, path, ours, theirs, "taken as you chose; your file is kept for rollback")


def _is_ours_to_replace(path: RelPath, ours: Digest, subject: EntryFacts) -> bool:
    """Whether every byte that stands there was generated by us and can be generated again."""
    return ours in {subject.base.get(path), subject.other.get(path)}


def _is_drifted(path: RelPath, subject: EntryFacts) -> bool:
    """Whether a file that is wanted stands there otherwise; one that stays deleted is no edit that could be kept."""
    ours = subject.found.get(path)
    if path not in subject.theirs or ours == LEFT_OUT or (ours is None and stays_deleted(path, subject.keep_deleted)):
        return False
    return ours != subject.theirs[path]
