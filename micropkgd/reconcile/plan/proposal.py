"""Put facts and wishes together: from what each entry should have to one plan with the bytes it writes.

Looks at the tree and reads the cache, changes nothing. Decisions are the planner's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from micropkgd.errors import CodeError, TreeError
from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.collision import HeldQuestion, ThreeTexts
from micropkgd.model.condition import Failure
from micropkgd.model.contents import Content, Contents, by_digest, digests_of, held_in, size_of
from micropkgd.model.lock import BY_HAND, Block, Lock, Version
from micropkgd.model.manifest import MergePolicy, PullEntry
from micropkgd.model.plan import Change, ChangeKind, EntryPlan, Plan
from micropkgd.model.text_form import LARGEST, Form, form_of, in_form
from micropkgd.model.tree import Digest, Found, RelPath, digest_of
from micropkgd.reconcile.plan.beside import Beside, laid_beside
from micropkgd.reconcile.plan.desired import Desired, base_contents, with_bytes
from micropkgd.reconcile.plan.facts import gather, known_digests, looks_like, tree_version
from micropkgd.reconcile.plan.holds import new_hold, plan_with_hold
from micropkgd.reconcile.plan.planner import EntryFacts, contested, plan_entry
from micropkgd.reconcile.plan.requirements_file import NOT_WRITTEN, Asking, RequirementsFileError
from micropkgd.reconcile.plan.shared_files import lock_changes, shared_changes
from micropkgd.reconcile.plan.whole_file import contents_of
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.laid import Laid, beside, read_laid
from micropkgd.workspace.memory.state import Applied, Hold, State
from micropkgd.workspace.observe import Hashes, as_texts, see
from micropkgd.workspace.project import Project, read_by_hand
from micropkgd.workspace.trees import files_below

if TYPE_CHECKING:
    from micropkgd.merge import MergedFile
    from micropkgd.reconcile.plan.moves import EntryMove

_LEFT: Final = "its files stay in the tree until the next `reconcile` prunes them"


class Planned(NamedTuple):
    """One entry with its plan, or without one where it cannot be planned."""

    desired: Desired
    subject: EntryFacts | None = None
    plan: EntryPlan | None = None
    merged: Mapping[Digest, bytes] = {}  # the texts that its merges write
    bases: Mapping[Digest, bytes] | None = None  # what edits may have started from; None: nobody asked yet
    beside: Beside = Beside()  # what is laid beside where it is held
    question: HeldQuestion = HeldQuestion()  # what it then asks a person
    hold: Hold | None = None  # that an earlier pass found, and this one kept
    move: "EntryMove | None" = None  # of an entry whose place changes; its plan is then made as if it had moved

    @property
    def applies(self) -> bool:
        """Whether the entry's wished version is, or will be, in the tree."""
        return self.plan is not None and not self.plan.held and not self.plan.blocked

    @property
    def block(self) -> Block | None:
        """The entry's block in the new lock: one that is not applied keeps the block it had there."""
        return self.desired.after if self.applies else self.desired.before


class Proposal(NamedTuple):
    """What a pass would do."""

    entries: tuple[Planned, ...]
    shared: tuple[Change, ...]
    contents: Mapping[Digest, bytes]
    lock: Lock  # as it will be
    hashes: Hashes  # worth remembering
    asking: tuple[Asking, ...]  # what each entry asks of the requirements file

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
    choices: Mapping[str, Decision]  # a person's choice by ref, before the policy
    holds: Mapping[str, Hold] = {}  # by ref, what earlier passes found

    def propose(self, wanted: Sequence[Desired], refused: Mapping[str, Failure]) -> Proposal:
        """Make one plan. `refused` are entries that an earlier try of this pass could not apply."""
        wanted = [desired._replace(failure=refused.get(desired.ref, desired.failure)) for desired in wanted]
        wanted = [_chosen(desired) if desired.ref in self.choices else desired for desired in wanted]
        subjects, found, hashes = gather(self.fs, self.project, self.state, self.choices, wanted)
        stays = {*refused, *(one.ref for one in wanted if one.failure is not None and one.failure.suspended)}
        entries = [self._planned(one, None if one.ref in stays else subjects.get(one.key)) for one in wanted]
        entries = [self._with_merges(self._as_if_moved(entry)) for entry in self._with_needed_bytes(entries)]
        entries = [self._with_renames(entry) for entry in entries]
        owners = {path: desired.ref for desired in wanted for path in desired.files}
        entries = [self._in_own_form(self._landed(entry, found, owners), found) for entry in entries]
        entries = [_explained(entry, self.state.applied.get(entry.desired.key)) for entry in entries]
        entries = [self._with_hold(entry, subjects.get(entry.desired.key)) for entry in entries]
        entries = [self._with_question(self._with_beside(self._with_accepted(entry))) for entry in entries]
        return self._with_shared(_moves_together(entries), hashes)

    def relock(self, wanted: Sequence[Desired], refused: Mapping[str, Failure]) -> Proposal:
        """Make a plan that brings the lock up to date and leaves the tree as it is."""
        del refused  # no entry is applied, so none can be refused
        paths = {path for one in wanted if one.before is not None for path in one.before.paths}
        found = see(self.fs, self.project.root, sorted(paths), self.state.hashes).found
        found = as_texts(self.fs, found, known_digests(wanted, {}))
        blocks = [_not_installed(one, found) for one in wanted]
        lock = Lock.of({block.key: block for block in blocks if block is not None})
        written = lock_changes(self.fs, self.project, lock)
        changes = tuple(one.change for one in written)
        entries = tuple(Planned(_left_in_the_tree(desired)) for desired in wanted)
        return Proposal(entries, changes, contents_of(written), lock, self.state.hashes, ())

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
        entry = self._merged(entry, entry.subject)
        if entry.plan is not None and entry.plan.blocked:
            return entry._replace(desired=entry.desired._replace(failure=_blocked(entry.plan)))
        return entry

    def _with_renames(self, entry: Planned) -> Planned:
        """The entry with edits brought along to the files that upstream made of theirs, where it is applied then."""
        subject, plan, chosen = entry.subject, entry.plan, entry.desired.ref in self.choices
        by_lines = self.project.manifest.policy.merge is not MergePolicy.STRUCTURE and not chosen
        if subject is None or plan is None or entry.move is not None or by_lines:
            return entry
        gone = [one.path for one in plan.held if one.after is None and subject.choice(one.path) is Conflict.MERGE]
        origins = self._successors(entry.desired, subject, gone) if gone else {}
        if not origins:
            return entry
        from micropkgd.reconcile.plan.moves import EntryMove, as_if_moved

        brought = {path: self.fs.read(old) for path, old in origins.items()}
        digests = {path: digest_of(data) for path, data in brought.items()}
        virtual = as_if_moved(subject, EntryMove(origins), {}, digests)
        texts = {digests[path]: data for path, data in brought.items()}
        move = EntryMove(origins, brought, renames=True)
        moved = Planned(entry.desired, virtual, plan_entry(virtual), {**entry.merged, **texts}, move=move)
        moved = self._with_merges(moved)
        return moved if moved.applies else entry

    def _successors(self, desired: Desired, subject: EntryFacts, gone: Iterable[RelPath]) -> Mapping[RelPath, RelPath]:
        """The new files that upstream made of those that are gone, with these."""
        if desired.entry is None or desired.before is None or desired.rendering is None:
            return {}
        from micropkgd.reconcile.plan.renames import successors

        bases, _ = self._bases(desired.entry, desired.before)
        old = {path: base for path in gone if (base := bases.get(subject.base[path])) is not None}
        new = [path for path in subject.theirs if path not in {*subject.base, *subject.other}]
        return successors(old, {path: desired.rendering.files[path] for path in new if subject.found.get(path) is None})

    def _as_if_moved(self, entry: Planned) -> Planned:
        """The entry with its facts told as if its files stood in their new place, where that is another."""
        desired, subject = entry.desired, entry.subject
        if subject is None or desired.entry is None or desired.before is None or desired.after is None:
            return entry
        old = tree_version(desired.before, subject.found)
        if desired.rendering is None or (
            old.target == desired.after.target and old.files.keys() <= subject.theirs.keys()
        ):
            return entry
        from micropkgd.reconcile.plan import moves

        place = desired.rendering.place
        trip = moves.move(old, place, subject.theirs)
        if not trip.is_one:
            return entry
        brought: dict[RelPath, bytes] = {}
        for path in (path for path in trip.origins if moves.is_edited(path, trip, subject)):
            source = moves.source_of(path, trip, subject.found)
            try:
                brought[path] = moves.relocated(path, self.fs.read(source), old, place, trip)
            except CodeError:
                return entry._replace(subject=None, plan=_cannot_move(subject, source))
        bases = self._bases_elsewhere(desired.entry, desired.after, old) if brought else {}
        digests = {path: digest_of(data) for path, data in brought.items()}
        virtual = moves.as_if_moved(subject, trip, bases, digests)
        texts = {digests[path]: data for path, data in brought.items()}
        return Planned(desired, virtual, plan_entry(virtual), texts, move=trip._replace(brought=brought))

    def _bases_elsewhere(self, entry: PullEntry, after: Block, old: Version) -> Mapping[RelPath, Digest]:
        """The files of the version that is in the tree, as the new place has them; none where they cannot be had."""
        if old.archive == after.archive:
            return after.files
        files = base_contents(self.project, self.fetcher, entry, old)
        return {} if isinstance(files, Failure) else digests_of(files)

    def _in_own_form(self, entry: Planned, found: Mapping[RelPath, Found]) -> Planned:
        """The plan with the line ends that each file has here, where they are others than its archive's."""
        if entry.subject is None or entry.plan is None or (entry.move is not None and not entry.move.renames):
            return entry
        texts = entry.desired.rendering.files if entry.desired.rendering is not None else {}
        merged, changes = dict(entry.merged), list(entry.plan.changes)
        for number, change in enumerate(changes):
            there = found.get(change.path)
            if change.before is None or not isinstance(there, str) or there == change.before:
                continue
            after = change.after
            form = self._form(change.path) if change.writes and after is not None else None
            if form is not None and after is not None:
                data = in_form(merged[after] if after in merged else texts[change.path], form)
                after = digest_of(data)
                merged[after] = data
            changes[number] = change._replace(before=there, after=after)
        return entry._replace(plan=entry.plan._replace(changes=tuple(changes)), merged=merged)

    def _form(self, path: RelPath) -> Form | None:
        return form_of(self.fs.read(path)) if self._is_small(path, []) else None

    def _is_small(self, path: RelPath, others: Iterable[Content | None]) -> bool:
        """Whether a file is a text that is worth merging, by its size here and that of its other versions."""
        here = self.fs.status(path)
        sizes = [here.st_size if here is not None else 0, *(size_of(one) for one in others if one is not None)]
        return max(sizes) <= LARGEST

    def _landed(self, entry: Planned, found: Mapping[RelPath, Found], owners: Mapping[RelPath, str]) -> Planned:
        """The plan of an entry that moves, as steps on the tree as it is; what stays behind is named."""
        if entry.move is None or entry.plan is None or entry.subject is None:
            return entry
        from micropkgd.reconcile.plan.moves import landed

        others = {path for path, owner in owners.items() if owner != entry.desired.ref}
        plan = landed(entry.plan, entry.subject, found, entry.move, others)
        before = entry.desired.before
        gone = before.paths if before is not None else frozenset()
        leaves = before is not None and entry.applies and not entry.move.renames
        below = list(files_below(self.fs, before.target)) if before is not None and leaves else []
        stays = [path for path in below if path not in {*gone, *entry.subject.theirs} and "/__pycache__/" not in path]
        notes = tuple(f"{path} stays where it is: it is yours, and the entry moves on" for path in sorted(stays))
        return entry._replace(plan=plan, desired=entry.desired._replace(notes=(*entry.desired.notes, *notes)))

    def _with_hold(self, entry: Planned, subject: EntryFacts | None) -> Planned:
        """The entry with the hold that an earlier pass found, where this one learnt nothing newer."""
        ref = entry.desired.ref
        if ref not in self.holds or subject is None or entry.plan is None or ref in self.choices:
            return entry
        plan = plan_with_hold(entry.desired, entry.plan, subject.found, self.holds[ref])
        return entry if plan is None else entry._replace(plan=plan, hold=self.holds[ref])

    def _planned(self, desired: Desired, subject: EntryFacts | None) -> Planned:
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

    def _with_beside(self, entry: Planned) -> Planned:
        """The entry with what is to be laid beside it where it is held: of one that moves the new version alone."""
        desired, plan, subject = entry.desired, entry.plan, entry.subject
        if plan is None or not plan.held or desired.rendering is None or entry.move is not None or subject is None:
            return entry
        bases, old = entry.bases, desired.before
        if bases is None and old is not None and desired.entry is not None:
            bases, _ = self._bases(desired.entry, old)
        held = {change.path for change in plan.held}
        news, olds = held_in(desired.rendering.files), held_in(bases or {})
        texts = {
            path: ThreeTexts(
                (bases or {}).get(subject.base[path]) if path in subject.base else None,
                self.fs.read(path) if isinstance(subject.found.get(path), str) else None,
                desired.rendering.files.get(path),
            )
            for path in sorted({*held, *plan.edited})
            if self._is_small(path, [news.get(path), olds.get(subject.base.get(path, Digest("")))])
        }
        versions = old.version if old is not None else "", desired.rendering.version
        return entry._replace(beside=laid_beside(texts, held, *versions))

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
        known = laid if laid is not None and laid.is_of(hold) else Laid(hold.base, hold.archive)
        chosen = self.choices.get(entry.desired.ref, Decision()).paths
        still = chosen.keys() & {change.path for change in entry.plan.held}  # merged, and it collides
        question = HeldQuestion(
            folder=beside(hold.label),
            is_laid=laid is not None,
            collisions=entry.beside.collisions,
            decided={path: choice for path, choice in {**known.choices, **chosen}.items() if path not in still},
            joined=tuple(entry.beside.merged if entry.hold is None else known.merged),
            texts=entry.beside.texts,
            merged=entry.beside.merged,
        )
        return entry._replace(question=question)

    def _merged(self, entry: Planned, subject: EntryFacts) -> Planned:
        """The entry with a merge of each edited file whose new version differs, where that is clean."""
        desired = entry.desired
        paths = [path for path in contested(subject) if subject.choice(path) is not Conflict.OVERWRITE]
        if not paths or desired.entry is None or desired.before is None or desired.rendering is None:
            return entry
        from micropkgd.merge import ThreeVersions, is_only_formatted, merge_files

        bases, notes = self._bases(desired.entry, desired.before)
        brought = entry.move.brought if entry.move is not None else {}
        merges: dict[RelPath, MergedFile] = {}
        formatted: list[RelPath] = []
        structure = self.project.manifest.policy.merge is MergePolicy.STRUCTURE or desired.ref in self.choices
        news, olds = held_in(desired.rendering.files), held_in(bases)
        for path in paths:
            if not self._is_small(path, [news[path], olds.get(subject.base[path])]):
                continue
            ours = brought[path] if path in brought else self.fs.read(path)
            if digest_of(ours) != subject.found[path]:
                continue
            subject = _without_doubt(subject, path, ours, bases)
            base = bases.get(subject.base[path])
            if base is None or path in subject.doubtful or subject.theirs[path] == subject.base[path]:
                continue
            if is_only_formatted(path, base, ours):
                formatted.append(path)
            elif subject.choice(path) is not Conflict.HOLD:
                versions = ThreeVersions(base, ours, desired.rendering.files[path])
                joined = merge_files(path, versions, structure=structure)
                merges |= {path: joined} if joined is not None else {}
        digests = {path: digest_of(joined.data) for path, joined in merges.items()}
        ways = {path: joined.way for path, joined in merges.items()}
        plan = plan_entry(subject._replace(merges={**digests, **subject.merges}, ways=ways, formatted=formatted))
        said = desired._replace(notes=(*desired.notes, *notes)) if plan.held else desired
        merged = {**entry.merged, **{digests[path]: joined.data for path, joined in merges.items()}}
        return entry._replace(desired=said, subject=subject, plan=plan, merged=merged, bases=bases)

    def _bases(self, entry: PullEntry, block: Block) -> tuple[Mapping[Digest, bytes], tuple[str, ...]]:
        """The texts that edits may have started from, by digest, and a note for each version that cannot be had."""
        bases: dict[Digest, Content] = {}
        notes = []
        for version in (block.made, *([block.superseded] if block.superseded else [])):
            texts = base_contents(self.project, self.fetcher, entry, version)
            if isinstance(texts, Failure):
                notes.append(f"no merge was tried: the archive of {version.version} cannot be had: {texts.problem}")
            else:
                bases |= by_digest(texts)
        return Contents(bases), tuple(notes)

    def _with_shared(self, entries: Sequence[Planned], hashes: Hashes) -> Proposal:
        """Add what follows for the files with several owners, and the bytes of everything."""
        lock = Lock.of({block.key: block for entry in entries if (block := entry.block) is not None})
        rendered = [(entry, entry.desired.rendering) for entry in entries if entry.desired.rendering is not None]
        scaffolds = [path for entry, rendering in rendered if entry.applies for path in rendering.scaffolds]
        asking = tuple(map(self._asking, entries))
        try:
            shared = shared_changes(self.fs, self.project, scaffolds, lock, asking)
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
        return Asking(ref, before, after, entry.subject.found if entry.move is None else None)


def _without(entries: Sequence[Planned], error: RequirementsFileError) -> list[Planned]:
    """The entries with those left out whose requirements cannot be written."""
    return [
        Planned(entry.desired._replace(failure=error.failure(entry.desired.ref)))
        if entry.desired.ref in error.lines
        else entry
        for entry in entries
    ]


def _cannot_move(subject: EntryFacts, path: RelPath) -> EntryPlan:
    found = subject.found.get(path)
    reason = "edited here, and cannot be parsed to come along to the new place"
    held = Change(ChangeKind.HOLD, path, found if isinstance(found, str) else None, None, reason)
    return EntryPlan(subject.ref, subject.target, (held,))


def _without_doubt(subject: EntryFacts, path: RelPath, ours: bytes, bases: Mapping[Digest, bytes]) -> EntryFacts:
    """The facts with the version that an edited file started from told by its text, where that can be."""
    from micropkgd.merge import is_nearer

    old, new = bases.get(subject.doubtful.get(path, subject.base[path])), bases.get(subject.base[path])
    if path not in subject.doubtful or old is None or new is None or (nearer := is_nearer(ours, old, new)) is None:
        return subject
    base = {**subject.base, path: subject.doubtful[path]} if nearer else subject.base
    return subject._replace(base=base, doubtful={at: digest for at, digest in subject.doubtful.items() if at != path})


def _not_installed(desired: Desired, found: Mapping[RelPath, Found]) -> Block | None:
    """The block of an entry whose tree stays as it is; of one that left the manifest, as long as files of it stand."""
    before, after = desired.before, desired.after
    if before is None:
        return after
    old = tree_version(before, found)
    if after is not None:
        return after._replace(edited=before.edited).instead_of(before.superseded if after.made == before.made else old)
    if desired.entry is not None:
        return before
    stands = any(found.get(path) is not None for path in before.paths)
    return before._replace(files={}, requirements=(), superseded=old) if stands else None


def _left_in_the_tree(desired: Desired) -> Desired:
    """What leaves the lock alone still stands in the tree, and its owner must hear of it."""
    if desired.entry is not None or desired.after is not None:
        return desired
    return desired._replace(notes=(*desired.notes, _LEFT))


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


def _blocked(plan: EntryPlan) -> Failure:
    path, what = plan.blocked[0]
    return Failure.of(TreeError(f"{what} is in the way", where=path, hint="move it away and run again"))
