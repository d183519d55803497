"""Passes that somebody waits for, with options of their own."""

import asyncio
from typing import NamedTuple

from micropkgd.model.outcome import Outcome
from micropkgd.reconcile.options import Options


class Wish(NamedTuple):
    """One of them."""

    options: Options
    answer: "asyncio.Future[Outcome | None]"

    def grant(self, outcome: Outcome | None) -> None:
        """Say what came of it; None where it was stopped."""
        if not self.answer.done():
            self.answer.set_result(outcome)


class Wishes:
    """Those that wait, by project, in the order of asking."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Wish]] = {}

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

    def has(self, root: str) -> bool:
        """Whether somebody waits for a pass of this project."""
        return root in self._waiting

    def abandon(self, root: str) -> None:
        """Let nobody wait for a project that is no longer served."""
        for wish in self._waiting.pop(root, ()):
            wish.grant(None)

    def abandon_all(self) -> None:
        """Let nobody wait any more."""
        for root in list(self._waiting):
            self.abandon(root)
