"""Join three texts line by line."""

from collections import Counter
from collections.abc import Sequence

from micropkgd.merge.returning import comes_back
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed


def merged_lines(texts: ThreeVersions[str]) -> str:
    """The three-way merge of texts; `CollisionError` where both sides changed the same lines."""
    from merge3 import Merge3

    whole = the_changed(texts)
    if whole is not None:
        return whole
    ends = texts.each(lambda text: text.endswith("\n"))
    lines = texts.each(lambda text: _lines(text if text.endswith("\n") or not text else f"{text}\n"))
    merged: list[str] = []
    for group in Merge3(lines.base, lines.ours, lines.theirs).merge_groups():
        if group[0] == "conflict":
            raise CollisionError("both sides changed the same lines")
        merged += group[1]
    if comes_back(merged, lines):
        raise CollisionError("one side removed what the other moved")
    result = "".join(merged)
    return result if the_changed(ends) else result.removesuffix("\n")


def is_nearer(ours: bytes, one: bytes, other: bytes) -> bool | None:
    """Whether a text has more lines of the one than of the other; None where it has as many of both."""
    lines = Counter(ours.splitlines())
    shared = [(Counter(text.splitlines()) & lines).total() for text in (one, other)]
    return None if shared[0] == shared[1] else shared[0] > shared[1]


def _lines(text: str) -> Sequence[str]:
    """The lines of a text, each with its end; whatever else Unicode calls a line end is none."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
