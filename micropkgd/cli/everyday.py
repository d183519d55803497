"""The everyday commands where nothing moved, `reconcile --once` and `lock --check`, answered before the house is built.

Rules: imports next to nothing, and says word for word what the whole way says (`output`), which is taken for all else.
The record is read by `settled`, which no other command pays for.
"""

from micropkgd.cli.lines import (
    NOTHING_WRITTEN,
    drifted_line,
    entries_line,
    modules_line,
    plain,
    standing_line,
    version_said,
)
from micropkgd.workspace.root import root_around

TYPE_CHECKING = False  # as `typing` has it, which is not imported here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from micropkgd.workspace.memory.settled import Row


def answer(words: "Sequence[str]") -> str | None:
    """What these words of a command line are answered with; None where the whole way must be taken."""
    start, *others = words[2:] or ["."]
    lines = _LINES.get(tuple(words[:2]))
    if lines is None or others or start.startswith("-"):
        return None
    try:
        root = root_around(start)
    except OSError:  # the current folder was deleted: `execute` says so
        return None
    from micropkgd.workspace.memory.settled import settled_rows

    rows = settled_rows(root) if root is not None else None
    return "".join(f"{line}\n" for line in lines(*rows)) if rows is not None else None


def _pass_lines(entries: "Sequence[Row]", packages: "Sequence[Row]") -> "Iterator[str]":
    from micropkgd.workspace.memory.settled import FIELDS

    for entry in entries:
        yield _entry_line(entry)
        if drifted := entry[FIELDS:]:
            only = entry[6].split("\n")
            yield from (drifted_line(path, formatted=path in only) for path in drifted)
    yield _summary(entries)
    for module, _, path, _, version, digest, *_ in packages:
        yield plain(standing_line("unchanged", module, path, version_said(version, digest)))
    if packages:
        yield modules_line(len(packages), f"{len(packages)} unchanged")


def _lock_lines(entries: "Sequence[Row]", _: "Sequence[Row]") -> "Iterator[str]":
    """Of the lock alone: neither the tree nor the project's own modules are asked for."""
    yield from map(_entry_line, entries)
    yield _summary(entries) + NOTHING_WRITTEN


def _entry_line(entry: "Row") -> str:
    ref, target, _, version, archive, *_ = entry
    return plain(standing_line("unchanged", ref, target, version_said(version, archive)))


def _summary(entries: "Sequence[Row]") -> str:
    return entries_line(len(entries), f"{len(entries)} unchanged" if entries else "")


_LINES: dict[tuple[str, ...], "Callable[[Sequence[Row], Sequence[Row]], Iterator[str]]"] = {
    ("reconcile", "--once"): _pass_lines,
    ("lock", "--check"): _lock_lines,
}
