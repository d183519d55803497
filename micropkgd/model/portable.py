"""Names that a tree can hold wherever it is checked out: what git refuses, or Windows has another meaning for. Pure.

Trees are committed and shared. The rules are those of git's `protectNTFS` and `protectHFS` (the characters that HFS+
looks past are format characters, which no name here may have anyway) and of Windows itself.
"""

import re

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError

_RENAME: Final = "rename it, so that the tree can be committed and checked out everywhere"
_MEANINGS: Final = {
    "git": "git keeps its own under that name and refuses it",
    "device": "Windows has a device of that name",
    "character": "Windows gives that character another meaning",
    "end": "Windows drops a space or dot at the end of a name",
}
_PATTERN: Final = r"""(?ix)
    (?:\A|/) (?P<git>\.git|git~1) (?=[ .]*(?:/|:|\Z))
    | (?:\A|/) (?P<device>con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³]) (?=[ ]*(?:\.[^/]*)?(?:/|:|\Z))
    | (?P<character>[<>:"|?*])
    | (?P<end>[ .])(?=/|\Z)
"""


def why_not_portable(path: str) -> str:
    """What is wrong with a part of a path; empty if nothing is."""
    found = re.search(_PATTERN, path)
    return _MEANINGS[found.lastgroup or ""] if found else ""


def portable(path: str, what: str) -> str:
    """Check a name or path; `DocumentError` says which system cannot hold it."""
    if reason := why_not_portable(path):
        raise DocumentError(f"{what} `{path}` cannot be held by every system: {reason}", hint=_RENAME)
    return path
