"""Tells whether requirements can hold together, by their specifiers alone: no index is asked. Pure.

What holds of a version holds just above it, too, until the next bound: so one of the versions that the specifiers name,
or the first one above it, satisfies all of them, or none does.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.model.requirement_lines import name_in

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

_REMEMBERED: Final = 4096  # answers


def at_odds(lines: Iterable[str], others: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each pair of requirement lines of one project that no version satisfies together."""
    by_name: dict[str, list[str]] = {}
    for line in others:
        by_name.setdefault(name_in(line), []).append(line)
    for line in lines:
        for other in by_name.get(name_in(line), ()):
            if other != line and not _go_together(line, other):
                yield line, other


def can_hold(*specifiers: str) -> bool:
    """Whether a version satisfies all of these specifiers; so where one of them cannot be read."""
    from packaging.specifiers import SpecifierSet

    try:
        wanted = SpecifierSet(",".join(one for one in specifiers if one))
        if any(one.operator == "===" for one in wanted):  # which takes any text
            return True
        return not len(wanted) or any(wanted.contains(one, prereleases=True) for one in _candidates(wanted))
    except ValueError:  # InvalidSpecifier is one; so is a number too long for `int`
        return True


@lru_cache(maxsize=_REMEMBERED)
def rules_out(requirement: str, version: str) -> bool:
    """Whether a requirement asks for other versions than this; not where either cannot be read.

    Remembered, for a pass asks several times of each entry, and to read a requirement takes as long as to read a file.
    """
    if set(requirement).isdisjoint("<>=!~"):  # the name alone: nothing need be imported to tell
        return False
    from packaging.requirements import Requirement
    from packaging.version import Version

    try:
        return not Requirement(requirement).specifier.contains(Version(version), prereleases=True)
    except ValueError:  # InvalidRequirement and InvalidVersion are such
        return False


def _go_together(line: str, other: str) -> bool:
    """Lines that hold under different markers need not."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        one, two = Requirement(line), Requirement(other)
    except InvalidRequirement:
        return True
    if one.url or two.url or str(one.marker) != str(two.marker):
        return True
    return can_hold(str(one.specifier), str(two.specifier))


def _candidates(wanted: "SpecifierSet") -> Iterator["Version"]:
    from packaging.version import Version

    yield Version("0.dev0")  # there is none below
    for one in wanted:
        named = Version(one.version.removesuffix(".*"))
        base = named.base_version
        yield from (named, Version(base), Version(f"{base}.dev{0 if named.dev is None else named.dev + 1}"))
        if named.pre is not None:
            kind, number = named.pre
            yield Version(f"{base}{kind}{number + 1}")
        yield Version(f"{base}.post{(named.post or 0) + 1}")
        yield from (Version(f"{named.epoch}!{'.'.join(map(str, release))}") for release in _above(named.release))


def _above(release: Sequence[int]) -> Iterator[Sequence[int]]:
    """The first ones above: of the very same series, and of the next one."""
    yield (*release, *[0] * (3 - len(release)), 1)
    yield (*release[:-1], release[-1] + 1)
