"""Brings the lock up to date and leaves the tree as it is: what `lock` proposes."""

from collections.abc import Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.model.lock import Block, Lock
from micropkgd.model.tree import Found, RelPath
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.facts import known_digests, tree_version
from micropkgd.reconcile.plan.planned import Planned, Proposal
from micropkgd.reconcile.plan.shared_files import lock_changes
from micropkgd.reconcile.plan.whole_file import contents_of
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.observe import Hashes, as_texts, see
from micropkgd.workspace.project import Project

_LEFT: Final = "its files stay in the tree until the next `reconcile` prunes them"


def relock(fs: FsOps, project: Project, hashes: Hashes, wanted: Sequence[Desired]) -> Proposal:
    """Make a plan that brings the lock up to date and leaves the tree as it is."""
    paths = {path for one in wanted if one.before is not None for path in one.before.paths}
    found = see(fs, project.root, sorted(paths), hashes).found
    found = as_texts(fs, found, known_digests(wanted, {}))
    blocks = [_not_installed(one, found) for one in wanted]
    place = project.lock.place if project.lock.requires else project.layout.requirements_place
    lock = Lock.of({block.key: block for block in blocks if block is not None}, place)
    written = lock_changes(fs, project, lock)
    changes = tuple(one.change for one in written)
    entries = tuple(Planned(_left_in_the_tree(desired)) for desired in wanted)
    return Proposal(entries, changes, contents_of(written), lock, hashes, ())


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
