"""What is known of each entry when its changes are decided: what the tree holds, and what was put there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from micropkgd.model.choice import Conflict
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.layout import Layout
from micropkgd.model.lock import BY_HAND, Block, stray_paths
from micropkgd.model.tree import Digest, RelPath
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.planner import Subject
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import Applied, State
from micropkgd.workspace.observe import Hashes, see
from micropkgd.workspace.project import Project, read_by_hand

Inventory = Mapping[RelPath, Digest]


class Placed(NamedTuple):
    """What was put into the tree for one entry, as far as anyone remembers."""

    base: Inventory  # as last applied on this machine, else as locked
    locked: Inventory


def gather(
    fs: FsOps, project: Project, state: State, choices: Mapping[str, Conflict], wanted: Sequence[Desired]
) -> tuple[dict[EntryKey, Subject], Hashes]:
    """The facts of each entry that can be planned, by identity, and the hashes worth remembering."""
    planned = [desired for desired in wanted if can_be_planned(desired)]
    remembered = [_placed(desired, state, project.layout) for desired in planned]
    placed = _handed_over(planned, remembered, _by_hand(project, planned))
    paths = {path for desired in planned for path in desired.files}
    paths.update(path for known in placed for path in (*known.base, *known.locked))
    seen = see(fs, project.root, sorted(paths), state.hashes)
    policy = Conflict(project.manifest.policy.on_local_edit.value)
    subjects = {
        desired.key: Subject(
            ref=desired.ref,
            target=desired.target or RelPath(""),
            theirs=desired.files,
            found=seen.found,
            base=known.base,
            locked=known.locked,
            conflict=choices.get(desired.ref, policy),
            keep_deleted=desired.entry.keep_deleted if desired.entry else (),
        )
        for desired, known in zip(planned, placed, strict=True)
    }
    return subjects, seen.hashes


def can_be_planned(desired: Desired) -> bool:
    """An entry of the manifest with a known answer, or one that is leaving; an orphan that stays is left alone."""
    return (desired.entry is None) == (desired.after is None)


def applied_to(desired: Desired, state: State) -> Applied | None:
    """What a pass on this machine last put into an entry's place, also under the ref that it had before."""
    known = state.applied.get(desired.key) or state.left.get(desired.key)
    if known is not None or desired.target is None:
        return known
    return next((one for key, one in state.applied.items() if key.target == desired.target), None)


def left_behind(project: Project, state: State) -> list[Block]:
    """What `lock` left in the tree on this machine and nobody owns since: neither an entry nor a pull by hand."""
    owners = (*project.lock.blocks, *read_by_hand(project.root, project.layout).blocks) if state.left else ()
    owned = {block.target for block in owners}
    blocks = [_as_block(key, one) for key, one in state.left.items()]
    return [block for block in blocks if block.target not in owned and not stray_paths(block, project.layout)]


def _as_block(key: EntryKey, applied: Applied) -> Block:
    archive, files = applied
    return Block(key.name, "", "", 0, archive, key.ref, archive, key.target, 0, requirements=(), files=files)


def _placed(desired: Desired, state: State, layout: Layout) -> Placed:
    """What the lock and this machine's state say; paths outside the entry's places are none that a pass put there."""
    if desired.before is None:
        return Placed({}, {})
    known = applied_to(desired, state)
    locked, applied = desired.before.files, known.files if known is not None else {}
    if applied.keys() - locked.keys() and stray_paths(desired.before._replace(files=applied), layout):
        applied = {}
    return Placed({**locked, **applied}, locked)


def _by_hand(project: Project, planned: Sequence[Desired]) -> Inventory:
    """What pulls by hand placed: an entry that is new in the lock takes over what stands in its place."""
    if project.record == BY_HAND or all(desired.before is not None for desired in planned):
        return {}
    blocks = read_by_hand(project.root, project.layout).blocks
    return {path: digest for block in blocks for path, digest in block.files.items()}


def _handed_over(planned: Sequence[Desired], placed: Sequence[Placed], by_hand: Inventory) -> list[Placed]:
    """Where an entry moves, the files that its old and its new place share stay, with what is known of them."""
    staying = {path for desired in planned for path in desired.files}
    leaving = {**by_hand} | {
        path: digest
        for desired, known in zip(planned, placed, strict=True)
        if desired.after is None
        for path, digest in known.base.items()
    }
    return [
        _without(known, staying) if desired.after is None else _with_inherited(known, desired.files, leaving)
        for desired, known in zip(planned, placed, strict=True)
    ]


def _without(known: Placed, staying: set[RelPath]) -> Placed:
    base, locked = (
        {path: digest for path, digest in files.items() if path not in staying} for files in (known.base, known.locked)
    )
    return Placed(base, locked)


def _with_inherited(known: Placed, files: Inventory, leaving: Inventory) -> Placed:
    inherited = {path: leaving[path] for path in files if path in leaving and path not in known.base}
    return Placed({**known.base, **inherited}, known.locked)
