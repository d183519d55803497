"""Pull by hand: place one archive that no manifest asks for, and remember it on this machine alone.

It is a pass over a project whose manifest has this one entry and whose lock is the record of what was pulled by hand,
`.micropkgd/by-hand.lock`: same proposer, same three-way table, same transaction, which writes the record last. So what
is pulled again to the same place updates untouched files, and a file that was there before is never overwritten.
By hand the place is the identity: `ds-0.2.tar.gz` follows `ds-0.1.tar.gz`.
"""

from collections.abc import Callable, Sequence

from micropkgd.errors import UsageError
from micropkgd.model.lock import BY_HAND, Block, Lock
from micropkgd.model.outcome import Outcome
from micropkgd.model.pull_entry import PullEntry
from micropkgd.reconcile.commit.carry_out import carry_out
from micropkgd.reconcile.commit.conflicts import lay_one_beside
from micropkgd.reconcile.plan.backwards import emptied
from micropkgd.reconcile.plan.desire import desire
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.overlaps import refuse_overlaps
from micropkgd.reconcile.plan.proposal import Proposer
from micropkgd.reconcile.record.outcome import outcome_of
from micropkgd.reconcile.resolve.fetcher import Fetcher, Follow, fetcher_for
from micropkgd.reconcile.resolve.rules import as_signed
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.git import PATIENCE, wait_for_git
from micropkgd.workspace.memory.state import State
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import (
    Project,
    check_config,
    check_package,
    read_by_hand,
    read_project,
    with_requirements_file,
)
from micropkgd.workspace.transaction.commit import recover


def pull_by_hand(
    root: str,
    entry: PullEntry,
    make_fetcher: Callable[[str], Fetcher],
    *,
    lock_timeout: float = 60.0,
    requirements_file: str | None = None,
    fsops: Callable[[str], FsOps] = FsOps,
) -> Outcome:
    """Place one archive; neither manifest nor lock is touched. `requirements_file` stands in for the usual one.

    What is wrong with the archive is in the outcome. Raises `MicropkgError` where the project cannot be worked on, or
    where the manifest asks for this ref already.
    """
    with fsops(root) as fs, hold(root, lock_timeout):
        recovery = recover(fs)
        wait_for_git(root, PATIENCE)
        project = with_requirements_file(read_project(root), requirements_file, by_hand=True)
        _refuse_managed(project, entry)
        entry = entry._replace(rewrite_parameters=project.manifest.policy.rewrite_parameters)
        check_package(project)
        check_config(project.layout, [entry.env])
        fetcher = fetcher_for(project.root, project.manifest, make_fetcher)
        view = _view(fs, project, entry)
        fresh = _asked_for(view, fetcher)
        view, wanted = _joined(view, fresh, [block for block in project.lock.blocks if block.files])
        proposer = Proposer(fs, view, State(), fetcher, {})
        proposal = carry_out(proposer, proposer.propose, wanted)
        (planned,) = (planned for planned in proposal.entries if planned.desired.entry is not None)
        laid = lay_one_beside(fs, planned)
        outcome = outcome_of(root, proposal._replace(entries=(planned,)), recovery, applied=True)
        advice = f"compare with {laid}, move your file away or make it equal, and pull again" if laid else ""
        return outcome._replace(entries=tuple(done._replace(advice=advice) for done in outcome.entries))


def _refuse_managed(project: Project, entry: PullEntry) -> None:
    if any(row.ref.text == entry.ref.text for row in project.manifest.pulls):
        raise UsageError(
            f"`{entry.ref.text}` is in the manifest, which says where it goes",
            hint="run `micropkgd reconcile --once`, or change its row",
        )


def _view(fs: FsOps, project: Project, entry: PullEntry) -> Project:
    """The project as if its manifest had this entry alone, and its lock were the record of what was pulled by hand.

    What the lock has come to own meanwhile (after `micropkgd add`) leaves the record, and so does what somebody has
    removed since, file by file.
    """
    owned = {block.target for block in project.lock.blocks if block.files}
    record = read_by_hand(project.root, project.layout)
    there = (block for block in record.blocks if any(fs.status(path) is not None for path in block.files))
    lock = Lock(tuple(block for block in there if block.target not in owned))
    return project._replace(manifest=project.manifest._replace(pulls=(entry,)), lock=lock, record=BY_HAND)


def _asked_for(view: Project, fetcher: Fetcher) -> Desired:
    """What the entry comes to, as if nothing had been pulled before."""
    (entry,), bare = view.manifest.pulls, view._replace(lock=Lock())
    resolutions = fetcher.resolve([(entry, None)], {}, {entry.ref.text: Follow.REFS})
    (fresh,) = desire(bare, fetcher, as_signed(bare, fetcher, resolutions, {}))
    return fresh


def _joined(view: Project, fresh: Desired, locked: Sequence[Block]) -> tuple[Project, list[Desired]]:
    """Join the entry with the block that has its place, under whatever ref; all other blocks stay as they are."""
    before = next((block._replace(ref=fresh.ref) for block in view.lock.blocks if block.target == fresh.target), None)
    others = [block for block in view.lock.blocks if block.target != fresh.target]
    checked, *_ = refuse_overlaps([fresh, *map(_as_it_is, others), *map(_as_it_is, locked)])
    if before is not None and checked.after is not None and checked.rendering is not None:
        failure = emptied(before, checked.after, checked.rendering.files)
        checked = checked._replace(failure=failure, after=before) if failure is not None else checked
    known = Lock.of({block.key: block for block in (*others, before) if block is not None})
    return view._replace(lock=known), [checked._replace(before=before), *map(_as_it_is, others)]


def _as_it_is(block: Block) -> Desired:
    return Desired(block.ref, None, block, block)
