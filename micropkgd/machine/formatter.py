"""Runs the formatter that the machine's config names: the text of a file in, the same text laid out otherwise.

Promise: words and never a line for a shell, a few named variables, no open file of ours, limited time and output; a
program that is not there, fails, or takes too long formats nothing, and that is all that happens.
Rule: no program is found in or below the project, and Python does not look there for modules (`PYTHONSAFEPATH`).
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO, Final

from micropkgd.machine.safe_path import path_beside
from micropkgd.model.text_form import LARGEST
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple

_PATIENCE: Final = 10.0  # seconds for one file
_INHERITED: Final = ("HOME", "LANG", "TMPDIR")
_PATH: Final = "{path}"  # stands for the whole path of the file


class Formatter(NamedTuple):
    """An argument list, for the files of one project."""

    argv: Sequence[str]
    root: str

    def formatted(self, path: RelPath, data: bytes) -> bytes | None:
        """The text as the formatter lays it out; None where it does not."""
        search = path_beside(self.root, os.environ.get("PATH", os.defpath))
        program = shutil.which(self.argv[0], path=search)
        if program is None or _is_below(program, self.root):
            return None
        environ = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environ |= {"PATH": search, "PYTHONSAFEPATH": "1"}
        words = [program, *(word.replace(_PATH, f"{self.root}/{path}") for word in self.argv[1:])]
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
            asked.write(data)
            asked.seek(0)
            if not _run(words, environ, asked, said):
                return None
            said.seek(0)
            return said.read() or None


def _run(words: Sequence[str], environ: dict[str, str], asked: BinaryIO, said: BinaryIO) -> bool:
    """Whether a program ended well in time, without saying too much; whatever it left in its group ends with it."""
    actions = [
        (os.POSIX_SPAWN_DUP2, asked.fileno(), 0),
        (os.POSIX_SPAWN_DUP2, said.fileno(), 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        process = os.posix_spawn(
            words[0], list(words), environ, file_actions=actions, setpgroup=0, setsigdef=[signal.SIGPIPE]
        )
    except OSError:
        return False
    until, pause, ended = time.monotonic() + _PATIENCE, 0.002, (0, 0)
    try:
        while ended[0] == 0 and time.monotonic() < until and os.fstat(said.fileno()).st_size <= LARGEST:
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
            ended = os.waitpid(process, os.WNOHANG)
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)
        if ended[0] == 0:
            os.waitpid(process, 0)
    return ended[0] != 0 and os.waitstatus_to_exitcode(ended[1]) == 0 and os.fstat(said.fileno()).st_size <= LARGEST


def _is_below(program: str, root: str) -> bool:
    """Whether a program, or what a link to it names, lies in the project."""
    home = os.path.join(os.path.realpath(root), "")
    return any(one.startswith(home) for one in (os.path.abspath(program), os.path.realpath(program)))
