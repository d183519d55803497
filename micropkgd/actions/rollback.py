"""Take back what the last commits did, as a new commit: nothing is taken back that a person has changed since.

An entry goes back whole or, where one of its files was edited since, not at all; its block in the lock and its
requirement lines go with it. Where everything goes back, each file is again what it was, byte by byte.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from micropkgd.actions.naming import find_entry, named, names_of
from micropkgd.actions.reversals import FileReversal, ReversalGroup, can_go, parts_of, ways_back
from micropkgd.clock import utc
from micropkgd.errors import StillHeldError, TreeError, UsageError
from micropkgd.model.contents import Content, Contents
from micropkgd.model.hashing import Hasher
from micropkgd.model.lock import LOCK_NAME, Block, Lock
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome
from micropkgd.model.plan import Change, EntryPlan
from micropkgd.model.policy import Update
from micropkgd.model.requirements_place import RequirementsPlace
from micropkgd.model.tree import Digest, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.requirements_file import Asking
from micropkgd.reconcile.plan.shared_files import shared_changes
from micropkgd.reconcile.plan.whole_file import contents_of
from micropkgd.reconcile.record.pass_log import deeds_of
from micropkgd.reconcile.record.state import caught_up
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.git import PATIENCE, wait_for_git
from micropkgd.workspace.memory.pass_log import PassRecord, note, pages
from micropkgd.workspace.memory.state import Applied, State, read_state, write_state
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import Project, placed, read_lock, read_project
from micropkgd.workspace.root import MANIFEST_NAME
from micropkgd.workspace.transaction.commit import Recovery, commit, recover
from micropkgd.workspace.transaction.kept import Commit, history

_NO_ENTRY = "files of no entry"
_TRIES = 5  # to plan anew around somebody who writes the same files
_AGAIN = 'the next `reconcile` brings it again: set update = "locked", or pin the entry with `sha256`, to stay here'
_EDITED = "move your file away, or make it what it was, and roll back again"


class KeptFile(NamedTuple):
    """A file that a commit replaced, where it is kept."""

    fs: FsOps
    path: RelPath
    digest: Digest

    @property
    def size(self) -> int:
        """How many bytes it has."""
        status = self.fs.status(self.path)
        return status.st_size if status is not None else 0

    def pieces(self) -> Iterator[bytes]:
        """Its bytes; `TreeError`, at their end, where they are others by now."""
        whole = Hasher()
        for piece in self.fs.pieces(self.path):
            whole.update(piece)
            yield piece
        if self.digest != whole.digest:
            raise TreeError("a kept file was written to just now", where=".micropkgd/kept", hint="run again")


class Sides(NamedTuple):
    """The project as it is, and what there was before the commits that are taken back."""

    project: Project
    state: State
    ways: Sequence[FileReversal]
    then: Lock


class RollbackPlan(NamedTuple):
    """What would be done."""

    parts: tuple[ReversalGroup, ...]
    shared: tuple[Change, ...]  # steps on the requirements and the lock, which is the last
    lock: Lock  # as it will be
    contents: Contents[Digest]

    @property
    def gone_back(self) -> frozenset[str]:
        """The refs of what is taken back."""
        return frozenset(ref for part in self.parts if not part.held for ref in part.refs)

    @property
    def writes(self) -> list[Change]:
        """Every step, in the order in which it is safe."""
        return [way.change() for part in self.parts if not part.held for way in part.ways] + list(self.shared)


def roll_back(
    root: str,
    only: str | None,
    to: str | None,
    lock_timeout: float,
    *,
    apply: bool = True,
    last: str | None = None,
    fsops: Callable[[str], FsOps] = FsOps,
) -> Outcome:
    """Take back what the last command did that was not taken back yet, or all since the commit `to`.

    Of the entry that `only` names, or of all. What was edited since is held, as the outcome says. Without `apply` only
    the outcome is made. `UsageError` where there is no such commit or entry; `StillHeldError` where somebody says which
    commit is the `last` one that they saw, and there is a newer one.
    """
    with fsops(root) as fs, hold(root, lock_timeout):
        recovery = recover(fs)
        wait_for_git(root, PATIENCE)
        kept = history(fs)
        if last is not None and (not kept or kept[0].id != last):
            problem = "something was committed since you looked"
            raise StillHeldError(problem, where=root, hint="nothing was taken back; look at the history again")
        commits = _since(kept, to) if to is not None else _last(kept, list(pages(fs)))
        for _ in range(_TRIES):
            sides = _look(fs, root, commits)
            undoing = _undo(fs, sides, only)
            if not undoing.writes or not apply:
                return _outcome(sides, undoing, recovery)._replace(applied=apply)
            write_state(fs, _forgotten(sides, undoing))
            refusal = commit(fs, undoing.writes, undoing.contents, sides.project.layout.floors)
            if refusal is None:
                write_state(fs, _remembered(sides, undoing))
                outcome = _outcome(sides, undoing, recovery)
                _note(fs, outcome, kept, commits if only is None else ())
                return outcome
            if not refusal.raced:
                raise TreeError(refusal.problem, where=refusal.path, hint="see `ls -ld` of its folder")
        raise TreeError("files change faster than they can be taken back", where=root, hint="run again")


def _last(commits: Sequence[Commit], remembered: Sequence[PassRecord]) -> Sequence[Commit]:
    """The newest commit that was not taken back, with the others of the same command; newest first.

    A rollback goes further back each time: what it took back, and itself, are no more there to be taken back.
    """
    done = {commit for page in remembered for commit in (*page.undid, *(page.commits if page.undid else ()))}
    left = [commit for commit in commits if commit.id not in done]
    if not left:
        raise UsageError("no commit is kept that could be taken back", hint="see `micropkgd history`")
    together = next((page.commits for page in remembered if left[0].id in page.commits), (left[0].id,))
    return [commit for commit in left if commit.id in together]


def _note(fs: FsOps, outcome: Outcome, before: Sequence[Commit], undone: Sequence[Commit]) -> None:
    """Leave a page of the rollback, which names what it took back."""
    known = {commit.id for commit in before}
    made = tuple(commit.id for commit in history(fs) if commit.id not in known)
    undid = tuple(commit.id for commit in undone)
    note(fs, PassRecord(os.urandom(6).hex(), utc(time.time()), "rollback", tuple(deeds_of(outcome)), made, undid))


def _since(commits: Sequence[Commit], to: str) -> Sequence[Commit]:
    """The commits to take back, newest first."""
    if not commits:
        raise UsageError("no commit is kept that could be taken back", hint="see `micropkgd history`")
    found = [number for number, each in enumerate(commits) if each.id.startswith(to)]
    if len(found) != 1 or not to:
        problem = f"`{to}` begins the ids of several commits" if found else f"no kept commit `{to}`"
        raise UsageError(problem, hint="see `micropkgd history`")
    if found == [0]:
        raise UsageError(f"nothing was committed since `{to}`", hint="it names the commit to go back to")
    return commits[: found[0]]


def _look(fs: FsOps, root: str, commits: Sequence[Commit]) -> Sides:
    """The project as it is, beside what there was before these commits."""
    project, ways = read_project(root), ways_back(commits)
    then = project.lock
    of_lock = next((way for way in ways if way.path == LOCK_NAME), None)
    if of_lock is not None and can_go(fs, of_lock):
        then = read_lock(root, project.layout, of_lock.copy) if of_lock.then else Lock()
    return Sides(project, caught_up(fs, read_state(fs)), ways, then)


def _undo(fs: FsOps, sides: Sides, only: str | None) -> RollbackPlan:
    """Plan the way back: which entries go, what of the files that all share, and the lock that follows."""
    project = sides.project
    places = (project.layout.requirements, project.lock.place.path, sides.then.place.path)
    together = frozenset({LOCK_NAME, *places}) - {MANIFEST_NAME}
    parts = parts_of(fs, sides.ways, project.lock, sides.then, together)
    everything = only is None and not any(part.held for part in parts)
    if only is not None:
        parts = [_named(parts, sides, only)]
    elif not everything:  # an `__init__.py` or the manifest may be needed by what is held
        parts = [part for part in parts if part.refs or part.held]
    undoing = RollbackPlan(tuple(parts), (), project.lock, Contents({}))
    blocks = [block for block in project.lock.blocks if block.ref not in undoing.gone_back]
    blocks += [block for block in sides.then.blocks if block.ref in undoing.gone_back]
    undoing = undoing._replace(lock=Lock.of({block.key: block for block in blocks}, _place(project)))
    going = [way for part in parts if not part.held for way in part.ways]
    whole = [way for way in sides.ways if way.path in together and can_go(fs, way)] if everything else []
    shared, contents = _shared(fs, sides, undoing.lock, whole)
    shared = tuple(change for change in shared if change.path not in {way.path for way in going})  # a group goes along
    return undoing._replace(shared=shared, contents=Contents({**_kept(fs, going), **contents}))


def _shared(
    fs: FsOps, sides: Sides, lock: Lock, whole: Sequence[FileReversal]
) -> tuple[tuple[Change, ...], Mapping[Digest, Content]]:
    """Steps on the shared files: `whole` ones become what they were, the others lose and get what the entries own.

    What the commits did not touch stays: where git brought an older lock alone, the requirements stood as they do.
    """
    project = sides.project
    before, after = ({block.ref: block for block in each.blocks} for each in (project.lock, lock))
    asking = [Asking(ref, before.get(ref), after.get(ref)) for ref in sorted({*before, *after})]
    steps = shared_changes(fs, placed(project, _place(project)), (), lock, asking)
    as_they_were = {way.path: way.change() for way in whole}
    touched = {LOCK_NAME, *(way.path for way in sides.ways)} - as_they_were.keys()
    others = [step.change for step in steps if step.change.path in touched]
    changes = tuple(sorted((*others, *as_they_were.values()), key=lambda change: change.path == LOCK_NAME))
    return changes, {**contents_of(steps), **_kept(fs, whole)}


def _place(project: Project) -> RequirementsPlace:
    """Where requirements stand: a rollback moves none."""
    return project.lock.place if project.lock.requires else project.layout.requirements_place


def _kept(fs: FsOps, ways: Iterable[FileReversal]) -> dict[Digest, Content]:
    """The bytes that were replaced."""
    return {way.then: KeptFile(fs, way.copy, way.then) for way in ways if way.then is not None}


def _named(parts: Sequence[ReversalGroup], sides: Sides, text: str) -> ReversalGroup:
    """The part with the entry that a person names."""
    names = names_of((*sides.project.lock.blocks, *sides.then.blocks))
    going = {ref: names.get(ref, set()) for part in parts for ref in part.refs}
    known = going if named(text, going) else names
    ref = find_entry(text, known, together=[part.refs for part in parts])
    found = next((part for part in parts if ref in part.refs), None)
    if found is None:
        raise UsageError(f"nothing of `{text}` changed in what is taken back", hint="see `micropkgd history`, and --to")
    return found


def _forgotten(sides: Sides, undoing: RollbackPlan) -> State:
    """The state without how these entries stand: after a crash the lock alone then says what is in the tree."""
    blocks = (*sides.project.lock.blocks, *sides.then.blocks)
    keys = {block.key for block in blocks if block.ref in undoing.gone_back}
    state = sides.state
    return state._replace(
        applied={key: one for key, one in state.applied.items() if key not in keys},
        standing={key: known for key, known in state.standing.items() if key not in keys},
    )


def _remembered(sides: Sides, undoing: RollbackPlan) -> State:
    """The state that says what is applied now."""
    state = _forgotten(sides, undoing)
    gone_back = {
        block.key: Applied(block.archive, block.files, block.version)
        for block in undoing.lock.blocks
        if block.ref in undoing.gone_back
    }
    return state._replace(applied={**state.applied, **gone_back})


def _outcome(sides: Sides, undoing: RollbackPlan, recovery: Recovery) -> Outcome:
    row_goes = any(change.path == MANIFEST_NAME for change in undoing.writes)
    entries = [
        entry for part in undoing.parts if part.refs or part.held for entry in _entries(sides, part, row_goes=row_goes)
    ]
    no_entry = (way.change() for part in undoing.parts if not (part.refs or part.held) for way in part.ways)
    shared = (*no_entry, *undoing.shared)
    recovered = recovery.journal is not None
    return Outcome(sides.project.root, tuple(entries), shared=shared, recovered=recovered, set_aside=recovery.foreign)


def _entries(sides: Sides, part: ReversalGroup, *, row_goes: bool) -> Iterable[EntryOutcome]:
    """What became of each entry of a part; the steps stand with its first."""
    steps = part.held or tuple(way.change() for way in part.ways)
    for number, ref in enumerate(sorted(part.refs) or [_NO_ENTRY]):
        now, then = _block(sides.project.lock, ref), _block(sides.then, ref)
        block = then or now
        target = block.target if block else None
        stays_away = part.held or (then is None and row_goes) or not _comes_again(sides, ref, then)
        yield EntryOutcome(
            ref=ref,
            target=target,
            name=block.name if block else "",
            before=Installed.of(now),
            after=Installed.of(now if part.held else then),
            plan=EntryPlan(ref, target or RelPath(""), steps if part.held or number == 0 else ()),
            notes=() if stays_away else (_AGAIN,),
            waiting=Installed.of(then) if part.held else None,
            advice=_EDITED,
        )


def _comes_again(sides: Sides, ref: str, then: Block | None) -> bool:
    """Whether the next pass undoes this: the manifest follows a source that last had something else."""
    known = sides.state.known.get(ref)
    if known is not None and then is not None and known.archive == then.archive:
        return False
    manifest = sides.project.manifest
    follows = manifest.policy.update is Update.FOLLOW
    return any(entry.ref.text == ref and follows and not entry.sha256 for entry in manifest.pulls)


def _block(lock: Lock, ref: str) -> Block | None:
    return next((block for block in lock.blocks if block.ref == ref), None)
