"""Tells what came of requirements: which command installs them, and which of them cannot hold together."""

from collections.abc import Iterator

from micropkgd.model.outcome import EntryOutcome, Outcome, RequirementsNote
from micropkgd.model.requirement_conflicts import at_odds, can_hold
from micropkgd.model.requirement_lines import logical_lines, stated
from micropkgd.model.requirements import blocks_of
from micropkgd.reconcile.plan.planned import Proposal
from micropkgd.reconcile.record.install_command import install_command
from micropkgd.reconcile.this_pass import Pass


def with_requirements(this: Pass, proposal: Proposal, outcome: Outcome) -> Outcome:
    """The outcome with what is to be said of the requirements that came or went in this pass."""
    layout = this.project.layout
    if any(change.path == layout.requirements for change in proposal.shared):
        outcome = outcome._replace(requirements=RequirementsNote(layout.requirements, install_command(this.fs, layout)))
    entries = (
        entry._replace(remarks=(*entry.remarks, *_remarks(this, proposal, entry)))
        if entry.plan is not None and entry.plan.writes
        else entry
        for entry in outcome.entries
    )
    return outcome._replace(entries=tuple(entries))


def _remarks(this: Pass, proposal: Proposal, entry: EntryOutcome) -> Iterator[str]:
    own = {line for block in proposal.lock.blocks if block.ref == entry.ref for line in block.requirements}
    for block in proposal.lock.blocks:
        if block.ref != entry.ref:
            for line, other in at_odds(sorted(own), block.requirements):
                yield f"`{line}` and `{other}`, which `{block.ref}` asks for, cannot hold together"
    for line, other in at_odds(sorted(own), _persons_lines(this, proposal)):
        yield f"`{line}` and `{other}`, which stands in {this.project.layout.requirements}, cannot hold together"
    python = this.project.manifest.project.requires_python
    rendering = next((one.desired.rendering for one in proposal.entries if one.desired.key == entry.key), None)
    if python and rendering is not None and not can_hold(python, rendering.requires_python):
        yield f"it needs Python {rendering.requires_python}, and the project says `requires-python` {python}"


def _persons_lines(this: Pass, proposal: Proposal) -> list[str]:
    """What a person wrote in the requirements file outside of all blocks, where this pass changes it."""
    layout = this.project.layout
    data = next(
        (proposal.contents.get(one.after) for one in proposal.shared if one.path == layout.requirements and one.after),
        None,
    )
    if data is None or layout.requirements_group:
        return []
    text = data.decode("utf-8", "replace")
    in_blocks = {stated(line) for lines in blocks_of(text).values() for line in lines}
    return [said for line in logical_lines(text) if (said := stated(line)) and said not in in_blocks]
