"""Gathers the facts for deciding changes: what the tree holds, and what the lock says it is based on.

The lock is the base on every machine, `superseded` before `files` (decision 0011). What this machine remembers never
makes a file replaceable; it only explains (`looks_like`).
"""

import os
from collections.abc import Mapping, Sequence

from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.lock import BY_HAND, Block, Version
from micropkgd.model.tree import LEFT_OUT, Digest, Found, Obstacle, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.planner import EntryFacts
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import Applied, State
from micropkgd.workspace.observe import Hashes, Seen, as_texts, see
from micropkgd.workspace.project import Project, read_by_hand

Inventory = Mapping[RelPath, Digest]

_NONE = Decision()


class Inventories(NamedTuple):
    """The inventories that the tree may have of one entry: the one that its edits started from, and the other."""

    base: Inventory
    other: Inventory


class Facts(NamedTuple):
    """What was gathered: of each entry that can be planned, where a text in another form counts as the same."""

    subjects: Mapping[EntryKey, EntryFacts]
    found: Mapping[RelPath, Found]  # what really stands there
    hashes: Hashes  # worth remembering


def gather(
    fs: FsOps, project: Project, state: State, choices: Mapping[str, Decision], wanted: Sequence[Desired]
) -> Facts:
    """Look at the tree, and say what is known of each entry."""
    planned = [desired for desired in wanted if can_be_planned(desired)]
    by_hand = _by_hand(project, planned)
    paths = {path for desired in planned for path in desired.files}
    paths.update(path for desired in planned if desired.before is not None for path in desired.before.paths)
    paths.update(path for desired in planned if desired.arranged for path in desired.arranged.version.files)
    paths.update(by_hand)
    paths.update(path for desired in planned for path in _remembered(desired, state))
    seen = _seen(project.root, planned, see(fs, project.root, sorted(paths), state.hashes))
    found = {**as_texts(fs, seen.found, known_digests(planned, by_hand)), **_one_file_twice(fs, planned)}
    placed = [_placed(desired, found) for desired in planned]
    if project.record == BY_HAND:  # who pulls by hand means what is missing, too
        placed = [Inventories(_standing(known.base, found), known.other) for known in placed]
    placed = _without_others(planned, _handed_over(planned, placed, by_hand), found)
    policy = Conflict(project.manifest.policy.on_local_edit.value)
    asked = {desired.ref for desired in planned if desired.entry is not None}
    subjects = {
        desired.key: EntryFacts(
            ref=desired.ref,
            target=desired.target or RelPath(""),
            theirs=desired.files,
            found=found,
            base=known.base,
            other=known.other,
            doubtful=_doubtful(desired, found),
            conflict=choices.get(desired.ref, _NONE).rest or policy,
            choices=choices.get(desired.ref, _NONE).paths,
            keep_deleted=(*(desired.entry.keep_deleted if desired.entry else ()), *desired.elsewhere),
            moves=desired.entry is None and desired.ref in asked,
            rearranged=desired.arranged is not None,
        )
        for desired, known in zip(planned, placed, strict=True)
    }
    return Facts(subjects, seen.found, seen.hashes)


def _seen(root: str, planned: Sequence[Desired], seen: Seen) -> Seen:
    """What was seen, where git leaves out of a checkout what was pulled before, or it has itself: the rest is new."""
    if LEFT_OUT not in seen.found.values():
        return seen
    known = {path for desired in planned if desired.before is not None for path in desired.before.paths}
    new = {path for path, there in seen.found.items() if there == LEFT_OUT and path not in known}
    if not new:
        return seen
    from micropkgd.workspace.git_head import known_to_git

    return seen._replace(found={**seen.found, **dict.fromkeys(new - known_to_git(root, new))})


def _one_file_twice(fs: FsOps, planned: Sequence[Desired]) -> Mapping[RelPath, Found]:
    """New paths that name a file of the version before, where the file system does not tell their names apart.

    Deleting the old name would take the new one away, too.
    """
    found: dict[RelPath, Found] = {}
    for desired in planned:
        before = desired.before.paths if desired.before is not None else frozenset()
        names = {_folded(path): path for path in before - desired.files.keys()}
        for path in desired.files.keys() - before if names else ():
            twin = names.get(_folded(path))
            one, other = (fs.status(path), fs.status(twin)) if twin is not None else (None, None)
            if one is not None and other is not None and os.path.samestat(one, other):
                found[path] = Obstacle(f"`{twin}`, which this file system takes for the same name,")
    return found


def _folded(path: RelPath) -> str:
    if path.isascii():
        return path.lower()
    from unicodedata import normalize

    return normalize("NFD", normalize("NFD", path).casefold())


def can_be_planned(desired: Desired) -> bool:
    """An entry of the manifest with a known answer, or one that is leaving; an orphan that stays is left alone."""
    return (desired.entry is None) == (desired.after is None)


def looks_like(block: Block, found: Mapping[RelPath, Found], known: Applied | None) -> str:
    """The version whose exact files stand in the tree in place of the locked ones, as far as this machine knows."""
    if known is None or known.archive == block.archive or known.files == block.files:
        return ""
    return known.version if all(found.get(path) == digest for path, digest in known.files.items()) else ""


def started_from_old(block: Block, found: Mapping[RelPath, Found]) -> bool | None:
    """Whether the tree has what a block superseded, told by the files that differ; None where it cannot be told."""
    if block.superseded is None:
        return False
    old, new = block.superseded.files, block.files
    telling = [path for path in block.paths if old.get(path) != new.get(path)]
    untouched = [path for path in telling if found.get(path) in {old.get(path), new.get(path)}]
    standing = [path for path in untouched if found.get(path) is not None]
    sides = {found.get(path) == old.get(path) for path in standing or untouched}
    return sides.pop() if len(sides) == 1 else None


def tree_version(block: Block, found: Mapping[RelPath, Found]) -> Version:
    """The version of an entry that the tree has: the one before where the lock moved on and nothing tells otherwise."""
    moved_on = block.superseded is not None and started_from_old(block, found) is not False
    return block.superseded if moved_on and block.superseded is not None else block.made


def as_it_stands(fs: FsOps, root: str, block: Block, hashes: Hashes) -> tuple[Version, Mapping[RelPath, Found]]:
    """The version of one entry that the tree has, and what stands at the paths of all of its versions."""
    known = {path: {version.files[path] for version in block.versions if path in version.files} for path in block.paths}
    found = as_texts(fs, see(fs, root, sorted(block.paths), hashes).found, known)
    return tree_version(block, found), found


def known_digests(planned: Sequence[Desired], by_hand: Inventory) -> Mapping[RelPath, set[Digest]]:
    """Every digest that the lock, or a new version, has for a path."""
    known: dict[RelPath, set[Digest]] = {path: {digest} for path, digest in by_hand.items()}
    for desired in planned:
        versions = [version.files for version in desired.before.versions] if desired.before is not None else []
        arranged = desired.arranged
        moved = [arranged.version.files, arranged.old] if arranged is not None else []
        each = {id(files): files for files in (desired.files, *versions, *moved)}  # mostly one, and the same
        for files in each.values():
            for path, digest in files.items():
                known.setdefault(path, set()).add(digest)
    return known


def _remembered(desired: Desired, state: State) -> Inventory:
    known = state.applied.get(desired.key)
    return known.files if known is not None else {}


def _placed(desired: Desired, found: Mapping[RelPath, Found]) -> Inventories:
    block, arranged = desired.before, desired.arranged
    if block is None:
        return Inventories({}, {})
    if arranged is not None:
        return Inventories(arranged.version.files, {**tree_version(block, found).files, **arranged.old})
    if block.superseded is None:
        return Inventories(block.files, {})
    old, new = block.superseded.files, block.files
    return Inventories(old, new) if started_from_old(block, found) else Inventories(new, old)


def _doubtful(desired: Desired, found: Mapping[RelPath, Found]) -> Inventory:
    """The edited files of which nothing tells whether they started from the locked version or from the one before.

    Each with its digest in the version before, for the texts to decide.
    """
    block = desired.before
    if block is None or block.superseded is None or started_from_old(block, found) is not None or desired.arranged:
        return {}
    old, new = block.superseded.files, block.files
    return {
        path: old[path]
        for path in old.keys() & new.keys()
        if old[path] != new[path] and isinstance(found.get(path), str) and found[path] not in {old[path], new[path]}
    }


def _by_hand(project: Project, planned: Sequence[Desired]) -> Inventory:
    """What pulls by hand placed: an entry that is new in the lock takes it over, one that `lock` took out leaves it."""
    if project.record == BY_HAND or all(desired.before is not None and desired.before.files for desired in planned):
        return {}
    blocks = read_by_hand(project.root, project.layout).blocks
    return {path: digest for block in blocks for path, digest in block.files.items()}


def _handed_over(planned: Sequence[Desired], placed: Sequence[Inventories], by_hand: Inventory) -> list[Inventories]:
    """Where an entry moves, the files that its old and its new place share stay, with what is known of them."""
    staying = {path for desired in planned for path in desired.files}
    gone = {path for desired in planned if desired.before is not None for path in desired.before.files}
    staying |= by_hand.keys() - gone
    leaving = {**by_hand} | {
        path: digest
        for desired, known in zip(planned, placed, strict=True)
        for path, digest in known.base.items()
        if path not in desired.files
    }
    return [
        _without(known, staying) if desired.after is None else _with_inherited(known, desired.files, leaving)
        for desired, known in zip(planned, placed, strict=True)
    ]


def _without_others(
    planned: Sequence[Desired], placed: Sequence[Inventories], found: Mapping[RelPath, Found]
) -> list[Inventories]:
    """Where another entry has come to the old place of one, what it has there already is not left of that one."""
    owned = {
        path: desired.key
        for desired in planned
        if desired.before is not None
        for path, digest in desired.files.items()
        if found.get(path) == digest == desired.before.files.get(path)
    }
    return [
        _without(known, {path for path in (*known.base, *known.other) if owned.get(path, desired.key) != desired.key})
        for desired, known in zip(planned, placed, strict=True)
    ]


def _standing(files: Inventory, found: Mapping[RelPath, Found]) -> Inventory:
    return {path: digest for path, digest in files.items() if found.get(path) is not None}


def _without(known: Inventories, staying: set[RelPath]) -> Inventories:
    base, other = (
        {path: digest for path, digest in files.items() if path not in staying} for files in (known.base, known.other)
    )
    return Inventories(base, other)


def _with_inherited(known: Inventories, files: Inventory, leaving: Inventory) -> Inventories:
    inherited = {path: leaving[path] for path in files if path in leaving and path not in known.base}
    return Inventories({**known.base, **inherited}, known.other)
