"""Put facts and wishes together: from what each entry should have to one plan with the bytes it writes.

Looks at the tree and reads the cache, changes nothing. Decisions are the planner's.
"""

from collections.abc import Iterable, Mapping, Sequence

from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.collision import HeldQuestion
from micropkgd.model.condition import Failure
from micropkgd.model.contents import Content, Contents, by_digest
from micropkgd.model.lock import BY_HAND, LOCK_NAME, Lock
from micropkgd.model.plan import ChangeKind
from micropkgd.model.tree import LEFT_OUT, Digest, Found, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.facts import gather, looks_like, tree_version
from micropkgd.reconcile.plan.holds import new_hold, plan_with_hold
from micropkgd.reconcile.plan.merging import Merging
from micropkgd.reconcile.plan.planned import Planned, Proposal
from micropkgd.reconcile.plan.planner import EntryFacts, contested, plan_entry
from micropkgd.reconcile.plan.rendered import with_bytes
from micropkgd.reconcile.plan.requirements_file import NOT_WRITTEN, Asking, RequirementsFileError
from micropkgd.reconcile.plan.shared_files import shared_changes
from micropkgd.reconcile.plan.whole_file import contents_of
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.laid import Laid, beside, read_laid
from micropkgd.workspace.memory.state import Applied, Hold, State
from micropkgd.workspace.observe import Hashes, unfetched
from micropkgd.workspace.project import Project, placed, read_by_hand


class Proposer(NamedTuple):
    """Everything a proposal is made from, but the wishes and the tree of the moment."""

    fs: FsOps
    project: Project
    state: State
    fetcher: Fetcher
    choices: Mapping[str, Decision]  # a person's choice by ref, before the policy
    holds: Mapping[str, Hold] = {}  # by ref, what earlier passes found
    keeps_lock: bool = False  # whether the lock is installed as it is

    def propose(self, wanted: Sequence[Desired], refused: Mapping[str, Failure]) -> Proposal:
        """Make one plan. `refused` are entries that an earlier try of this pass could not apply."""
        wanted = [desired._replace(failure=refused.get(desired.ref, desired.failure)) for desired in wanted]
        wanted = [_chosen(desired) if desired.ref in self.choices else desired for desired in wanted]
        subjects, found, hashes = gather(self.fs, self.project, self.state, self.choices, wanted)
        following = [self._as_arranged(desired, found) for desired in _as_checked_out(wanted, found)]
        if following != wanted:
            wanted = following
            subjects, found, hashes = gather(self.fs, self.project, self.state, self.choices, wanted)
        standing = {ref: one for ref, one in self.choices.items() if _still_stands(ref, one, wanted, found)}
        if len(standing) < len(self.choices):
            return self._replace(choices=standing).propose(wanted, refused)
        stays = {*refused, *(one.ref for one in wanted if one.failure is not None and one.failure.suspended)}
        entries = [self._planned(one, None if one.ref in stays else subjects.get(one.key)) for one in wanted]
        entries = [self._merging.with_merges(self._as_if_moved(entry)) for entry in self._with_needed_bytes(entries)]
        entries = [self._merging.with_renames(entry) for entry in entries]
        owners = {path: desired.ref for desired in wanted for path in desired.files}
        entries = [self._merging.in_own_form(self._landed(entry, found, owners), found) for entry in entries]
        entries = [_explained(entry, self.state.applied.get(entry.desired.key)) for entry in entries]
        entries = [self._merging.with_layouts(entry, self.state) for entry in entries]
        entries = [self._with_pointers(entry, found) for entry in entries]
        entries = [self._with_hold(entry, subjects.get(entry.desired.key)) for entry in entries]
        entries = [self._with_question(self._merging.with_beside(self._with_accepted(entry))) for entry in entries]
        return self._with_shared(_moves_together(entries), hashes)

    def _with_pointers(self, entry: Planned, found: Mapping[RelPath, Found]) -> Planned:
        """The plan with the files that stay pointers of Git LFS: they are right, and what they name is not there."""
        plan, subject = entry.plan, entry.subject
        if plan is None or subject is None:
            return entry
        pointers = unfetched(self.fs, entry.desired.files, found, subject.found)
        stay = tuple(sorted(pointers - {change.path for change in plan.writes})) if pointers else ()
        return entry._replace(plan=plan._replace(unfetched=stay)) if stay else entry

    def relock(self, wanted: Sequence[Desired], refused: Mapping[str, Failure]) -> Proposal:
        """Make a plan that brings the lock up to date and leaves the tree as it is."""
        from micropkgd.reconcile.plan.relock import relock

        del refused  # no entry is applied, so none can be refused
        return relock(self.fs, self.project, self.state.hashes, wanted)

    @property
    def _merging(self) -> Merging:
        return Merging(self.fs, self.project, self.fetcher, self.choices)

    def _as_arranged(self, desired: Desired, found: Mapping[RelPath, Found]) -> Desired:
        """The entry with the files that a person moved in it; most entries have all where the lock has them."""
        if not _may_be_rearranged(desired, found):
            return desired
        from micropkgd.reconcile.plan.moved_here import MovedHere

        return MovedHere(self.fs, self.project, self.fetcher, self.keeps_lock).followed(desired, found)

    def _as_if_moved(self, entry: Planned) -> Planned:
        """The entry planned in its new place, where that is another."""
        if not _may_move(entry):
            return entry
        from micropkgd.reconcile.plan.moving import Moving

        return Moving(self.fs, self.project, self.fetcher).as_if_moved(entry)

    def _landed(self, entry: Planned, found: Mapping[RelPath, Found], owners: Mapping[RelPath, str]) -> Planned:
        """The plan of an entry that moves, as steps on the tree as it is."""
        if entry.move is None:
            return entry
        from micropkgd.reconcile.plan.moving import Moving

        return Moving(self.fs, self.project, self.fetcher).landed(entry, found, owners)

    def _with_needed_bytes(self, entries: Sequence[Planned]) -> list[Planned]:
        """Render the entries that were taken from the lock and turn out to need bytes."""
        result = list(entries)
        lacking = [number for number, entry in enumerate(entries) if _lacks_bytes(entry)]
        rendered = with_bytes(self.project, self.fetcher, [entries[number].desired for number in lacking])
        for number, desired in zip(lacking, rendered, strict=True):
            usable = desired.rendering is not None
            result[number] = entries[number]._replace(desired=desired) if usable else Planned(desired)
        return result

    def _with_hold(self, entry: Planned, subject: EntryFacts | None) -> Planned:
        """The entry with the hold that an earlier pass found, where this one learnt nothing newer."""
        ref = entry.desired.ref
        if ref not in self.holds or subject is None or entry.plan is None or ref in self.choices:
            return entry
        plan = plan_with_hold(entry.desired, entry.plan, subject.found, self.holds[ref])
        return entry if plan is None else entry._replace(plan=plan, hold=self.holds[ref])

    def _planned(self, desired: Desired, subject: EntryFacts | None) -> Planned:
        """Plan one entry, as a person chose for it where they did."""
        if subject is None:
            return Planned(desired)
        choice = self.choices.get(desired.ref)
        if choice is None:
            return Planned(desired, subject, plan_entry(subject))
        if Conflict.TAKE in {choice.rest, *choice.paths.values()}:
            as_without = subject._replace(conflict=Conflict.MERGE, choices={})
            subject = subject._replace(retakes=not plan_entry(as_without).held)
        joined = {path: digest_of(text) for path, text in choice.texts.items()}
        subject = subject._replace(merges=joined)
        texts = {joined[path]: text for path, text in choice.texts.items()}
        return Planned(desired, subject, plan_entry(subject), texts)

    def _with_accepted(self, entry: Planned) -> Planned:
        """The entry with the edits that its new block says are accepted; those that nobody touched stay so."""
        before, after, plan, subject = entry.desired.before, entry.desired.after, entry.plan, entry.subject
        decision = self.choices.get(entry.desired.ref)
        keeps = decision is not None and Conflict.KEEP in {decision.rest, *decision.paths.values()}
        if after is None or before is None or not (before.edited or keeps) or entry.desired.entry is None:
            return entry
        edited = before.edited
        if entry.applies and plan is not None and subject is not None and (decision or after.made != before.made):
            origins = entry.move.origins if entry.move is not None else {}
            from micropkgd.reconcile.plan.accepted import FilesAfter, accepted_after

            files = FilesAfter(self.fs, plan, subject.found, entry.merged, origins)
            edited = accepted_after(files, before, after, everything=keeps)
        return entry._replace(desired=entry.desired._replace(after=after._replace(edited=edited)))

    def _with_question(self, entry: Planned) -> Planned:
        """The entry with what is asked of a person where it is held, and what they have answered so far."""
        hold = entry.hold or new_hold(entry.desired, entry.plan)
        if hold is None or entry.plan is None or not entry.plan.held:
            return entry
        laid = read_laid(self.fs, hold.label)
        is_laid = laid is not None and laid.is_of(hold)
        known = laid if laid is not None and is_laid else Laid(hold.base, hold.archive)
        chosen = self.choices.get(entry.desired.ref, Decision()).paths
        still = chosen.keys() & {change.path for change in entry.plan.held}  # merged, and it collides
        question = HeldQuestion(
            folder=beside(hold.label),
            is_laid=is_laid,
            collisions=entry.beside.collisions,
            decided={path: choice for path, choice in {**known.choices, **chosen}.items() if path not in still},
            joined=tuple(entry.beside.merged if entry.hold is None else known.merged),
            marked=entry.beside.marked if entry.hold is None else known.marked,
            texts=entry.beside.texts,
            merged=entry.beside.merged,
        )
        return entry._replace(question=question)

    def _with_shared(self, entries: Sequence[Planned], hashes: Hashes) -> Proposal:
        """Add what follows for the files with several owners, and the bytes of everything."""
        project = self._with_place(entries)
        place = project.layout.requirements_place if project.record == LOCK_NAME else project.lock.place
        lock = Lock.of({block.key: block for entry in entries if (block := entry.block) is not None}, place)
        rendered = [(entry, entry.desired.rendering) for entry in entries if entry.desired.rendering is not None]
        scaffolds = [path for entry, rendering in rendered if entry.applies for path in rendering.scaffolds]
        asking = tuple(map(self._asking, entries))
        try:
            shared = shared_changes(self.fs, project, scaffolds, lock, asking)
        except RequirementsFileError as error:
            return self._with_shared(_moves_together(_without(entries, error)), hashes)
        contents: dict[Digest, Content] = {}
        for _, rendering in rendered:
            contents |= by_digest(rendering.files)
        for entry in entries:
            contents |= entry.merged
        changes = tuple(one.change for one in shared)
        return Proposal(
            tuple(map(self._with_bits, entries)),
            changes,
            Contents({**contents, **contents_of(shared)}),
            lock,
            hashes,
            asking,
        )

    def _with_place(self, entries: Sequence[Planned]) -> Project:
        """The project with the place of requirements; where some cannot be written, all stay where they stand."""
        failures = (entry.desired.failure for entry in entries)
        stuck = any(failure is not None and failure.reason == NOT_WRITTEN for failure in failures)
        if not stuck or self.project.lock.place == self.project.layout.requirements_place:
            return self.project
        from micropkgd.reconcile.plan.requirements_move import is_left

        return placed(self.project, self.project.lock.place) if is_left(self.fs, self.project) else self.project

    def _with_bits(self, entry: Planned) -> Planned:
        """Say which new files are to be run: what the archive says so of, and what could be run where it moves from."""
        if entry.plan is None or entry.desired.rendering is None:
            return entry
        executables = set(entry.desired.rendering.executables)
        if entry.move is not None:
            executables |= {path for path, old in entry.move.origins.items() if self.fs.is_executable(old)}
        changes = (change._replace(executable=change.path in executables) for change in entry.plan.changes)
        return entry._replace(plan=entry.plan._replace(changes=tuple(changes)))

    def _asking(self, entry: Planned) -> Asking:
        """What an entry asks of the requirements file; one that is new takes over what a pull by hand asked for."""
        ref, before, after = entry.desired.ref, entry.desired.before, entry.block
        if entry.desired.failure is not None and entry.desired.failure.reason == NOT_WRITTEN:
            return Asking(ref, None, None)
        if not entry.applies or entry.subject is None:
            return Asking(ref, before, before)
        if before is None and self.project.record != BY_HAND:
            by_hand = read_by_hand(self.project.root, self.project.layout).blocks
            before = next((block for block in by_hand if after is not None and block.target == after.target), None)
        if entry.move is not None and before is not None:
            return Asking(ref, before.as_of(entry.move.old), after)
        return Asking(ref, before, after, entry.subject.found)


def _as_checked_out(wanted: Sequence[Desired], found: Mapping[RelPath, Found]) -> Sequence[Desired]:
    """The entries as far as this checkout can have them; all of them where git leaves nothing out."""
    if LEFT_OUT not in found.values():
        return wanted
    from micropkgd.reconcile.plan.sparse import as_checked_out

    return [as_checked_out(desired, found) for desired in wanted]


def _may_be_rearranged(desired: Desired, found: Mapping[RelPath, Found]) -> bool:
    """Whether a person may have moved files of an entry: some are missing, or were moved before."""
    before, after = desired.before, desired.after
    if desired.entry is None or before is None or after is None:
        return False
    were_moved = any(version.moved for version in (*before.versions, after.made))
    return were_moved or any(found.get(path) is None for path in before.paths)


def _may_move(entry: Planned) -> bool:
    """Whether an entry may get another place: its folder is another, or the new version lacks a file of the old one."""
    desired, subject = entry.desired, entry.subject
    if subject is None or desired.before is None or desired.after is None or desired.rendering is None:
        return False
    old = tree_version(desired.before, subject.found)
    return old.target != desired.after.target or not old.files.keys() <= subject.theirs.keys()


def _without(entries: Sequence[Planned], error: RequirementsFileError) -> list[Planned]:
    """The entries with those left out whose requirements cannot be written."""
    return [
        Planned(entry.desired._replace(failure=error.failure(entry.desired.ref)))
        if entry.desired.ref in error.lines
        else entry
        for entry in entries
    ]


def _still_stands(ref: str, decision: Decision, wanted: Iterable[Desired], found: Mapping[RelPath, Found]) -> bool:
    """Whether a decision is about what there is: the version and the edits that the person saw."""
    archives = {desired.after.archive for desired in wanted if desired.ref == ref and desired.after is not None}
    same_version = decision.waiting is None or decision.waiting in archives
    return same_version and all(found.get(path) == there for path, there in decision.seen.items())


def _chosen(desired: Desired) -> Desired:
    """What a person chose settles which version the tree has: the block says it of the locked one alone."""
    if desired.after is None or desired.after.superseded is None:
        return desired
    return desired._replace(after=desired.after._replace(superseded=None))


def _explained(entry: Planned, known: Applied | None) -> Planned:
    """Say of a tree that differs from the lock in every way that this machine knows which version it is."""
    desired, subject, plan = entry.desired, entry.subject, entry.plan
    if subject is None or plan is None or not plan.drifted or desired.after is None:
        return entry
    version = looks_like(desired.after, subject.found, known)
    if not version:
        return entry
    advice = f"`micropkgd resolve {desired.ref} --take` installs {desired.after.version}"
    note = f"these are exactly the files of {version}; {advice}"
    return entry._replace(desired=desired._replace(notes=(*desired.notes, note)))


def _lacks_bytes(entry: Planned) -> bool:
    """Whether an entry's plan needs bytes that were not rendered: to write, to merge, or to lay beside."""
    desired, subject, plan = entry.desired, entry.subject, entry.plan
    if desired.rendering is not None or desired.entry is None or subject is None or plan is None:
        return False
    needs = (change.kind is ChangeKind.HOLD or (change.writes and change.after is not None) for change in plan.changes)
    return any(needs) or bool(contested(subject))


def _moves_together(entries: Sequence[Planned]) -> list[Planned]:
    """An entry leaves its old place only when its new one is ready."""
    waiting = {entry.desired.ref for entry in entries if entry.desired.entry is not None and not entry.applies}
    return [
        Planned(entry.desired) if entry.desired.entry is None and entry.desired.ref in waiting else entry
        for entry in entries
    ]
