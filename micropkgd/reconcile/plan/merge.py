"""Join a local edit and a new version by their text, or say that it cannot be done. Pure."""

import json
from collections import Counter

from micropkgd import documents
from micropkgd.errors import DocumentError
from micropkgd.model.text_form import form_of, in_form, plain
from micropkgd.model.tree import RelPath


def merge_texts(path: RelPath, base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """The three-way merge of a text file, if it has no conflict and the result still parses; else None."""
    from merge3 import Merge3

    if any(b"\0" in text for text in (base, ours, theirs)):
        return None
    form = form_of(ours)
    if form is not None:  # line ends are not edits; the result has those of the file that it replaces
        base, ours, theirs = plain(base), plain(ours), plain(theirs)
    lines = [text.splitlines(keepends=True) for text in (base, ours, theirs)]
    merged: list[bytes] = []
    for group in Merge3(lines[0], lines[1], lines[2]).merge_groups():
        if group[0] == "conflict":
            return None
        merged += group[1]
    result = b"".join(merged) if form is None else in_form(b"".join(merged), form)
    return result if _parses(path, result) else None


def is_nearer(ours: bytes, one: bytes, other: bytes) -> bool | None:
    """Whether a text has more lines of the one than of the other; None where it has as many of both."""
    lines = Counter(ours.splitlines())
    shared = [(Counter(text.splitlines()) & lines).total() for text in (one, other)]
    return None if shared[0] == shared[1] else shared[0] > shared[1]


def _parses(path: RelPath, data: bytes) -> bool:
    """Whether a file is still what its name says; one of another kind has no syntax to break."""
    try:
        if path.endswith((".py", ".pyi")):
            import ast

            ast.parse(data)
        elif path.endswith((".yml", ".yaml")):
            documents.check_yaml(data)
        elif path.endswith(".toml"):
            documents.read_toml(data)
        elif path.endswith(".json"):
            json.loads(data)
    except (SyntaxError, ValueError, DocumentError, RecursionError, MemoryError):  # the last two: nested without end
        return False
    return True
