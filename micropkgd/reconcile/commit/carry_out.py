"""Commit what is proposed, around people who write the same files and folders that may not be written."""

from collections.abc import Callable, Mapping, Sequence

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import TreeError
from micropkgd.model.condition import Failure
from micropkgd.model.lock import LOCK_NAME
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.planned import Proposal
from micropkgd.reconcile.plan.proposal import Proposer
from micropkgd.reconcile.plan.requirements_file import NOT_WRITTEN, refs_in_need
from micropkgd.workspace.git import PATIENCE, wait_for_git
from micropkgd.workspace.project import Project
from micropkgd.workspace.transaction.commit import Refusal, commit

if TYPE_CHECKING:
    from micropkgd.reconcile.commit.preview import Check

_TRIES = 5  # to plan anew around somebody who writes a file that entries share


def carry_out(
    proposer: Proposer,
    make: Callable[[Sequence[Desired], Mapping[str, Failure]], Proposal],
    desired: list[Desired],
    check: "Check | None" = None,
) -> Proposal:
    """Commit what is proposed; leave out, one by one, the entries that race with a person or that the disk refuses.

    `check` sees each proposal as a tree before it is committed. Where it objects, every entry that would have changed
    is left out, and what remains is proposed to it again.
    """
    refused: dict[str, Failure] = {}
    shared_races = 0
    while True:
        proposal = make(desired, refused)
        if not proposal.plan.writes:
            return proposal
        if check is not None and (vetoed := _vetoed(proposer, proposal, check, refused)):
            refused |= vetoed
            continue
        refusal = commit(proposer.fs, proposal.plan.writes, proposal.contents, proposer.project.layout.floors)
        if refusal is None:
            return proposal
        culprits = _owners(proposal, refusal, proposer.project) - refused.keys()
        if culprits:
            refused |= dict.fromkeys(culprits, _failure_of(refusal, proposer.project))
        elif not refusal.raced or shared_races == _TRIES or refusal.path == LOCK_NAME:
            # A lock that somebody else wrote, as git does, may ask for another plan from its first step on.
            hint = "run again when nobody else writes this file" if refusal.raced else "see `ls -ld` of its folder"
            raise TreeError(refusal.problem, where=refusal.path, hint=hint)
        else:
            shared_races += 1


def _vetoed(
    proposer: Proposer, proposal: Proposal, check: "Check", refused: Mapping[str, Failure]
) -> Mapping[str, Failure]:
    """The entries that an objection leaves out; none where there is no objection."""
    from micropkgd.reconcile.commit.preview import HINT, VETOED, VetoedError, changing, objection

    problem = objection(proposer.fs, proposer.project.root, proposer.project.layout, proposal, check)
    if problem is None:
        wait_for_git(proposer.project.root, PATIENCE)  # the look may have taken long
        return {}
    culprits = [ref for ref in changing(proposal) if ref not in refused]
    if not culprits:
        raise VetoedError(problem, hint=HINT)
    return dict.fromkeys(culprits, Failure(1, VETOED, problem, HINT))


def _owners(proposal: Proposal, refusal: Refusal, project: Project) -> frozenset[str]:
    """The entries that a refusal stops: whose file it is, or who ask for lines in a file that cannot be written."""
    for plan in proposal.plan.entries:
        if any(change.path == refusal.path for change in plan.writes):
            return frozenset({plan.ref})
    if refusal.path not in _places(project) or refusal.raced:
        return frozenset()
    if project.layout.requirements_place != project.lock.place:  # all lines move, or none
        blocks = ((one.ref, block) for one in proposal.asking for block in (one.before, one.after))
        return frozenset(ref for ref, block in blocks if block is not None and block.requires)
    stands = any(change.path == refusal.path and change.before is not None for change in proposal.shared)
    return refs_in_need(proposal.asking, stands=stands)


def _places(project: Project) -> tuple[RelPath, RelPath]:
    """Where requirements are to stand, and where they do."""
    return project.layout.requirements, project.lock.place.path


def _failure_of(refusal: Refusal, project: Project) -> Failure:
    if refusal.raced:
        return Failure(4, "Raced", f"{refusal.path} {refusal.problem}", "the next pass looks again", transient=True)
    reason = NOT_WRITTEN if refusal.path in _places(project) else "Tree"
    return Failure(1, reason, f"{refusal.path}: {refusal.problem}", "see `ls -ld` of its folder")
