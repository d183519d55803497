"""The outcome of one pass, entry by entry."""

from collections.abc import Mapping
from enum import StrEnum

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.collision import HeldQuestion
from micropkgd.model.condition import EXIT_HELD, EXIT_IN_SYNC, Condition, Failure, worst
from micropkgd.model.contents import Contents, held_in
from micropkgd.model.entry_key import NOWHERE, EntryKey
from micropkgd.model.plan import Change, ChangeKind, EntryPlan
from micropkgd.model.tree import Digest, RelPath
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.model.lock import Block
    from micropkgd.model.packaged import PackageOutcome


class Installed(NamedTuple):
    """Which archive an entry has."""

    version: str
    archive: Digest

    @classmethod
    def of(cls, block: "Block | None") -> "Installed | None":
        """Of an entry with this block in the lock."""
        return cls(block.version, block.archive) if block is not None else None


class Verb(StrEnum):
    """What a pass did to an entry, or would do."""

    INSTALL = "install"
    UPDATE = "update"
    MOVE = "move"  # to another place, with its edits; perhaps to another version, too
    REPAIR = "repair"  # same archive, but files were missing or options changed
    REMOVE = "remove"
    ADOPT = "adopt"  # everything was there already
    NONE = "none"
    HOLD = "hold"
    SUSPEND = "suspend"  # left alone, as somebody asked
    FAIL = "fail"


class StepBack(StrEnum):
    """How an update goes backwards."""

    OLDER = "older"  # an older version
    REBUILT = "rebuilt"  # other bytes under the same version

    @property
    def reason(self) -> str:
        """The word for one that is held, or an index would make."""
        return "Downgrade" if self is StepBack.OLDER else "Rebuilt"


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
    remarks: tuple[str, ...] = ()  # on code that this pass rendered; no later one has them
    last_failure: Failure | None = None  # of when its source was last asked, which this pass had no reason to do
    waiting: Installed | None = None  # the version that is held back
    since: str = ""  # when it came to stand so: ISO 8601, UTC; empty where nobody remembers
    failing_since: str = ""  # ISO 8601, UTC; empty where the pass before did not fail
    moved_from: RelPath = RelPath("")  # where its code stood before; empty where it stays
    index_url: str = ""  # that a requirement is looked up in, where the project names one
    question: HeldQuestion = HeldQuestion()  # where it is held
    unaccepted: tuple[RelPath, ...] = ()  # by `--locked`: edited beside what was accepted
    advice: str = ""  # what to do where it is held, if that is not `micropkgd resolve`
    step_back: StepBack | None = None  # an update that goes backwards, made or held
    signed_by: str = ""  # of what it has after, as the lock says; empty where nobody asks for signatures

    @property
    def key(self) -> EntryKey:
        """The entry's identity."""
        return EntryKey(self.ref, self.target or NOWHERE)

    @property
    def to_choose(self) -> str:
        """What to do where it is held, in one line."""
        if self.advice:
            return self.advice
        from shlex import quote

        ref = quote(self.ref)
        return f"`micropkgd diff {ref}` shows what collides, `micropkgd resolve {ref} --keep` or `--take` decides"

    @property
    def told(self) -> tuple[str, ...]:
        """All that is told beside what was done."""
        return (*self.notes, *self.remarks)

    @property
    def verb(self) -> Verb:
        """The one word for it; a failure comes before all else."""
        if self.failure is not None:
            return Verb.SUSPEND if self.failure.suspended else Verb.HOLD if self.failure.held else Verb.FAIL
        if self.plan is not None and self.plan.held:
            return Verb.HOLD
        if self.after is None:
            return Verb.REMOVE
        changes = self.plan.changes if self.plan else ()
        if self.before is None:
            return Verb.INSTALL if any(change.writes for change in changes) else Verb.ADOPT
        if self.moved_from:
            return Verb.MOVE
        if self.before.archive != self.after.archive:
            return Verb.UPDATE
        if not changes:
            return Verb.NONE
        return Verb.ADOPT if all(change.kind is ChangeKind.ADOPT for change in changes) else Verb.REPAIR

    @property
    def condition(self) -> Condition:
        """How the entry stands."""
        if (failure := self.failure or self.last_failure) is not None:
            return failure.condition
        return Condition.HELD if self.plan is not None and self.plan.held else Condition.READY

    @property
    def exit_code(self) -> int:
        """What this entry alone would end the command with."""
        if (failure := self.failure or self.last_failure) is not None:
            return failure.exit_code
        return EXIT_HELD if self.unaccepted or (self.plan is not None and self.plan.held) else EXIT_IN_SYNC


class RequirementsNote(NamedTuple):
    """A file that asks for other requirements than before, and what installs them."""

    path: RelPath
    command: str


class Outcome(NamedTuple):
    """What one pass came to for one project."""

    root: str
    entries: tuple[EntryOutcome, ...] = ()
    packages: "tuple[PackageOutcome, ...]" = ()
    shared: tuple[Change, ...] = ()  # changes to files with several owners; the lock is the last
    applied: bool = True  # False: a dry run
    recovered: bool = False  # an interrupted commit was finished or taken back first
    set_aside: RelPath | None = None  # where a journal lies that this user did not write; nothing it says was done
    failure: Failure | None = None  # the project as a whole could not be worked on
    lock_holds: str = ""  # why no source was followed, where git is the reason
    contents: Mapping[Digest, bytes] = {}  # the bytes that the changes write, for showing them
    requirements: RequirementsNote | None = None  # where lines came or went

    @property
    def pending(self) -> bool:
        """Whether anything was, or in a dry run would be, changed on disk."""
        return (
            bool(self.shared)
            or any(entry.plan is not None and entry.plan.writes for entry in self.entries)
            or any(package.writes for package in self.packages)
        )

    @property
    def downloading(self) -> bool:
        """Whether the pass went on without something that is still on its way."""
        failures = [entry.failure for entry in self.entries] + [package.failure for package in self.packages]
        return any(failure is not None and failure.downloading for failure in failures)

    def and_then(self, later: "Outcome") -> "Outcome":
        """What two passes came to, one after the other: of each entry what the later one did, or else the first."""
        entries = {entry.key: entry for entry in self.entries if entry.failure is None}
        packages = {package.module: package for package in self.packages if package.failure is None}
        shared = {change.path: change for change in self.shared}
        return later._replace(
            entries=tuple(
                entries.get(entry.key, entry) if entry.verb is Verb.NONE else entry for entry in later.entries
            ),
            packages=tuple(
                packages.get(package.module, package) if package.is_idle else package for package in later.packages
            ),
            shared=tuple(
                {
                    **shared,
                    **{one.path: shared.get(one.path, one)._replace(after=one.after) for one in later.shared},
                }.values()
            ),
            recovered=self.recovered or later.recovered,
            set_aside=self.set_aside or later.set_aside,
            requirements=later.requirements or self.requirements,
            contents=Contents({**held_in(self.contents), **held_in(later.contents)}),
        )

    @property
    def exit_code(self) -> int:
        """The project's exit code (docs/json.md)."""
        codes = [entry.exit_code for entry in self.entries] + [package.exit_code for package in self.packages]
        if self.failure is not None:
            codes.append(self.failure.exit_code)
        return worst(codes)
