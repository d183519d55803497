"""Programs of this machine, run for the person who runs the command: words, and never a line for a shell.

Rule: the project may be hostile. No program is found in or below it, whatever PATH says.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence

from micropkgd.annotations import BinaryIO
from micropkgd.errors import UsageError
from micropkgd.machine.safe_path import path_beside


def find_program(name: str, root: str, environ: Mapping[str, str]) -> str | None:
    """Where a program is that does not come with the project."""
    return shutil.which(name, path=path_beside(root, environ.get("PATH", os.defpath)))


def answer_of(words: Sequence[str], environ: Mapping[str, str], given: bytes = b"") -> tuple[int, bytes]:
    """What a program ended with, and what it said to what it was given."""
    with tempfile.TemporaryFile() as asked:
        asked.write(given)
        asked.seek(0)
        return answer_to(asked, words, environ)


def answer_to(given: BinaryIO, words: Sequence[str], environ: Mapping[str, str]) -> tuple[int, bytes]:
    """What a program ended with, and what it said to a file, from where its descriptor stands."""
    with tempfile.TemporaryFile() as said:
        ended = run_program(words, environ, stdin=given.fileno(), stdout=said.fileno())
        said.seek(0)
        return ended, said.read()


def run_program(words: Sequence[str], environ: Mapping[str, str], *, stdin: int = 0, stdout: int = 1) -> int:
    """Run a program in the foreground: what it ended with; below 0, the signal that ended it.

    Ctrl-C is meant for it, and not for who waits for its end.
    """
    actions = [(os.POSIX_SPAWN_DUP2, fd, at) for fd, at in ((stdin, 0), (stdout, 1)) if fd != at]
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = os.posix_spawn(
            words[0], list(words), dict(environ), file_actions=actions, setsigdef=[signal.SIGINT, signal.SIGPIPE]
        )
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    except OSError as error:
        raise UsageError(f"`{words[0]}` cannot be run: {error.strerror}", hint="see what it is") from error
    finally:
        signal.signal(signal.SIGINT, usual)
