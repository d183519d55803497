"""Runs a program that the machine's config names, unasked: bytes in, bytes out.

Promise: words and never a line for a shell, a few named variables, no terminal and no open file of ours, limited time
and output. What it says besides goes nowhere, so that nothing of a project gets into a log by it.
Rule: no program is found in or below the project, and Python does not look there for modules (`PYTHONSAFEPATH`).
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress

from micropkgd.annotations import BinaryIO, Final
from micropkgd.machine.safe_path import path_beside

_INHERITED: Final = ("HOME", "LANG", "TMPDIR")


def program_beside(name: str, root: str) -> str | None:
    """Where a program is that does not come with the project."""
    program = shutil.which(name, path=_search(root))
    return None if program is None or _is_below(program, root) else program


def answer_unasked(
    words: Sequence[str], root: str, given: BinaryIO, *, patience: float, largest: int, inherited: Sequence[str] = ()
) -> bytes | None:
    """What a program says to a file, from where its descriptor stands.

    None where it says nothing, too much, fails, or takes too long.
    """
    environ = {name: os.environ[name] for name in (*_INHERITED, *inherited) if name in os.environ}
    environ |= {"PATH": _search(root), "PYTHONSAFEPATH": "1"}
    with tempfile.TemporaryFile() as said:
        if not _run(words, environ, given, said, patience, largest):
            return None
        said.seek(0)
        return said.read() or None


def _run(
    words: Sequence[str], environ: dict[str, str], asked: BinaryIO, said: BinaryIO, patience: float, largest: int
) -> bool:
    """Whether a program ended well in time, without saying too much; whatever it left in its group ends with it."""
    actions = [
        (os.POSIX_SPAWN_DUP2, asked.fileno(), 0),
        (os.POSIX_SPAWN_DUP2, said.fileno(), 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        process = os.posix_spawn(
            words[0], list(words), environ, file_actions=actions, setsid=True, setsigdef=[signal.SIGPIPE]
        )
    except OSError:
        return False
    until, pause, ended = time.monotonic() + patience, 0.002, (0, 0)
    try:
        while ended[0] == 0 and time.monotonic() < until and os.fstat(said.fileno()).st_size <= largest:
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
            ended = os.waitpid(process, os.WNOHANG)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)
        if ended[0] == 0:
            os.waitpid(process, 0)
    return ended[0] != 0 and os.waitstatus_to_exitcode(ended[1]) == 0 and os.fstat(said.fileno()).st_size <= largest


def _search(root: str) -> str:
    return path_beside(root, os.environ.get("PATH", os.defpath))


def _is_below(program: str, root: str) -> bool:
    """Whether a program, or what a link to it names, lies in the project."""
    home = os.path.join(os.path.realpath(root), "")
    return any(one.startswith(home) for one in (os.path.abspath(program), os.path.realpath(program)))
