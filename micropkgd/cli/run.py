"""One command line from its words to its exit code."""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from micropkgd.cli.commands import execute
from micropkgd.cli.output import error_lines
from micropkgd.cli.parser import make_parser
from micropkgd.errors import MicropkgError, ShortageError, UsageError
from micropkgd.model.condition import Failure

_INTERRUPTED = 130
_NOBODY_READS = 141  # 128 + SIGPIPE


def run(arguments: Sequence[str]) -> int:
    """Run one command line; what a person can cause is an error message and an exit code, never a traceback."""
    options = make_parser(arguments).parse_args(arguments)
    try:
        return _execute(options)
    except MicropkgError as error:
        _say_error(options, error)
        return error.exit_code
    except BrokenPipeError:
        # Who read us has read enough; nothing is left to say, also not by the interpreter at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except OSError as error:  # of the machine: no descriptors left, a full or failing disk
        shortage = ShortageError.of(error)
        _say_error(options, shortage)
        return shortage.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was begun is finished or taken back by the next pass\n")
        return _INTERRUPTED


def _execute(options: Namespace) -> int:
    """Execute; where the current folder was deleted no relative path leads anywhere, not even `.`."""
    try:
        return execute(options)
    except FileNotFoundError as error:
        if _is_here():
            raise
        raise UsageError("the current folder was deleted", hint="go to one that is there, like `cd ~`") from error


def _is_here() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _say_error(options: Namespace, error: MicropkgError) -> None:
    """Say what is wrong with the command as a whole: who asked for a document gets one."""
    if options.json:
        from micropkgd.cli.session import say_json
        from micropkgd.model.outcome_json import failure_document

        failure = failure_document(Failure.of(error))
        say_json(options, {"projects": [], "failure": failure}, exit_code=error.exit_code)
    else:
        sys.stderr.writelines(f"{line}\n" for line in error_lines(error))
