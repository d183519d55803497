"""Files that were written a moment ago, whatever the machine does meanwhile."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from micropkgd.clock import is_young

T = TypeVar("T")


def while_young(path: Path, write: Callable[[], object], look: Callable[[], T]) -> T:
    """Write a file, and look before the clock has ticked: once more where this process was held up in between."""
    while True:
        write()
        seen = look()
        if is_young(os.lstat(path).st_ctime_ns, time.time_ns()):
            return seen
