"""Passes that somebody waits for, with options of their own."""

import asyncio
from typing import NamedTuple

from micropkgd.model.outcome import Outcome
from micropkgd.reconcile.options import Options


class Wish(NamedTuple):
    """One of them."""

    options: Options
    answer: "asyncio.Future[Outcome | None]"
    so_far: Outcome | None = None  # of a pass that went on without what is still on its way

    def grant(self, outcome: Outcome | None) -> None:
        """Say what came of it; None where it was stopped."""
        if not self.answer.done():
            self.answer.set_result(self.with_what_came(outcome))

    def with_what_came(self, outcome: Outcome | None) -> Outcome | None:
        """What its passes came to together."""
        return outcome if self.so_far is None or outcome is None else self.so_far.and_then(outcome)


class Wishes:
    """Those that wait, by project, in the order of asking."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Wish]] = {}
        self._parked: dict[str, list[Wish]] = {}

    def add(self, root: str, options: Options) -> Wish:
        """Wait for a pass."""
        wish = Wish(options, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(root, []).append(wish)
        return wish

    def take(self, root: str) -> Wish | None:
        """The next one that waits for a pass of this project."""
        waiting = self._waiting.get(root, [])
        wish = waiting.pop(0) if waiting else None
        if not waiting:
            self._waiting.pop(root, None)
        return wish

    def park(self, root: str, wish: Wish, outcome: Outcome) -> None:
        """Let it wait for a later pass, after one that went on without what is still on its way."""
        self._parked.setdefault(root, []).append(wish._replace(so_far=wish.with_what_came(outcome)))

    def answer_parked(self, root: str, outcome: Outcome) -> None:
        """Say what came of it to those who waited for what was on its way."""
        for wish in self._parked.pop(root, ()):
            wish.grant(outcome)

    def has(self, root: str) -> bool:
        """Whether somebody waits for a pass of this project."""
        return root in self._waiting

    def abandon(self, root: str) -> None:
        """Let nobody wait for a project that is no longer served."""
        for wish in (*self._waiting.pop(root, ()), *self._parked.pop(root, ())):
            wish.grant(None)

    def abandon_all(self) -> None:
        """Let nobody wait any more."""
        for root in {*self._waiting, *self._parked}:
            self.abandon(root)
