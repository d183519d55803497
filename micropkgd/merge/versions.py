"""Three versions of one thing: *base* is what both sides began from, *ours* as it is here, *theirs* as it is new."""

from collections.abc import Callable
from typing import Generic, TypeVar

from micropkgd.named_tuples import NamedTuple

T = TypeVar("T")
R = TypeVar("R")


class CollisionError(Exception):
    """Both sides changed one part in two ways, and a person must say what is meant."""


class ThreeVersions(NamedTuple, Generic[T]):
    """The same thing three times."""

    base: T
    ours: T
    theirs: T

    def each(self, change: Callable[[T], R]) -> "ThreeVersions[R]":
        """What becomes of each."""
        return ThreeVersions(change(self.base), change(self.ours), change(self.theirs))


def the_changed(versions: ThreeVersions[T]) -> T | None:
    """The one that is meant where at most one side changed it, or both did alike; None where they differ."""
    base, ours, theirs = versions
    if theirs in (base, ours):
        return ours
    return theirs if ours == base else None
