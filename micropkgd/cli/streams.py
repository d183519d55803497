"""Standard output and error, wherever they lead: closed, full, or to who spells only ASCII.

Rules: what was asked for is said on stdout, and that it cannot be said is an error; what is said on stderr stops
nobody. Imports next to nothing, for every command comes here.
"""

import os
import sys

TYPE_CHECKING = False  # as `typing` has it, which is not imported here
if TYPE_CHECKING:
    from typing import TextIO

_STREAMS = (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w"))


class OutputError(Exception):
    """What a command has to say cannot be written."""


def mend() -> None:
    """Open what is closed, so that no other file gets its number; and escape what a stream cannot spell."""
    for name, number, mode in _STREAMS:
        if getattr(sys, name) is None:
            _lead_nowhere(number)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  it stays open
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and (stream.errors == "strict" or stream.encoding != "utf-8"):
            reconfigure(errors="backslashreplace")


def put(text: str) -> None:
    """Write data to stdout, at once."""
    try:
        if text:  # where nothing is buffered, to write nothing is to ask the terminal, which may be gone
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError((error.strerror or str(error)).lower()) from error


def put_bytes(data: bytes) -> None:
    """Write data to stdout that is not of one encoding, as it is; on a terminal what others wrote moves no cursor."""
    stream = getattr(sys.stdout, "buffer", None)
    if sys.stdout.isatty():
        from micropkgd.cli.lines import plain

        put("\n".join(map(plain, data.decode(errors="backslashreplace").split("\n"))))
        return
    if stream is None:  # something else than a stream of bytes stands in for it
        put(data.decode(errors="backslashreplace"))
        return
    try:
        sys.stdout.flush()
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError((error.strerror or str(error)).lower()) from error


def aside(text: str) -> None:
    """Write to stderr what is not data; where that cannot be it stops nobody, and is tried again with the next."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass


def end() -> None:
    """Write what is still to be written; what of stderr cannot be is lost now."""
    try:
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)
    put("")


def silence(stream: "TextIO") -> None:
    """Let what is left to say on a stream go nowhere, so that the interpreter can end in peace."""
    _lead_nowhere(stream.fileno())


def _lead_nowhere(number: int) -> None:
    descriptor = os.open(os.devnull, os.O_RDWR)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
