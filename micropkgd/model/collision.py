"""The places where a local edit and a new version change the same lines."""

from typing import NamedTuple

from micropkgd.model.tree import RelPath


class LineRange(NamedTuple):
    """Some lines of a file, counted from 1; where they are none, `last` is the line before which they would stand."""

    first: int
    last: int

    @classmethod
    def of(cls, start: int, end: int) -> "LineRange":
        """The lines of a slice."""
        return cls(start + 1, end)

    def __str__(self) -> str:
        if self.last < self.first:
            return f"{self.first} (none)"
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class Collision(NamedTuple):
    """One hunk that both sides changed differently."""

    path: RelPath
    ours: LineRange  # in the file as it is here
    theirs: LineRange  # in the new version
    merged: LineRange  # in what is laid beside, from marker to marker
