"""One entry with its plan, and the proposal that all of them make: values, without a decision."""

from collections.abc import Mapping

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.collision import HeldQuestion
from micropkgd.model.lock import Block, Lock
from micropkgd.model.plan import Change, EntryPlan, Plan
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.beside import Beside
from micropkgd.reconcile.plan.desired import Desired
from micropkgd.reconcile.plan.planner import EntryFacts
from micropkgd.reconcile.plan.requirements_file import Asking
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.observe import Hashes

if TYPE_CHECKING:
    from micropkgd.reconcile.plan.moves import EntryMove


class Planned(NamedTuple):
    """One entry with its plan, or without one where it cannot be planned."""

    desired: Desired
    subject: EntryFacts | None = None
    plan: EntryPlan | None = None
    merged: Mapping[Digest, bytes] = {}  # the texts that its merges write
    bases: Mapping[Digest, bytes] | None = None  # what edits may have started from; None: nobody asked yet
    beside: Beside = Beside()  # what is laid beside where it is held
    question: HeldQuestion = HeldQuestion()  # what it then asks a person
    layouts: Mapping[Digest, tuple[Digest, bool]] = {}  # of what drifted: the base, and whether it is only formatted
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
