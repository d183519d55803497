"""A merge with what collides left in, between markers, for a person to join. Pure.

It is laid beside and never in the tree. The markers are those of git's `diff3` style, which editors and merge tools
know: yours, the base, the new version.
"""

from collections.abc import Iterator, Sequence

from micropkgd.annotations import Final
from micropkgd.model.collision import Collision, LineRange, ThreeTexts
from micropkgd.model.text_form import form_of, in_form, plain
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple

_OURS: Final = b"<<<<<<<"
_BASE: Final = b"|||||||"
_MIDDLE: Final = b"======="
_THEIRS: Final = b">>>>>>>"
_MARKERS: Final = (_OURS, _BASE, _MIDDLE, _THEIRS)


class Marked(NamedTuple):
    """The text, and where its hunks collide."""

    text: bytes
    collisions: tuple[Collision, ...]


def with_markers(path: RelPath, sides: ThreeTexts, old: str, new: str) -> Marked | None:
    """The clean hunks merged and the others marked, `old` and `new` naming the versions; None of what is not text.

    Without a base all that differs collides. A side that has no such file has no lines to join.
    """
    base, ours, theirs = sides
    if ours is None or theirs is None or any(b"\0" in text for text in sides if text is not None):
        return None
    form = form_of(ours)
    texts = [text if form is None else plain(text) for text in (base or b"", ours, theirs)]
    names = (_OURS + b" yours", _BASE + b" " + old.encode(), _MIDDLE, _THEIRS + b" " + new.encode())
    text, collisions = _joined(path, [each.splitlines(keepends=True) for each in texts], names)
    return Marked(text if form is None else in_form(text, form), collisions)


def markers_in(data: bytes, *known: bytes | None) -> tuple[int, ...]:
    """The lines, counted from 1, that look like markers and stand in none of the texts that are `known`."""
    own = {line for text in known if text is not None for line in text.splitlines()}
    lines = enumerate(data.splitlines(), start=1)  # an editor may have ended them by CR alone
    return tuple(number for number, line in lines if line not in own and _is_marker(line))


def _is_marker(line: bytes) -> bool:
    """Whether a line looks like a marker; one that opens or ends a hunk does so indented as well."""
    bare = line.lstrip()
    markers = _MARKERS if bare == line else (_OURS, _BASE, _THEIRS)
    return bare.startswith(markers) and bare[len(_OURS) : len(_OURS) + 1] in {b"", b" "}


def _joined(path: RelPath, lines: Sequence[list[bytes]], names: Sequence[bytes]) -> tuple[bytes, tuple[Collision, ...]]:
    from merge3 import Merge3

    merged: list[bytes] = []
    collisions = []
    sides = dict(zip(("unchanged", "a", "same", "b"), (lines[0], lines[1], lines[1], lines[2]), strict=True))
    for kind, *ends in Merge3(lines[0], lines[1], lines[2]).merge_regions():
        if kind != "conflict":
            merged += sides[kind][ends[0] : ends[1]]
            continue
        start = len(merged)
        base, ours, theirs = (each[ends[at] : ends[at + 1]] for each, at in zip(lines, (0, 2, 4), strict=True))
        merged += _hunk(names, ours, base, theirs)
        where = (LineRange.of(ends[2], ends[3]), LineRange.of(ends[4], ends[5]), LineRange.of(start, len(merged)))
        collisions.append(Collision(path, *where))
    return b"".join(merged), tuple(collisions)


def _hunk(names: Sequence[bytes], *sides: Sequence[bytes]) -> Iterator[bytes]:
    """One that collides; a last line without an end gets one, so that a marker has a line of its own."""
    for name, side in zip(names, (*sides, ()), strict=True):
        yield name + b"\n"
        yield from (line if line.endswith(b"\n") else line + b"\n" for line in side)
