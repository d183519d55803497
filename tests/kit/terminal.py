"""A person at a terminal: a command in a session of its own, keys to press, and a window that may be closed."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from threading import Thread, Timer
from types import TracebackType
from typing import Self

CTRL_C, CTRL_BACKSLASH = "\x03", "\x1c"
_LONGEST = 60  # seconds of one command
_LOOKS = 0.05  # seconds between looks at whether the window was closed
_MAIN = "import os; os.login_tty(0); from micropkgd.__main__ import program; program()"


class Window:
    """A window in which one command line of micropkgd runs; what it prints is `shown`."""

    def __init__(self, root: Path, *words: str, **environ: str) -> None:
        self._keys, screen = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, *words], cwd=root, env=os.environ | environ, stdin=screen
        )  # fmt: skip
        os.close(screen)
        self.pid = self._process.pid
        self._seen, self._is_open = bytearray(), True
        self._reader = Thread(target=self._read)
        self._reader.start()
        self._impatience = Timer(_LONGEST, self._process.kill)
        self._impatience.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self.ended()
        self.close()

    @property
    def shown(self) -> str:
        """All that was printed so far."""
        return self._seen.decode(errors="replace").replace("\r\n", "\n")

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._keys, keys.encode())

    def signal(self, number: int) -> None:
        """Send a signal to the command alone, as `kill` does."""
        os.kill(self.pid, number)

    def close(self) -> None:
        """Close the window: the kernel hangs up on all that runs in it."""
        if self._is_open:
            self._is_open = False
            self._reader.join()  # who reads it has it open
            os.close(self._keys)

    def ended(self) -> int:
        """Wait for the end of the command, and say how it was; below 0, by which signal."""
        code = self._process.wait()
        self._impatience.cancel()
        self._reader.join(1 if self._is_open else None)
        return code

    def _read(self) -> None:
        while self._is_open:
            if not select.select([self._keys], [], [], _LOOKS)[0]:
                continue
            try:
                said = os.read(self._keys, 4096)
            except OSError:  # nobody has the other side open any more
                return
            if not said:
                return
            self._seen += said
