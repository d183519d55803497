"""Remarks for the entries that a pass has written, of what Kedro makes of them: said once; `doctor` repeats them."""

from collections.abc import Iterator
from itertools import islice

from micropkgd.annotations import Final
from micropkgd.model.outcome import Outcome
from micropkgd.model.plan import EntryPlan
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.kedro.broken_imports import broken_in
from micropkgd.reconcile.kedro.config_keys import HINT, twice_in
from micropkgd.reconcile.kedro.discovery import why_not_found
from micropkgd.reconcile.kedro.tree_after import TreeAfter
from micropkgd.reconcile.plan.planned import Planned, Proposal
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project

_SHOWN: Final = 5  # of a kind


def with_remarks(fs: FsOps, project: Project, proposal: Proposal, outcome: Outcome) -> Outcome:
    """The outcome with what Kedro would refuse or overlook of what the pass has written, or would write."""
    tree = TreeAfter.after(fs, proposal.plan, proposal.contents)
    entries = (
        entry._replace(remarks=(*entry.remarks, *_of(tree, project, planned)))
        for entry, planned in zip(outcome.entries, proposal.entries, strict=True)
    )
    return outcome._replace(entries=tuple(entries))


def _of(tree: TreeAfter, project: Project, planned: Planned) -> Iterator[str]:
    plan, rendering = planned.plan, planned.desired.rendering
    if plan is None or rendering is None or not planned.applies or not plan.writes:
        return
    place = rendering.place
    if _writes_below(plan, place.conf):
        theirs = set(planned.desired.files)
        twice = (one for one in twice_in(tree, place.conf, "parameters") if {one.one, one.other} & theirs)
        yield from (f"{one}; {HINT}" for one in islice(twice, _SHOWN))
    if _writes_below(plan, place.code):
        yield from why_not_found(tree, project.layout, place)
        broken = broken_in(tree, project.layout, sorted(planned.desired.files), rendering.imports)
        yield from map(str, islice(broken, _SHOWN))


def _writes_below(plan: EntryPlan, folder: RelPath) -> bool:
    return any(change.path.startswith(f"{folder}/") for change in plan.writes)
