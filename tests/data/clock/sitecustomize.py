"""Moves the time of day by as many seconds as a file says, for the process that finds this on its path."""

import os
import time

_real = time.time


def _moved() -> float:
    with open(os.environ["CLOCK_FILE"], encoding="ascii") as stream:
        return _real() + float(stream.read() or 0)


time.time = _moved
