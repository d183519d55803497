"""A choice between a local edit and a new version that disagree."""

from collections.abc import Mapping
from enum import StrEnum

from micropkgd.model.tree import Found, RelPath
from micropkgd.named_tuples import NamedTuple


class Conflict(StrEnum):
    """The project's policy, or a person's choice."""

    MERGE = "merge"
    HOLD = "hold"
    OVERWRITE = "overwrite"  # edited files only; a foreign file still holds
    TAKE = "take"  # `resolve --take`: theirs, whatever stands there
    KEEP = "keep"  # `resolve --keep`: ours, and theirs becomes the base it drifts from
    JOINED = "merged"  # `resolve --merged`: what a person made of both


class Decision(NamedTuple):
    """What a person decided of one entry that is held."""

    rest: Conflict | None = None  # of the files that are not named; None: nothing yet
    paths: Mapping[RelPath, Conflict] = {}
    texts: Mapping[RelPath, bytes] = {}  # what the joined ones become
    waiting: str | None = None  # digest of the version that it was decided on; None: of whichever waits
    seen: Mapping[RelPath, Found] = {}  # what stood there then: where something else does by now, nothing is decided

    def of(self, path: RelPath) -> Conflict | None:
        """Of one file."""
        return self.paths.get(path, self.rest)
