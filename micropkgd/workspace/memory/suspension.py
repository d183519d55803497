"""The entries that somebody suspended on this machine: `.micropkgd/suspended.json`, absent where there are none.

A suspended entry is neither asked for nor changed, whoever runs the pass; its lock block and its files stay.
"""

import json
from collections.abc import Mapping

from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.reading import TEXT
from micropkgd.workspace.record import replace_record

SUSPENDED = RelPath(".micropkgd/suspended.json")
WHOLE = ""
"""Stands in `times` for the whole project."""


class Suspension(NamedTuple):
    """What is left alone."""

    whole: bool = False  # every entry
    names: frozenset[str] = frozenset()  # refs, and modules that are packaged
    times: Mapping[str, str] = {}  # by name, when it was asked for (ISO 8601, UTC); `WHOLE` is all of it

    def covers(self, name: str) -> bool:
        """Whether an entry is left alone."""
        return self.whole or name in self.names

    def since(self, name: str) -> str:
        """When that was asked for; empty where nobody noted it."""
        own = self.times.get(name, "") if name in self.names else ""
        return own or (self.times.get(WHOLE, "") if self.whole else "")

    def __bool__(self) -> bool:
        return self.whole or bool(self.names)


def read_suspension(fs: FsOps) -> Suspension:
    """What is left alone now; nothing where the file is missing or says nothing that can be read."""
    try:
        document = json.loads(fs.read(SUSPENDED, at_most=TEXT))
        times = {str(name): str(time) for name, time in document.get("times", {}).items()}
        return Suspension(document["whole"] is True, frozenset(map(str, document["names"])), times)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Suspension()


def write_suspension(fs: FsOps, suspension: Suspension) -> None:
    """Replace what is left alone; `TreeError` where the disk refuses."""
    try:
        if suspension:
            document = {
                "whole": suspension.whole,
                "names": sorted(suspension.names),
                "times": dict(sorted(suspension.times.items())),
            }
            replace_record(fs, SUSPENDED, json.dumps(document).encode())
        elif fs.status(SUSPENDED):
            fs.remove_file(SUSPENDED)
    except OSError as error:
        raise refused_by_disk(error) from error
