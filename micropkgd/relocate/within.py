"""Follow modules that moved inside their package: imports of them, and their own, name where they stand now.

A relative import stays one, so that it is what a person writes who moves a module; absolute names are `rewrite`'s.
Code that cannot be parsed, or spelled in its encoding, stays as it is.
"""

import ast
from collections.abc import Mapping
from itertools import takewhile

from micropkgd.errors import CodeError
from micropkgd.named_tuples import NamedTuple
from micropkgd.relocate.files import module_of
from micropkgd.relocate.imports import Claim, ImportingFile, imports_among, statements_of
from micropkgd.relocate.names import Move, Relocation
from micropkgd.relocate.rewrite import relocate
from micropkgd.relocate.statements import ImportTarget, Rewrite, edits_of
from micropkgd.relocate.text import Text


class ModuleMoves(NamedTuple):
    """The files of a package that moved, and where its modules are then."""

    files: Mapping[str, str]  # the new path by the old one
    modules: Mapping[str, str]  # of every module of the package, those that stay too: the new name by the old one

    def followed(self, source: bytes, path: str) -> bytes:
        """A file of the package, by its old path, as it must be once they have moved."""
        module, is_package = module_of(path)
        here = _Here(ImportingFile(module, is_package), ImportingFile(*module_of(self.files.get(path, path))), self)
        gone = {old: new for old, new in self.modules.items() if old != new}
        moves = tuple(Move(old, new) for old, new in sorted(gone.items()))
        if not gone:
            return source
        try:
            source = here.respelled(source)
            relocation = Relocation(moves, frozenset(gone), frozenset())
            return relocate(
                source, module=here.after.module, is_package=here.after.is_package, relocation=relocation
            ).source
        except CodeError:
            return source


class _Here(NamedTuple):
    """One file, before and after."""

    before: ImportingFile
    after: ImportingFile
    moves: ModuleMoves

    def respelled(self, source: bytes) -> bytes:
        """The file with the relative imports that must change."""
        if b"from" not in source:
            return source
        text = Text.decode(source)
        places = text.places()
        found = imports_among(statements_of(text.tree()))
        rewrites = (self._rewrites(node) for node in found if isinstance(node, ast.ImportFrom) and node.level)
        return text.edited([edit for one in rewrites if one for edit in edits_of(one, places)])

    def _rewrites(self, node: ast.ImportFrom) -> list[Rewrite]:
        home = self.before.absolute(node)
        if home is None or home.partition(".")[0] != self.before.module.partition(".")[0]:
            return []
        targets = [self._target(home, alias) for alias in node.names]
        spelled = f"{'.' * node.level}{node.module or ''}"
        if all(
            one == ImportTarget(spelled, alias.name, alias.asname or "")
            for one, alias in zip(targets, node.names, strict=True)
        ):
            return []
        return [
            Rewrite(Claim(node, alias, "moves", alias.asname or alias.name, f"{home}.{alias.name}"), (target,))
            for target, alias in zip(targets, node.names, strict=True)
        ]

    def _target(self, home: str, alias: ast.alias) -> ImportTarget:
        """Where one name comes from then: a module by itself, or what a module has."""
        parent, name = self.moves.modules.get(home, home), alias.name
        if (module := self.moves.modules.get(f"{home}.{name}")) is not None:
            parent, _, name = module.rpartition(".")
        local = alias.asname or (alias.name if alias.name != name else "")
        return ImportTarget(self._relative(parent), name, local)

    def _relative(self, home: str) -> str:
        own = _package(self.after)
        wanted = home.split(".")
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(own, wanted, strict=False)))
        return "." * (len(own) - shared + 1) + ".".join(wanted[shared:])


def _package(file: ImportingFile) -> list[str]:
    parts = file.module.split(".")
    return parts if file.is_package else parts[:-1]
