"""The definition or key that each line belongs to, told by indentation alone, and where a merge left it.

Lines that look alike stand in many places, so an edit of one definition may land in another: in a class that came to
stand where the edited one was, in a copy that was put above it. Rule: what one side alone changed is as that side has
it, each definition by its full name.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.merge.versions import ThreeVersions, the_changed
from micropkgd.named_tuples import NamedTuple

_DEFINITION: Final = re.compile(r"(?:async +)?(?:def|class) +(\w+) *[(:\[]")
_KEY: Final = re.compile(r"((?:- +)*[^\s#'\"\[{-][^:#]*|'[^']*'|\"[^\"]*\"):(?:\s|$)")
_AT_THE_MARGIN: Final = re.compile(r"^[^\s@#)\]}]", re.MULTILINE)
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
        base, ours, theirs = self.sides
        for name in {*self.merged, *self._known}:
            found = self.merged.get(name, ())
            if found == base.get(name, ()) == ours.get(name, ()) == theirs.get(name, ()):  # as most are
                continue
            lines = self.lines_of(name)
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
    known: dict[str, Members | None] = {}
    base, ours, theirs, result = (_members(text, pattern, known, plain=python) for text in (*texts, merged))
    return Membership(result, ThreeVersions(base, ours, theirs))


def _members(
    text: str, pattern: re.Pattern[str], known: dict[str, Members | None], *, plain: bool
) -> Mapping[Name, Sequence[str]]:
    """The lines of each name, told block by block, as most blocks stand in all texts; `known` has those told before."""
    members: dict[Name, list[str]] = {(): []}
    for block in _blocks(text):
        if block not in known:
            known[block] = _members_of(block, pattern, plain=plain)
        inner = known[block]
        if inner is None:
            return _members_of(text, pattern, plain=plain, ends=True) or {}
        _add(members, inner)
    return members


def _add(members: dict[Name, list[str]], inner: Members) -> None:
    for name, lines in inner.items():
        if lines or name not in members:
            members.setdefault(name, []).extend(lines)


def _blocks(text: str) -> list[str]:
    """What begins at the margin, with the comments and decorators right above it; nothing before it says more of it."""
    cuts = [0]
    for found in _AT_THE_MARGIN.finditer(text):
        at = found.start()
        while at > cuts[-1] and text[at - 1] == "\n":
            above = text.rfind("\n", 0, at - 1) + 1
            if above < cuts[-1] or text[above] not in "\n@#":
                break
            at = above
        cuts += [at] if at > cuts[-1] else []
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _members_of(text: str, pattern: re.Pattern[str], *, plain: bool, ends: bool = False) -> Members | None:
    """The lines of each name, blank ones left out; decorators and comments right above one belong to it.

    None where it is only a part of a text, and what follows decides whose its last lines are.

    `plain` says that most lines name nothing, and what they begin with tells.
    """
    members: dict[Name, list[str]] = {}
    scopes: list[tuple[int, str]] = []
    waiting: list[str] = []  # what may belong to the next name
    is_open = False  # whether what begins at the margin waits, too
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
            is_open = is_open or not (indent or bare[0] in "@#")
            continue
        deeper = [one for one in waiting if _indent(one) > indent]
        current += deeper
        while scopes and scopes[-1][0] >= indent and bare[0] not in ")]}":
            scopes.pop()
        scopes += [(indent, found[1])] if found is not None else []
        current = members.setdefault(tuple(name for _, name in scopes), [])
        current += [*waiting[len(deeper) :], line]
        waiting, column = [], scopes[-1][0] if scopes else -1
    if not ends and (is_open or not all(line[0].isspace() and line.lstrip()[0] == "#" for line in waiting)):
        return None
    for line in waiting:
        (current if _indent(line) else members[()]).append(line)
    return members


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
