"""Imports of the project's own modules, or of names in them, that are not there.

Only what a module imports whenever it is imported counts: statements at its top, not those in a `try`, an `if` or a
function. What other distributions have is not looked at. Kedro's `find_pipelines` passes over a pipeline that cannot
be imported with no more than a warning.
"""

import ast
from collections.abc import Iterable, Iterator

from micropkgd.annotations import Final
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.model.layout import Layout
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.kedro.discovery import bound_in
from micropkgd.reconcile.kedro.tree_after import TreeAfter

_ALWAYS: Final = frozenset({"__file__", "__name__", "__doc__", "__path__", "__package__", "__spec__", "__version__"})
_MODULES: Final = (".py", ".pyi", ".pyx", "/__init__.py")


class BrokenImport(NamedTuple):
    """One import that fails."""

    path: RelPath
    line: int
    name: str  # "shop.pipelines.ds.missing"

    def __str__(self) -> str:
        """What to tell its owner."""
        return f"{self.path}:{self.line}: `{self.name}` is not there, so this import fails"


def broken_in(tree: TreeAfter, layout: Layout, paths: Iterable[RelPath]) -> Iterator[BrokenImport]:
    """The imports at the top of these modules that lead nowhere."""
    look = _ImportCheck(tree, layout, {}, {})
    for path in paths:
        if path.endswith(".py") and path.startswith(f"{layout.package_folder}/"):
            yield from look.broken(path)


class _ImportCheck(NamedTuple):
    """The project's modules, each looked for once and parsed once, however often it is imported."""

    tree: TreeAfter
    layout: Layout
    bound: dict[str, frozenset[str] | None]
    modules: dict[str, bool]

    def broken(self, path: RelPath) -> Iterator[BrokenImport]:
        try:
            body = syntax_tree(self.tree.read(path) or b"").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        for node in body:
            for name in self._missing(node, path):
                yield BrokenImport(path, node.lineno, name)

    def _missing(self, node: ast.stmt, path: RelPath) -> Iterator[str]:
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names if self._is_own(one.name) and not self._is_module(one.name))
            case ast.ImportFrom(module=module, names=names, level=level):
                home = self._home(path, module or "", level)
                if not home or not self._is_own(home):
                    return
                if not self._is_module(home):
                    yield home
                    return
                yield from (f"{home}.{one.name}" for one in names if not self._gives(home, one.name))

    def _home(self, path: RelPath, module: str, level: int) -> str:
        """The module that a statement imports from; empty where a relative one leaves the source folder."""
        if level == 0:
            return module
        parts = self._below_source(path).removesuffix(".py").split("/")
        above = parts[:-level]
        return ".".join([*above, *([module] if module else [])]) if above else ""

    def _below_source(self, path: str) -> str:
        source = self.layout.source_dir
        return path if source in {"", "."} else path.removeprefix(f"{source}/")

    def _is_own(self, module: str) -> bool:
        return module.partition(".")[0] == self.layout.package.partition(".")[0]

    def _place(self, module: str) -> str:
        source = "" if self.layout.source_dir in {"", "."} else f"{self.layout.source_dir}/"
        return source + module.replace(".", "/")

    def _is_module(self, module: str) -> bool:
        if module not in self.modules:
            self.modules[module] = self._is_found(module)
        return self.modules[module]

    def _is_found(self, module: str) -> bool:
        place = self._place(module)
        if any(self.tree.has(RelPath(f"{place}{suffix}")) for suffix in (*_MODULES, "")):
            return True
        folder, _, leaf = place.rpartition("/")
        return any(name.startswith(f"{leaf}.") for name in self.tree.names(RelPath(folder)))  # compiled

    def _gives(self, home: str, name: str) -> bool:
        """Whether a module has a name, or a module of that name in it."""
        if name == "*" or name in _ALWAYS or self._is_module(f"{home}.{name}"):
            return True
        bound = self._bound(home)
        return bound is None or name in bound

    def _bound(self, module: str) -> frozenset[str] | None:
        if module not in self.bound:
            place = self._place(module)
            sources = (self.tree.read(RelPath(f"{place}{suffix}")) for suffix in ("/__init__.py", ".py"))
            source = next((one for one in sources if one is not None), None)
            self.bound[module] = bound_in(source) if source is not None else None
        return self.bound[module]
