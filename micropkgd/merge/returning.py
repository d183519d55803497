"""Things returning by a merge that one side removed, for the other only moved or renamed them.

Both sides took it from its place, so neither lines nor names find anything to ask, and have it where the other side put
it. Rules: lines add up. In a merge each stands as often as both sides together leave it, and what both took away stays
away, however it is indented, quoted and set off by a comma now. A definition or key that is gone for both sides does
not stand elsewhere, as it was but for its name.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set

from micropkgd.annotations import Final
from micropkgd.merge.membership import Members, Membership, Name
from micropkgd.merge.versions import ThreeVersions

_COMMENT: Final = re.compile(r"\s+#.*$")
_ITEM: Final = re.compile(r"\*{0,2}[\"\w.-]+ *[:=](?!=)")
_TELLING: Final = re.compile(
    r"\b(?!(?:else|try|finally|pass|return|raise|break|continue|yield|None|True|False|self|cls|null|true|false)\b)\w"
)  # what stands in many places tells nothing of where it came from
_WORD: Final = re.compile(r"\w+")


def comes_back(merged: Sequence[str], lines: ThreeVersions[Sequence[str]]) -> bool:
    """Whether a line that a side removed or moved is in the merge at another place all the same."""
    return bool(_surplus(_said, merged, lines))


def returns(member: Membership) -> bool:
    """Whether something is in a merge by structure that a side removed, and the other moved or renamed.

    How many lines there are is the layout's to say: there must be too many of the word as well that is rarest in one.
    """
    base, ours, theirs = member.sides
    left = {name: lines for name, lines in base.items() if name in ours or name in theirs}
    merged, *sides = (list(_all(one)) for one in (member.merged, left, ours, theirs))
    lines = ThreeVersions[Sequence[str]](*sides)
    if found := _surplus(_said, merged, lines):
        words = _surplus(_WORD.findall, merged, lines)
        known = Counter(_WORD.findall("\n".join(merged)))
        if any(min(_WORD.findall(said), key=known.__getitem__) in words for said in found):
            return True
    return _stands_elsewhere(member)


def gone_and_new(merged: Set[Name], sides: ThreeVersions[Set[Name]]) -> tuple[set[Name], set[Name]]:
    """The outermost names that no side has any more, and those of a merge that one side alone came to have."""
    base, ours, theirs = sides
    gone = base - ours - theirs
    return {name for name in gone if name[:-1] not in gone}, set(merged - base - (ours & theirs))


def _surplus(
    say: Callable[[str], Iterable[str]], merged: Sequence[str], lines: ThreeVersions[Sequence[str]]
) -> set[str]:
    """What is said more often than both sides together leave it."""
    texts = [Counter(text) for text in (merged, *lines)]
    apart = {line for text in texts for line, count in text.items() if any(one[line] != count for one in texts)}
    found, base, ours, theirs = (_counted(say, text, apart) for text in texts)
    return {
        said
        for said, count in found.items()
        if count > max(ours[said] + theirs[said] - base[said], min(ours[said], theirs[said]))
    }


def _counted(say: Callable[[str], Iterable[str]], text: Counter[str], apart: set[str]) -> Counter[str]:
    """How often a text says what some lines say."""
    counts: Counter[str] = Counter()
    for line in apart & text.keys():
        for said in say(line):
            counts[said] += text[line]
    return counts


def _said(line: str) -> Iterator[str]:
    """What a line says, and of an item that has a name also that it is there."""
    text = _plain(line)
    if _TELLING.search(text):
        yield text.removesuffix(",")
        if text.endswith(",") and (item := _ITEM.match(text)):
            yield item[0]


def _plain(line: str) -> str:
    return _COMMENT.sub("", line.strip()).replace("'", '"')


def _all(members: Members) -> Iterator[str]:
    return (line for lines in members.values() for line in lines)


def _stands_elsewhere(member: Membership) -> bool:
    """Whether what is gone for both sides is there under a name that only one of them has."""
    gone, new = gone_and_new(member.merged.keys(), member.sides.each(lambda side: side.keys()))
    if not gone or not new:
        return False
    lost, found = _contents(member.sides.base, gone), _contents(member.merged, new)
    return any(
        one == other and (name[-1] == key[-1] or any(map(_TELLING.search, one)))
        for name, one in lost.items()
        for key, other in found.items()
    )


def _contents(members: Members, names: set[Name]) -> dict[Name, list[str]]:
    """What stands under each of some names, which itself is left out."""
    contents: dict[Name, list[str]] = {name: [] for name in names}
    for name, lines in members.items():
        for depth in range(1, len(name) + 1):
            if (outer := name[:depth]) in contents:
                contents[outer] += (_plain(line).removesuffix(",") for line in lines)
    return {name: _without(name[-1], lines) for name, lines in contents.items()}


def _without(name: str, lines: Sequence[str]) -> list[str]:
    """Lines with a mark where a name stands; the mark tells nothing."""
    return re.sub(rf"(?<!\w){re.escape(_plain(name))}(?!\w)", "-", "\n".join(lines)).split("\n")
