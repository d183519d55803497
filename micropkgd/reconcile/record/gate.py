"""The gate of `--locked`: in an entry with accepted edits nothing else may be edited."""

from micropkgd.model.outcome import EntryOutcome, Outcome
from micropkgd.model.plan import ChangeKind
from micropkgd.reconcile.plan.accepted import unaccepted
from micropkgd.reconcile.plan.planned import Planned, Proposal
from micropkgd.reconcile.this_pass import Pass
from micropkgd.workspace.observe import as_texts, see


def with_unaccepted(this: Pass, proposal: Proposal, outcome: Outcome) -> Outcome:
    """Say of each entry with accepted edits what else is edited, once the pass has done what it does."""
    pairs = zip(proposal.entries, outcome.entries, strict=True)
    return outcome._replace(entries=tuple(_gated(this, planned, entry) for planned, entry in pairs))


def _gated(this: Pass, planned: Planned, entry: EntryOutcome) -> EntryOutcome:
    block = planned.block
    if block is None or not block.edited or entry.failure is not None:
        return entry
    found = see(this.fs, this.project.root, sorted(block.files), {}).found
    found = as_texts(this.fs, found, {path: {digest} for path, digest in block.files.items()})
    row = planned.desired.entry
    keep_deleted = row.keep_deleted if row is not None else ()
    coming = set()
    if not this.options.apply and entry.plan is not None:
        coming = {change.path for change in entry.plan.writes if change.kind is not ChangeKind.MERGE}
    wrong = (path for path, _ in unaccepted(this.fs, block, found, keep_deleted) if path not in coming)
    return entry._replace(unaccepted=tuple(wrong))
