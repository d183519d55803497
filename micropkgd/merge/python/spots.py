"""The place of a node in the text of a statement, and texts that can be put at another place.

The text of a node is *relative*: its lines but the first have no more than what they are indented further than the
line on which it begins. So it can stand in what another version has around it.
"""

import ast
import io
import tokenize
from collections.abc import Hashable, Sequence
from itertools import accumulate

from micropkgd.annotations import Any
from micropkgd.merge.versions import CollisionError
from micropkgd.named_tuples import NamedTuple


class StatementText(NamedTuple):
    """The lines of one statement, and which lines of its file they are."""

    text: str
    first: int  # the number of the first line, from 0
    starts: Sequence[int]  # where each line begins

    @classmethod
    def of(cls, text: str, first: int) -> "StatementText":
        """The text that begins with a line of its file."""
        return cls(text, first, [0, *accumulate(len(line) for line in text.splitlines(keepends=True))])

    def offset(self, line: int, column: int) -> int:
        """Where a place of the parser is, which counts bytes."""
        start = self.starts[line - 1 - self.first]
        return start + len(self.text[start:].encode()[:column].decode())

    def indent_at(self, at: int) -> str:
        """What the line is indented by that a place is on."""
        start = self.text.rfind("\n", 0, at) + 1
        return self.text[start : len(self.text) - len(self.text[start:].lstrip(" \t"))]

    def relative(self, start: int, end: int) -> str:
        """A part of the text, to be put somewhere else."""
        indent = self.indent_at(start)
        first, *others = self.text[start:end].split("\n")
        if not all(line.startswith(indent) or not line.strip() for line in others):
            raise CollisionError("it is indented less than where it begins")
        return "\n".join([first, *(line[len(indent) :] for line in others)])


class Spot(NamedTuple):
    """A node, and where it stands."""

    source: StatementText
    node: Any
    in_pipeline: bool = False  # whether it is what a pipeline of Kedro is made of

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.source.offset(self.node.lineno, self.node.col_offset)

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.source.offset(self.node.end_lineno, self.node.end_col_offset)

    @property
    def text(self) -> str:
        """Its text, relative."""
        return self.source.relative(self.start, self.end)

    def at(self, node: ast.AST, *, in_pipeline: bool = False) -> "Spot":
        """The spot of a node within it."""
        return self._replace(node=node, in_pipeline=in_pipeline)

    @property
    def says(self) -> Hashable:
        """What it does and what its comments say."""
        return ast.dump(self.node), comments_in(self.text)


class Piece(NamedTuple):
    """A text, relative, and the tree that it is to be parsed as."""

    text: str
    node: Any


def put(text: str, indent: str) -> str:
    """A relative text at a place on a line that is indented so."""
    first, *others = text.split("\n")
    return "\n".join([first, *(f"{indent}{line}" if line else line for line in others)])


def last_indent(text: str) -> str:
    """What the last line of a text is indented by."""
    line = text[text.rfind("\n") + 1 :] if "\n" in text else ""
    return line[: len(line) - len(line.lstrip(" \t"))]


def comments_in(text: str) -> tuple[str, ...]:
    """The comments of an expression."""
    if "#" not in text:
        return ()
    tokens = tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline)
    return tuple(token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT)
