"""Knows which line of the requirements file belongs to whom. Pure: text in, text out.

Rules: an entry's lines stand in a block of its own, under the header that Kedro's pull wrote too. A block reaches to
the next blank line or header; a line in it that is exactly one of the entry's is the entry's, everything else is a
person's and stays where it is. An update takes away what went and adds what is new, so that what a person removed,
commented out, capped or moved is not asked for again. What one block says never depends on another, and what is added
has one place to go: the order in which entries are updated leaves no trace.
"""

import re
from collections.abc import Iterable, Mapping

from micropkgd.annotations import Final
from micropkgd.model.requirement_lines import line_end, logical_lines, name_in, says, stated
from micropkgd.named_tuples import NamedTuple

Lines = Mapping[str, Iterable[str]]
"""Requirement lines by the label of the entry that asks for them."""

_HEADER: Final = "# Additional requirements from micro-package `{}`:"
_HEADERS: Final = r"# Additional requirements from micro-package `([^`]+)`:"


def update(text: str, before: Lines, after: Lines, moved: Mapping[str, str] | None = None) -> str:
    """Bring every entry's block from the lines it had to the lines it asks for.

    An entry whose lines did not change is left as it stands, whatever a person has made of it. Lines that a person
    wrote outside of all blocks and that say the same are not repeated. `moved` has the new label of each entry that
    moved: a block that a person has edited moves along.
    """
    had = {label: frozenset(lines) for label, lines in before.items() if lines}
    asked = {label: frozenset(lines) for label, lines in after.items() if lines}
    if had == asked:
        return text
    file = _File(text)
    for old, new in (moved or {}).items():
        if old in had and old not in asked and file.take_along(old, new, had[old]):
            had[new] = had.pop(old)
    for label in sorted({*had, *asked}):
        file.update(label, had.get(label, frozenset()), asked.get(label, frozenset()))
    return file.text()


def taken_out(text: str, labels: Iterable[str]) -> tuple[str, Mapping[str, list[str]]]:
    """The text without the blocks of these entries, and what stood in each, people's lines too."""
    file, blocks = _File(text), {}
    for label in labels:
        blocks[label] = file.take_out(label)
    return file.text(), blocks


def put_in(text: str, blocks: Mapping[str, Iterable[str]]) -> str:
    """The text with what stood in the blocks of another file; lines that stand in a block already are not repeated."""
    file = _File(text)
    for label in sorted(blocks):
        file.put_in(label, blocks[label])
    return file.text()


def joined(text: str, leftovers: Mapping[str, str]) -> str:
    """The text with each block of `leftovers` joined to that of the label that it belongs to."""
    file = _File(text)
    for label in sorted(leftovers):
        file.join(label, leftovers[label])
    return file.text()


def blocks_of(text: str) -> Mapping[str, frozenset[str]]:
    """What stands in the block of each entry that has a header."""
    blocks: dict[str, frozenset[str]] = {}
    for part in _parts(logical_lines(text)):
        if part.label:
            stands = frozenset(line.rstrip() for line in part.lines[1:])
            blocks[part.label] = blocks.get(part.label, frozenset()) | stands
    return blocks


def lacking(text: str, label: str, lines: Iterable[str]) -> list[str]:
    """Those of an entry's lines that neither its block says, be it as a comment, nor a person outside of all blocks."""
    return _File(text).lacking(label, lines)


class _Part(NamedTuple):
    """Lines that follow each other: a block, header first, or what stands outside of all blocks."""

    label: str  # of the entry; empty outside
    lines: list[str]
    gap: list[str]  # the blank line that sets a block off


class _File:
    """A requirements file in parts, while it is changed."""

    def __init__(self, text: str) -> None:
        self._line_end = line_end(text)
        lines = logical_lines(text)
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += self._line_end
        self._parts = _parts(lines)
        self._persons: dict[str, list[str]] = {}  # what stands outside of all blocks, by the name that it asks for
        for line in (line for part in self._parts if not part.label for line in part.lines):
            self._persons.setdefault(name_in(stated(line)), []).append(line)

    def text(self) -> str:
        """All of it."""
        return "".join(line for part in self._parts for line in (*part.gap, *part.lines))

    def take_along(self, old: str, new: str, had: frozenset[str]) -> bool:
        """Give an edited block the header of another label; False where it is unedited, or the new label has one."""
        blocks = self._blocks(old)
        stands = {line.rstrip() for block in blocks for line in block.lines[1:]}
        if not stands or stands == had or self._blocks(new):
            return False
        self._rename(old, new)
        return True

    def join(self, old: str, new: str) -> None:
        """Let what stands in the blocks of one label stand in that of another, each line once."""
        if self._blocks(new):
            self.put_in(new, self.take_out(old))
        else:
            self._rename(old, new)

    def take_out(self, label: str) -> list[str]:
        """Take the blocks of an entry away; what stood in them is what comes back."""
        lines = [line for block in self._blocks(label) for line in block.lines[1:]]
        for block in self._blocks(label):
            del block.lines[1:]
        self._close(label)
        return lines

    def put_in(self, label: str, lines: Iterable[str]) -> None:
        """Write lines at the end of an entry's block, which is made where it is missing."""
        known = {line.rstrip() for block in self._blocks(label) for line in block.lines}
        new = [f"{line.rstrip()}{self._line_end}" for line in lines if line.rstrip() not in known]
        if new:
            block = next(iter(self._blocks(label)), None) or self._open(label)
            block.lines.extend(new)

    def update(self, label: str, had: frozenset[str], asked: frozenset[str]) -> None:
        """Take away what went and add what is new; a block that nothing is left of goes with its entry."""
        blocks = self._blocks(label)
        for block in blocks:
            block.lines[1:] = [line for line in block.lines[1:] if line.rstrip() not in had - asked]
        new = self.lacking(label, asked - had)
        if new:
            block = blocks[0] if blocks else self._open(label)
            for line in new:
                block.lines.insert(_place(block.lines, line, asked), f"{line}{self._line_end}")
        elif not asked:
            self._close(label)

    def lacking(self, label: str, lines: Iterable[str]) -> list[str]:
        """The lines that neither the own block says, be it as a comment, nor a person outside of all blocks."""
        own = [line.lstrip("# \t") for block in self._blocks(label) for line in block.lines[1:]]
        return sorted(
            line
            for line in lines
            if not any(says(said, line) for said in (*self._persons.get(name_in(line), ()), *own))
        )

    def _blocks(self, label: str) -> list[_Part]:
        """The blocks of an entry; a person's merge may have left it several."""
        return [part for part in self._parts if part.label == label]

    def _rename(self, old: str, new: str) -> None:
        for at, part in enumerate(self._parts):
            if part.label == old:
                self._parts[at] = _Part(new, [self._header(new), *part.lines[1:]], part.gap)

    def _header(self, label: str) -> str:
        return f"{_HEADER.format(label)}{self._line_end}"

    def _open(self, label: str) -> _Part:
        """Make a block, by label among those that end the file."""
        last = len(self._parts)
        while last > 0 and self._parts[last - 1].label:
            last -= 1
        at = next((at for at in range(last, len(self._parts)) if self._parts[at].label > label), len(self._parts))
        block = _Part(label, [self._header(label)], [self._line_end] if at else [])
        if at == 0 and self._parts:
            self._parts[0].gap[:] = [self._line_end]
        self._parts.insert(at, block)
        return block

    def _close(self, label: str) -> None:
        """Take away what has a header and no lines, with the blank line that set it off."""
        left = [part for part in self._parts if part.label != label or len(part.lines) > 1]
        if left and left[0] is not self._parts[0]:
            left[0] = _as_first(left[0])
        self._parts = left


def _as_first(part: _Part) -> _Part:
    """A part that nothing stands above any more, without the blank line that set it off."""
    blank = not part.label and not part.lines[0].strip() and bool("".join(part.lines).strip())
    return _Part(part.label, part.lines[blank:], [])


def _parts(lines: Iterable[str]) -> list[_Part]:
    parts: list[_Part] = []
    for line in lines:
        header = re.fullmatch(_HEADERS, line.rstrip()) if line.startswith("#") else None
        if header:
            blank = bool(parts) and not parts[-1].label and not parts[-1].lines[-1].strip()
            parts.append(_Part(header[1], [line], [parts[-1].lines.pop()] if blank else []))
        elif not parts or (parts[-1].label and not line.strip()):
            parts.append(_Part("", [line], []))
        else:
            parts[-1].lines.append(line)
    return [part for part in parts if part.lines]


def _place(block: list[str], new: str, asked: frozenset[str]) -> int:
    """Where a line goes: sorted among the lines of the entry that follow the header."""
    at = 1
    while at < len(block) and block[at].rstrip() in asked and block[at].rstrip() < new:
        at += 1
    return at
