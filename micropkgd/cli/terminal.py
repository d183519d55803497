"""The terminal that a command speaks to, if it is one: its width, its colours, and whether it can be drawn anew.

Rule: colour means nothing alone; it marks words that say the same without it. `NO_COLOR` and `TERM=dumb` put it out,
`FORCE_COLOR` lights it where nobody looks (no-color.org, force-color.org).
"""

import os
import re
import sys
from collections.abc import Mapping

from micropkgd.annotations import Final, TextIO

_RED, _GREEN, _YELLOW, _BLUE = 31, 32, 33, 36
_WORDS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("error:", "failed", "Stalled", "trouble", "damaged"), _RED),
    **dict.fromkeys(("held", "Held", "Retrying", "Stale", "Untrusted", "missing:", "conflict"), _YELLOW),
    **dict.fromkeys(("hint:", "note:", "Pending", "Suspended", "suspended", "drifted:"), _BLUE),
    **dict.fromkeys(("Ready", "ok", "installed", "updated", "adopted", "repaired", "packaged", "repackaged"), _GREEN),
}
_FIRST: Final = r"( *)(\S+)"


def columns(stream: TextIO, environ: Mapping[str, str] = os.environ) -> int | None:
    """How wide the terminal is that a stream leads to; None where it leads to none."""
    if not stream.isatty():
        return None
    said = environ.get("COLUMNS", "")
    try:
        width = int(said) if said.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        width = 0
    return width or 80


def width_of_help(environ: Mapping[str, str] = os.environ) -> int:
    """How wide help texts are, as `shutil.get_terminal_size` says it; importing that takes longer than a small pass."""
    said = environ.get("COLUMNS", "")
    try:
        return (said.isdecimal() and int(said)) or os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (AttributeError, ValueError, OSError):  # no stdout, a closed one, or one that is not a terminal
        return 80


def is_smart(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether what was shown can be wiped and drawn anew."""
    return stream.isatty() and environ.get("TERM", "dumb") != "dumb"


def in_colour(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether words are marked on a stream."""
    if environ.get("NO_COLOR"):
        return False
    return environ.get("FORCE_COLOR", "0") not in {"", "0"} or is_smart(stream, environ)


def painted(line: str) -> str:
    """A line with its first word marked, if that is one that says how something stands."""
    found = re.match(_FIRST, line)
    colour = _WORDS.get(found[2]) if found else None
    return line if not found or colour is None else f"{found[1]}\x1b[{colour}m{found[2]}\x1b[0m{line[found.end() :]}"


def fitted(line: str, width: int) -> list[str]:
    """A line as several where it is too wide; a command that is to be pasted loses its remark and stays whole."""
    inner = line.lstrip()
    if len(line) <= width:
        return [line]
    if inner.startswith("micropkgd ") or "  # " in inner:
        return [line.partition("  #")[0].rstrip()]
    from textwrap import wrap

    indent = " " * (len(line) - len(inner) + 4)
    return wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
