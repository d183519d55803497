"""Wildcard patterns that are matched in bounded time, whatever pattern and text say. Pure.

Promise: a match costs at most (length of the text) steps, each on a number of (length of all patterns) bits. Nothing is
tried twice, so no pattern makes a text slow: many are matched at once, as one automaton whose state is a whole number
with a bit for each place in them. `re` and `fnmatch` promise less, and hold the interpreter while they search.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import lru_cache

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple


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
        self.starts: list[int] = []  # the place at which each pattern begins
        self.ends: list[int] = []  # the place that says that it has matched
        self._literals: dict[str, list[int]] = {}
        self._sets: list[tuple[int, OneOf]] = []
        self._masks: dict[str, int] = {}  # by character: the places that it leads on from
        wild: dict[Wild, list[int]] = {kind: [] for kind in Wild}
        place = 0
        for pattern in patterns:
            self.starts.append(place)
            for item in pattern:
                place = self._add(item, place, wild)
            self.ends.append(place)
            place += 1
        self._deep, self._folders = bits(wild[Wild.DEEP]), bits(wild[Wild.FOLDERS])
        self._stars = self._deep | bits(wild[Wild.STAR])

    def begin(self, numbers: Iterable[int]) -> int:
        """The state in which some of the patterns begin."""
        return self._without_reading(bits([self.starts[number] for number in numbers]))

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

    def _add(self, item: Item, place: int, wild: dict[Wild, list[int]]) -> int:
        """Note one item at a place, and say which the next one is."""
        if isinstance(item, str):
            self._literals.setdefault(item, []).append(place)
        elif isinstance(item, OneOf):
            self._sets.append((place, item))
        else:
            wild[item].append(place)
        if item is Wild.FOLDERS:  # past itself, or by way of anything and a slash
            return self._add("/", self._add(Wild.DEEP, place + 1, wild), wild)
        return place + 1

    def _mask(self, character: str) -> int:
        of_sets = [place for place, one_of in self._sets if one_of.has(character)]
        return bits([*self._literals.get(character, ()), *of_sets])


def bits(places: Sequence[int]) -> int:
    """The number with a bit at each of these places."""
    found = bytearray(max(places, default=0) // 8 + 1)
    for place in places:
        found[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(found, "little")


def matches(text: str, pattern: str) -> bool:
    """Whether a text matches a pattern as `fnmatch` reads it: a star stands for slashes, too."""
    automaton = _compiled(pattern)
    return bool(automaton.feed(automaton.begin([0]), text) & 1 << automaton.ends[0])


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
