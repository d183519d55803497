"""Finds our modules in the one place where each can be, which spares the search that Python makes for any module.

That one lists every folder of ours, and looks there for a package, five forms of compiled code and a source in turn: a
fifteenth of a small pull (docs/decisions/0066-finder.md). What this finder does not know, Python searches for as ever.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from os.path import isfile
from types import ModuleType

_OURS = f"{__package__}."


class _Finder:
    """Answers for what stands below a package of ours."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, _: ModuleType | None = None) -> ModuleSpec | None:
        """Where a module is, by its name and the folder of its package; None where it is not a source file there."""
        if path is None or not name.startswith(_OURS):
            return None
        place = f"{path[0]}/{name.rpartition('.')[2]}"
        if isfile(file := f"{place}.py"):
            return _spec(name, file)
        if isfile(file := f"{place}/__init__.py"):
            spec = _spec(name, file)
            spec.submodule_search_locations = [place]
            return spec
        return None


def _spec(name: str, file: str) -> ModuleSpec:
    spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file)
    spec.has_location = True
    return spec


def ask_first() -> None:
    """Let imports ask here before they search."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
