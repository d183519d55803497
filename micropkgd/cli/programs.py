"""Programs of this machine, run for the person who runs the command: words, and never a line for a shell.

Rule: the project may be hostile. No program is found in or below it, whatever PATH says.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from types import FrameType, TracebackType

from micropkgd.annotations import Any, BinaryIO, Final, Self
from micropkgd.errors import UsageError
from micropkgd.machine.safe_path import path_beside

_KEYS: Final = (signal.SIGINT, signal.SIGQUIT)  # of the terminal, for the program that has it
_ENDS: Final = (signal.SIGTERM, signal.SIGHUP)
_DEFAULT: Final = (*_KEYS, signal.SIGPIPE)
_SIGNALLED: Final = 128  # with the number of a signal, the exit code of who was ended by it


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

    Ctrl-C is meant for it, and not for who waits for its end. Who ends us ends it first: it is told, and waited for.
    """
    actions = [(os.POSIX_SPAWN_DUP2, fd, at) for fd, at in ((stdin, 0), (stdout, 1)) if fd != at]
    with _InForeground() as foreground:
        try:
            process = os.posix_spawn(words[0], list(words), dict(environ), file_actions=actions, setsigdef=_DEFAULT)
        except OSError as error:
            raise UsageError(f"`{words[0]}` cannot be run: {error.strerror}", hint="see what it is") from error
        return foreground.wait(process)


class _InForeground:
    """What signals mean while a program has the terminal, as `git` has it while its editor is open."""

    def __init__(self) -> None:
        self._process: int | None = None
        self._told: int | None = None  # which signal wants our end
        self._usual: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._usual = {number: signal.signal(number, signal.SIG_IGN) for number in _KEYS}
        for number in _ENDS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
                self._usual[number] = signal.signal(number, self._tell)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, usual in self._usual.items():
            signal.signal(number, usual)
        if self._told is not None:
            raise SystemExit(_SIGNALLED + self._told)

    def wait(self, process: int) -> int:
        """Wait for the end of a program, and say how it was."""
        self._process = process
        if self._told is not None:
            os.kill(process, self._told)
        if sys.platform != "darwin":  # where Python has no `waitid` before 3.13
            os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)  # its number is nobody else's yet
        self._process = None
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def _tell(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._told = number
        if self._process is not None:
            os.kill(self._process, number)
