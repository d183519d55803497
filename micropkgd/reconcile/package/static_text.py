"""Evaluates text expressions of Python source as far as the syntax tree shows their value. Pure.

Promise P5: nothing is run. A text is certain where it is written out, put together of such, or read from a place that
the source names: a file beside it, a name of another module, the version of an installed package. Everything else is
None, and stays unknown.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple

_VERSION_CALLS: Final = frozenset({"importlib.metadata.version", "importlib_metadata.version"})
_DISTRIBUTION_CALLS: Final = frozenset(
    {"importlib.metadata.distribution", "importlib_metadata.distribution", "pkg_resources.get_distribution"}
)
_SAME_PATH: Final = frozenset(
    {"os.path.abspath", "os.path.realpath", "os.path.normpath", "pathlib.Path", "pathlib.PurePath", "str"}
)
_SAME_TEXT: Final = frozenset({"strip", "rstrip", "lstrip", "decode"})
_OWN: Final = frozenset({"__package__", "__name__"})
_DEEPEST: Final = 50
_LONGEST: Final = 1000  # characters of a text that is put together


class FileText(NamedTuple):
    """The text of a file, seen from the folder of the source: so many folders up, then down along `parts`."""

    up: int
    parts: tuple[str, ...]


class DistributionVersion(NamedTuple):
    """The version of an installed distribution; empty for the one that the source itself is part of."""

    name: str


class ImportedName(NamedTuple):
    """What a name means in another module: `level` and `module` as in an import."""

    level: int
    module: str
    name: str


Text = str | FileText | DistributionVersion | ImportedName | None


class Binding(NamedTuple):
    """One place that gives a name its value."""

    line: int
    text: Text


def bindings_of(name: str, tree: ast.Module) -> list[Binding]:
    """Each place where the module itself binds a name; functions and classes have names of their own.

    What stands under a condition is unknown. Asking elsewhere in a `try` counts, and what its handlers bind does not:
    that is for a machine that lacks what is asked.
    """
    reader = _ExpressionReader(tree)
    return [binding for statement in tree.body for binding in _of_statement(name, statement, reader)]


def _of_statement(name: str, statement: ast.stmt, reader: "_ExpressionReader") -> list[Binding]:
    found = [Binding(line, reader.text(node, 0)) for line, node in _bound(name, statement)]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom):
        return found
    if isinstance(statement, ast.Try):
        tried = [binding for inner in statement.body for binding in _of_statement(name, inner, reader)]
        if tried and all(isinstance(binding.text, FileText | DistributionVersion | ImportedName) for binding in tried):
            return tried
    return [binding._replace(text=None) for binding in found]


class _PathValue(NamedTuple):
    """A path seen from the folder of the source; the source itself is `up` -1."""

    up: int
    parts: tuple[str, ...] = ()

    @property
    def parent(self) -> "_PathValue":
        return self._replace(parts=self.parts[:-1]) if self.parts else self._replace(up=self.up + 1)

    def below(self, names: Sequence[str]) -> "_PathValue":
        place = self
        for part in (part for name in names for part in name.split("/")):
            if part == "..":
                place = place.parent
            elif part not in {"", "."}:
                place = place._replace(parts=(*place.parts, part))
        return place


class _ExpressionReader:
    """Reads expressions of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self._origins = dict(_origins(tree))
        self._values = _values(tree)
        self._known: dict[str, Text] = {}

    def text(self, node: ast.AST | ImportedName | None, depth: int) -> Text:
        """What an expression says."""
        if depth > _DEEPEST:
            return None
        match node:
            case ImportedName():
                return node
            case ast.Constant(value=str() | int() as value) if not isinstance(value, bool):
                return str(value)
            case ast.Name(id=name) if name in self._values:
                return self._of_name(name, depth)
            case ast.JoinedStr(values=values):
                return _joined("", [self.text(value, depth + 1) for value in values])
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.text(value, depth + 1)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined("", [self.text(left, depth + 1), self.text(right, depth + 1)])
            case ast.Attribute(value=ast.Call() as call, attr="version"):
                return self._installed(call, _DISTRIBUTION_CALLS)
            case ast.Call():
                return self._of_call(node, depth)
        return None

    def _of_name(self, name: str, depth: int) -> Text:
        if name not in self._known:
            self._known[name] = None  # while it is read, and for good where it leads back to itself
            self._known[name] = self.text(self._values[name], depth + 1)
        return self._known[name]

    def _of_call(self, call: ast.Call, depth: int) -> Text:
        match call:
            case ast.Call(func=ast.Attribute(value=inner, attr=attr), args=args) if attr in _SAME_TEXT:
                found = self.text(inner, depth + 1) if attr == "decode" or not args else None
                return found.strip() if isinstance(found, str) else found
            case ast.Call(func=ast.Attribute(value=path, attr="read_text" | "read_bytes")):
                return self._file(path, depth)
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="open"), args=[path, *_]), attr="read")):
                return self._file(path, depth)
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Attribute(value=path, attr="open")), attr="read")):
                return self._file(path, depth)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(mark)), attr="join"), args=[parts]):
                return _joined(mark, self._parts(parts, depth))
            case ast.Call(func=ast.Name(id="str"), args=[inner]):
                return self.text(inner, depth + 1)
            case ast.Call(args=[ast.Name(id=own), ast.Constant(value=str(name))]) if own in _OWN:
                return FileText(0, (name,)) if self._dotted(call.func) == "pkgutil.get_data" else None
        return self._installed(call, _VERSION_CALLS)

    def _installed(self, call: ast.Call, functions: frozenset[str]) -> DistributionVersion | None:
        if self._dotted(call.func) not in functions or len(call.args) != 1:
            return None
        match call.args[0]:
            case ast.Name(id=own) if own in _OWN:
                return DistributionVersion("")
            case argument:
                name = self.text(argument, 0)
                return DistributionVersion(name) if isinstance(name, str) else None

    def _parts(self, node: ast.expr, depth: int) -> Sequence[Text]:
        match node:
            case ast.Call(func=ast.Name(id="map"), args=[ast.Name(id="str"), inner]):
                return self._parts(inner, depth + 1)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return [self.text(item, depth + 1) for item in items]
            case ast.Name(id=name) if isinstance(self._values.get(name), ast.Tuple | ast.List) and depth < _DEEPEST:
                return self._parts(self._values[name], depth + 1)
        return [None]

    def _file(self, node: ast.expr, depth: int) -> FileText | None:
        place = self._place(node, depth)
        return FileText(place.up, place.parts) if place is not None and place.up >= 0 and place.parts else None

    def _place(self, node: ast.AST, depth: int) -> _PathValue | None:
        """The path that an expression gives."""
        if depth > _DEEPEST:
            return None
        match node:
            case ast.Name(id="__file__"):
                return _PathValue(-1)
            case ast.Name(id=name) if name in self._values:
                return self._place(self._values[name], depth + 1)
            case ast.Attribute(value=inner, attr="parent"):
                return _parent(self._place(inner, depth + 1), 1)
            case ast.Subscript(value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int(up))):
                return _parent(self._place(inner, depth + 1), up + 1)
            case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(name))):
                return _below(self._place(left, depth + 1), [name])
            case ast.Call(func=ast.Attribute(value=inner, attr="resolve" | "absolute")):
                return self._place(inner, depth + 1)
            case ast.Call(func=ast.Attribute(value=inner, attr="joinpath"), args=names):
                return _below(self._place(inner, depth + 1), _texts(names))
            case ast.Call(func=ast.Attribute(value=inner, attr="with_name"), args=[ast.Constant(value=str(name))]):
                return _below(_parent(self._place(inner, depth + 1), 1), [name])
            case ast.Call(func=function, args=[first, *names]):
                return self._place_of_call(self._dotted(function), first, names, depth)
        return None

    def _place_of_call(
        self, function: str, first: ast.expr, names: Sequence[ast.expr], depth: int
    ) -> _PathValue | None:
        if function in {"importlib.resources.files", "importlib_resources.files"}:
            return _PathValue(0) if isinstance(first, ast.Name) and first.id in _OWN else None
        inner = self._place(first, depth + 1)
        if function == "os.path.dirname":
            return _parent(inner, 1)
        if function == "os.path.join" or (function in _SAME_PATH and names):
            return _below(inner, _texts(names))
        return inner if function in _SAME_PATH else None

    def _dotted(self, node: ast.expr) -> str:
        """The full name of a function, by the imports of the module; empty where they do not tell."""
        match node:
            case ast.Name(id=name):
                return self._origins.get(name, name if name == "str" else "")
            case ast.Attribute(value=inner, attr=attr):
                above = self._dotted(inner)
                return f"{above}.{attr}" if above else ""
        return ""


def _joined(mark: str, parts: Sequence[Text]) -> str | None:
    texts = [part for part in parts if isinstance(part, str)]
    whole = mark.join(texts)
    return whole if len(texts) == len(parts) and len(whole) <= _LONGEST else None


def _parent(place: _PathValue | None, times: int) -> _PathValue | None:
    for _ in range(min(times, _DEEPEST)):
        place = place.parent if place is not None else None
    return place


def _below(place: _PathValue | None, names: Sequence[str] | None) -> _PathValue | None:
    return None if place is None or names is None or place.up < 0 else place.below(names)


def _texts(nodes: Sequence[ast.expr]) -> list[str] | None:
    found = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return found if len(found) == len(nodes) else None


def _origins(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What the names mean that imports of the module bind, wherever they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def _values(tree: ast.Module) -> Mapping[str, ast.expr]:
    """The names that are bound once, by a plain assignment of the module itself."""
    counts: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            counts[node.id] = counts.get(node.id, 0) + 1
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found |= {
                node.id: statement.value for node in targets if isinstance(node, ast.Name) and counts[node.id] == 1
            }
    return found


def _bound(name: str, statement: ast.stmt) -> list[tuple[int, ast.AST | ImportedName | None]]:
    """Where a statement binds a name, with the expression that is bound; None where it is bound in another way."""
    found: list[tuple[int, ast.AST | ImportedName | None]] = []
    plain: dict[ast.AST, ast.expr | None] = {}
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                continue
            case ast.Assign(targets=targets, value=value):
                plain |= dict.fromkeys(targets, value)
            case ast.AnnAssign(target=target, value=value):
                plain[target] = value
            case ast.Name(id=one, ctx=ast.Store() | ast.Del()) if one == name:
                found.append((node.lineno, plain.get(node)))
            case ast.ImportFrom(module=module, level=level, names=names):
                found += (
                    (node.lineno, ImportedName(level, module or "", alias.name))
                    for alias in names
                    if (alias.asname or alias.name) == name
                )
                continue
            case ast.alias(name=one, asname=asname) if (asname or one) == name:
                found.append((node.lineno, None))
        waiting += reversed(list(ast.iter_child_nodes(node)))
    return found
