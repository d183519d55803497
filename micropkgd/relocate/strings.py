"""Module names in strings: rewritten where what takes the string takes modules, told wherever else one stands.

Rules: a name is edited in place, where its letters stand at the beginning of a literal: the rest may be put together at
run time, as all that is below a moved module moves with it. A constant that is bound once and used for nothing else is
edited where it is bound. Docstrings and comments are the author's and stay.
"""

import ast
from collections.abc import Iterator, Sequence

from micropkgd.model.distribution_name import normalised
from micropkgd.named_tuples import NamedTuple
from micropkgd.relocate.mentions import mentions_in_string
from micropkgd.relocate.names import Finding, Kind, Routes, top_of
from micropkgd.relocate.scopes import Scan
from micropkgd.relocate.takers import Named, Paths, exports, installed_in, named_in, returns_top_package
from micropkgd.relocate.text import Edit, Places

_BEHIND = "names a module that does not move along"
_BUILT = "builds the name of a module at run time"
_DOUBTFUL = "names the standard library and the moved package alike, left alone"
_ELSEWHERE = "names a moved module, and is used for something else, too: left alone"
_IN_PIECES = "names a moved module in a string that cannot be edited in place"
_INSTALLED = "asks for an installed package, which code that was pulled is not"
_OWN = ("__name__", "__package__")
_TOP = "returns the top package, which is another one after the move"


class Spelling(NamedTuple):
    """A string as far as the source says it: the literal or name it begins with, its text, and if that is all."""

    head: ast.expr
    text: str
    whole: bool


class Constant(NamedTuple):
    """A constant that is bound once, and every use of it."""

    literal: ast.Constant
    uses: tuple[ast.expr, ...]

    @property
    def text(self) -> str:
        """What it is."""
        return str(self.literal.value)


def constants_among(statements: Sequence[ast.stmt], routes: Routes) -> Iterator[str]:
    """The names that are bound to a string which names a moved module."""
    for node in statements:
        binding = _binding(node)
        if binding is not None and routes.longest(str(binding[1].value)):
            yield binding[0].id


class Strings:
    """What becomes of the strings of one file."""

    def __init__(self, tree: ast.Module, scan: Scan, routes: Routes, places: Places) -> None:
        self.scan = scan
        self.routes = routes
        self.places = places
        self.paths = Paths.of(tree) if scan.takers and (scan.texts or routes.distribution) else Paths({})
        self.constants = {use: bound for bound in _constants(scan) for use in bound.uses}
        self.settled: set[ast.AST] = set()

    def changes(self) -> Iterator[Edit | Finding]:
        """Edits of what is taken for a module, findings for the rest."""
        asked: dict[Constant, list[Spelling]] = {}
        for taker in self.scan.takers:
            if exports(taker.node, self.paths):
                self.settled.update(ast.walk(taker.node))
            yield from self._of_installed(taker.node)
            for named in named_in(taker.node, self.paths):
                spelling = _spelling(named.value)
                bound = self.constants.get(spelling.head)
                if bound is not None:
                    asked.setdefault(bound, []).append(spelling)
                elif change := self._change(named, spelling):
                    self.settled.update(ast.walk(named.value))
                    yield change
                    if isinstance(change, Edit) and returns_top_package(taker.node):
                        yield Finding(taker.node.lineno, ast.unparse(taker.node), _TOP, "dynamic")
        for bound, spellings in asked.items():
            if change := self._of_constant(bound, spellings):
                self.settled.add(bound.literal)
                yield change
        for node in self.scan.texts:
            if node not in self.settled:
                yield from mentions_in_string(node, self.routes)

    def _of_installed(self, node: ast.AST) -> Iterator[Finding]:
        """Tell of a call that asks for the package as it was installed: for its version, mostly."""
        asked = installed_in(node, self.paths) if self.routes.distribution else None
        names = {normalised(name) for name in (self.routes.distribution, *self.routes.roots)}
        if isinstance(asked, ast.Constant) and isinstance(asked.value, str) and normalised(asked.value) in names:
            self.settled.add(asked)
            yield _told(asked, _INSTALLED, "dynamic")
        elif isinstance(asked, ast.Name) and asked.id in _OWN:
            yield _told(asked, _INSTALLED, "dynamic")

    def _change(self, named: Named, spelling: Spelling) -> Edit | Finding | None:
        """What becomes of one name that is spelled where it is taken."""
        routes, text = self.routes, spelling.text
        if old := self._module(named, spelling):
            start = self.places.opening(spelling.head, old)
            if start is None:
                return _told(named.value, _IN_PIECES, "dynamic")
            return Edit(start, start + len(old.encode()), routes.renamed[old].encode())
        if named.taking == "label":
            return None
        if not spelling.whole:
            return _told(named.value, _BUILT, "dynamic") if self._is_built_of_ours(named.value) else None
        if top_of(text) in routes.doubtful:
            return _told(named.value, _DOUBTFUL, "ambiguous")
        if routes.stays_behind(text) or text in routes.above:
            return _told(named.value, _BEHIND, "leaves")
        return None

    def _module(self, named: Named, spelling: Spelling) -> str | None:
        """The module that a string names, or begins with."""
        if not spelling.whole:
            return self.routes.longest(spelling.text.rpartition(".")[0])
        if named.taking == "module":
            return spelling.text if self.routes.goes_to(spelling.text) else None
        return self.routes.longest(spelling.text.partition(":")[0])

    def _is_built_of_ours(self, value: ast.expr) -> bool:
        """Whether a part of a name that is put together begins like one of ours."""
        tops = {top_of(root) for root in self.routes.roots} | self.routes.homes
        parts = (part.value for part in ast.walk(value) if isinstance(part, ast.Constant))
        return any(isinstance(part, str) and top_of(part) in tops for part in parts)

    def _of_constant(self, bound: Constant, spellings: Sequence[Spelling]) -> Edit | Finding | None:
        """A constant is edited where it is bound, if every use of it is the beginning of a module's name."""
        old = self.routes.longest(bound.text.partition(":")[0])
        if old is None:
            return None
        start = self.places.opening(bound.literal, old)
        follows = all(spelling.whole or spelling.text.startswith(".") for spelling in spellings)
        if start is None or not follows or len(spellings) < len(bound.uses):
            return _told(bound.literal, _ELSEWHERE if start is not None else _IN_PIECES, "dynamic")
        return Edit(start, start + len(old.encode()), self.routes.renamed[old].encode())


def _constants(scan: Scan) -> Iterator[Constant]:
    """The strings that are bound to a name which nothing else binds."""
    for taker in scan.takers:
        binding = _binding(taker.node)
        if binding is not None:
            target, literal = binding
            home = taker.scope.home_of(target.id)
            if home.bound.get(target.id) == [target]:
                uses = (use for use in scan.uses if use.names[0] == target.id and use.scope.find(target.id) is home)
                yield Constant(literal, tuple(use.nodes[0] for use in uses))


def _binding(node: ast.AST) -> tuple[ast.Name, ast.Constant] | None:
    """The name and the string of an assignment of one to the other."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    else:
        return None
    value = node.value
    if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
        return target, value
    return None


def _spelling(value: ast.expr) -> Spelling:
    """What is known of a string from its beginning on."""
    pieces = list(_pieces(value))
    head, first = pieces[0]
    known = [first or ""]
    for _, text in pieces[1:]:
        if text is None:
            break
        known.append(text)
    alone = len(pieces) == 1 and isinstance(head, ast.Name)
    return Spelling(head, "".join(known), whole=alone or all(text is not None for _, text in pieces))


def _pieces(value: ast.expr) -> Iterator[tuple[ast.expr, str | None]]:
    """The pieces that a string is put together from, with their text where that is known."""
    match value:
        case ast.Constant(value=str(text)):
            yield value, text
        case ast.JoinedStr(values=parts):
            yield from (_formatted(value, part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _pieces(left)
            yield from _pieces(right)
        case ast.BinOp(left=ast.Constant(value=str(text)) as left, op=ast.Mod()):
            yield left, text.partition("%")[0]
            yield value, None
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)) as literal, attr="format")):
            yield literal, text.partition("{")[0]
            yield value, None
        case _:
            yield value, None


def _formatted(string: ast.JoinedStr, part: ast.expr) -> tuple[ast.expr, str | None]:
    """A piece of an f-string."""
    match part:
        case ast.Constant(value=str(text)):
            return string, text
        case ast.FormattedValue(value=ast.Name() as name, conversion=-1, format_spec=None):
            return name, None
        case _:
            return part, None


def _told(node: ast.expr, reason: str, kind: Kind) -> Finding:
    return Finding(node.lineno, ast.unparse(node), reason, kind)
