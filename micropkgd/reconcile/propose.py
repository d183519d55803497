"""Put facts and wishes together: from what each entry should have to one plan with the bytes it writes.

Looks at the tree and reads the cache, changes nothing. Decisions are the planner's.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from micropkgd.errors import TreeError
from micropkgd.model.choice import Conflict
from micropkgd.model.condition import Failure
from micropkgd.model.lock import Block, Lock
from micropkgd.model.plan import Change, EntryPlan, Kind, Plan
from micropkgd.model.tree import Digest, Found, RelPath, digest_of
from micropkgd.reconcile.desired import Desired, base_contents, with_bytes
from micropkgd.reconcile.merge import merge_texts
from micropkgd.reconcile.planner import Subject, contested, plan_entry
from micropkgd.reconcile.resolve import Fetcher
from micropkgd.reconcile.shared import Lines, lock_changes, requirement_lines, shared_changes
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.observe import Hashes, see
from micropkgd.workspace.project import Project
from micropkgd.workspace.state import State

Key = tuple[str, RelPath]


class Proposal(NamedTuple):
    """What a pass would do."""

    desired: tuple[Desired, ...]
    plan: Plan  # a plan for each desired entry that can be planned, by key
    contents: Mapping[Digest, bytes]
    lock: Lock  # as it will be
    hashes: Hashes  # worth remembering
    requirements: Lines  # by entry, the lines that the requirements file will then have

    def plan_of(self, desired: Desired) -> EntryPlan | None:
        """The plan of one entry."""
        return next((plan for plan in self.plan.entries if plan.key == (desired.ref, desired.target)), None)


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
        subjects, hashes = self._subjects(wanted)
        plans = {key: plan_entry(subject) for key, subject in subjects.items()}
        wanted = self._with_needed_bytes(wanted, subjects, plans)
        contents: dict[Digest, bytes] = {}
        for number, desired in enumerate(wanted):
            key = _key(desired)
            if not _can_be_planned(desired) or desired.ref in refused:
                plans.pop(key, None)
                continue
            if desired.rendering is not None:
                contents |= {digest_of(data): data for data in desired.rendering.files.values()}
                merges = self._merges(desired, subjects[key], contents)
                plans[key] = plan_entry(subjects[key]._replace(merges=merges))
            if plans[key].blocked:
                wanted[number] = desired._replace(failure=_blocked(plans[key]))
        stuck = {desired.ref for desired in wanted if desired.entry is not None and not _applies(desired, plans)}
        for desired in wanted:
            if desired.entry is None and desired.ref in stuck:  # it moves, and its new place is not ready
                plans.pop(_key(desired), None)
        return self._with_shared(wanted, plans, contents, hashes)

    def relock(self, wanted: Sequence[Desired], refused: Mapping[str, Failure]) -> Proposal:
        """Make a plan that brings the lock up to date and leaves the tree as it is."""
        del refused  # no entry is applied, so none can be refused
        blocks = [(desired.after or desired.before) for desired in wanted if desired.entry is not None]
        lock = Lock.of({block.key: block for block in blocks if block is not None})
        contents: dict[Digest, bytes] = {}
        changes = lock_changes(self.fs, self.project, lock, contents)
        return Proposal(
            tuple(wanted), Plan((), changes), contents, lock, self.state.hashes, self.state.requirements
        )  # fmt: skip

    def _subjects(self, wanted: Sequence[Desired]) -> tuple[dict[Key, Subject], Hashes]:
        """The facts of each entry that can be planned: what the tree holds, and what was put there."""
        staying = {path for desired in wanted if desired.after is not None for path in desired.files}
        leaving = {path: digest for desired in wanted if desired.after is None and desired.entry is None
                   and desired.before is not None for path, digest in desired.before.files.items()}  # fmt: skip
        facts = {}
        for desired in filter(_can_be_planned, wanted):
            locked = dict(desired.before.files) if desired.before else {}
            base = {**locked, **self._applied(desired)}
            if desired.after is None:
                locked, base = ({p: d for p, d in files.items() if p not in staying} for files in (locked, base))
            else:
                inherited = {path: leaving[path] for path in desired.files if path in leaving and path not in base}
                base |= inherited
            facts[_key(desired)] = (desired, base, locked)
        paths = sorted({path for desired, base, locked in facts.values() for path in (*desired.files, *base, *locked)})
        seen = see(self.fs, self.project.root, paths, self.state.hashes)
        return {key: self._subject(*fact, seen.found) for key, fact in facts.items()}, seen.hashes

    def _applied(self, desired: Desired) -> Mapping[RelPath, Digest]:
        """What this machine last put there, as far as the lock does not know better."""
        return self.state.applied.get(label_of(desired), {}) if desired.before is not None else {}

    def _subject(
        self, desired: Desired, base: Mapping[RelPath, Digest], locked: Mapping[RelPath, Digest],
        found: Mapping[RelPath, Found],
    ) -> Subject:  # fmt: skip
        policy = Conflict(self.project.manifest.policy.on_local_edit.value)
        return Subject(
            ref=desired.ref,
            target=desired.target or RelPath(""),
            theirs=desired.files,
            found=found,
            base=base,
            locked=locked,
            conflict=self.choices.get(desired.ref, policy),
            keep_deleted=desired.entry.keep_deleted if desired.entry else (),
        )

    def _with_needed_bytes(
        self, wanted: Sequence[Desired], subjects: Mapping[Key, Subject], plans: Mapping[Key, EntryPlan]
    ) -> list[Desired]:
        """Render the entries that were taken from the lock and turn out to need bytes."""
        result = list(wanted)
        lacking = [
            number
            for number, desired in enumerate(wanted)
            if desired.rendering is None
            and desired.entry is not None
            and (key := _key(desired)) in plans
            and (any(map(_needs_bytes, plans[key].changes)) or contested(subjects[key]))
        ]
        for number, desired in zip(
            lacking, with_bytes(self.project, self.fetcher, [wanted[n] for n in lacking]), strict=True
        ):
            result[number] = desired
        return result

    def _merges(self, desired: Desired, subject: Subject, contents: dict[Digest, bytes]) -> Mapping[RelPath, Digest]:
        """Try a text merge for each edited file whose new version differs; the clean ones go to `contents`."""
        paths = contested(subject) if subject.conflict is Conflict.MERGE else ()
        if not paths or desired.entry is None or desired.before is None or desired.rendering is None:
            return {}
        bases = base_contents(self.project, self.fetcher, desired.entry, desired.before)
        merges = {}
        for path in paths:
            base = bases.get(subject.base[path])
            ours = self.fs.read(path)
            if base is None or digest_of(ours) != subject.found[path]:
                continue
            merged = merge_texts(path, base, ours, desired.rendering.files[path])
            if merged is not None:
                merges[path] = digest_of(merged)
                contents[merges[path]] = merged
        return merges

    def _with_shared(
        self, wanted: Sequence[Desired], plans: Mapping[Key, EntryPlan], contents: dict[Digest, bytes], hashes: Hashes
    ) -> Proposal:
        blocks = {block.key: block for block in (_block_after(desired, plans) for desired in wanted) if block}
        lock = Lock.of(blocks)
        scaffolds = [path for desired in wanted if desired.rendering is not None and _applies(desired, plans)
                     for path in desired.rendering.scaffolds]  # fmt: skip
        owned = self.state.requirements or self._lines_in_place(plans)
        shared = shared_changes(self.fs, self.project, scaffolds, lock, owned)
        entries = tuple(plans[key] for desired in wanted if (key := _key(desired)) in plans)
        lines = requirement_lines(lock.blocks, self.project.layout)
        plan = Plan(entries, shared.changes)
        return Proposal(tuple(wanted), plan, {**contents, **shared.contents}, lock, hashes, lines)

    def _lines_in_place(self, plans: Mapping[Key, EntryPlan]) -> Lines:
        """What a machine without a memory takes for written: the locked lines of entries that stand in the tree."""
        blocks = [
            block for block in self.project.lock.blocks if block.key not in plans or _stands(block, plans[block.key])
        ]  # fmt: skip
        return requirement_lines(blocks, self.project.layout)


def label_of(desired: Desired) -> str:
    """The name of an entry in this machine's state: its identity as one text."""
    return f"{desired.ref} -> {desired.target}"


def _key(desired: Desired) -> Key:
    return desired.ref, desired.target or RelPath("")


def _can_be_planned(desired: Desired) -> bool:
    """An entry of the manifest with a known answer, or one that is leaving; an orphan that stays is left alone."""
    return (desired.entry is None) == (desired.after is None)


def _applies(desired: Desired, plans: Mapping[Key, EntryPlan]) -> bool:
    """Whether an entry's new version is, or will be, in the tree."""
    plan = plans.get(_key(desired))
    return plan is not None and not plan.held and not plan.blocked


def _block_after(desired: Desired, plans: Mapping[Key, EntryPlan]) -> Block | None:
    """An entry's block in the new lock: one that is not applied keeps the block it had."""
    return desired.after if _applies(desired, plans) else desired.before


def _stands(block: Block, plan: EntryPlan) -> bool:
    """Whether any file of a locked entry is in the tree: none is where only the lock was brought up to date."""
    return sum(change.kind is Kind.RESTORE for change in plan.changes) < len(block.files)


def _needs_bytes(change: Change) -> bool:
    """What is written, and what is laid beside for a person to look at."""
    return change.kind is Kind.HOLD or (change.writes and change.after is not None)


def _blocked(plan: EntryPlan) -> Failure:
    path, what = plan.blocked[0]
    error = TreeError(f"{what} is in the way", where=path, hint="move it away and run again")
    return Failure.of(error)
