"""How an entry stands after a pass, in the words of design.md section 9, and what the command ends with."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from micropkgd.errors import MicropkgError

EXIT_IN_SYNC = 0
EXIT_PENDING = 3
EXIT_HELD = 4
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


def worst(codes: Iterable[int]) -> int:
    """Of several exit codes the one that counts; one outside the order (7, a bug's 1) comes first."""
    given = set(codes) - {EXIT_IN_SYNC}
    unordered = given - set(_PRECEDENCE)
    if unordered:
        return min(unordered)
    return next((code for code in _PRECEDENCE if code in given), EXIT_IN_SYNC)
