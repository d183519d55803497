"""The imports of a module that are made whenever it is imported: at its top, not in a `try`, an `if` or a function."""

import ast
from collections.abc import Mapping

from micropkgd.named_tuples import NamedTuple


class ImportAtTop(NamedTuple):
    """From where it takes which names; a plain import takes none, but the module itself."""

    level: int
    module: str
    names: tuple[str, ...] = ()


Imports = Mapping[ImportAtTop, int]
"""Each import once, with the line of the first."""


def imports_at_top(tree: ast.Module, moved: Mapping[ast.stmt, str] = {}) -> Imports:
    """The imports of a module; what some statements import from has moved since it was parsed."""
    found: dict[ImportAtTop, int] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            module, names = moved.get(node) or node.module or "", tuple([alias.name for alias in node.names])
            found.setdefault(ImportAtTop(node.level, module, names), node.lineno)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(ImportAtTop(0, moved.get(node) or alias.name), node.lineno)
    return found
