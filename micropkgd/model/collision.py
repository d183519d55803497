"""The places where a local edit and a new version change the same lines."""

from collections.abc import Mapping

from micropkgd.annotations import Final
from micropkgd.model.choice import Conflict
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple

_ALWAYS: Final = ("keep", "take")


class ThreeTexts(NamedTuple):
    """The three texts of one file; None where that side has no such file."""

    base: bytes | None
    ours: bytes | None
    theirs: bytes | None


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
            return f"line {self.first} (none)"
        return f"line {self.first}" if self.first == self.last else f"lines {self.first}-{self.last}"


class Collision(NamedTuple):
    """One hunk that both sides changed differently."""

    path: RelPath
    ours: LineRange  # in the file as it is here
    theirs: LineRange  # in the new version
    merged: LineRange  # in what is laid beside, from marker to marker


class HeldQuestion(NamedTuple):
    """What a held entry asks a person."""

    folder: RelPath = RelPath("")  # where it is laid, or would be
    is_laid: bool = False
    collisions: tuple[Collision, ...] = ()
    decided: Mapping[RelPath, Conflict] = {}  # what was answered so far
    joined: tuple[RelPath, ...] = ()  # the files that both sides have as text
    marked: tuple[RelPath, ...] = ()  # of those, the ones whose sides collide: a person must join them
    texts: Mapping[RelPath, ThreeTexts] = {}  # of the files that were edited here; in no document
    merged: Mapping[RelPath, bytes] = {}  # of the held ones, both sides, with markers; in no document

    @property
    def ways(self) -> tuple[str, ...]:
        """What `resolve` can be told of it."""
        if any(path not in self.decided for path in self.marked):
            return (*_ALWAYS, "edit", "merged")
        return (*_ALWAYS, "merge") if any(path not in self.decided for path in self.joined) else _ALWAYS
