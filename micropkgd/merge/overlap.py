"""The parts that two edits have in common, told by lines and words: where they do not meet, nothing went wrong.

In a clean merge every line stands as often as both sides together leave it. One that stands there more often was moved
by one side, and moved or removed by the other: a *surplus*.
"""

import re
from collections import Counter
from collections.abc import Iterable

from micropkgd.merge.versions import ThreeVersions
from micropkgd.named_tuples import NamedTuple

_WORD = re.compile(r"[^\W\d]\w*")


class Overlap(NamedTuple):
    """Words of a merge that deserve a closer look."""

    added_twice: set[str]  # by both sides
    items_twice: set[str]  # lines, each of which begins an item of a YAML list, that both sides added
    surplus: set[str]  # of lines that one side moved, and the other moved or removed


def overlap_of(merged: str, texts: ThreeVersions[str]) -> Overlap:
    """Where the edits of both sides meet."""
    result = _counted(merged)
    base, ours, theirs = texts.each(_counted)
    left = ours + theirs
    left.subtract(base)
    surplus = _words(line for line, count in result.items() if count > max(left[line], 0))
    added = ours - base, theirs - base
    return Overlap(_words(added[0]) & _words(added[1]), _items(added[0]) & _items(added[1]), surplus)


def _counted(text: str) -> Counter[str]:
    return Counter(text.split("\n"))


def _words(lines: Iterable[str]) -> set[str]:
    return set(_WORD.findall("\n".join(lines)))


def _items(lines: Iterable[str]) -> set[str]:
    return {line.strip().partition(" #")[0] for line in lines if line.lstrip().startswith("- ")}
