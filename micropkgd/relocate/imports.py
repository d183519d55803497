"""Reads what each import statement of a file asks for, and what that means when the package moves.

Rules: only statements are walked, and of these only those that span a line with one of our words. A relative import
that stays inside its moved package stays as it is; one that climbs out is read as the absolute import it is.
"""

import ast
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from micropkgd.annotations import Literal
from micropkgd.named_tuples import NamedTuple
from micropkgd.relocate.names import Finding, Routes, is_below, top_of

Fate = Literal["moves", "root", "dotted", "above", "leaves", "stays"]
"""What becomes of one imported name.

`moves`: it gets a new address and keeps its local name. `root`: `import ds`, the moved package itself. `dotted`:
`import ds.sub`, which binds only the top name. `above`: a package that holds a moved one. `leaves`: it stays behind.
"""

_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


class Claim(NamedTuple):
    """One name of an import statement: the local name it binds, what that stands for, and its fate."""

    statement: ast.Import | ast.ImportFrom
    alias: ast.alias
    fate: Fate
    local: str
    path: str
    new: str = ""


class ImportingFile(NamedTuple):
    """The file that imports, under its old name."""

    module: str
    is_package: bool

    def absolute(self, node: ast.ImportFrom) -> str | None:
        """The absolute old name of what a from-import imports from; nothing if it climbs past the top."""
        parts = self.module.split(".") if node.level else []
        climb = node.level - self.is_package if node.level else 0
        if node.level and climb >= len(parts):
            return None
        base = parts[: len(parts) - climb]
        return ".".join([*base, node.module] if node.module else base)

    def climbs_out(self, node: ast.ImportFrom, routes: Routes) -> bool:
        """Whether the dots of a relative import lead out of the package that moves with this file."""
        base = self.absolute(ast.ImportFrom(module=None, names=[], level=node.level))
        root = routes.root_of(self.module)
        return base is None or not root or not is_below(base, root)


class Reader(NamedTuple):
    """Reads import statements of one file."""

    routes: Routes
    importing: ImportingFile

    def read(self, node: ast.Import | ast.ImportFrom) -> list[Claim]:
        """The claims of one statement."""
        if isinstance(node, ast.Import):
            return [self._plain(node, alias) for alias in node.names]
        if node.level and not self.importing.climbs_out(node, self.routes):
            return []
        source = self.importing.absolute(node)
        return [self._named(node, alias, source) for alias in node.names]

    def findings(self, claims: Sequence[Claim]) -> Iterator[Finding]:
        """What must be told of one statement whatever the rest of the file says."""
        leaving = [claim for claim in claims if claim.fate == "leaves"]
        if leaving:
            yield leaves(leaving)
        staying = [claim for claim in claims if claim.fate == "stays"]
        if captured := [claim for claim in staying if self.routes.meets_arrival(_full(claim))]:
            yield _finding(captured, "after the move this may name the moved package instead", "ambiguous")
        if doubtful := [claim for claim in staying if top_of(_full(claim)) in self.routes.doubtful]:
            yield _finding(doubtful, "names the standard library and the moved package alike, left alone", "ambiguous")

    def _plain(self, node: ast.Import, alias: ast.alias) -> Claim:
        name = alias.name
        local, path = (alias.asname, name) if alias.asname else (top_of(name), top_of(name))
        if new := self.routes.goes_to(name):
            fate: Fate = "moves" if alias.asname else "dotted" if "." in name else "root"
            return Claim(node, alias, fate, local, path, new)
        return Claim(node, alias, self._fate_without_route(name), local, path)

    def _named(self, node: ast.ImportFrom, alias: ast.alias, source: str | None) -> Claim:
        local = alias.asname or alias.name
        if source is None:
            return Claim(node, alias, "leaves", local, "")
        path = f"{source}.{alias.name}"
        home = self.routes.goes_to(source)
        if new := f"{home}.{alias.name}" if home else self.routes.goes_to(path):
            return Claim(node, alias, "moves", local, path, new)
        fate = self._fate_without_route(path)
        return Claim(node, alias, "leaves" if node.level and fate == "stays" else fate, local, path)

    def _fate_without_route(self, name: str) -> Fate:
        if top_of(name) in self.routes.doubtful:
            return "stays"
        if name in self.routes.above:
            return "above"
        return "leaves" if self.routes.stays_behind(name) else "stays"


class Lines(NamedTuple):
    """The lines of interest, in order: statements that span none of them need no look."""

    numbers: Sequence[int]

    def touch(self, node: ast.stmt | ast.expr) -> bool:
        """Whether a node, decorators included, spans a line of interest."""
        decorators = getattr(node, "decorator_list", None)
        first = decorators[0].lineno if decorators else node.lineno
        at = bisect_left(self.numbers, first)
        return at < len(self.numbers) and self.numbers[at] <= (node.end_lineno or first)


def statements_of(tree: ast.Module, lines: Lines | None = None) -> Iterator[ast.stmt]:
    """Every statement that holds no others, at any depth; with lines, only those of interest."""
    blocks: list[Sequence[ast.AST]] = [tree.body]
    while blocks:
        for node in blocks.pop():
            if lines is not None and isinstance(node, ast.stmt) and not lines.touch(node):
                continue
            inner = [getattr(node, block) for block in _BLOCKS if hasattr(node, block)]
            if inner:
                blocks += inner
            elif isinstance(node, ast.stmt):
                yield node


def imports_among(statements: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of some statements."""
    return (node for node in statements if isinstance(node, ast.Import | ast.ImportFrom))


def leaves(claims: Sequence[Claim]) -> Finding:
    """The finding for names of one statement that stay behind."""
    return _finding(claims, "imports a module that does not move along", "leaves")


def conflicting(claims: Sequence[Claim], name: str) -> Finding:
    """The finding for an import that cannot be rewritten because a name is bound in another way, too."""
    return _finding(claims, f"left alone, as `{name}` has another meaning in the same scope", "ambiguous")


def _finding(claims: Sequence[Claim], reason: str, kind: Literal["leaves", "ambiguous"]) -> Finding:
    return Finding(claims[0].statement.lineno, spelled(claims[0].statement, [c.alias for c in claims]), reason, kind)


def spelled(statement: ast.Import | ast.ImportFrom, aliases: Sequence[ast.alias]) -> str:
    """An import statement of some of its names, on one line."""
    names = ", ".join(f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in aliases)
    if isinstance(statement, ast.Import):
        return f"import {names}"
    return f"from {'.' * statement.level}{statement.module or ''} import {names}"


def _full(claim: Claim) -> str:
    return claim.alias.name if isinstance(claim.statement, ast.Import) else claim.path
