"""What to do where a local edit and a new version disagree."""

from enum import StrEnum


class Conflict(StrEnum):
    """The project's policy, or a person's choice."""

    MERGE = "merge"
    HOLD = "hold"
    OVERWRITE = "overwrite"  # edited files only; a foreign file still holds
    TAKE = "take"  # `resolve --take`: theirs, whatever stands there
    KEEP = "keep"  # `resolve --keep`: ours, and theirs becomes the base it drifts from
