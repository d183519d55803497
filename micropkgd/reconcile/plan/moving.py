"""Moving: an entry whose place changes is planned in the new one, edits along, then told as steps from the old one."""

from collections.abc import Mapping

from micropkgd.errors import CodeError, words_of
from micropkgd.model.condition import Failure
from micropkgd.model.contents import digests_of
from micropkgd.model.lock import Block, Version
from micropkgd.model.plan import Change, ChangeKind, EntryPlan
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.tree import Digest, Found, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan import moves
from micropkgd.reconcile.plan.facts import tree_version
from micropkgd.reconcile.plan.planned import Planned
from micropkgd.reconcile.plan.planner import EntryFacts, plan_entry
from micropkgd.reconcile.plan.rendered import base_contents
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project
from micropkgd.workspace.trees import files_below


class Moving(NamedTuple):
    """Plans an entry as if its files stood in their new place, and brings the plan back to where they are."""

    fs: FsOps
    project: Project
    fetcher: Fetcher

    def as_if_moved(self, entry: Planned) -> Planned:
        """The entry with its facts told as if its files stood in their new place, where that is another."""
        desired, subject = entry.desired, entry.subject
        if subject is None or desired.entry is None or desired.before is None or desired.after is None:
            return entry
        if desired.rendering is None:
            return entry
        old, place = tree_version(desired.before, subject.found), desired.rendering.place
        trip = moves.move(old, place, subject.theirs)
        if not trip.is_one:
            return entry
        brought: dict[RelPath, bytes] = {}
        for path in (path for path in trip.origins if moves.is_edited(path, trip, subject)):
            source = moves.source_of(path, trip, subject.found)
            try:
                brought[path] = moves.relocated(path, self.fs.read(source), old, place, trip)
            except CodeError:
                return entry._replace(subject=None, plan=_cannot_move(subject, source, "it cannot be parsed"))
            except OSError as error:
                return entry._replace(subject=None, plan=_cannot_move(subject, source, words_of(error)))
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

    def landed(self, entry: Planned, found: Mapping[RelPath, Found], owners: Mapping[RelPath, str]) -> Planned:
        """The plan of an entry that moves, as steps on the tree as it is; what stays behind is named."""
        if entry.move is None or entry.plan is None or entry.subject is None:
            return entry
        others = {path for path, owner in owners.items() if owner != entry.desired.ref}
        plan = moves.landed(entry.plan, entry.subject, found, entry.move, others)
        before = entry.desired.before
        gone = before.paths if before is not None else frozenset()
        leaves = before is not None and entry.applies and not entry.move.renames
        below = list(files_below(self.fs, before.target)) if before is not None and leaves else []
        stays = [path for path in below if path not in {*gone, *entry.subject.theirs} and "/__pycache__/" not in path]
        notes = tuple(f"{path} stays where it is: it is yours, and the entry moves on" for path in sorted(stays))
        return entry._replace(plan=plan, desired=entry.desired._replace(notes=(*entry.desired.notes, *notes)))


def _cannot_move(subject: EntryFacts, path: RelPath, why: str) -> EntryPlan:
    found = subject.found.get(path)
    reason = f"edited here, and cannot come along to the new place: {why}"
    held = Change(ChangeKind.HOLD, path, found if isinstance(found, str) else None, None, reason)
    return EntryPlan(subject.ref, subject.target, (held,))
