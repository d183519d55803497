"""Statements that run one after the other: what a function, a loop or a branch does, statement by statement.

They keep their order. One that one side changed is as that side has it, also right beside what the other changed or
added; one that both changed is joined within. What both added at one place stands there only where it makes no
difference which runs first. Names are looked at as well: one that a side gave up is not used again, and a new one
of one side is not what the other means.
"""

import ast
import io
import tokenize
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise

from micropkgd.annotations import Any, Final
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.merge.meaning import same_meaning
from micropkgd.merge.order import merged_order
from micropkgd.merge.python.expressions import joined_statement
from micropkgd.merge.python.heads import joined_decorators, joined_head
from micropkgd.merge.python.spots import comments_in
from micropkgd.merge.rows import Look, in_step
from micropkgd.merge.spans import LineSpan, block_of, lines_of
from micropkgd.merge.text import merged_lines
from micropkgd.merge.units import Grammar, Unit, UnitBlock, UnitKind, merged_keyed
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed
from micropkgd.named_tuples import NamedTuple

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While)
_STOPS: Final = (ast.Return, ast.Raise, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Delete)
_DOES: Final = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.With, ast.AsyncWith, ast.Try, *_LOOPS)


def joined_compound(units: ThreeVersions[Unit]) -> str:
    """A function, loop or branch that both sides changed: its heads by lines, what it does by statements."""
    cuts = units.each(_cut)
    parts = [merged_lines(units.each(lambda unit: unit.lead))]
    if len({tuple(type(one.node) for one in cut) for cut in cuts}) == 1:
        parts += (_branch(ThreeVersions(*branches)) for branches in zip(*cuts, strict=True))
    else:
        parts += _in_their_order(cuts)
    _refuse_names(units, "".join(parts))
    return "".join(parts)


class _Branch(NamedTuple):
    """One of the parts of a statement that have statements of their own, and what stands above these."""

    node: Any
    heads: Sequence[str]  # decorators, what opens it, a docstring
    lines: Sequence[str]  # numbered as in the file
    first: int
    last: int
    body: Sequence[ast.stmt]

    @property
    def text(self) -> str:
        """Its lines."""
        return "".join([*self.heads, *self.lines[self.first : self.last]])

    @property
    def asks(self) -> str:
        """When it is come to, which it is known by; of one that needs no question, by which word."""
        node = self.node
        match node:
            case ast.If(test=asked) | ast.While(test=asked) | ast.ExceptHandler(type=asked):
                return f"{type(node).__name__} {ast.unparse(asked) if asked is not None else ''}"
            case ast.match_case(pattern=pattern, guard=guard):
                return f"case {ast.unparse(pattern)} {ast.unparse(guard) if guard is not None else ''}"
        return type(node).__name__ if node is not None else self.heads[1].strip().partition(":")[0]


def _branch(branches: ThreeVersions[_Branch]) -> str:
    """A part that all versions have."""
    heads, nodes = zip(*branches.each(lambda one: one.heads), strict=True), branches.each(lambda one: one.node)
    decorators, opens, documents = (ThreeVersions(*head) for head in heads)
    joined = [joined_decorators(decorators, nodes), joined_head(opens, nodes), merged_lines(documents)]
    return "".join([*joined, _body(branches)])


def _in_their_order(cuts: ThreeVersions[list[_Branch]]) -> Iterator[str]:
    """Parts that one side alone added or took out; `finally` goes with all others."""
    tables = cuts.each(lambda cut: {one.asks: one for one in cut})
    if any(len(table) < len(cut) for table, cut in zip(tables, cuts, strict=True)):
        raise CollisionError("two of its parts ask the same")
    asked = tables.each(lambda table: [one for one in table if one != "finally"])
    if len({cut[0].asks for cut in cuts}) > 1 or the_changed(asked) is None:
        raise CollisionError("both sides have other parts now")
    found = {one: _part(ThreeVersions(*(table.get(one) for table in tables))) for table in tables for one in table}
    orders = tables.each(lambda table: [one for one in table if found[one]])
    yield from (found[one] for one in merged_order(orders, lambda one, other: sorted([*one, *other], key=_is_last)))


def _is_last(asked: str) -> bool:
    return asked == "finally"


def _part(branches: ThreeVersions[_Branch | None]) -> str:
    """A part that one side may have added, or taken out; empty where it is gone."""
    base, ours, theirs = branches
    if base is not None and ours is not None and theirs is not None:
        return _branch(ThreeVersions(base, ours, theirs))
    texts = branches.each(lambda one: "" if one is None else one.text)
    whole = the_changed(texts)
    if whole is None:
        raise CollisionError("one side changed a part that the other has not, or both added it")
    return whole


def _body(branches: ThreeVersions[_Branch]) -> str:
    whole = the_changed(branches.each(lambda one: "".join(one.lines[one.first : one.last])))
    if whole is not None:
        return whole
    blocks = branches.each(_block)
    rows = in_step(blocks.each(lambda block: block.units), _LOOK)
    keyed = ThreeVersions(*(UnitBlock(row, block.tail) for row, block in zip(rows, blocks, strict=True)))
    return merged_keyed(keyed, _GRAMMAR)


def _block(branch: _Branch) -> UnitBlock:
    return block_of(branch.lines, branch.first, branch.last, list(_spans(branch.body)), branch.body[0].col_offset)


def _spans(body: Sequence[ast.stmt]) -> Iterator[LineSpan]:
    last = 0
    for node in body:
        first = first_line(node)
        if first < last:
            raise CollisionError("statements share a line")
        last = node.end_lineno or node.lineno
        kind = UnitKind.DEFINITION if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) else UnitKind.LOOSE
        yield LineSpan(first, last, (kind, ast.unparse(node).partition("\n")[0]), kind, node)


def first_line(node: ast.stmt) -> int:
    """The number of the first line of a statement, its decorators included, from 0."""
    decorators = getattr(node, "decorator_list", None)
    return (decorators[0].lineno if decorators else node.lineno) - 1


def _cut(unit: Unit) -> list[_Branch]:
    """A statement cut into its branches."""
    node = unit.node
    lines = [*[""] * unit.first, *lines_of(unit.code)]
    starts = [(one, first, body) for one, first, body in _branches(node, lines)]
    ends = [*(first for _, first, _ in starts[1:]), len(lines)]
    cut = []
    for (one, first, body), end in zip(starts, ends, strict=True):
        opens = one.lineno - 1 if isinstance(one, _FUNCTIONS) else first
        head = _end_of_head(lines[:end], opens)
        if body and first_line(body[0]) < head:
            raise CollisionError("it is on one line")
        inner = _end_of_docstring(one, head)
        heads = ["".join(lines[start:stop]) for start, stop in pairwise((first, opens, head, inner))]
        cut.append(_Branch(one, heads, lines, inner, end, body[inner > head :]))
    return cut


def _branches(node: Any, lines: Sequence[str]) -> Iterator[tuple[Any, int, Sequence[ast.stmt]]]:
    """Each part that has statements of its own: what opens it, on which line, and these."""
    if isinstance(node, ast.If):
        yield node, node.lineno - 1, node.body
        follows = node.orelse
        if (
            len(follows) == 1
            and isinstance(follows[0], ast.If)
            and lines[follows[0].lineno - 1].lstrip().startswith("elif")
        ):
            yield from _branches(follows[0], lines)
        elif follows:
            yield None, _word_above(lines, follows[0], "else"), follows
    elif isinstance(node, _LOOPS):
        yield node, node.lineno - 1, node.body
        if node.orelse:
            yield None, _word_above(lines, node.orelse[0], "else"), node.orelse
    elif isinstance(node, ast.Try):
        yield node, node.lineno - 1, node.body
        yield from ((one, one.lineno - 1, one.body) for one in node.handlers)
        for word, body in (("else", node.orelse), ("finally", node.finalbody)):
            if body:
                yield None, _word_above(lines, body[0], word), body
    elif isinstance(node, ast.Match):
        yield node, node.lineno - 1, ()
        yield from ((one, one.pattern.lineno - 1, one.body) for one in node.cases)
    elif isinstance(node, (*_FUNCTIONS, ast.With, ast.AsyncWith)):
        yield node, first_line(node), node.body
    else:
        raise CollisionError("it has no statements of its own")


def _word_above(lines: Sequence[str], body: ast.stmt, word: str) -> int:
    for number in range(first_line(body) - 1, -1, -1):
        if lines[number].lstrip().startswith(word):
            return number
    raise CollisionError("it is on one line")


def _end_of_head(lines: Sequence[str], first: int) -> int:
    """The line behind those that open a branch."""
    tokens = tokenize.generate_tokens(io.StringIO("".join(lines[first:])).readline)
    return first + next(token.end[0] for token in tokens if token.type == tokenize.NEWLINE)


def _end_of_docstring(node: Any, head: int) -> int:
    documented = isinstance(node, _FUNCTIONS) and ast.get_docstring(node, clean=False) is not None
    return node.body[0].end_lineno or head if documented and len(node.body) > 1 else head


def _says(unit: Unit) -> Hashable:
    if unit.node is None:
        return unit.text.strip()
    return ast.dump(unit.node), comments_in(unit.text)


def _does(unit: Unit) -> Hashable:
    return unit.text.strip() if unit.node is None else ast.dump(unit.node)


def _about(unit: Unit) -> Hashable:
    """What stays when a statement is changed: its kind, and what it binds, asks or calls."""
    node = unit.node
    match node:
        case None:
            return ("comment",)
        case ast.Assign(targets=targets):
            return ("Assign", *map(ast.unparse, targets))
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return (type(node).__name__, ast.unparse(target))
        case ast.Expr(value=ast.Call(func=func)):
            return ("Call", ast.unparse(func))
        case ast.If(test=test) | ast.While(test=test):
            return (type(node).__name__, ast.unparse(test))
        case ast.For(target=target, iter=source):
            return ("For", ast.unparse(target), ast.unparse(source))
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (type(node).__name__, name)
    return (type(node).__name__,)


def _joined(base: Unit | None, ours: Unit, theirs: Unit) -> str:
    if base is None:
        return theirs.text  # what both added says the same
    units = ThreeVersions(base, ours, theirs)
    for way in (_by_format, joined_statement, _by_lines, joined_compound):
        try:
            return way(units)
        except CollisionError:
            continue
    raise CollisionError("both sides changed it")


def _by_lines(units: ThreeVersions[Unit]) -> str:
    if any(hasattr(unit.node, "body") or isinstance(unit.node, ast.Match) for unit in units):
        raise CollisionError("its lines say too little of its statements")
    return merged_lines(units.each(lambda unit: unit.text))


def _by_format(units: ThreeVersions[Unit]) -> str:
    base, ours, theirs = (unit.text for unit in units)
    if same_meaning(base, theirs):
        return ours
    if same_meaning(base, ours):
        return theirs
    raise CollisionError("both sides changed it")


def _is_same(one: Unit, other: Unit) -> bool:
    return _says(one) == _says(other)


def _in_run(left: Sequence[Unit], right: Sequence[Unit], _: Any) -> list[Unit]:
    """What both added at one place, ours first, where it says the same the other way round."""
    if any(unit.node is None for unit in (*left, *right)):
        raise CollisionError("both sides added comments at one place")
    one, other = (_Effect.of([unit.node for unit in run]) for run in (left, right))
    if one.disturbs(other) or other.disturbs(one):
        raise CollisionError("both sides added something that runs at one place")
    return [*left, *right]


class _Effect(NamedTuple):
    """What statements bind and read, and whether they do more than that; the `["key"]` of `a["key"]` is a name, too."""

    binds: set[str]
    reads: set[str]
    keyed: set[str]  # what has keys that are bound or read
    alters: set[str]  # what has keys that are bound
    does: bool
    stops: bool

    def disturbs(self, other: "_Effect") -> bool:
        """Whether another one may do something else behind this one than before it."""
        shared = self.binds & (other.binds | other.reads | other.keyed) | self.alters & other.reads
        return self.stops or bool(shared) or (self.does and (other.does or bool(other.reads | other.keyed)))

    @classmethod
    def of(cls, nodes: Sequence[ast.stmt]) -> "_Effect":
        """What some statements do."""
        inner: list[Any] = [one for node in nodes for one in ast.walk(node)]
        keyed = [one for one in inner if _is_keyed(one)]
        bound = [one for one in keyed if isinstance(one.ctx, ast.Store)]
        names = {id(one.value) for one in keyed}
        loaded = (one for one in inner if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load))
        parts = (one for one in inner if isinstance(one, ast.Attribute | ast.Subscript) and one not in keyed)
        return cls(
            {*_bound(inner), *map(_key, bound)},
            {one.id for one in loaded if id(one) not in names} | set(map(_key, keyed)) - set(map(_key, bound)),
            {one.value.id for one in keyed},
            {one.value.id for one in bound},
            any(isinstance(one, _DOES) for one in inner) or any(not isinstance(one.ctx, ast.Load) for one in parts),
            any(isinstance(one, _STOPS) for one in inner),
        )


def _key(node: Any) -> str:
    return f"[{node.slice.value!r}]"


def _is_keyed(node: Any) -> bool:
    """Whether it is a name with a text as key."""
    is_one = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
    return is_one and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)


def _bound(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The names that are bound, also as parameters."""
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name


def _refuse_names(units: ThreeVersions[Unit], merged: str) -> None:
    """A name that one side does not bind any more, or binds anew, must not be what the other side means by it."""
    base, ours, theirs = (_names(unit.node) for unit in units)
    (tree,) = syntax_tree(f"if 1:\n{merged}" if merged[:1].isspace() else merged).body
    found = _names(tree)
    if ((base.bound - ours.bound) | (base.bound - theirs.bound)) & found.all:
        raise CollisionError("one side uses a name that the other gave up")
    for one, other in ((ours, theirs), (theirs, ours)):
        if (one.bound - base.bound) & (other.all - base.all):
            raise CollisionError("both sides use a new name")


class _Names(NamedTuple):
    bound: set[str]
    all: set[str]


def _names(node: ast.AST) -> _Names:
    inner = list(ast.walk(node))
    bound = set(_bound(inner))
    return _Names(bound, bound | {one.id for one in inner if isinstance(one, ast.Name)})


_LOOK: Final = Look[Unit](_says, _does, _about)
_GRAMMAR: Final = Grammar(_joined, _is_same, _in_run)
