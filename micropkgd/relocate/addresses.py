"""Files in which only addresses of imports change, as nothing else is of interest than imports at the top that move.

So it is in most files that a pull rewrites. Each such import says by itself what becomes of it, and what it binds keeps
its name: none is to be followed through the file. What `changes` would find is found here by looking at the statements
at the top alone (a law compares the two); where anything else is of interest, it looks itself.
"""

import ast
from collections.abc import Collection
from itertools import pairwise

from micropkgd.annotations import Final
from micropkgd.relocate.names import METADATA, Routes, top_of
from micropkgd.relocate.text import Edit, Places, Wanted

_IMPORTS: Final = (ast.ImportFrom, ast.Import)
_METADATA_TOPS: Final = frozenset(map(top_of, METADATA))  # what is imported from these is followed by its name


def address_edits(tree: ast.Module, places: Places, routes: Routes, wanted: Wanted) -> dict[ast.stmt, Edit] | None:
    """The edit of each such import in a file in which nothing else is wanted; None for any other file."""
    if not _METADATA_TOPS.isdisjoint(map(top_of, routes.roots)):
        return None
    with_end: list[ast.stmt | None] = [*tree.body, None]
    moving: dict[ast.stmt, Edit] = {
        node: edit
        for node, following in pairwise(with_end)
        if isinstance(node, _IMPORTS) and _is_alone(node, following) and (edit := _address_edit(node, places, routes))
    }
    return None if wanted.is_in(_without(moving, places)) else moving


def _without(nodes: Collection[ast.stmt], places: Places) -> bytes:
    """The text without some statements, which are in order."""
    starts = [*map(places.start, nodes), len(places.data)]
    ends = [0, *map(places.end, nodes)]
    return b"".join(places.data[end:start] for end, start in zip(ends, starts, strict=True))


def _address_edit(node: ast.ImportFrom | ast.Import, places: Places, routes: Routes) -> Edit | None:
    """The edit of an import of what moves, if it is written in the plain way and binds no name of a package."""
    before, module, after = _parts(node)
    home, old = routes.goes_to(module), module.encode()
    if home is None or not places.data.startswith(before + old + after, places.start(node)):
        return None
    start = places.start(node) + len(before)
    return Edit(start, start + len(old), home.encode())


def _parts(node: ast.ImportFrom | ast.Import) -> tuple[bytes, str, bytes]:
    """What stands before the address in such an import, the address, and what stands behind it."""
    if isinstance(node, ast.ImportFrom):
        return b"from ", node.module or "", b" import"
    return b"import ", node.names[0].name if len(node.names) == 1 else "", b" as "


def _is_alone(node: ast.stmt, following: ast.stmt | None) -> bool:
    """Whether no other statement stands on the lines of one, which would be looked at for being there."""
    return node.col_offset == 0 and (following is None or following.lineno > (node.end_lineno or node.lineno))
