"""The log of passes: a page in `.micropkgd/passes/` for each pass that changed something.

For `why` and `events`. Pages are not synced and no promise depends on them; the oldest go when there are many.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress

from micropkgd.annotations import Any, Final
from micropkgd.errors import TreeError
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.reading import DOCUMENT
from micropkgd.workspace.trees import make_own_folder

DIARY: Final = RelPath(".micropkgd/passes")
_MOST: Final = 200  # pages


class Deed(NamedTuple):
    """What a pass did to one entry."""

    entry: str  # ref, or module that was packaged
    action: str  # "install"
    target: str
    version: str
    archive: str  # sha256:...
    paths: tuple[str, ...]  # that were written or removed


class PassRecord(NamedTuple):
    """One pass."""

    id: str
    time: str  # ISO 8601, UTC
    trigger: str  # or the command
    deeds: tuple[Deed, ...]
    commits: tuple[str, ...] = ()  # the ids of those that it made
    undid: tuple[str, ...] = ()  # the ids of those that it took back


def note(fs: FsOps, page: PassRecord) -> None:
    """Add a page; a disk that refuses costs the memory of a pass, and not the pass."""
    data = json.dumps({**page._asdict(), "deeds": [deed._asdict() for deed in page.deeds]}, separators=(",", ":"))
    with suppress(OSError, TreeError):
        make_own_folder(fs, DIARY)
        fs.write_file(RelPath(f"{DIARY}/{time.time_ns():020}-{page.id}.json"), data.encode(), 0o600)
        for name in sorted(fs.names(DIARY))[:-_MOST]:
            fs.remove_file(RelPath(f"{DIARY}/{name}"))


def pages(fs: FsOps) -> Iterator[PassRecord]:
    """The passes that are remembered, newest first; a page that cannot be read is passed over."""
    names: list[str] = []
    with suppress(OSError):
        names = sorted(fs.names(DIARY), reverse=True)
    for name in names:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            yield _page(json.loads(fs.read(RelPath(f"{DIARY}/{name}"), at_most=DOCUMENT)))


def _page(row: dict[str, Any]) -> PassRecord:
    deeds = tuple(_deed(deed) for deed in row["deeds"])
    commits, undid = (tuple(map(str, row.get(key, ()))) for key in ("commits", "undid"))
    return PassRecord(str(row["id"]), str(row["time"]), str(row["trigger"]), deeds, commits, undid)


def _deed(row: dict[str, Any]) -> Deed:
    entry, action, target, version, archive = (str(row[field]) for field in Deed._fields[:-1])
    return Deed(entry, action, target, version, archive, tuple(map(str, row["paths"])))
