"""Wildcard patterns that are matched in bounded time, whatever pattern and text say. Pure.

Promise: a match costs at most (length of the text) steps, each on a number of (length of all patterns) bits. Nothing is
tried twice, so no pattern makes a text slow: many are matched at once, as one automaton whose state is a whole number
with a bit for each place in them. `re` and `fnmatch` promise less, and hold the interpreter while they search.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple


class Wild(Enum):
    """What stands for any number of characters."""

    STAR = "*"  # of one name
    DEEP = "**"  # slashes, too
    FOLDERS = "**/"  # no folder at all, or any number of them


class OneOf(NamedTuple):
    """One character of a set."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False
    slash: bool = False  # whether it may be a slash

    def has(self, character: str) -> bool:
        """Whether a character is one of them."""
        if character == "/" and not self.slash:
            return False
        return any(first <= character <= last for first, last in self.ranges) is not self.negated


Item = str | OneOf | Wild
"""One part of a pattern: a character, a set of them, or a wildcard."""


class Automaton:
    """Patterns that are matched together. A state is a number; the text may be fed to it in pieces."""

    def __init__(self, patterns: Iterable[Sequence[Item]]) -> None:
        self.starts: list[int] = []  # the state in which each pattern begins
        self.ends: list[int] = []  # the bit that says that it has matched
        self._literals: dict[str, int] = {}
        self._sets: list[tuple[int, OneOf]] = []
        self._masks: dict[str, int] = {}  # by character: the places that it leads on from
        self._stars = self._deep = self._folders = 0
        place = 0
        for pattern in patterns:
            self.starts.append(1 << place)
            for item in pattern:
                place = self._add(item, place)
            self.ends.append(1 << place)
            place += 1

    def begin(self, numbers: Iterable[int]) -> int:
        """The state in which some of the patterns begin."""
        return self._without_reading(sum(self.starts[number] for number in numbers))

    def feed(self, state: int, text: str) -> int:
        """The state after some more of the text; 0 where nothing can match any more."""
        for character in text:
            if not state:
                break
            mask = self._masks.get(character)
            if mask is None:
                mask = self._masks[character] = self._mask(character)
            stay = self._deep if character == "/" else self._stars
            state = self._without_reading((state & mask) << 1 | state & stay)
        return state

    def _without_reading(self, state: int) -> int:
        """All places that can be gone to without a character. Nothing follows a wildcard that does so in its turn."""
        folders = state & self._folders
        state |= folders << 1 | folders << 3
        return state | (state & self._stars) << 1

    def _add(self, item: Item, place: int) -> int:
        """Note one item at a place, and say which the next one is."""
        bit = 1 << place
        if item is Wild.FOLDERS:  # past itself, or by way of anything and a slash
            self._folders |= bit
            return self._add("/", self._add(Wild.DEEP, place + 1))
        if isinstance(item, str):
            self._literals[item] = self._literals.get(item, 0) | bit
        elif isinstance(item, OneOf):
            self._sets.append((bit, item))
        else:
            self._stars |= bit
            self._deep |= bit if item is Wild.DEEP else 0
        return place + 1

    def _mask(self, character: str) -> int:
        mask = self._literals.get(character, 0)
        for bit, one_of in self._sets:
            if one_of.has(character):
                mask |= bit
        return mask


def matches(text: str, pattern: str) -> bool:
    """Whether a text matches a pattern as `fnmatch` reads it: a star stands for slashes, too."""
    automaton = _compiled(pattern)
    return bool(automaton.feed(automaton.begin([0]), text) & automaton.ends[0])


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Automaton:
    return Automaton([list(_items(pattern))])


_ANY: Final = OneOf((), negated=True, slash=True)


def _items(pattern: str) -> Iterator[Item]:
    place = 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "*":
            if pattern[place : place + 1] != "*":
                yield Wild.DEEP
        elif character == "?":
            yield _ANY
        elif character == "[" and (end := pattern.find("]", place + 1 + pattern.startswith("!", place))) > 0:
            yield _set(pattern[place:end])
            place = end + 1
        else:
            yield character


def _set(inner: str) -> OneOf:
    negated = inner.startswith("!")
    inner = inner[negated:]
    ranges, place = list[tuple[str, str]](), 0
    while place < len(inner):
        is_range = inner[place + 1 : place + 2] == "-" and place + 2 < len(inner)
        last = inner[place + 2] if is_range else inner[place]
        ranges.append((inner[place], last))
        place += 3 if is_range else 1
    return OneOf(tuple(ranges), negated, slash=True)
