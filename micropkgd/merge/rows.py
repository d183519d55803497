"""Rows of things that are known by their keys, in three versions: each joined by itself, and put in order.

A row *in step* is one whose order says something, as that of statements does: its things have no names, and are known
by the place of those of the base. Nothing in it may move, what both added at one place is for the caller to decide, and
what was added beside something that the other side took out is a question.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Generic, TypeVar

from micropkgd.annotations import Any, Protocol, Self
from micropkgd.merge.effort import opcodes
from micropkgd.merge.order import merged_order
from micropkgd.merge.versions import CollisionError, ThreeVersions
from micropkgd.named_tuples import NamedTuple

Key = tuple[str, ...]


class Keyed(Protocol):
    """What stands in a row."""

    @property
    def key(self) -> Key:
        """What it is known by in all versions."""
        ...

    def _replace(self, *, key: Key = ...) -> Self:
        """The same under another key."""
        ...


R = TypeVar("R", bound=Keyed)


def merged_row(
    rows: ThreeVersions[Sequence[R]],
    join: Callable[[R | None, R, R], R],
    is_same: Callable[[R, R], bool],
    in_run: Callable[[Sequence[R], Sequence[R]], Sequence[R]],
) -> list[R]:
    """What each side added or changed, less what one removed; `in_run` says how what both added at one place stands."""
    tables = rows.each(lambda row: {one.key: one for one in row})
    merged: dict[Key, R] = {}
    for key in dict.fromkeys(one.key for row in (rows.ours, rows.theirs, rows.base) for one in row):
        base, ours, theirs = (table.get(key) for table in tables)
        if ours is not None and theirs is not None:
            merged[key] = join(base, ours, theirs)
        elif (only := ours or theirs) is not None and base is None:
            merged[key] = only
        elif base is not None and only is not None and not is_same(base, only):
            raise CollisionError(f"one side changed `{shown(base)}`, and the other removed it")

    def run(left: Sequence[Key], right: Sequence[Key]) -> list[Key]:
        if not left or not right:
            return [*left, *right]
        return [one.key for one in in_run([merged[key] for key in left], [merged[key] for key in right])]

    orders = ThreeVersions(*([one.key for one in row if one.key in merged] for row in rows))
    return [merged[key] for key in merged_order(orders, run)]


def shown(one: Keyed) -> str:
    """What a person knows it by."""
    return one.key[1] if len(one.key) > 1 else one.key[0]


class Look(NamedTuple, Generic[R]):
    """How things in a row are told apart."""

    says: Callable[[R], Hashable]  # what one does, and its comments
    does: Callable[[R], Hashable]
    about: Callable[[R], Hashable]  # what stays when it is changed; first its kind


def in_step(rows: ThreeVersions[Sequence[R]], look: Look[R]) -> ThreeVersions[list[R]]:
    """The rows, each thing known by its place."""
    base = list(rows.base)
    sides = [_Side(base, row, look) for row in (rows.ours, rows.theirs)]
    _refuse_doubled(set(map(look.does, base)), sides)
    for one, other in (sides, sides[::-1]):
        if any(place in other.gone or place - 1 in other.gone for place in one.added_at):
            raise CollisionError("one side added something beside what the other removed")
    numbered = [one._replace(key=_step(one, number)) for number, one in enumerate(base)]
    return ThreeVersions(numbered, *(side.keyed() for side in sides))


def _step(one: Keyed, number: int) -> Key:
    return ("step", shown(one), str(number))


class _Side(Generic[R]):
    """One side of a row in step."""

    def __init__(self, base: Sequence[R], row: Sequence[R], look: Look[R]) -> None:
        self._base, self._row, self._says = base, row, look.says
        self._known = _paired(base, row, look)
        self.gone = set(range(len(base))) - set(self._known.values())
        self._places = self._placed()
        self.added_at = {place for number, place in enumerate(self._places) if number not in self._known}
        new = {number: look.does(one) for number, one in enumerate(row)}
        old = {number: look.does(base[known]) for number, known in self._known.items()}
        self.new = {number: one for number, one in new.items() if number not in old or one != old[number]}

    def _placed(self) -> list[int]:
        """The number of the one of the base before which each stands, or which it is."""
        places, place = [], 0
        for number in range(len(self._row)):
            found = self._known.get(number)
            place = place if found is None else found + 1
            places.append(place)
        return places

    def runs(self) -> dict[tuple[bool, int], list[Hashable]]:
        """What was written at each place: what one of the base is now, or what was added before it."""
        runs: dict[tuple[bool, int], list[Hashable]] = {}
        for number, one in self.new.items():
            known = self._known.get(number)
            runs.setdefault((known is None, self._places[number] if known is None else known), []).append(one)
        return runs

    def keyed(self) -> list[R]:
        """The row; what is new is known by its place and what it says, so that both may have it."""
        return [
            one._replace(key=_step(self._base[self._known[number]], self._known[number]))
            if number in self._known
            else one._replace(key=("new", shown(one), str(self._places[number]), repr(self._says(one))))
            for number, one in enumerate(self._row)
        ]


def _refuse_doubled(known: set[Hashable], sides: Sequence[_Side[R]]) -> None:
    """What a side wrote is nothing that was there, or it moved or stands twice, and its place is anybody's guess."""
    written = [Counter(side.new.values()) for side in sides]
    if any(count > 1 or one in known for new in written for one, count in new.items()):
        raise CollisionError("something was moved, or stands there twice")
    one, other = (side.runs() for side in sides)
    shared = written[0].keys() & written[1].keys()
    alike = {said for place, run in one.items() if other.get(place) == run for said in run}
    if shared - alike:
        raise CollisionError("both sides wrote the same at two places")


def _paired(base: Sequence[R], row: Sequence[R], look: Look[R]) -> dict[int, int]:
    """The number in the base of each that is there still, changed or not."""
    pairs: dict[int, int] = {}
    for kind, start, end, at, until in opcodes(list(map(look.says, base)), list(map(look.says, row))):
        if kind == "equal":
            pairs.update(zip(range(at, until), range(start, end), strict=True))
        elif kind == "replace":
            olds, news = list(map(look.about, base[start:end])), list(map(look.about, row[at:until]))
            pairs.update((at + new, start + old) for new, old in _changed(olds, news))
    return pairs


def _changed(olds: Sequence[Hashable], news: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Which of the new ones are changed ones of those that are gone: about the same, or of one kind in equal number."""
    for kind, start, end, at, until in opcodes(olds, news):
        same_number = end - start == until - at
        if kind == "equal" or (kind == "replace" and same_number and _kinds(olds[start:end]) == _kinds(news[at:until])):
            yield from zip(range(at, until), range(start, end), strict=True)


def _kinds(found: Sequence[Any]) -> list[Any]:
    return [one[0] for one in found]
