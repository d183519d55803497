"""SIGTERM ends a pass as an exception does: downloads clean up, and a commit under way is left to recovery."""

import signal
from types import FrameType

_TERMINATED = 143


def end_on_sigterm() -> None:
    """Turn SIGTERM into an ordinary end of the program with exit code 143."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise SystemExit(_TERMINATED)
