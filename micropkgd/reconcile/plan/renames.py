"""Files that were moved or renamed, upstream or here, told by their content as it is installed. Pure.

Git's measure: two files are one if at least half of the longer one's bytes stand in lines of the other. A file that was
split, or that two come from, is nobody's successor.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from micropkgd.annotations import Final
from micropkgd.model.tree import RelPath, suffix_of

_ENOUGH: Final = 0.5


def successors(gone: Mapping[RelPath, bytes], new: Mapping[RelPath, bytes]) -> Mapping[RelPath, RelPath]:
    """Which new file each of those that are gone became, by the new path; only where it is one of each."""
    scores = {
        (after, before): score
        for before, old in gone.items()
        for after, data in new.items()
        if suffix_of(before) == suffix_of(after) and (score := _likeness(old, data)) >= _ENOUGH
    }
    return {
        after: before
        for (after, before), score in scores.items()
        if all(
            other < score for pair, other in scores.items() if pair != (after, before) and _meet(pair, after, before)
        )
    }


def found_again(
    gone: Mapping[RelPath, bytes], new: Mapping[RelPath, bytes], left: Collection[RelPath] | None = None
) -> Mapping[RelPath, RelPath]:
    """Where each file that is gone is now, also one that is too small to tell of by itself.

    Such a one goes where its folder went, if it stands there under its name: as it was, or, where nothing is `left` in
    the old folder, however it was rewritten.
    """
    found = {before: after for after, before in successors(gone, new).items()}
    folders: dict[str, set[str]] = {}
    for before, after in found.items():
        (old, name), (there, now) = _parted(before), _parted(after)
        folders.setdefault(old, set()).add(there if name == now else "")
    emptied = set() if left is None else folders.keys() - {_parted(path)[0] for path in left}
    for before in gone.keys() - found.keys():
        folder, name = _parted(before)
        went = folders.get(folder, set())
        after = RelPath(f"{next(iter(went))}/{name}") if len(went) == 1 else before
        if after in new.keys() - set(found.values()) and (folder in emptied or new[after] == gone[before]):
            found[before] = after
    return found


def doubts(gone: Mapping[RelPath, bytes], new: Mapping[RelPath, bytes]) -> Iterator[str]:
    """A note on each file that is gone and that several may have become."""
    for before, old in sorted(gone.items()):
        alike = [
            after
            for after in sorted(new)
            if suffix_of(before) == suffix_of(after) and _likeness(old, new[after]) >= _ENOUGH
        ]
        if len(alike) > 1:
            yield f"{before} is missing, and nothing tells which it became: {' or '.join(alike)}"


def _parted(path: RelPath) -> tuple[str, str]:
    """A path as folder and name."""
    folder, _, name = path.rpartition("/")
    return folder, name


def _meet(pair: tuple[RelPath, RelPath], after: RelPath, before: RelPath) -> bool:
    return pair[0] == after or pair[1] == before


def _likeness(one: bytes, other: bytes) -> float:
    """The share of the longer text that is lines of both."""
    shared = Counter(one.splitlines(keepends=True)) & Counter(other.splitlines(keepends=True))
    longest = max(len(one), len(other))
    return sum(len(line) * count for line, count in shared.items() if line.strip()) / longest if longest else 0.0
