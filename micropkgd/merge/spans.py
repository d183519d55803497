"""Cut the lines of a block into units, along spans that a parser names; what is between them is comments and gaps."""

from collections.abc import Sequence

from micropkgd.annotations import Any
from micropkgd.merge.rows import Key
from micropkgd.merge.units import Unit, UnitBlock, UnitKind
from micropkgd.merge.versions import CollisionError
from micropkgd.named_tuples import NamedTuple


class LineSpan(NamedTuple):
    """Some whole lines that a parser knows, numbered from 0, the last one left out."""

    first: int
    last: int
    key: Key
    kind: UnitKind
    node: Any = None


def lines_of(text: str) -> list[str]:
    """The lines of a text that ends with a line end, as parsers count them."""
    if "\r" in text or "\f" in text:
        raise CollisionError("lines end in more than one way")
    return [f"{line}\n" for line in text.split("\n")[:-1]]


def block_of(lines: Sequence[str], start: int, end: int, spans: Sequence[LineSpan], column: int) -> UnitBlock:
    """The block that stands on some lines, all of its units together being those lines."""
    units: list[Unit] = []
    at = start
    for span in spans:
        at = _with_deeper(units, lines, at, span.first, column)
        chunks = _chunks(lines[at : span.first])
        gap, lead = chunks.pop()
        units += map(_comment, chunks)
        units.append(
            Unit(span.key, span.kind, gap, lead, "".join(lines[span.first : span.last]), span.first, span.node)
        )
        at = span.last
    at = _with_deeper(units, lines, at, end, column)
    chunks = _chunks(lines[at:end])
    gap, lead = chunks.pop()
    units += map(_comment, [*chunks, (gap, lead)] if lead else chunks)
    return UnitBlock(units, "" if lead else gap)


def _with_deeper(units: list[Unit], lines: Sequence[str], at: int, end: int, column: int) -> int:
    """Comments that are indented deeper than the block belong to the unit above them; where the others begin."""
    deeper = [number for number in range(at, end) if indent_of(lines[number]) > column]
    if not deeper or not units:
        return at
    last, stop = units[-1], deeper[-1] + 1
    units[-1] = last._replace(code=last.code + "".join(lines[at:stop]))
    return stop


def _chunks(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Blank lines and the comments behind them, again and again; the last one may have no comments."""
    chunks = [("", "")]
    for line in lines:
        gap, comments = chunks[-1]
        if not line.strip():
            chunks = [*chunks, (line, "")] if comments else [*chunks[:-1], (gap + line, "")]
        elif line.lstrip().startswith(("#", "---")):
            chunks[-1] = (gap, comments + line)
        else:
            raise CollisionError(f"nothing is known of the line `{line.strip()}`")
    return chunks


def _comment(chunk: tuple[str, str]) -> Unit:
    gap, text = chunk
    return Unit((UnitKind.COMMENT, text.strip()), UnitKind.COMMENT, gap, text, "")


def indent_of(line: str) -> int:
    """How far a line is indented; a blank one is not."""
    return len(line) - len(line.lstrip()) if line.strip() else 0
