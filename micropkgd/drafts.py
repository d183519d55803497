"""Drafts: files that are written beside those they are to replace, under names that nobody else has.

Another thread may write into the same folder, and so may another machine or container, where a process has the same
number. What those left who were killed goes a day later, with the next draft in the folder.
"""

import os
import re
import time
from contextlib import suppress

from micropkgd.annotations import Final

_LONG_AGO: Final = 86_400.0  # seconds after which nobody writes a draft any more
_NAME: Final = r"\..+\.[0-9a-f]{12}\.draft"


def draft_name() -> str:
    """A name for one draft, hidden, and short enough for any file system."""
    return f".micropkgd.{os.urandom(6).hex()}.draft"


def sweep(folder: str) -> None:
    """Remove what was left in a folder; where it cannot be listed, nothing."""
    with suppress(OSError), os.scandir(folder) as entries:
        for one in entries:
            if may_be_draft(one.name) and is_long_ago(one.stat(follow_symlinks=False)):
                os.unlink(one.path)


def may_be_draft(name: str) -> bool:
    """Whether a file is called as drafts are."""
    return name[0] == "." and re.fullmatch(_NAME, name) is not None


def is_long_ago(status: os.stat_result) -> bool:
    """Whether whoever wrote a draft was killed, for it is too old to be under way."""
    return status.st_mtime < time.time() - _LONG_AGO
