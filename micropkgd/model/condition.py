"""How an entry stands after a pass, in the words of design.md section 9, and what a pass came to."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from micropkgd.errors import MicropkgError
from micropkgd.model.plan import Change, EntryPlan, Kind
from micropkgd.model.tree import Digest, RelPath

EXIT_IN_SYNC = 0
EXIT_FAILED = 1
EXIT_PENDING = 3
EXIT_HELD = 4
EXIT_UNREACHABLE = 5
_PRECEDENCE = (2, 6, 1, 5, 4, 3)


class Condition(StrEnum):
    """The state of one entry."""

    READY = "Ready"
    RETRYING = "Retrying"  # trying again may help, and nobody need act
    STALLED = "Stalled"  # somebody must change something
    HELD = "Held"  # somebody must choose


class Failure(NamedTuple):
    """Why an entry is not what it should be. What was installed stays."""

    exit_code: int
    reason: str  # one word for programs: "Unreachable", "ArchiveRejected"
    problem: str
    hint: str = ""
    transient: bool = False

    @classmethod
    def of(cls, error: MicropkgError) -> "Failure":
        """The failure that an error means for the entry it struck."""
        reason = type(error).__name__.removesuffix("Error")
        return cls(error.exit_code, reason, str(error), error.hint, transient=not error.lasting)


class Installed(NamedTuple):
    """Which archive an entry has."""

    version: str
    archive: Digest


class Verb(StrEnum):
    """What a pass did to an entry, or would do."""

    INSTALL = "install"
    UPDATE = "update"
    REPAIR = "repair"  # same archive, but files were missing or options changed
    REMOVE = "remove"
    ADOPT = "adopt"  # everything was there already
    NONE = "none"
    HOLD = "hold"
    FAIL = "fail"


class EntryOutcome(NamedTuple):
    """What a pass came to for one entry."""

    ref: str
    target: RelPath | None  # None: not known, for the archive could not be read
    name: str
    before: Installed | None
    after: Installed | None
    plan: EntryPlan | None = None
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    waiting: Installed | None = None  # the version that is held back
    advice: str = ""  # what to do where it is held, if that is not `micropkgd resolve`

    @property
    def verb(self) -> Verb:
        """The one word for it; a failure comes before all else."""
        held = self.plan is not None and bool(self.plan.held)
        if self.failure is not None or held:
            return Verb.FAIL if self.failure is not None else Verb.HOLD
        if self.after is None:
            return Verb.REMOVE
        changes = self.plan.changes if self.plan else ()
        if self.before is None:
            return Verb.INSTALL if any(change.writes for change in changes) else Verb.ADOPT
        if self.before.archive != self.after.archive:
            return Verb.UPDATE
        if not changes:
            return Verb.NONE
        return Verb.ADOPT if all(change.kind is Kind.ADOPT for change in changes) else Verb.REPAIR

    @property
    def condition(self) -> Condition:
        """How the entry stands."""
        if self.failure is not None:
            return Condition.RETRYING if self.failure.transient else Condition.STALLED
        return Condition.HELD if self.plan is not None and self.plan.held else Condition.READY

    @property
    def exit_code(self) -> int:
        """What this entry alone would end the command with."""
        if self.failure is not None:
            return self.failure.exit_code
        return EXIT_HELD if self.plan is not None and self.plan.held else EXIT_IN_SYNC


class Outcome(NamedTuple):
    """What one pass came to for one project."""

    root: str
    entries: tuple[EntryOutcome, ...] = ()
    shared: tuple[Change, ...] = ()  # changes to files with several owners; the lock is the last
    applied: bool = True  # False: a dry run
    recovered: bool = False  # an interrupted commit was finished or taken back first
    failure: Failure | None = None  # the project as a whole could not be worked on
    contents: Mapping[Digest, bytes] = {}  # the bytes that the changes write, for showing them

    @property
    def pending(self) -> bool:
        """Whether anything was, or in a dry run would be, changed on disk."""
        return bool(self.shared) or any(entry.plan is not None and entry.plan.writes for entry in self.entries)

    @property
    def exit_code(self) -> int:
        """The project's exit code (design.md section 10)."""
        codes = [entry.exit_code for entry in self.entries]
        if self.failure is not None:
            codes.append(self.failure.exit_code)
        return worst(codes)


def worst(codes: Iterable[int]) -> int:
    """Of several exit codes the one that counts; one outside the order (7, a bug's 1) comes first."""
    given = set(codes) - {EXIT_IN_SYNC}
    unordered = given - set(_PRECEDENCE)
    if unordered:
        return min(unordered)
    return next((code for code in _PRECEDENCE if code in given), EXIT_IN_SYNC)
