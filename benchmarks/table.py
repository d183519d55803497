"""The whole table of docs/performance.md: `python -m benchmarks.table [ROW ...]`, without words all of it.

Each row runs ours and what people would use instead in turns, on one machine in one run, and prints medians, ratios and
whether the goal is met. With `PROCESSOR_TIME=1` it is processor time that is taken, which is fair on a busy machine,
too. Programs that this machine lacks are installed in scratch environments (`tools`) or left out.
"""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.contest import PROCESSOR_TIME, Line
from benchmarks.rows import looking, making, remote, resting, rewriting

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
    "save": resting.save,
    "s3": remote.bucket,
    "large": remote.large,
    "large-s3": remote.large_object,
    "rewriting": rewriting.whole_pass,
    "idle": resting.idle,
}


def main(names: Sequence[str]) -> None:
    """Measure these rows, and print each line as soon as it is known."""
    if unknown := [name for name in names if name not in ROWS]:
        sys.exit(f"not rows: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    what = "processor time" if os.environ.get(PROCESSOR_TIME) else "time"
    print(f"{what}, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}, {platform.system()}\n")
    print("| what | micropkgd | beside it | goals |\n|---|---:|---|---|")
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-") as folder:
        for name in names or ROWS:
            own = Path(folder).resolve() / name
            own.mkdir()
            for line in ROWS[name](own):
                print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
