"""The definition or key that each line belongs to, told by indentation alone, and where a merge left it.

Lines that look alike stand in many places, so an edit of one definition may land in another: in a class that came to
stand where the edited one was, in a copy that was put above it. Rule: what one side alone changed is as that side has
it, each definition by its full name.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from micropkgd.merge.versions import ThreeVersions, the_changed

_DEFINITION: Final = re.compile(r"(?:async +)?(?:def|class) +(\w+) *[(:\[]")
_KEY: Final = re.compile(r"((?:- +)*[^\s#'\"\[{-][^:#]*|'[^']*'|\"[^\"]*\"):(?:\s|$)")
_WORD: Final = re.compile(r"[^\W\d]\w*")

Name = tuple[str, ...]  # with those of the definitions or keys around it; empty for the file
Members = Mapping[Name, Sequence[str]]


class Membership(NamedTuple):
    """The lines of each name in a merge, and in the three texts."""

    merged: Members
    sides: ThreeVersions[Members]

    @property
    def is_kept(self) -> bool:
        """Whether all that at most one side changed is as that side has it, and nothing went that the other changed."""
        for name in {*self.merged, *self._known}:
            lines, found = self.lines_of(name), self.merged.get(name, ())
            meant = the_changed(lines)
            if meant is not None and found != meant:
                return False
            if meant is None and lines.base and not (lines.ours and lines.theirs):
                return False
        return True

    @property
    def joined(self) -> Sequence[Name]:
        """What both sides changed, or added, in two ways."""
        return [name for name in self._known if the_changed(self.lines_of(name)) is None]

    @property
    def gone(self) -> set[str]:
        """Words that may be names which a side removed: of definitions, and of the lines of the file and of classes."""
        names = self.sides.base.keys() - (self.sides.ours.keys() & self.sides.theirs.keys())
        words = {name[-1] for name in names if name}
        for name in {(), *(name[:-1] for name in self._known if name)}:
            base, ours, theirs = (Counter(lines) for lines in self.lines_of(name))
            words.update(_WORD.findall("\n".join((base - ours) | (base - theirs))))
        return words

    @property
    def added_by_both(self) -> bool:
        """Whether both sides came to have a name that was not there."""
        return bool((self.sides.ours.keys() & self.sides.theirs.keys()) - self.sides.base.keys())

    def lines_of(self, name: Name) -> ThreeVersions[Sequence[str]]:
        """Its lines in the three texts."""
        return ThreeVersions(*(side.get(name, ()) for side in self.sides))

    @property
    def _known(self) -> set[Name]:
        return {*self.sides.base, *self.sides.ours, *self.sides.theirs}


def membership_of(merged: str, texts: ThreeVersions[str], *, python: bool) -> Membership:
    """What belongs to what."""
    pattern = _DEFINITION if python else _KEY
    base, ours, theirs, result = (_members(text, pattern, plain=python) for text in (*texts, merged))
    return Membership(result, ThreeVersions(base, ours, theirs))


def _members(text: str, pattern: re.Pattern[str], *, plain: bool) -> Members:
    """The lines of each name, blank ones left out; decorators and comments right above one belong to it.

    `plain` says that most lines name nothing, and what they begin with tells.
    """
    members: dict[Name, list[str]] = {}
    scopes: list[tuple[int, str]] = []
    waiting: list[str] = []  # what may belong to the next name
    current, column = members.setdefault((), []), -1
    for line in text.split("\n"):
        bare = line.lstrip()
        if not bare:
            continue
        indent = len(line) - len(bare)
        names = not plain or bare.startswith(("def ", "class ", "async "))
        if not names and not waiting and indent > column and bare[0] not in "@#":
            current.append(line)
            continue
        found = pattern.match(bare) if names else None
        if found is None and (bare[0] in "@#" or any(one.lstrip()[0] == "@" for one in waiting)):
            waiting.append(line)
            continue
        deeper = [one for one in waiting if _indent(one) > indent]
        current += deeper
        while scopes and scopes[-1][0] >= indent and bare[0] not in ")]}":
            scopes.pop()
        scopes += [(indent, found[1])] if found is not None else []
        current = members.setdefault(tuple(name for _, name in scopes), [])
        current += [*waiting[len(deeper) :], line]
        waiting, column = [], scopes[-1][0] if scopes else -1
    for line in waiting:
        (current if _indent(line) else members[()]).append(line)
    return members


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
