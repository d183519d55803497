"""The outcome of packaging for one entry."""

from enum import StrEnum

from micropkgd.model.condition import Condition, Failure
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple


class LeftOut(NamedTuple):
    """A file or folder that stays behind, and why."""

    path: str
    reason: str


class Archived(NamedTuple):
    """One archive that stands in its place."""

    path: str  # relative to the project, or absolute where the caller asked for such a place
    name: str
    version: str
    digest: Digest  # of the `.tar.gz`
    content: Digest  # of the tar inside, which no build of zlib changes
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Published(NamedTuple):
    """Which archive was put where."""

    to: str  # as the manifest says it
    digest: Digest


class Step(StrEnum):
    """What was, or in a dry run would be, done."""

    CREATE = "create"
    UPDATE = "update"
    NONE = "none"
    FAIL = "fail"


class PackageOutcome(NamedTuple):
    """What a pass came to for one package entry."""

    module: str
    step: Step
    archived: Archived | None = None  # in case of a failure the last good one, which stays
    failure: Failure | None = None
    notes: tuple[str, ...] = ()  # of this pass alone; those of an archive are its own
    published: Published | None = None  # where it is known to be, or in a dry run would be
    sent: bool = False  # it was put there by this pass, or in a dry run would be
    verified: bool = False  # this pass asked its place, and saw it there
    unreleased: str = ""  # why what is published, if anything is, is not this archive
    since: str = ""  # when it came to stand so: ISO 8601, UTC; empty where nobody remembers

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return self.step is Step.NONE

    @property
    def writes(self) -> bool:
        """Whether an archive was, or in a dry run would be, written."""
        return self.step in {Step.CREATE, Step.UPDATE}

    @property
    def told(self) -> tuple[str, ...]:
        """All notes; those of a last good archive say nothing about the one that could not be made."""
        return self.notes if self.step is Step.FAIL or self.archived is None else (*self.notes, *self.archived.notes)

    @property
    def unpublished(self) -> bool:
        """Whether it was made, and its place refused it or could not be asked."""
        return self.failure is not None and self.step is not Step.FAIL and not self.failure.suspended

    @property
    def condition(self) -> Condition:
        """How the entry stands."""
        if self.failure is None:
            return Condition.READY
        return self.failure.condition

    @property
    def exit_code(self) -> int:
        """What this entry alone would end the command with."""
        return self.failure.exit_code if self.failure is not None else 0
