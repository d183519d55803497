"""Asks the hook `before-commit` whether a commit may be made.

Rules: the hook sees a tree, never the plan; the same offer that it refused is not shown to it again until a while has
passed, which grows with each refusal, unless a person asks for it.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine

from micropkgd.annotations import Any, Final
from micropkgd.model.backoff import pause
from micropkgd.model.settings import Hooks
from micropkgd.model.tree import Digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.commit.preview import Check, Staging
from micropkgd.service.hooks import command
from micropkgd.service.hooks.command import CommandResult, HookClock, unmeasured

BEFORE_COMMIT: Final = "before-commit"


class Why(NamedTuple):
    """The pass that a hook is told of."""

    pass_id: str
    trigger: str
    insists: bool = False  # a person asked: what was refused before is shown again


class _Refused(NamedTuple):
    """The last refusal of a project's offer."""

    offer: Digest
    problem: str
    times: int
    until: float  # on the monotonic clock


Wait = Callable[[Coroutine[Any, Any, CommandResult]], CommandResult]
"""Runs a coroutine to its end for a thread that has no loop."""


def alone(work: Coroutine[Any, Any, CommandResult]) -> CommandResult:
    """Wait where there is no service, and no loop: a pass by hand."""
    return asyncio.run(work)


class Gate:
    """What was asked and refused, by project; used by the threads of passes, one a project."""

    def __init__(
        self,
        hooks: Hooks,
        wait: Wait,
        tell: Callable[[str, str, CommandResult], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        measure: HookClock = unmeasured,
    ) -> None:
        self._hooks = hooks
        self._wait = wait
        self._tell = tell  # of root and pass, how the hook ended
        self._clock = clock
        self._measure = measure
        self._refused: dict[str, _Refused] = {}

    def reload(self, hooks: Hooks) -> None:
        """Ask another hook from now on; it may think otherwise of what was refused."""
        self._hooks = hooks
        self._refused.clear()

    def check_for(self, why: Why) -> Check | None:
        """What a pass calls before each commit; None where no hook is configured, which costs nothing."""
        hooks = self._hooks  # the pass ends by the config that it began by
        if not hooks.before_commit:
            return None
        return lambda staging: self._ask(staging, why, hooks)

    def _ask(self, staging: Staging, why: Why, hooks: Hooks) -> str | None:
        """Run the hook on what is staged, and give its objection; what it refused stays refused for a while."""
        known = self._refused.get(staging.root)
        same = known is not None and known.offer == staging.digest
        if known is not None and same and not why.insists and self._clock() < known.until:
            return known.problem
        facts = {
            "HOOK": BEFORE_COMMIT,
            "PROJECT": staging.root,
            "STAGED": staging.folder,
            "PASS": why.pass_id,
            "TRIGGER": why.trigger,
            "ENTRIES": "\n".join(staging.entries),
        }
        began = self._clock()
        ended = self._wait(command.run(hooks.before_commit, facts, staging.folder, hooks.timeout))
        self._measure(BEFORE_COMMIT, self._clock() - began, failed=bool(ended.problem))
        self._tell(staging.root, why.pass_id, ended)
        if not ended.problem:
            self._refused.pop(staging.root, None)
            return None
        problem = f"the hook `{BEFORE_COMMIT}` {ended}"
        times = known.times + 1 if known is not None and same else 1
        # No chance in it: what is refused is on this machine, and nobody else comes back at the same time.
        self._refused[staging.root] = _Refused(staging.digest, problem, times, self._clock() + pause(times, 1.0))
        return problem


def check_by_hand(hooks: Hooks, tell: Callable[[str, CommandResult], None]) -> Check | None:
    """What `reconcile --once` asks where no service runs: a person waits for it, and nothing is remembered."""
    return Gate(hooks, alone, lambda root, _, ended: tell(root, ended)).check_for(Why("", "command", insists=True))
