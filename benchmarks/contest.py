"""Contests: the same work done by several programs in turns, so that all of them see the same machine.

Medians of interleaved rounds, and ratios of them; nothing is asserted, for machines differ.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.tools import ours

OURS: Final = "micropkgd"
ROUNDS: Final = 7
MANY_TIMES: Final = 0.3  # of another's time: less is told as a fraction

PROCESSOR_TIME: Final = "PROCESSOR_TIME"
"""The variable that asks for processor time in place of the clock."""

Work = Callable[[], object]


class Goal(NamedTuple):
    """How much of another's time ours may take."""

    rival: str
    most: float  # times; 0.02 is fifty times faster


class Line(NamedTuple):
    """One line of the table."""

    what: str
    seconds: Mapping[str, float]  # by name, ours among them
    goals: tuple[Goal, ...] = ()
    note: str = ""  # what was measured beside time: peaks, requests

    def __str__(self) -> str:
        """The line in Markdown."""
        ours = self.seconds[OURS]
        others = [f"{name} {_ms(their)} ({ours / their:.2f}x)" for name, their in self.seconds.items() if name != OURS]
        goals = [self._said(goal, ours) for goal in self.goals if goal.rival in self.seconds]
        beside = "; ".join([*others, *([self.note] if self.note else [])])
        return f"| {self.what} | {_ms(ours)} | {beside} | {'; '.join(goals)} |"

    def _said(self, goal: Goal, ours: float) -> str:
        met = ours <= goal.most * self.seconds[goal.rival]
        most = f"{goal.most:.2g}x" if goal.most > MANY_TIMES else f"1/{1 / goal.most:.0f} of"
        return f"{most} {goal.rival}: {'met' if met else 'not met'}"


def clock() -> float:
    """Seconds on the wall."""
    return time.perf_counter()


def processor() -> float:
    """Seconds of processor time of this process and of those that it ran: fair also where the machine is busy."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def contest(works: Mapping[str, Work], *, before: Work | None = None, rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds of each, the middle of so many rounds; `before` makes ready for each, and is not counted."""
    spans: dict[str, list[float]] = {name: [] for name in works}
    spent = processor if os.environ.get(PROCESSOR_TIME) else clock
    for _ in range(rounds):
        for name, work in works.items():
            if before is not None:
                before()
            began = spent()
            work()
            spans[name].append(spent() - began)
    return {name: statistics.median(found) for name, found in spans.items()}


class Place(NamedTuple):
    """A folder with what commands that run in it may write to, apart from the machine's own."""

    folder: Path

    def command(self, *words: str, at: Path | None = None, **environ: str) -> Work:
        """What runs a command to its end, silently; one that fails ends the benchmark with what it said."""
        own = {name: str(self.folder / name.lower()) for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")}
        whole = {**os.environ, **own, "MICROPKGD_CACHE_DIR": str(self.folder / "cache"), **environ}
        whole.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed: the byte code is there
        return lambda: run(words, at or self.folder, whole)

    def python(self, script: str, *words: str, at: Path | None = None) -> Work:
        """What runs a floor: the same work in a few lines of Python."""
        return self.command(sys.executable, "-c", script, *words, at=at)

    def ours(self, *words: str, at: Path | None = None, **environ: str) -> Work:
        """What runs our command."""
        return self.command(ours(), *words, at=at, **environ)


def run(words: Sequence[str], at: Path, environ: Mapping[str, str]) -> None:
    """Run a command to its end."""
    ended = subprocess.run(words, cwd=at, env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(words)}: {ended.returncode}\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}")


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
