"""The program's front step: `--version` must not pay for the house behind it."""

import atexit
import gc
import os
import sys

TYPE_CHECKING = False  # as `typing` has it, which is not imported here
if TYPE_CHECKING:
    from typing import NoReturn

_ALLOCATIONS = 200_000  # before garbage is looked for: what a start imports, also for S3, stays and is no garbage


def program() -> "NoReturn":
    """Run the command line and end the process."""
    _end(main())


def main() -> int:
    """Run the command line; the exit code is the caller's to return."""
    if sys.getfilesystemencoding() != "utf-8":
        _begin_in_utf8()
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        from micropkgd import __version__

        try:
            sys.stdout.write(f"micropkgd {__version__}\n")
            sys.stdout.flush()
        except OSError:
            pass  # the whole way says what is wrong
        else:
            return 0
    gc.set_threshold(_ALLOCATIONS)
    from micropkgd.cli.run import run

    try:
        return run(sys.argv[1:])
    finally:
        gc.freeze()  # the system takes all back at once: to look for garbage before costs a tenth of a small pull


def _begin_in_utf8() -> None:
    """Begin again, in UTF-8: names of files are that, whatever a locale like `C` or a Latin one thinks of them."""
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606  ourselves


def _end(code: int) -> "NoReturn":
    """End, at once where no thread and nobody else waits for the end; to take all down first is a tenth of a pull.

    All is written by then, as `run` flushes what it says.
    """
    if "threading" in sys.modules or atexit._ncallbacks():  # noqa: SLF001  there is no other way to ask
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    program()
