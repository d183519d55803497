"""The whole table of docs/performance.md: `python -m benchmarks.table [ROW ...]`, without words all of it.

Each row runs ours and what people would use instead in turns, on one machine in one run, and prints medians, ratios and
whether the goal is met. Programs that this machine lacks are installed in scratch environments (`tools`) or left out.
"""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.contest import Line
from benchmarks.rows import looking, making, rewriting

Row = Callable[[Path], Iterator[Line]]

ROWS: Final[Mapping[str, Row]] = {
    "version": looking.version,
    "pull": making.pull,
    "package": making.package,
    "first-pull": making.first_pull,
    "nothing": looking.nothing,
    "verify": looking.verify,
    "status": looking.status,
    "lock": looking.lock,
    "rewriting": rewriting.whole_pass,
}


def main(names: Sequence[str]) -> None:
    """Measure these rows, and print each line as soon as it is known."""
    if unknown := [name for name in names if name not in ROWS]:
        sys.exit(f"not rows: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, load {load}, Python {platform.python_version()}, {platform.system()}\n")
    print("| what | micropkgd | beside it | goals |\n|---|---:|---|---|")
    for name in names or ROWS:
        with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
            for line in ROWS[name](Path(folder).resolve()):
                print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
