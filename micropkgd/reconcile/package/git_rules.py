"""The lines of a `.gitignore` as rules, exactly as git reads them (gitignore(5), and its `dir.c`, `wildmatch.c`). Pure.

Text is bytes decoded as latin-1, for git matches bytes: a `?` is one of the two of an umlaut.
Rules: the last line that matches decides. A line with a slash before its end is matched from the folder of the file on,
any other one against names at every depth.
"""

from collections.abc import Iterator
from contextlib import suppress

from micropkgd.annotations import Final
from micropkgd.model.patterns import Automaton, Item, OneOf, Wild, bits
from micropkgd.named_tuples import NamedTuple

_SPECIAL: Final = frozenset("*?[\\")
_ANY: Final = OneOf((), negated=True)
_CLASSES: Final = {
    "alnum": ("09", "AZ", "az"), "alpha": ("AZ", "az"), "blank": ("  ", "\t\t"), "cntrl": ("\0\x1f", "\x7f\x7f"),
    "digit": ("09",), "graph": ("!~",), "lower": ("az",), "print": (" ~",), "punct": ("!/", ":@", "[`", "{~"),
    "space": ("  ", "\t\n", "\r\r"), "upper": ("AZ",), "xdigit": ("09", "AF", "af"),
}  # fmt: skip


class _MalformedError(ValueError):
    """A pattern that matches nothing, ever."""


class Rule(NamedTuple):
    """One line."""

    items: tuple[Item, ...]
    negated: bool  # what it names is not ignored
    folders_only: bool
    anywhere: bool  # against names, at every depth


class GitRules:
    """The rules of one file. A state says how far they have matched the folders below the file's own."""

    def __init__(self, data: bytes) -> None:
        self._rules = list(_rules(data))
        self._automaton = Automaton(rule.items for rule in self._rules)
        self._again = self._automaton.begin(number for number, rule in enumerate(self._rules) if rule.anywhere)
        self._numbers = {place: number for number, place in enumerate(self._automaton.ends)}
        self._of_folders = bits(self._automaton.ends)
        self._of_files = bits(
            [place for place, number in self._numbers.items() if not self._rules[number].folders_only]
        )

    @property
    def start(self) -> int:
        """The state in the folder of the file."""
        return self._automaton.begin(range(len(self._rules)))

    def enter(self, state: int, name: str) -> int:
        """The state in a folder of that name."""
        return self._automaton.feed(state, f"{name}/") | self._again

    def verdict(self, state: int, name: str, *, is_folder: bool) -> bool | None:
        """Whether a name is ignored; None where no rule says anything of it."""
        found = self._automaton.feed(state, name) & (self._of_folders if is_folder else self._of_files)
        if not found:
            return None
        return not self._rules[self._numbers[found.bit_length() - 1]].negated


def _rules(data: bytes) -> Iterator[Rule]:
    text = data.decode("latin-1").removeprefix("\xef\xbb\xbf")
    for line in text.split("\n"):
        if not line.startswith("#"):
            with suppress(_MalformedError):
                yield _rule(_trimmed(line.removesuffix("\r").partition("\0")[0]))


def _trimmed(line: str) -> str:
    """A line without the spaces at its end; a backslash keeps one."""
    bare = line.rstrip(" ")
    slashes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if slashes % 2 and bare != line else bare


def _rule(line: str) -> Rule:
    negated = line.startswith("!")
    pattern = line[negated:]
    folders_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    anywhere = "/" not in pattern
    # git compares what is plain in front by itself, and reads on as if the pattern began behind it.
    pattern = pattern.removeprefix("/")
    plain = next((place for place, character in enumerate(pattern) if character in _SPECIAL), len(pattern))
    items = (*pattern[:plain], *_items(pattern[plain:], is_path=not anywhere))
    if not items:
        raise _MalformedError(line)
    return Rule(items, negated, folders_only, anywhere)


def _items(pattern: str, *, is_path: bool) -> Iterator[Item]:
    place = 0
    while place < len(pattern):
        character = pattern[place]
        if character == "*":
            wild, place = _wildcard(pattern, place, is_path=is_path)
            yield wild
        elif character == "[":
            one_of, place = _set(pattern, place + 1)
            yield one_of
        elif character == "\\":
            yield _at(pattern, place + 1)
            place += 2
        else:
            yield _ANY if character == "?" else character
            place += 1


def _wildcard(pattern: str, start: int, *, is_path: bool) -> tuple[Wild, int]:
    """What a run of stars means, and where it ends; two or more are special where they make a whole part of a path."""
    end = _end_of_stars(pattern, start)
    begins = start == 0 or pattern[start - 1] == "/"
    ends = end == len(pattern) or pattern.startswith(("/", "\\/"), end)
    if not is_path or end - start == 1 or not (begins and ends):
        return Wild.STAR, end
    if not pattern.startswith("/", end):
        return Wild.DEEP, end
    while pattern.startswith("**", end + 1) and pattern.startswith("/", following := _end_of_stars(pattern, end + 1)):
        end = following  # the same once more says no more
    return Wild.FOLDERS, end + 1


def _end_of_stars(pattern: str, place: int) -> int:
    while pattern.startswith("*", place):
        place += 1
    return place


def _set(pattern: str, place: int) -> tuple[OneOf, int]:
    """The set that begins at a place, and where it ends: `]` may be the first of it, `-` the first or the last."""
    negated = _at(pattern, place) in {"!", "^"}
    place += negated
    ranges: list[tuple[str, str]] = []
    before, first = "", place
    while place == first or _at(pattern, place) != "]":
        character = _at(pattern, place)
        name = _class_name(pattern, place)
        if name is not None:
            ranges += ((pair[0], pair[1]) for pair in _CLASSES[name])
            place += len(name) + 4
            before = ""
        elif character == "-" and before and _next_of(pattern, place) not in {"", "]"}:
            place, last = _unescaped(pattern, place + 1)
            ranges.append((before, last))
            before = ""
        else:
            place, before = _unescaped(pattern, place)
            ranges.append((before, before))
    return OneOf(tuple(ranges), negated), place + 1


def _class_name(pattern: str, place: int) -> str | None:
    """The name in `[:name:]` at a place; None where it is not one. An unknown name spoils the whole pattern."""
    if not pattern.startswith("[:", place):
        return None
    end = pattern.find("]", place + 2)
    if end < 0:
        raise _MalformedError(pattern)
    if end < place + 3 or pattern[end - 1] != ":":
        return None
    name = pattern[place + 2 : end - 1]
    if name not in _CLASSES:
        raise _MalformedError(pattern)
    return name


def _unescaped(pattern: str, place: int) -> tuple[int, str]:
    """The character at a place, or the one behind a backslash there, and the place behind it."""
    if _at(pattern, place) == "\\":
        place += 1
    return place + 1, _at(pattern, place)


def _next_of(pattern: str, place: int) -> str:
    return pattern[place + 1 : place + 2]


def _at(pattern: str, place: int) -> str:
    if place >= len(pattern):
        raise _MalformedError(pattern)
    return pattern[place]
