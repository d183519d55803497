"""How much memory a command needs at its peak, in a process of its own."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

MIB = 1 << 20

# `VmHWM` and not `ru_maxrss`, which remembers the memory of whoever started the process.
_PEAK = (
    "import sys\n"
    "from pathlib import Path\n"
    "from micropkgd.cli.run import run\n"
    "code = run(sys.argv[1:])\n"
    "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
    "print(code, int(peak) // 1024, file=sys.stderr)\n"
)


class Ran(NamedTuple):
    """How a command went."""

    code: int
    peak: int  # MiB
    said: str


def ran(folder: Path, *words: str) -> Ran:
    """Run a command in a project."""
    ended = subprocess.run(
        [sys.executable, "-c", _PEAK, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    code, peak = ended.stderr.split()[-2:]
    return Ran(int(code), int(peak), ended.stdout)
