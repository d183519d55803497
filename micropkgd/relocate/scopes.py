"""Finds where names are bound and used: as much of Python's scoping as rewriting imports needs.

Promise: `Scan` knows every binding and every dotted use of a name that stands on one of the given lines. As a name can
only be bound or used where it is written, looking at the lines that have it is enough.
Rules: scopes are modules, functions, classes and comprehensions; `global` and `nonlocal` are honoured; a class body is
not seen from the functions in it.
"""

import ast
from collections.abc import Callable, Iterable, Iterator

from micropkgd.documents.syntax_trees import syntax_tree_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.relocate.imports import Lines
from micropkgd.relocate.names import top_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
Assignment = ast.Assign | ast.AnnAssign | ast.AugAssign
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


_SILENT = frozenset({"ctx", "op", "ops", "type_comment"})


class Scope:
    """One scope: the names bound in it, and by what."""

    def __init__(self, node: ast.AST, parent: "Scope | None") -> None:
        self.node = node
        self.parent = parent
        self.bound: dict[str, list[ast.AST]] = {}
        self.global_names: set[str] = set()
        self.outer_names: set[str] = set()

    @property
    def module(self) -> "Scope":
        """The outermost scope."""
        return self.parent.module if self.parent else self

    def ancestors(self) -> "Iterator[Scope]":
        """The scopes around this one, nearest first."""
        if self.parent:
            yield self.parent
            yield from self.parent.ancestors()

    def find(self, name: str) -> "Scope | None":
        """The scope that a use of the name in this one means."""
        if name in self.global_names:
            return self.module
        if name in self.bound:
            return self
        return next((scope for scope in self.ancestors() if scope.lends(name)), None)

    def lends(self, name: str) -> bool:
        """Whether the scopes inside this one see its binding of a name."""
        return name in self.bound and not isinstance(self.node, ast.ClassDef)

    def home_of(self, name: str) -> "Scope":
        """The scope that a binding in this one goes to."""
        if name in self.global_names:
            return self.module
        if name in self.outer_names:
            return next((scope for scope in self.ancestors() if scope.lends(name)), self)
        return self


class Quote(NamedTuple):
    """Code in a string annotation, or in a type comment of a statement or an argument."""

    node: ast.Constant | ast.stmt | ast.arg
    text: str


class Use(NamedTuple):
    """A name and the attributes read from it; `nodes` are the expressions that end at each of the `names`."""

    scope: Scope
    names: tuple[str, ...]
    nodes: tuple[ast.expr, ...]
    quote: Quote | None = None
    formatted: ast.JoinedStr | None = None

    @property
    def line(self) -> int:
        """The line to report."""
        return self.quote.node.lineno if self.quote else self.nodes[0].lineno


class Taker(NamedTuple):
    """Something that may take the name of a module as a string: a call, a subscript, a comparison, an assignment."""

    node: ast.Call | ast.Subscript | ast.Compare | Assignment
    scope: Scope


class Scan:
    """One look over the statements on the lines of interest: bindings, uses, strings and what takes them."""

    def __init__(self, tree: ast.Module, lines: Lines) -> None:
        self.uses: list[Use] = []
        self.takers: list[Taker] = []
        self.texts: list[ast.Constant] = []
        self.scopes: list[Scope] = []
        self._lines = lines
        self._bindings: list[tuple[Scope, str, ast.AST]] = []
        self._formatted: ast.JoinedStr | None = None
        self._quote: Quote | None = None
        self._handlers = self._dispatch()
        self.module = Scope(tree, None)
        self._all(tree.body, self.module)
        self._settle()

    def _dispatch(self) -> dict[type[ast.AST], Callable[..., None]]:
        """The kinds of node that mean something for scopes; by type, as this is where the time goes."""
        return {
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.Import: self._import,
            ast.ImportFrom: self._import,
            ast.ListComp: self._comprehension,
            ast.SetComp: self._comprehension,
            ast.DictComp: self._comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Lambda: self._lambda,
            ast.ClassDef: self._class,
            ast.NamedExpr: self._walrus,
            ast.Global: self._global,
            ast.Nonlocal: self._nonlocal,
            ast.AnnAssign: self._annotated,
            ast.JoinedStr: self._format,
            ast.Call: self._taker,
            ast.Subscript: self._taker,
            ast.Compare: self._taker,
            ast.Assign: self._taker,
            ast.AugAssign: self._taker,
            ast.Constant: self._text,
            ast.Expr: self._statement,
        }

    def _settle(self) -> None:
        """Bind only now that every `global` and `nonlocal` of each scope is known.

        What is bound from another scope is bound by that scope, not by one statement that could be changed.
        """
        for scope, name, node in self._bindings:
            if name not in scope.global_names | scope.outer_names:
                scope.bound.setdefault(name, []).append(node)
        for scope, name, _ in self._bindings:
            if name in scope.global_names | scope.outer_names:
                scope.home_of(name).bound.setdefault(name, []).append(scope.node)
        self.scopes = list(dict.fromkeys(scope for scope, *_ in self._bindings))

    def _bind(self, scope: Scope, name: str | None, node: ast.AST) -> None:
        if name:
            self._bindings.append((scope, name, node))

    def _all(self, nodes: Iterable[ast.AST | None], scope: Scope) -> None:
        for node in nodes:
            if node is not None and self._has_interest(node):
                self._handlers.get(type(node), self._other)(node, scope)

    def _has_interest(self, node: ast.AST) -> bool:
        # Inside strings positions count from the string, and in f-strings they may be wrong: there all is looked at.
        if self._quote or self._formatted or not isinstance(node, ast.stmt | ast.expr):
            return True
        return self._lines.touch(node)

    def _other(self, node: ast.AST, scope: Scope) -> None:
        """All else; `except E as name`, captures of `match` and type parameters bind a name that is a plain string."""
        self._comment(node, scope)
        name = getattr(node, "rest" if isinstance(node, ast.MatchMapping) else "name", None)
        self._bind(scope, name if isinstance(name, str) else None, node)
        self._all(_children(node), scope)

    def _taker(self, node: ast.Call | ast.Subscript | ast.Compare | Assignment, scope: Scope) -> None:
        """What may take a module's name."""
        self._comment(node, scope)
        self.takers.append(Taker(node, scope))
        self._all(_children(node), scope)

    def _text(self, node: ast.Constant, scope: Scope) -> None:  # noqa: ARG002 - as all handlers
        """A string that is a value."""
        if isinstance(node.value, str) and self._quote is None:
            self.texts.append(node)

    def _statement(self, node: ast.Expr, scope: Scope) -> None:
        """An expression on its own; a string there is a docstring or a remark, and the author's."""
        if not isinstance(node.value, ast.Constant):
            self._all([node.value], scope)

    def _function(self, node: Function, scope: Scope) -> None:
        """Decorators, defaults and annotations belong outside; type parameters and arguments inside."""
        self._bind(scope, node.name, node)
        inner = Scope(node, scope)
        self._all(node.decorator_list, scope)
        self._all(getattr(node, "type_params", []), inner)
        self._arguments(node.args, scope, inner)
        self._annotation(node.returns, scope)
        self._comment(node, scope)
        self._all(node.body, inner)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> None:
        """A function with one expression for a body."""
        inner = Scope(node, scope)
        self._arguments(node.args, scope, inner)
        self._all([node.body], inner)

    def _arguments(self, arguments: ast.arguments, outer: Scope, inner: Scope) -> None:
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in [*named, arguments.vararg, arguments.kwarg]:
            if argument:
                self._bind(inner, argument.arg, argument)
                self._annotation(argument.annotation, outer)
                self._comment(argument, outer)
        self._all([*arguments.defaults, *arguments.kw_defaults], outer)

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        """Bases belong outside, the body inside."""
        self._bind(scope, node.name, node)
        inner = Scope(node, scope)
        self._all([*node.decorator_list, *node.bases, *node.keywords], scope)
        self._all([*getattr(node, "type_params", []), *node.body], inner)

    def _comprehension(self, node: Comprehension, scope: Scope) -> None:
        """The first iterable belongs outside, all else inside."""
        inner = Scope(node, scope)
        self._all([node.generators[0].iter], scope)
        for position, generator in enumerate(node.generators):
            self._all([generator.target, *generator.ifs], inner)
            self._all([generator.iter] if position else [], inner)
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._all(results, inner)

    def _global(self, node: ast.Global, scope: Scope) -> None:
        """Bindings of these names go to the module."""
        scope.global_names.update(node.names)

    def _nonlocal(self, node: ast.Nonlocal, scope: Scope) -> None:
        """Bindings of these names go to a function around."""
        scope.outer_names.update(node.names)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        """An assignment with an annotation."""
        self.takers.append(Taker(node, scope))
        self._annotation(node.annotation, scope)
        self._all([node.target, node.value], scope)

    def _walrus(self, node: ast.NamedExpr, scope: Scope) -> None:
        """A walrus binds outside of the comprehensions it stands in."""
        outer = scope
        while isinstance(outer.node, Comprehension) and outer.parent:
            outer = outer.parent
        self._bind(outer, node.target.id, node.target)
        self._all([node.value], scope)

    def _name(self, node: ast.Name, scope: Scope) -> None:
        """A use, or a binding where it is assigned or deleted."""
        if isinstance(node.ctx, ast.Load):
            self.uses.append(Use(scope, (node.id,), (node,), self._quote, self._formatted))
        else:
            self._bind(scope, node.id, node)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        """A dotted use, if it begins with a name."""
        chain: list[ast.expr] = [node]
        names = [node.attr]
        inner = node.value
        while isinstance(inner, ast.Attribute):
            chain.append(inner)
            names.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            found = (inner.id, *reversed(names)), (inner, *reversed(chain))
            self.uses.append(Use(scope, *found, self._quote, self._formatted))
        else:
            self._all([inner], scope)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        """An import binds; the binding is known by its alias."""
        for alias in node.names:
            self._bind(scope, alias.asname or top_of(alias.name), alias)

    def _format(self, node: ast.JoinedStr, scope: Scope) -> None:
        """An f-string: before Python 3.12 the positions inside are not to be relied on."""
        outermost = self._formatted is None
        self._formatted = self._formatted or node
        self._all(_children(node), scope)
        if outermost:
            self._formatted = None

    def _annotation(self, node: ast.expr | None, scope: Scope) -> None:
        """Read an annotation, strings in it as the code they hold, but not what `Literal` and `Annotated` hold."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._quoted(node, node.value, scope)
        elif isinstance(node, ast.Subscript):
            self._all([node.value], scope)
            self._subscript(node, scope)
        elif isinstance(node, ast.Tuple | ast.List | ast.BinOp):
            for child in _children(node):
                self._annotation(child if isinstance(child, ast.expr) else None, scope)
        elif node is not None:
            self._all([node], scope)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> None:
        head = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        if head == "Annotated" and isinstance(node.slice, ast.Tuple):
            self._annotation(node.slice.elts[0], scope)
            self._all(node.slice.elts[1:], scope)
        elif head == "Literal":
            self._all([node.slice], scope)
        else:
            self._annotation(node.slice, scope)

    def _comment(self, node: ast.AST, scope: Scope) -> None:
        """Read a type comment, as far as the tree has them."""
        text = getattr(node, "type_comment", None)
        if text and isinstance(node, ast.stmt | ast.arg):
            self._quoted(node, text, scope, is_signature=isinstance(node, Function))

    def _quoted(
        self, node: ast.Constant | ast.stmt | ast.arg, text: str, scope: Scope, *, is_signature: bool = False
    ) -> None:
        try:
            code = syntax_tree_of(text, "func_type" if is_signature else "eval")
        except (SyntaxError, ValueError):
            return
        self._quote = Quote(node, text)
        self._all(_children(code), scope)
        self._quote = None


def _children(node: ast.AST) -> list[ast.AST]:
    """The nodes in a node, without those that only say which operator or context it is."""
    found: list[object] = []
    for field in node._fields:
        if field not in _SILENT:
            value: object = getattr(node, field, None)
            found += value if isinstance(value, list) else [value]
    return [child for child in found if isinstance(child, ast.AST)]
