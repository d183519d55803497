"""When a pass with failures that may mend themselves is tried again. Pure: chance is given."""

from typing import Final

from micropkgd.errors import ProjectBusyError
from micropkgd.model.outcome import Outcome
from micropkgd.service.backoff import pause

_BUSY_AGAIN: Final = 2.0  # seconds: another process is at it, which is no reason to go slow


class Retries:
    """How often each project failed in a row."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}

    def after(self, outcome: Outcome, chance: float) -> float | None:
        """Seconds until the next try; None where there is nothing that trying again could mend."""
        failures = [outcome.failure, *(entry.failure for entry in outcome.entries)]
        failures += [package.failure for package in outcome.packages]
        transient = [failure for failure in failures if failure is not None and failure.transient]
        if not transient:
            self.forget(outcome.root)
            return None
        if any(failure.exit_code == ProjectBusyError.exit_code for failure in transient):
            return _BUSY_AGAIN
        asked = max((failure.retry_after for failure in transient if failure.retry_after is not None), default=None)
        return self.after_bug(outcome.root, chance, asked)

    def after_bug(self, root: str, chance: float, asked: float | None = None) -> float:
        """Seconds until the next try of a pass that did not come to an end at all."""
        self._failures[root] = self._failures.get(root, 0) + 1
        return pause(self._failures[root], chance, asked)

    def forget(self, root: str) -> None:
        """Begin again with short pauses."""
        self._failures.pop(root, None)

    def forget_all(self) -> None:
        """Begin again with short pauses, for all."""
        self._failures.clear()
