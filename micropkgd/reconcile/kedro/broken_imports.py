"""Imports of the project's own modules, or of names in them, that are not there.

Only what a module imports whenever it is imported counts. What other distributions have is not looked at. Kedro's
`find_pipelines` passes over a pipeline that cannot be imported with no more than a warning.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from micropkgd.annotations import Final
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.model.layout import Layout
from micropkgd.model.tree import Digest, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.kedro.discovery import bound_in
from micropkgd.reconcile.kedro.tree_after import TreeAfter
from micropkgd.relocate.at_top import ImportAtTop, Imports, imports_at_top

_ALWAYS: Final = frozenset({"__file__", "__name__", "__doc__", "__path__", "__package__", "__spec__", "__version__"})
_MODULES: Final = (".py", ".pyi", ".pyx", "/__init__.py")
_RELATIVE: Final = rb"from[\s\\]*\."


class BrokenImport(NamedTuple):
    """One import that fails."""

    path: RelPath
    line: int
    name: str  # "shop.pipelines.ds.missing"

    def __str__(self) -> str:
        """What to tell its owner."""
        return f"{self.path}:{self.line}: `{self.name}` is not there, so this import fails"


def broken_in(
    tree: TreeAfter,
    layout: Layout,
    paths: Iterable[RelPath],
    known: Mapping[Digest, Imports] = {},
) -> Iterator[BrokenImport]:
    """The imports at the top of these modules that lead nowhere; of some contents it is known what they import."""
    look = _ImportCheck(tree, layout, known, {}, {})
    for path in paths:
        if path.endswith(".py") and path.startswith(f"{layout.package_folder}/"):
            yield from look.broken(path)


class _ImportCheck(NamedTuple):
    """The project's modules, each looked for once and parsed once, however often it is imported."""

    tree: TreeAfter
    layout: Layout
    known: Mapping[Digest, Imports]
    bound: dict[str, frozenset[str] | None]
    modules: dict[str, bool]

    def broken(self, path: RelPath) -> Iterator[BrokenImport]:
        for one, line in self._imports(path).items():
            for name in self._missing(one, path):
                yield BrokenImport(path, line, name)

    def _imports(self, path: RelPath) -> Imports:
        """What a module imports at its top; of code that imports none of our modules, or cannot be read, nothing."""
        digest = self.tree.writes.get(path)
        if digest is not None and digest in self.known:
            return self.known[digest]
        source = self.tree.read(path) or b""
        if not self._may_import(source):
            return {}
        try:
            return imports_at_top(syntax_tree(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {}

    def _may_import(self, source: bytes) -> bool:
        """Whether code may have an import of a module of the project: it spells the name, or dots."""
        top = self.layout.package.partition(".")[0].encode()
        # Letters beyond ASCII may spell a name in other ways.
        return top in source or not source.isascii() or re.search(_RELATIVE, source) is not None

    def _missing(self, one: ImportAtTop, path: RelPath) -> Iterator[str]:
        home = self._home(path, one.module, one.level)
        if not home or not self._is_own(home):
            return
        if not self._is_module(home):
            yield home
            return
        yield from (f"{home}.{name}" for name in one.names if not self._gives(home, name))

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
