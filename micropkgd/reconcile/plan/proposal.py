"""Put facts and wishes together: from what each entry should have to one plan with the bytes it writes.

Looks at the tree and reads the cache, changes nothing. Decisions are the planner's.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from micropkgd.errors import TreeError
from micropkgd.model.choice import Conflict
from micropkgd.model.condition import Failure
from micropkgd.model.lock import Block, Lock
from micropkgd.model.plan import Change, EntryPlan, Kind, Plan
from micropkgd.model.tree import Digest, RelPath, digest_of
from micropkgd.reconcile.plan.desired import Desired, base_contents, with_bytes
from micropkgd.reconcile.plan.facts import applied_to, gather
from micropkgd.reconcile.plan.merge import merge_texts
from micropkgd.reconcile.plan.planner import Subject, contested, plan_entry
from micropkgd.reconcile.plan.shared_files import Lines, lock_changes, requirement_lines, shared_changes
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import State
from micropkgd.workspace.observe import Hashes
from micropkgd.workspace.project import Project

_LEFT: Final = "its files stay in the tree until the next `reconcile` on this machine prunes them"


class Planned(NamedTuple):
    """One entry with its plan, or without one where it cannot be planned."""

    desired: Desired
    subject: Subject | None = None
    plan: EntryPlan | None = None
    merged: Mapping[Digest, bytes] = {}  # the texts that its merges write

    @property
    def applies(self) -> bool:
        """Whether the entry's wished version is, or will be, in the tree."""
        return self.plan is not None and not self.plan.held and not self.plan.blocked

    @property
    def block(self) -> Block | None:
        """The entry's block in the new lock: one that is not applied keeps the block it had there."""
        kept = self.desired.before if self.desired.locked else None
        return self.desired.after if self.applies else kept


class Proposal(NamedTuple):
    """What a pass would do."""

    entries: tuple[Planned, ...]
    shared: tuple[Change, ...]
    contents: Mapping[Digest, bytes]
    lock: Lock  # as it will be
    hashes: Hashes  # worth remembering
    requirements: Lines  # by entry, the lines that the requirements file will then have

    @property
    def plan(self) -> Plan:
        """All steps."""
        return Plan(tuple(entry.plan for entry in self.entries if entry.plan is not None), self.shared)


class Proposer(NamedTuple):
    """Everything a proposal is made from, but the wishes and the tree of the moment."""

    fs: FsOps
    project: Project
    state: State
    fetcher: Fetcher
    choices: Mapping[str, Conflict]  # a person's choice by ref, before the policy

    def propose(self, wanted: Sequence[Desired], refused: Mapping[str, Failure]) -> Proposal:
        """Make one plan. `refused` are entries that an earlier try of this pass could not apply."""
        wanted = [desired._replace(failure=refused.get(desired.ref, desired.failure)) for desired in wanted]
        subjects, hashes = gather(self.fs, self.project, self.state, self.choices, wanted)
        stays = {*refused, *(one.ref for one in wanted if one.failure is not None and one.failure.suspended)}
        entries = [_planned(desired, None if desired.ref in stays else subjects.get(desired.key)) for desired in wanted]
        entries = [self._with_merges(entry) for entry in self._with_needed_bytes(entries)]
        return self._with_shared(_moves_together(entries), hashes)

    def relock(self, wanted: Sequence[Desired], refused: Mapping[str, Failure]) -> Proposal:
        """Make a plan that brings the lock up to date and leaves the tree as it is."""
        del refused  # no entry is applied, so none can be refused
        blocks = [(one.after or one.before) if one.entry is not None else one.after for one in wanted]
        lock = Lock.of({block.key: block for block in blocks if block is not None})
        contents: dict[Digest, bytes] = {}
        changes = lock_changes(self.fs, self.project, lock, contents)
        entries = tuple(Planned(_left_in_the_tree(desired)) for desired in wanted)
        return Proposal(entries, changes, contents, lock, self.state.hashes, self.state.requirements)

    def _with_needed_bytes(self, entries: Sequence[Planned]) -> list[Planned]:
        """Render the entries that were taken from the lock and turn out to need bytes."""
        result = list(entries)
        lacking = [number for number, entry in enumerate(entries) if _lacks_bytes(entry)]
        rendered = with_bytes(self.project, self.fetcher, [entries[number].desired for number in lacking])
        for number, desired in zip(lacking, rendered, strict=True):
            usable = desired.rendering is not None
            result[number] = entries[number]._replace(desired=desired) if usable else Planned(desired)
        return result

    def _with_merges(self, entry: Planned) -> Planned:
        """Try the merges of an entry, plan it again with those that are clean, and say what blocks it."""
        if entry.subject is None or entry.plan is None:
            return entry
        merges = self._merges(entry.desired, entry.subject)
        if merges:
            digests = {path: digest_of(text) for path, text in merges.items()}
            plan = plan_entry(entry.subject._replace(merges=digests))
            entry = entry._replace(plan=plan, merged={digests[path]: text for path, text in merges.items()})
        if entry.plan is not None and entry.plan.blocked:
            return entry._replace(desired=entry.desired._replace(failure=_blocked(entry.plan)))
        return entry

    def _merges(self, desired: Desired, subject: Subject) -> Mapping[RelPath, bytes]:
        """A text merge for each edited file whose new version differs, where it is clean."""
        paths = contested(subject) if subject.conflict is Conflict.MERGE else ()
        if not paths or desired.entry is None or desired.before is None or desired.rendering is None:
            return {}
        bases: dict[Digest, bytes] = {}
        # After a `git pull` the lock names another archive than the one that was installed here, and edited.
        installed = applied_to(desired, self.state)
        for archive in {desired.before.archive, installed.archive if installed else desired.before.archive}:
            bases |= base_contents(self.project, self.fetcher, desired.entry, archive)
        merges = {}
        for path in paths:
            base = bases.get(subject.base[path])
            ours = self.fs.read(path)
            if base is not None and digest_of(ours) == subject.found[path]:
                merges[path] = merge_texts(path, base, ours, desired.rendering.files[path])
        return {path: text for path, text in merges.items() if text is not None}

    def _with_shared(self, entries: Sequence[Planned], hashes: Hashes) -> Proposal:
        """Add what follows for the files with several owners, and the bytes of everything."""
        lock = Lock.of({block.key: block for entry in entries if (block := entry.block) is not None})
        rendered = [(entry, entry.desired.rendering) for entry in entries if entry.desired.rendering is not None]
        scaffolds = [path for entry, rendering in rendered if entry.applies for path in rendering.scaffolds]
        owned = self.state.requirements or self._lines_in_place(entries)
        shared = shared_changes(self.fs, self.project, scaffolds, lock, owned)
        contents = {digest_of(data): data for _, rendering in rendered for data in rendering.files.values()}
        for entry in entries:
            contents |= entry.merged
        lines = requirement_lines(lock.blocks, self.project.layout)
        return Proposal(tuple(entries), shared.changes, {**contents, **shared.contents}, lock, hashes, lines)

    def _lines_in_place(self, entries: Sequence[Planned]) -> Lines:
        """What a machine without a memory takes for written: the locked lines of entries that stand in the tree."""
        plans = {entry.plan.key: entry.plan for entry in entries if entry.plan is not None}
        blocks = self.project.lock.blocks
        standing = [block for block in blocks if block.key not in plans or _stands(block, plans[block.key])]
        return requirement_lines(standing, self.project.layout)


def _left_in_the_tree(desired: Desired) -> Desired:
    """What leaves the lock alone still stands in the tree, and its owner must hear of it."""
    if desired.entry is not None or desired.after is not None:
        return desired
    return desired._replace(notes=(*desired.notes, _LEFT))


def _planned(desired: Desired, subject: Subject | None) -> Planned:
    return Planned(desired) if subject is None else Planned(desired, subject, plan_entry(subject))


def _lacks_bytes(entry: Planned) -> bool:
    """Whether an entry's plan needs bytes that were not rendered: to write, to merge, or to lay beside."""
    desired, subject, plan = entry.desired, entry.subject, entry.plan
    if desired.rendering is not None or desired.entry is None or subject is None or plan is None:
        return False
    needs = (change.kind is Kind.HOLD or (change.writes and change.after is not None) for change in plan.changes)
    return any(needs) or bool(contested(subject))


def _moves_together(entries: Sequence[Planned]) -> list[Planned]:
    """An entry leaves its old place only when its new one is ready."""
    waiting = {entry.desired.ref for entry in entries if entry.desired.entry is not None and not entry.applies}
    return [
        Planned(entry.desired) if entry.desired.entry is None and entry.desired.ref in waiting else entry
        for entry in entries
    ]


def _stands(block: Block, plan: EntryPlan) -> bool:
    """Whether any file of a locked entry is in the tree: none is where only the lock was brought up to date."""
    return sum(change.kind is Kind.RESTORE for change in plan.changes) < len(block.files)


def _blocked(plan: EntryPlan) -> Failure:
    path, what = plan.blocked[0]
    return Failure.of(TreeError(f"{what} is in the way", where=path, hint="move it away and run again"))
