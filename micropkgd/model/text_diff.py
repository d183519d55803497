"""Unified diffs of files; who shows them makes foreign characters visible. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from micropkgd.model.plan import Change
from micropkgd.model.tree import Digest, RelPath


def diff_lines(
    changes: Iterable[Change], before: Mapping[RelPath, bytes], contents: Mapping[Digest, bytes]
) -> Iterator[str]:
    """A unified diff of changes, `before` holding what stands there now."""
    for change in changes:
        old = before.get(change.path, b"") if change.before is not None else None
        new = contents.get(change.after, b"") if change.after is not None else None
        yield from text_diff(change.path, old, new)


def text_diff(path: RelPath, old: bytes | None, new: bytes | None) -> Iterator[str]:
    """A unified diff of one file; None where it is not there."""
    from difflib import unified_diff
    from io import StringIO

    names = ("/dev/null" if old is None else f"a/{path}", "/dev/null" if new is None else f"b/{path}")
    texts = (old or b"", new or b"")
    if any(b"\0" in text for text in texts):
        yield f"Binary files {names[0]} and {names[1]} differ"
        return
    whole = (data.decode(errors="backslashreplace") for data in texts)
    old_lines, new_lines = (list(StringIO(text, newline="\n")) for text in whole)  # as git: no other sign ends a line
    for line in unified_diff(old_lines, new_lines, *names):
        yield line.removesuffix("\n").removesuffix("\r")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"
