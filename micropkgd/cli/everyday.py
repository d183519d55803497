"""The everyday command, `reconcile --once`, where nothing moved: it is answered before the house is built.

Rule: imports next to nothing, and says word for word what the whole way says (`output`), which is taken for all else.
"""

from collections.abc import Iterator, Sequence

from micropkgd.cli.lines import drifted_line, entries_line, modules_line, plain, standing_line, version_said
from micropkgd.workspace.memory.settled import Row, settled_rows
from micropkgd.workspace.root import root_around


def answer(words: Sequence[str]) -> str | None:
    """What these words of a command line are answered with; None where the whole way must be taken."""
    start, *others = words[2:] or ["."]
    if list(words[:2]) != ["reconcile", "--once"] or others or start.startswith("-"):
        return None
    try:
        root = root_around(start)
    except OSError:  # the current folder was deleted: `execute` says so
        return None
    rows = settled_rows(root) if root is not None else None
    return "".join(f"{line}\n" for line in _lines(*rows)) if rows is not None else None


def _lines(entries: Sequence[Row], packages: Sequence[Row]) -> Iterator[str]:
    for ref, target, _, version, archive, _, formatted, *drifted in entries:
        yield plain(standing_line("unchanged", ref, target, version_said(version, archive)))
        only = formatted.split("\n")
        yield from (drifted_line(path, formatted=path in only) for path in drifted)
    yield entries_line(len(entries), f"{len(entries)} unchanged" if entries else "")
    for module, _, path, _, version, digest, *_ in packages:
        yield plain(standing_line("unchanged", module, path, version_said(version, digest)))
    if packages:
        yield modules_line(len(packages), f"{len(packages)} unchanged")
