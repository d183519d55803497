"""Source text as bytes that `ast` positions point into, and edits that leave all other bytes alone.

Rules: the work is done on UTF-8 without a byte-order mark, as `ast` counts columns in UTF-8 bytes; on the way out mark
and encoding come back. Line ends are never translated.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import CodeError
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    import ast

BOM = b"\xef\xbb\xbf"
_NOT_PARSED = f"does not parse by Python {sys.version_info.major}.{sys.version_info.minor}"
_OTHER_PYTHON = "if it is code of another Python, run micropkgd with that one"
_QUOTES = (b'"', b"'", b'"""', b"'''")
_INSIDE_WORDS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_").union(range(0x80, 0x100))
# Compiled by `re` when they are first needed.
_OPENING = rb"[fFrRuU]{0,2}(?:\"\"\"|'''|\"|')"
_TWO_LINES = rb"[^\r\n]*(?:\r\n|\r|\n)?[^\r\n]*"


class Edit(NamedTuple):
    """Bytes to put in place of the bytes from start to end."""

    start: int
    end: int
    new: bytes


class UnreadError(CodeError):
    """A file that the Python which runs micropkgd cannot decode or parse: one of another Python, or no code at all."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line} {problem}", hint=_OTHER_PYTHON)
        self.line = line
        self.what = problem


class Text(NamedTuple):
    """One file: its bytes as UTF-8, and what is needed to give them back as they were."""

    source: bytes
    data: bytes
    mark: bytes
    encoding: str

    @classmethod
    def decode(cls, source: bytes) -> "Text":
        """Read the encoding as Python does: byte-order mark, then cookie, then UTF-8."""
        mark = BOM if source.startswith(BOM) else b""
        encoding = _declared(source)
        if encoding in ("utf-8", "utf-8-sig"):
            return cls(source, source[len(mark) :], mark, "utf-8")
        try:
            return cls(source, source.decode(encoding).encode(), b"", encoding)
        except UnicodeError as error:
            raise UnreadError(1, f"declares the encoding {encoding}, but the file is not in it") from error
        except LookupError as error:
            raise UnreadError(1, f"declares the encoding {encoding}, which is none of text") from error

    def edited(self, edits: Sequence[Edit]) -> bytes:
        """The whole file with some edits made, in its own mark and encoding."""
        if not edits:
            return self.source
        if self.encoding == "utf-8":
            return self.mark + apply(self.data, edits)
        try:
            if self.data.decode().encode(self.encoding) != self.source:
                raise CodeError(f"line 1 declares the encoding {self.encoding}, which would change other bytes, too")
            return apply(self.data, edits).decode().encode(self.encoding)
        except UnicodeEncodeError as error:
            raise CodeError(f"line 1 declares the encoding {self.encoding}, which cannot spell the new name") from error

    def tree(self, *, type_comments: bool = False) -> "ast.Module":
        """Parse; with type comments, if all in the file are such as they should be, for they stop nothing else."""
        from micropkgd.documents.syntax_trees import syntax_tree

        if type_comments:
            try:
                return syntax_tree(self._code, type_comments=True)
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                pass  # whatever it is, it is said below if it is there without them
        try:
            return syntax_tree(self._code)
        except SyntaxError as error:
            raise UnreadError(error.lineno or 1, f"{_NOT_PARSED}: {error.msg}") from error
        except (ValueError, MemoryError, RecursionError) as error:
            why = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
            raise UnreadError(1, f"or later {_NOT_PARSED}: {why}") from error

    @property
    def _code(self) -> bytes | str:
        """What to parse: as text where it was decoded by us, for bytes would be decoded by the cookie once more."""
        return self.data if self.encoding == "utf-8" else self.data.decode()

    def places(self) -> "Places":
        """The offset of each line; bytes split at CR, LF and CRLF only, which is how the parser counts."""
        return Places(self.data, [0, *accumulate(map(len, self.data.splitlines(keepends=True)))])


class Places(NamedTuple):
    """From positions in the tree to offsets in the bytes."""

    data: bytes
    starts: list[int]

    def start(self, node: "ast.stmt | ast.expr | ast.alias") -> int:
        """The offset of the first byte of a node."""
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: "ast.stmt | ast.expr | ast.alias") -> int:
        """The offset behind the last byte of a node."""
        return self.starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def span(self, node: "ast.stmt | ast.expr | ast.alias") -> bytes:
        """The bytes of a node."""
        return self.data[self.start(node) : self.end(node)]

    def inside(self, literal: "ast.Constant", text: str) -> int | None:
        """Where the text of a string literal begins, if it stands there letter by letter, without prefix or escape."""
        span = self.span(literal)
        quote = next((quote for quote in _QUOTES if span == quote + text.encode() + quote), None)
        return None if quote is None or b"\\" in span else self.start(literal) + len(quote)

    def comment(self, node: "ast.stmt | ast.arg", text: str) -> int | None:
        """Where the text of a type comment stands that belongs to a statement or an argument."""
        whole = re.compile(rb"#[ \t]*type:[ \t]*(" + re.escape(text.encode()) + rb")")
        found = whole.search(self.data, self.starts[node.lineno - 1] + node.col_offset)
        return found.start(1) if found else None

    def opening(self, literal: "ast.expr", text: str) -> int | None:
        """Where a text stands letter by letter at the beginning of a string, be it raw or formatted."""
        found = re.compile(_OPENING).match(self.data, self.start(literal))
        return found.end() if found and self.data.startswith(text.encode(), found.end()) else None

    def lines_with(self, pattern: re.Pattern[bytes]) -> list[int]:
        """The 1-based numbers of the lines on which a pattern begins, in order."""
        numbers = (bisect_right(self.starts, match.start()) for match in pattern.finditer(self.data))
        return list(dict.fromkeys(numbers))

    def line(self, number: int) -> bytes:
        """The bytes of one line."""
        return self.data[self.starts[number - 1] : self.starts[number]]


class Wanted(NamedTuple):
    """What makes a line worth a look: any of some words, as a whole, or what the pattern of a relative import finds."""

    words: frozenset[str]
    dots: re.Pattern[bytes] | None = None

    def is_in(self, data: bytes) -> bool:
        """Whether anything wanted stands in a text."""
        # Looking for bytes is far cheaper than a pattern of many words, which would be another one for each package.
        if any(_stands_in(word.encode(), data) for word in self.words):
            return True
        return self.dots is not None and self.dots.search(data) is not None

    def pattern(self) -> re.Pattern[bytes]:
        """Finds all that is wanted."""
        return _whole(self.words, self.dots.pattern if self.dots else b"")


def _stands_in(word: bytes, data: bytes) -> bool:
    """Whether a word stands somewhere as a whole, as `_whole` would find it."""
    start = data.find(word)
    while start >= 0:
        end = start + len(word)
        if _INSIDE_WORDS.isdisjoint(data[max(start - 1, 0) : start] + data[end : end + 1]):
            return True
        start = data.find(word, start + 1)
    return False


@lru_cache(maxsize=64)
def _whole(words: frozenset[str], dots: bytes = b"") -> re.Pattern[bytes]:
    """Finds any of the words, and what the pattern of a relative import finds.

    What stands before a word is looked at behind it: a pattern that begins with letters passes over all others quickly.
    """
    whole = (re.escape(word.encode()) for word in sorted(words))
    alone = b"|".join(word + rb"(?<![\w\x80-\xff]" + word + rb")" for word in whole)
    return re.compile(rb"(?:" + alone + rb")(?![\w\x80-\xff])" + (b"|" + dots if dots else b""))


def apply(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Make edits that do not overlap; the same edit twice is one edit."""
    pieces, done = [], 0
    for start, end, new in sorted(set(edits)):
        pieces += [data[done:start], new]
        done = end
    return b"".join((*pieces, data[done:]))


def _declared(source: bytes) -> str:
    head = re.match(_TWO_LINES, source) if b"coding" in source else None
    if head is None or b"coding" not in head[0]:
        return "utf-8"
    from io import BytesIO
    from tokenize import detect_encoding

    try:
        return detect_encoding(BytesIO(source).readline)[0]
    except SyntaxError as error:
        raise UnreadError(1, f"declares an encoding that cannot be used: {error.msg}") from error
