"""The names of a Python module: bound twice, used and not bound, used before they are bound. Nothing is run.

Each is compared with what both sides have: a merge is asked only for what came to be wrong by merging.
"""

import ast
import builtins
import keyword
import symtable
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from micropkgd.annotations import Final

Name = tuple[str, str]  # the class that it is bound in, empty for the module, and itself

EVERYWHERE: Final = frozenset({*dir(builtins), *keyword.kwlist, "self", "cls"})
_GIVEN: Final = EVERYWHERE | {
    "__file__",
    "__name__",
    "__path__",
    "__annotations__",
    "__class__",
    "__module__",
    "__qualname__",
}
_TOGETHER: Final = {"setter", "getter", "deleter", "register", "overload"}  # decorators of one name in several pieces
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def doubled(tree: ast.Module) -> Mapping[Name, int]:
    """What is bound more than once by the statements of the module or of a class, and how often."""
    bound = {(scope, name, origin or number) for number, (scope, name, origin) in enumerate(_bound(tree.body, ""))}
    counts = Counter((scope, name) for scope, name, _ in bound)
    return {name: count for name, count in counts.items() if count > 1}


def has_no_more(found: Mapping[Name, int], sides: Sequence[ast.Module]) -> bool:
    """Whether one of the sides has each of them as often."""
    known = [doubled(side) for side in sides]
    return all(count <= max(side.get(name, 1) for side in known) for name, count in found.items())


def repeated(tree: ast.Module) -> Counter[str]:
    """What stands more than once between two brackets: a keyword, a key, a text, the name that an item is given."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        counts = Counter(_between_brackets(node))
        found.update({name: count for name, count in counts.items() if count > 1})
    return found


def _between_brackets(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(keywords=keywords):
            yield from (f"{one.arg}=" for one in keywords if one.arg)
        case ast.Dict(keys=keys):
            yield from (f"{one.value!r}:" for one in keys if isinstance(one, ast.Constant))
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            yield from (
                f"{one.value!r}," for one in items if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            given = (one for item in items if isinstance(item, ast.Call) for one in item.keywords if one.arg == "name")
            yield from (f"name={ast.unparse(one.value)}" for one in given)


def names_in(tree: ast.Module) -> set[Name]:
    """What the statements of the module and of its classes bind."""
    return {(scope, name) for scope, name, _ in _bound(tree.body, "")}


def is_in_order(tree: ast.Module, sides: Iterable[ast.Module]) -> bool:
    """Whether nothing is used, as the module is imported, before the statement that binds it."""
    early = set(_early(tree.body, ""))
    return not early or early <= {name for side in sides for name in _early(side.body, "")}


def missing(source: str, tree: ast.Module) -> set[Name]:
    """The names that are used and bound nowhere, also those of members of a class; none where anything is imported."""
    if "import *" in source:
        return set()
    tables = list(_tables(symtable.symtable(source.removeprefix("\ufeff"), "merged", "exec")))
    top = {one.get_name() for one in tables[0].get_symbols() if _binds(one)}
    top |= {
        one.get_name() for table in tables for one in table.get_symbols() if one.is_declared_global() and _binds(one)
    }
    used = {name for table in tables for name in _used(table, is_module=table is tables[0])}
    return {("", name) for name in (used | _exported(tree)) - top - _GIVEN} | set(_members_missing(tree))


def asked_outside(lines: Sequence[str]) -> set[str]:
    """The names that a definition, given by its lines, takes from the module."""
    source = textwrap.dedent("\n".join(lines)) + "\n"
    first, *inner = _tables(symtable.symtable(source, "merged", "exec"))
    own = {one.get_name() for one in first.get_symbols() if _binds(one)}
    asked = set(_used(first, is_module=True)).union(*(_used(table, is_module=False) for table in inner))
    return asked - own - _GIVEN


def _used(table: symtable.SymbolTable, *, is_module: bool) -> Iterator[str]:
    """What a scope takes from the module."""
    return (one.get_name() for one in table.get_symbols() if one.is_referenced() and (is_module or one.is_global()))


def _bound(body: Sequence[ast.stmt], scope: str) -> Iterator[tuple[str, str, str]]:
    """What each statement binds: scope, name, and for an import where from."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not any(_word(decorator) in _TOGETHER for decorator in node.decorator_list):
                    yield scope, name, ""
            case ast.ClassDef(name=name):
                yield scope, name, ""
                yield from _bound(node.body, f"{scope}.{name}")
            case ast.Assign(targets=targets):
                yield from ((scope, target.id, "") for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                yield scope, name, ""
            case ast.Import() | ast.ImportFrom():
                yield from _imported(node, scope)


def _imported(node: ast.Import | ast.ImportFrom, scope: str) -> Iterator[tuple[str, str, str]]:
    origin = f"{'.' * node.level}{node.module or ''}:" if isinstance(node, ast.ImportFrom) else "import "
    for alias in node.names:
        name = alias.asname or (alias.name if isinstance(node, ast.ImportFrom) else alias.name.partition(".")[0])
        yield scope, name, origin + (alias.name if alias.asname or isinstance(node, ast.ImportFrom) else name)


def _word(decorator: ast.expr) -> str:
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for inner in table.get_children():
        yield from _tables(inner)


def _binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def _exported(tree: ast.Module) -> set[str]:
    """The names that `__all__` promises."""
    values = (
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    return {
        item.value
        for value in values
        if isinstance(value, ast.List | ast.Tuple)
        for item in value.elts
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    }


def _members_missing(tree: ast.Module) -> Iterator[Name]:
    """What methods ask of `self` or `cls` and the class, as far as it is written here, does not have."""
    for cls in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        members = {name for node in cls.body for name in _names_bound(node)}
        members |= {node.name for node in cls.body if isinstance(node, _FUNCTIONS)}
        members |= {
            node.target.id for node in cls.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        asked: set[str] = set()
        for node in ast.walk(cls):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in {"self", "cls"}
            ):
                (asked if isinstance(node.ctx, ast.Load) else members).add(node.attr)
        yield from ((cls.name, name) for name in asked - members)


def _early(body: Sequence[ast.stmt], scope: str) -> Iterator[Name]:
    """The names that a block uses, as it runs, above the first statement that binds them."""
    later = {name for node in body for name in _names_bound(node)}
    known: set[str] = set()
    for node in body:
        known.update(_names_bound(node))
        yield from ((scope, name) for name in _eager(node) if name in later and name not in known)
        if isinstance(node, ast.ClassDef):
            yield from _early(node.body, f"{scope}.{node.name}")


def _names_bound(node: ast.stmt) -> Iterator[str]:
    yield from (name for scope, name, _ in _bound([node], "") if not scope)


def _eager(node: ast.AST) -> Iterator[str]:
    """The names that a statement uses at once, and not only when a function in it is called."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    inner: Iterator[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, _FUNCTIONS):
        inner = iter([*node.decorator_list, *filter(None, [*node.args.defaults, *node.args.kw_defaults])])
    elif isinstance(node, ast.Lambda):
        inner = iter([])
    for child in inner:
        yield from _eager(child)
