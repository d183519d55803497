"""The condition of an entry after a pass, in the words of docs/service.md, and the exit code that it means."""

from collections.abc import Iterable
from enum import StrEnum

from micropkgd.errors import MicropkgError
from micropkgd.named_tuples import NamedTuple

EXIT_IN_SYNC = 0
EXIT_PENDING = 3
EXIT_HELD = 4
SUSPENDED_REASON = "Suspended"
DOWNLOADING_REASON = "Downloading"
_PRECEDENCE = (2, 6, 1, 5, 4, 3)


class Condition(StrEnum):
    """The state of one entry."""

    READY = "Ready"
    RETRYING = "Retrying"  # trying again may help, and nobody need act
    STALLED = "Stalled"  # somebody must change something
    HELD = "Held"  # somebody must choose
    STALE = "Stale"  # what is installed stays, and its source has not answered for too long
    SUSPENDED = "Suspended"  # somebody asked for it to be left alone
    PENDING = "Pending"  # no pass has looked at it yet
    UNTRUSTED = "Untrusted"  # a glob found it, and nobody has said that the service may act in it


class Distrust(StrEnum):
    """Why the service leaves a project alone that a glob of the config found."""

    FOUND_BY_GLOB = "FoundByGlob"  # nobody was asked yet
    REPLACED = "FolderReplaced"  # another folder stands where a trusted one stood
    MOVED = "FolderMoved"  # it was trusted at another path
    NOT_OURS = "TrustNotOurs"  # what says so does not bear this user's mark
    UNREADABLE = "TrustUnreadable"  # what would say so cannot be read


_DISTRUST = frozenset(reason.value for reason in Distrust)


class Standing(NamedTuple):
    """How one entry or project stands: only changes are written, so `since` is when it came to stand so.

    Of a failure it is when it began, also where its words have changed since.
    """

    state: str  # a `Condition`
    reason: str  # one word for programs
    message: str
    since: str  # ISO 8601, UTC
    next_try: str = ""  # ISO 8601, UTC; known to the service alone
    hint: str = ""  # what to do about it


class Failure(NamedTuple):
    """Why an entry is not what it should be. What was installed stays."""

    exit_code: int
    reason: str  # one word for programs: "Unreachable", "ArchiveRejected"
    problem: str
    hint: str = ""
    transient: bool = False
    retry_after: float | None = None  # seconds, as the server asked

    @property
    def code(self) -> str:
        """What it is called for ever: docs/errors.md."""
        from micropkgd.model.failure_codes import code_of  # a pass in which nothing fails does without

        return code_of(self.reason)

    @property
    def suspended(self) -> bool:
        """Whether it is none, but somebody's wish."""
        return self.reason == SUSPENDED_REASON

    @property
    def downloading(self) -> bool:
        """Whether it is none yet: what is wanted is on its way, and its end is not waited for."""
        return self.reason == DOWNLOADING_REASON

    @property
    def held(self) -> bool:
        """Whether somebody must choose, and nothing is broken."""
        return self.exit_code == EXIT_HELD

    @property
    def condition(self) -> Condition:
        """How an entry stands that this befell."""
        if self.held:
            return Condition.HELD
        if self.suspended:
            return Condition.SUSPENDED
        if self.reason in _DISTRUST:
            return Condition.UNTRUSTED
        return Condition.RETRYING if self.transient else Condition.STALLED

    @classmethod
    def of(cls, error: MicropkgError) -> "Failure":
        """The failure that an error means for the entry it struck."""
        reason = type(error).__name__.removesuffix("Error")
        return cls(error.exit_code, reason, str(error), error.hint, transient=not error.lasting)


LEFT_ALONE = Failure(0, SUSPENDED_REASON, "somebody asked for it to be left alone", "micropkgd resume")


def worst(codes: Iterable[int]) -> int:
    """Of several exit codes the one that counts; one outside the order (7, a bug's 1) comes first."""
    given = set(codes) - {EXIT_IN_SYNC}
    unordered = given - set(_PRECEDENCE)
    if unordered:
        return min(unordered)
    return next((code for code in _PRECEDENCE if code in given), EXIT_IN_SYNC)
