"""One command line from its words to its exit code: by the short way of `everyday`, or the whole way of `execute`."""

import sys

from micropkgd.cli.everyday import answer
from micropkgd.cli.streams import OutputError, aside, end, mend, put, silence

TYPE_CHECKING = False  # as `typing` has it, which is not imported here
if TYPE_CHECKING:
    from collections.abc import Sequence

_UNSAID = 1
_INTERRUPTED = 130
_NOBODY_READS = 141  # 128 + SIGPIPE


def run(arguments: "Sequence[str]") -> int:
    """Run one command line; what a person can cause is an error message and an exit code, never a traceback."""
    mend()
    try:
        try:
            return _run(arguments)
        finally:
            end()
    except KeyboardInterrupt:
        aside("interrupted; what was begun is finished or taken back by the next pass\n")
        return _INTERRUPTED
    except BrokenPipeError:  # who read us has read enough
        silence(sys.stdout)
        return _NOBODY_READS
    except OutputError as error:
        silence(sys.stdout)
        aside(f"error: standard output cannot be written to: {error}\n")
        return _UNSAID


def _run(arguments: "Sequence[str]") -> int:
    said = answer(arguments)
    if said is None:
        from micropkgd.finder import ask_first

        ask_first()  # from here on it is many modules
        from micropkgd.cli.execute import execute

        return execute(arguments)
    put(said)
    return 0
