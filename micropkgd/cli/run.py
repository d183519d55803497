"""One command line from its words to its exit code: by the short way of `everyday`, or the whole way of `execute`."""

import os
import sys
from collections.abc import Sequence

from micropkgd.cli.everyday import answer

_INTERRUPTED = 130
_NOBODY_READS = 141  # 128 + SIGPIPE


def run(arguments: Sequence[str]) -> int:
    """Run one command line; what a person can cause is an error message and an exit code, never a traceback."""
    try:
        said = answer(arguments)
        if said is None:
            from micropkgd.cli.execute import execute

            return execute(arguments)
        sys.stdout.write(said)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was begun is finished or taken back by the next pass\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # Who read us has read enough; nothing is left to say, also not by the interpreter at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    return 0
