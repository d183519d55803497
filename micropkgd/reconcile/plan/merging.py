"""Merging: tries to join edits and new versions, keeps the line ends of each file, and lays the rest beside."""

from collections.abc import Iterable, Mapping
from functools import partial

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import TreeError
from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.collision import ThreeTexts
from micropkgd.model.condition import Failure
from micropkgd.model.contents import Content, Contents, by_digest, held_in, size_of
from micropkgd.model.lock import Block
from micropkgd.model.plan import EntryPlan
from micropkgd.model.policy import MergePolicy
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.text_form import LARGEST, Form, form_of, in_form
from micropkgd.model.tree import Digest, Found, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.beside import laid_beside
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.facts import tree_version
from micropkgd.reconcile.plan.planned import Planned
from micropkgd.reconcile.plan.planner import EntryFacts, contested, plan_entry
from micropkgd.reconcile.plan.rendered import base_contents
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import State
from micropkgd.workspace.project import Project

if TYPE_CHECKING:
    from micropkgd.merge import MergedFile, ThreeVersions


class Merging(NamedTuple):
    """Joins an edit and a new version where that can be done, for each file of an entry."""

    fs: FsOps
    project: Project
    fetcher: Fetcher
    choices: Mapping[str, Decision]

    def with_merges(self, entry: Planned) -> Planned:
        """Try the merges of an entry, plan it again with those that are clean, and say what blocks it."""
        if entry.subject is None or entry.plan is None:
            return entry
        entry = self._merged(entry, entry.subject)
        if entry.plan is not None and entry.plan.blocked:
            return entry._replace(desired=entry.desired._replace(failure=_blocked(entry.plan)))
        return entry

    def with_renames(self, entry: Planned) -> Planned:
        """The entry with edits brought along to the files that upstream made of theirs, where it is applied then."""
        subject, plan, chosen = entry.subject, entry.plan, entry.desired.ref in self.choices
        by_lines = self.project.manifest.policy.merge is not MergePolicy.STRUCTURE and not chosen
        if subject is None or plan is None or entry.move is not None or by_lines:
            return entry
        gone = [one.path for one in plan.held if one.after is None and subject.choice(one.path) is Conflict.MERGE]
        origins = self._successors(entry.desired, subject, gone) if gone else {}
        if not origins or entry.desired.before is None:
            return entry
        from micropkgd.reconcile.plan.moves import EntryMove, as_if_moved

        brought = {path: self.fs.read(old) for path, old in origins.items()}
        digests = {path: digest_of(data) for path, data in brought.items()}
        trip = EntryMove(tree_version(entry.desired.before, subject.found), origins, brought, renames=True)
        virtual = as_if_moved(subject, trip, {}, digests)
        texts = {digests[path]: data for path, data in brought.items()}
        moved = Planned(entry.desired, virtual, plan_entry(virtual), {**entry.merged, **texts}, move=trip)
        moved = self.with_merges(moved)
        return moved if moved.applies else entry

    def with_beside(self, entry: Planned) -> Planned:
        """The entry with what is to be laid beside it where it is held: of one that moves the new version alone."""
        desired, plan, subject = entry.desired, entry.plan, entry.subject
        if plan is None or not plan.held or desired.rendering is None or entry.move is not None or subject is None:
            return entry
        bases, old = entry.bases, desired.before
        if bases is None and old is not None and desired.entry is not None:
            bases, _ = self._bases(desired, desired.entry, old)
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

    def with_layouts(self, entry: Planned, state: State) -> Planned:
        """The entry with those of its drifted files that are only formatted; each is compared with its base once.

        No archive is fetched for that: where none is at hand, nothing is said.
        """
        plan, subject, before = entry.plan, entry.subject, entry.desired.before
        if plan is None or subject is None or before is None or not plan.drifted or entry.move is not None:
            return entry
        pairs = [
            (path, subject.base[path], ours)
            for path in plan.drifted
            if isinstance(ours := subject.found.get(path), str) and path in subject.base
        ]
        known = {ours: (base, seen) for _, base, ours in pairs if (seen := state.is_formatted(base, ours)) is not None}
        new = [one for one in pairs if one[2] not in known]
        if any(self.fetcher.cache.find(version.archive) is None for version in before.versions if new):
            new = []
        if new and entry.desired.entry is not None:
            known |= self._compared(new, entry.desired, entry.desired.entry, before)
        formatted = tuple(path for path, base, ours in pairs if known.get(ours) == (base, True))
        return entry._replace(plan=plan._replace(formatted=formatted), layouts=known)

    def _compared(
        self, new: Iterable[tuple[RelPath, Digest, Digest]], desired: Desired, entry: PullEntry, before: Block
    ) -> Mapping[Digest, tuple[Digest, bool]]:
        from micropkgd.merge import is_only_formatted

        bases, _ = self._bases(desired, entry, before)
        return {
            ours: (
                base,
                base in bases and self._is_small(path, []) and is_only_formatted(path, bases[base], self.fs.read(path)),
            )
            for path, base, ours in new
        }

    def in_own_form(self, entry: Planned, found: Mapping[RelPath, Found]) -> Planned:
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

    def _merged(self, entry: Planned, subject: EntryFacts) -> Planned:
        """The entry with a merge of each edited file whose new version differs, where that is clean."""
        desired = entry.desired
        paths = [path for path in contested(subject) if subject.choice(path) is not Conflict.OVERWRITE]
        if not paths or desired.entry is None or desired.before is None or desired.rendering is None:
            return entry
        from micropkgd.merge import ThreeVersions, is_only_formatted, merge_files

        bases, notes = self._bases(desired, desired.entry, desired.before)
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
                joined = merge_files(path, versions, structure=structure) or self._formatted(
                    path, versions, structure=structure
                )
                merges |= {path: joined} if joined is not None else {}
        digests = {path: digest_of(joined.data) for path, joined in merges.items()}
        ways = {path: joined.way for path, joined in merges.items()}
        plan = plan_entry(subject._replace(merges={**digests, **subject.merges}, ways=ways, formatted=formatted))
        said = desired._replace(notes=(*desired.notes, *notes)) if plan.held else desired
        merged = {**entry.merged, **{digests[path]: joined.data for path, joined in merges.items()}}
        return entry._replace(desired=said, subject=subject, plan=plan, merged=merged, bases=bases)

    def _formatted(self, path: RelPath, versions: "ThreeVersions[bytes]", *, structure: bool) -> "MergedFile | None":
        """The merge of what collides, tried again as this machine's formatter lays out all three; it may do no more."""
        from micropkgd.merge import is_only_formatted, merge_files

        run = self.fetcher.formatter
        if run is None or not structure or not path.endswith(".py"):
            return None
        texts = [text for data in versions if (text := run(path, data)) is not None]
        if len(texts) < len(versions) or not all(map(partial(is_only_formatted, path), versions, texts)):
            return None
        return merge_files(path, type(versions)(*texts))

    def _successors(self, desired: Desired, subject: EntryFacts, gone: Iterable[RelPath]) -> Mapping[RelPath, RelPath]:
        """The new files that upstream made of those that are gone, with these."""
        if desired.entry is None or desired.before is None or desired.rendering is None:
            return {}
        from micropkgd.reconcile.plan.renames import successors

        bases, _ = self._bases(desired, desired.entry, desired.before)
        old = {path: base for path in gone if (base := bases.get(subject.base[path])) is not None}
        new = [path for path in subject.theirs if path not in {*subject.base, *subject.other}]
        return successors(old, {path: desired.rendering.files[path] for path in new if subject.found.get(path) is None})

    def _bases(
        self, desired: Desired, entry: PullEntry, block: Block
    ) -> tuple[Mapping[Digest, bytes], tuple[str, ...]]:
        """The texts that edits may have started from, by digest, and a note for each version that cannot be had."""
        bases: dict[Digest, Content] = {}
        notes = []
        arranged = desired.arranged
        for version in block.versions if arranged is None else (arranged.version,):
            texts = base_contents(self.project, self.fetcher, entry, version)
            if isinstance(texts, Failure):
                notes.append(f"no merge was tried: the archive of {version.version} cannot be had: {texts.problem}")
            else:
                bases |= by_digest(texts)
        return Contents(bases), tuple(notes)

    def _is_small(self, path: RelPath, others: Iterable[Content | None]) -> bool:
        """Whether a file is a text that is worth merging, by its size here and that of its other versions."""
        here = self.fs.status(path)
        sizes = [here.st_size if here is not None else 0, *(size_of(one) for one in others if one is not None)]
        return max(sizes) <= LARGEST

    def _form(self, path: RelPath) -> Form | None:
        return form_of(self.fs.read(path)) if self._is_small(path, []) else None


def _without_doubt(subject: EntryFacts, path: RelPath, ours: bytes, bases: Mapping[Digest, bytes]) -> EntryFacts:
    """The facts with the version that an edited file started from told by its text, where that can be."""
    from micropkgd.merge import is_nearer

    old, new = bases.get(subject.doubtful.get(path, subject.base[path])), bases.get(subject.base[path])
    if path not in subject.doubtful or old is None or new is None or (nearer := is_nearer(ours, old, new)) is None:
        return subject
    base = {**subject.base, path: subject.doubtful[path]} if nearer else subject.base
    return subject._replace(base=base, doubtful={at: digest for at, digest in subject.doubtful.items() if at != path})


def _blocked(plan: EntryPlan) -> Failure:
    path, what = plan.blocked[0]
    return Failure.of(TreeError(f"{what} is in the way", where=path, hint="move it away and run again"))
