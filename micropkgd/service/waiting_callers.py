"""Passes that somebody waits for, with options of their own."""

import asyncio

from micropkgd.model.outcome import Outcome
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.options import PassOptions


class WaitingCaller(NamedTuple):
    """One of them."""

    options: PassOptions
    answer: "asyncio.Future[Outcome | None]"
    so_far: Outcome | None = None  # of a pass that went on without what is still on its way

    def reply(self, outcome: Outcome | None) -> None:
        """Say what came of it; None where it was stopped."""
        if not self.answer.done():
            self.answer.set_result(self.with_what_came(outcome))

    def with_what_came(self, outcome: Outcome | None) -> Outcome | None:
        """What its passes came to together."""
        return outcome if self.so_far is None or outcome is None else self.so_far.and_then(outcome)


class WaitingCallers:
    """Those that wait, by project, in the order of asking."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[WaitingCaller]] = {}
        self._parked: dict[str, list[WaitingCaller]] = {}
        self._closed = False

    def add(self, root: str, options: PassOptions) -> WaitingCaller:
        """Wait for a pass."""
        caller = WaitingCaller(options, asyncio.get_running_loop().create_future())
        if self._closed:
            caller.reply(None)
            return caller
        self._waiting.setdefault(root, []).append(caller)
        return caller

    def take(self, root: str) -> WaitingCaller | None:
        """The next one that waits for a pass of this project."""
        waiting = self._waiting.get(root, [])
        caller = waiting.pop(0) if waiting else None
        if not waiting:
            self._waiting.pop(root, None)
        return caller

    def park(self, root: str, caller: WaitingCaller, outcome: Outcome) -> None:
        """Let it wait for a later pass, after one that went on without what is still on its way."""
        if self._closed:
            caller.reply(outcome)
            return
        self._parked.setdefault(root, []).append(caller._replace(so_far=caller.with_what_came(outcome)))

    def answer_parked(self, root: str, outcome: Outcome) -> None:
        """Say what came of it to those who waited for what was on its way."""
        for caller in self._parked.pop(root, ()):
            caller.reply(outcome)

    def has(self, root: str) -> bool:
        """Whether somebody waits for a pass of this project."""
        return root in self._waiting

    def abandon(self, root: str) -> None:
        """Let nobody wait for a project that is no longer served."""
        for caller in (*self._waiting.pop(root, ()), *self._parked.pop(root, ())):
            caller.reply(None)

    def close(self) -> None:
        """Let nobody wait any more, and nobody begin to: no later pass comes."""
        self._closed = True
        for root in {*self._waiting, *self._parked}:
            self.abandon(root)
