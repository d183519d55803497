"""The bound on what the merge of one file may compare: `difflib` takes the square of a row, of equal things the cube.

Rule: one file has one effort, however many rows its merge compares. Where it is used up, the merge is a person's.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import SequenceMatcher
from itertools import accumulate

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.merge.versions import CollisionError

if TYPE_CHECKING:
    from difflib import Match

MOST: Final = 30_000_000  # comparisons: some seconds
_left: ContextVar[int] = ContextVar("comparisons left", default=MOST)


@contextmanager
def one_effort() -> Iterator[None]:
    """The effort of one file."""
    mark = _left.set(MOST)
    try:
        yield
    finally:
        _left.reset(mark)


def opcodes(one: Sequence[Hashable], other: Sequence[Hashable]) -> Sequence[tuple[str, int, int, int, int]]:
    """How the one becomes the other, step by step; `CollisionError` where telling takes too much."""
    return _Bounded(None, one, other, autojunk=False).get_opcodes()


class _Bounded(SequenceMatcher[Hashable]):
    """A matcher that stops before a look that takes more than is left."""

    def set_seqs(self, a: Sequence[Hashable], b: Sequence[Hashable]) -> None:
        """Count beforehand what a look at each thing costs."""
        super().set_seqs(a, b)
        equal = Counter(b)
        self._costs = [0, *accumulate(1 + equal[one] for one in a)]

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> "Match":
        """As `difflib` does it."""
        left = _left.get() - self._costs[-1 if ahi is None else ahi] + self._costs[alo]
        if left < 0:
            raise CollisionError("the rows are too long to be compared")
        _left.set(left)
        return super().find_longest_match(alo, ahi, blo, bhi)
