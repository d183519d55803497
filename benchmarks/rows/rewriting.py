"""The row of import rewriting: one module of 500 lines, in this process."""

import ast
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.contest import OURS, Goal, Line, contest
from benchmarks.relocate import MODULES, libcst, ours, rope
from benchmarks.tools import scratch
from tests.kit.servers.venvs import site_packages


def whole_pass(_: Path) -> Iterator[Line]:
    """Each kind of module: parsed, looked through, edited."""
    sys.path.append(str(site_packages(scratch("rope"))))
    for kind, source in MODULES.items():
        quick = {OURS: partial(ours, source), "ast.parse": partial(ast.parse, source)}
        slow = {"rope": partial(rope, source), "LibCST": partial(libcst, source)}
        seconds = {**contest(quick, rounds=60), **contest(slow, rounds=3)}
        speed = f"{len(source) / seconds[OURS] / 1e6:.1f} MB/s"
        yield Line(f"imports rewritten, {kind}", seconds, (Goal("ast.parse", 8.4 / 6.5),), speed)
