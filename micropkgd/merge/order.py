"""The order of units that two sides moved, added and removed."""

from collections.abc import Callable, Hashable, Sequence

from micropkgd.annotations import TypeVar
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed

K = TypeVar("K", bound=Hashable)


def merged_order(
    orders: ThreeVersions[list[K]], in_run: Callable[[Sequence[K], Sequence[K]], list[K]] = lambda a, b: [*a, *b]
) -> list[K]:
    """Everything of both sides in a row, each added one behind what it follows in its version.

    `in_run` says how what both added at one place stands there. `CollisionError` where both moved what was there.
    """
    shared = set(orders.base) & set(orders.ours) & set(orders.theirs)
    skeleton = the_changed(orders.each(lambda order: [key for key in order if key in shared]))
    if skeleton is None:
        raise CollisionError("both sides moved things")
    both = set(orders.ours) & set(orders.theirs)
    ours = _runs(orders.ours, shared, set())
    theirs = _runs(orders.theirs, shared, both - shared)
    row = in_run(*_run(None, ours, theirs))
    for key in skeleton:
        row += [key, *in_run(*_run(key, ours, theirs))]
    return row


def _runs(order: Sequence[K], shared: set[K], known: set[K]) -> dict[K | None, list[K]]:
    """What is new, by the shared one that it follows; what is `known` has its place already."""
    runs: dict[K | None, list[K]] = {}
    place: K | None = None
    for key in order:
        if key in shared:
            place = key
        elif key not in known:
            runs.setdefault(place, []).append(key)
    return runs


def _run(
    place: K | None, ours: dict[K | None, list[K]], theirs: dict[K | None, list[K]]
) -> tuple[Sequence[K], Sequence[K]]:
    return ours.get(place, ()), theirs.get(place, ())
