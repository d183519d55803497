"""Decide what one pass does to each path: the three-way table of design.md section 5, and nothing else.

Pure: no clock, disk, log or network. The words: *base* is the file as last applied, *ours* as it is on disk,
*theirs* as newly rendered. A plan that was applied leaves nothing to plan; no plan overwrites or deletes bytes that
a person wrote.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from micropkgd.model.choice import Conflict
from micropkgd.model.plan import Blocked, Change, EntryPlan, Kind
from micropkgd.model.tree import Digest, Found, Obstacle, RelPath


class Subject(NamedTuple):
    """All that is known of one entry when its changes are decided."""

    ref: str
    target: RelPath
    theirs: Mapping[RelPath, Digest]  # empty for an entry that is leaving
    found: Mapping[RelPath, Found]  # ours; a path that is not listed has nothing
    base: Mapping[RelPath, Digest]  # as last applied on this machine, else as locked
    locked: Mapping[RelPath, Digest] = {}  # what the lock says was generated: also known not to be a person's
    conflict: Conflict = Conflict.MERGE
    merges: Mapping[RelPath, Digest] = {}  # clean merges of ours and theirs
    keep_deleted: tuple[str, ...] = ()  # patterns


def plan_entry(subject: Subject) -> EntryPlan:
    """Say what one entry needs."""
    changes: list[Change] = []
    drifted: list[RelPath] = []
    blocked: list[Blocked] = []
    for path in sorted({*subject.theirs, *subject.base, *subject.locked}):
        step = _step(path, subject)
        if isinstance(step, Blocked):
            blocked.append(step)
        elif step is not None:
            changes.append(step)
        elif _is_drifted(path, subject):
            drifted.append(path)
    return EntryPlan(subject.ref, subject.target, tuple(changes), tuple(drifted), tuple(blocked))


def contested(subject: Subject) -> tuple[RelPath, ...]:
    """The edited paths whose new version would need a merge: the caller tries them and plans again."""
    return tuple(
        path
        for path in subject.theirs
        if isinstance(ours := subject.found.get(path), str)
        and path in subject.base
        and not _is_ours_to_replace(path, ours, subject)
        and subject.theirs[path] not in {ours, subject.base[path]}
    )


def _step(path: RelPath, subject: Subject) -> Change | Blocked | None:
    """One rung for each row of the table; the order of the rungs is the precedence."""
    theirs = subject.theirs.get(path)
    ours = subject.found.get(path)
    base = subject.base.get(path)
    if isinstance(ours, Obstacle):
        return _beside_obstacle(path, ours, theirs, base)
    if theirs is None:
        return _removed(path, ours, subject)
    if ours is None:
        return _missing(path, theirs, base, subject)
    if ours == theirs:
        return None if base == theirs else Change(Kind.ADOPT, path, ours, theirs, "already has the new bytes")
    if _is_ours_to_replace(path, ours, subject):
        return Change(Kind.UPDATE, path, ours, theirs, "changed upstream")
    if theirs == base or subject.conflict is Conflict.KEEP:
        return None
    if base is None:
        return _foreign(path, ours, theirs, subject)
    return _edited(path, ours, theirs, subject)


def _beside_obstacle(
    path: RelPath, ours: Obstacle, theirs: Digest | None, base: Digest | None
) -> Change | Blocked | None:
    if theirs is None:
        return Change(Kind.RELEASE, path, None, None, f"left alone: {ours.what} stands there")
    if theirs == base:
        return None
    return Blocked(path, ours.what)


def _removed(path: RelPath, ours: Digest | None, subject: Subject) -> Change | None:
    if ours is None:
        return None
    if _is_ours_to_replace(path, ours, subject):
        return Change(Kind.DELETE, path, ours, None, "no longer part of the entry")
    return Change(Kind.RELEASE, path, ours, ours, "edited here and no longer part of the entry: yours from now on")


def _missing(path: RelPath, theirs: Digest, base: Digest | None, subject: Subject) -> Change | None:
    if base is None:
        return Change(Kind.CREATE, path, None, theirs, "new")
    if any(fnmatchcase(path, pattern) for pattern in subject.keep_deleted):
        return None
    return Change(Kind.RESTORE, path, None, theirs, "was missing")


def _foreign(path: RelPath, ours: Digest, theirs: Digest, subject: Subject) -> Change:
    if subject.conflict is Conflict.TAKE:
        return Change(Kind.UPDATE, path, ours, theirs, "taken as you chose; your file is kept for rollback")
    return Change(Kind.HOLD, path, ours, theirs, "a file that micropkgd did not place is there")


def _edited(path: RelPath, ours: Digest, theirs: Digest, subject: Subject) -> Change | None:
    if subject.conflict in {Conflict.OVERWRITE, Conflict.TAKE}:
        return Change(Kind.UPDATE, path, ours, theirs, "local edit replaced; your file is kept for rollback")
    merged = subject.merges.get(path)
    if subject.conflict is Conflict.HOLD or merged is None:
        return Change(Kind.HOLD, path, ours, theirs, "edited here and changed upstream")
    if merged == ours:  # the new version is in it already, as git merges it too
        return None
    return Change(Kind.MERGE, path, ours, merged, "edited here and changed upstream, merged cleanly")


def _is_ours_to_replace(path: RelPath, ours: Digest, subject: Subject) -> bool:
    """Whether every byte that stands there was generated by us and can be generated again."""
    return ours in {subject.base.get(path), subject.locked.get(path)}


def _is_drifted(path: RelPath, subject: Subject) -> bool:
    return path in subject.theirs and subject.found.get(path) != subject.theirs[path]
