"""One statement that both sides changed, joined within: what a list has, what a call is given, a value of a dict.

Only where each part is one side's: items that are known by a name (keywords, keys, nodes of a Kedro pipeline), or
by their place in a list of which both sides left the rest. Arguments and operands are not items: two changes of
them may mean one thing, so only one of them may have changed. What is written is parsed, and must be the tree
that was meant.
"""

import ast
import copy
from collections.abc import Hashable, Sequence

from micropkgd.annotations import Any, Final
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.merge.python.displays import Display, Item, ItemLayout, display_of, laid_out
from micropkgd.merge.python.items import (
    LOOK,
    arguments_of,
    called,
    dumped,
    in_order,
    named_items,
    refuse_numbers,
    refuse_two_makers,
    side_by_side,
)
from micropkgd.merge.python.spots import Piece, Spot, StatementText, last_indent, put
from micropkgd.merge.rows import in_step, merged_row
from micropkgd.merge.text import merged_lines
from micropkgd.merge.units import Unit
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed

_WIDTH: Final = 88  # characters of a line where nothing longer is there already
_SHELLS: Final[dict[type[ast.AST], tuple[str, ...]]] = {
    ast.Assign: ("value",),
    ast.AnnAssign: ("value",),
    ast.AugAssign: ("value",),
    ast.Return: ("value",),
    ast.Expr: ("value",),
    ast.Await: ("value",),
    ast.Starred: ("value",),
    ast.keyword: ("value",),
    ast.Attribute: ("value",),
    ast.Subscript: ("value",),
    ast.BinOp: ("left", "right"),
}
_DISPLAYS: Final = (ast.List, ast.Tuple, ast.Set, ast.Dict)


def joined_statement(units: ThreeVersions[Unit]) -> str:
    """A simple statement, with what each side changed in it; `CollisionError` where that is one part."""
    if any(unit.node is None or type(unit.node) not in _SHELLS for unit in units):
        raise CollisionError("it is one piece")
    spots = units.each(lambda unit: Spot(StatementText.of(unit.code, unit.first), unit.node))
    piece = _Join(max(_WIDTH, *(_longest(unit.code) for unit in units))).joined(spots)
    lead = merged_lines(units.each(lambda unit: unit.lead))
    head, rest = _before(spots.ours), the_changed(spots.each(_behind))
    if rest is None:
        raise CollisionError("both sides changed the comment behind it")
    if [ast.dump(node) for node in syntax_tree(piece.text).body] != [ast.dump(piece.node)]:
        raise CollisionError("it cannot be written so")
    return lead + head + put(piece.text, head) + rest


def _before(spot: Spot) -> str:
    return spot.source.text[: spot.start]


def _behind(spot: Spot) -> str:
    return spot.source.text[spot.end :]


def _longest(text: str) -> int:
    return max(map(len, text.split("\n")))


class _Join:
    """The join of one statement; items that would make a line longer than it may be get a line each."""

    def __init__(self, width: int) -> None:
        self._width = width

    def joined(self, spots: ThreeVersions[Spot]) -> Piece:
        """The tree with what each side changed in it."""
        if (side := _one_sided(spots, spots.each(lambda spot: spot.says))) is not None:
            return Piece(side.text, side.node)
        kind = type(spots.ours.node)
        if any(type(spot.node) is not kind for spot in spots):
            raise CollisionError("it is something else now")
        if kind is ast.Call:
            return self._call(spots)
        return self._display(spots) if issubclass(kind, _DISPLAYS) else self._shell(spots)

    def _shell(self, spots: ThreeVersions[Spot]) -> Piece:
        """What has one part that both sides changed, and else is the same."""
        fields = _SHELLS.get(type(spots.ours.node), ())
        parts = {name: ThreeVersions(*(spot.at(getattr(spot.node, name)) for spot in spots)) for name in fields}
        changed = [name for name, part in parts.items() if _differs(part)]
        if len(changed) != 1 or len({_without(spot.node, changed[0]) for spot in spots}) > 1:
            raise CollisionError("both sides changed it")
        inner = spots.each(lambda spot: spot.at(getattr(spot.node, changed[0]), in_pipeline=spot.in_pipeline))
        piece = self.joined(inner)
        around = ThreeVersions(*(_around(outer, child) for outer, child in zip(spots, inner, strict=True)))
        before, behind = _longer(around)
        node = copy.copy(spots.ours.node)
        setattr(node, changed[0], piece.node)
        return Piece(before + put(piece.text, last_indent(before)) + behind, node)

    def _call(self, spots: ThreeVersions[Spot]) -> Piece:
        funcs = spots.each(lambda spot: spot.at(spot.node.func))
        func = _one_sided(funcs, funcs.each(lambda spot: spot.says))
        if _differs(funcs):
            given = spots.each(_given)
            if len(set(given)) == 1:
                return self._of_func(spots, funcs)
            if len({called(spot.node).casefold() for spot in funcs}) > 1:
                func = None
        if func is None:
            raise CollisionError("one side calls something else, and the other changed what it is given")
        _refuse_arguments(spots)
        displays = spots.each(lambda spot: display_of(spot, list(arguments_of(spot.node))))
        displays = displays.each(lambda one: one._replace(opening="("))
        in_pipeline = {called(spot.node.func).casefold() for spot in spots} == {"pipeline"}
        items, display = self._items(spots, displays, in_pipeline=in_pipeline)
        nodes = [item.nodes[-1] for item in items]
        node = ast.Call(
            func.node,
            [one for one in nodes if not isinstance(one, ast.keyword)],
            [one for one in nodes if isinstance(one, ast.keyword)],
        )
        return Piece(func.text + put(display.written(), last_indent(func.text)), node)

    def _of_func(self, spots: ThreeVersions[Spot], funcs: ThreeVersions[Spot]) -> Piece:
        """A call of what is joined: `Pipeline([...]).tag("x")`."""
        piece = self.joined(funcs)
        around = ThreeVersions(*(_around(outer, child) for outer, child in zip(spots, funcs, strict=True)))
        before, behind = _longer(around)
        node = copy.copy(spots.ours.node)
        node.func = piece.node
        return Piece(before + piece.text + behind, node)

    def _display(self, spots: ThreeVersions[Spot]) -> Piece:
        named = named_items(spots)
        if named is None:
            displays = spots.each(lambda spot: display_of(spot, [(("item", ""), [one]) for one in spot.node.elts]))
            items, display = self._items(spots, displays, ordered=True)
        else:
            displays = ThreeVersions(*(display_of(spot, one) for spot, one in zip(spots, named, strict=True)))
            items, display = self._items(spots, displays)
        node = copy.copy(spots.ours.node)
        if isinstance(node, ast.Dict):
            node.keys, node.values = [item.nodes[0] for item in items], [item.nodes[1] for item in items]
        else:
            node.elts = [item.nodes[0] for item in items]
        if isinstance(node, ast.Tuple) and len(items) == 1:
            display = display._replace(comma=True)
        if spots.ours.in_pipeline:
            refuse_two_makers(node, spots)
        return Piece(display.written(), node)

    def _items(
        self,
        spots: ThreeVersions[Spot],
        displays: ThreeVersions[Display],
        *,
        ordered: bool = False,
        in_pipeline: bool = False,
    ) -> tuple[list[Item], Display]:
        column = displays.ours.column
        rows: ThreeVersions[Sequence[Item]] = displays.each(lambda one: one.items)
        if ordered:
            refuse_numbers(rows)
            rows = ThreeVersions(*in_step(rows, LOOK))
        if any(len({item.key for item in row}) < len(row) for row in rows):
            raise CollisionError("something stands there twice")

        def join(base: Item | None, ours: Item, theirs: Item) -> Item:
            if base is not None:
                return self._item(spots, ThreeVersions(base, ours, theirs), in_pipeline=in_pipeline)
            if ours.says != theirs.says:
                raise CollisionError("both sides added it")
            return ours

        def in_run(left: Sequence[Item], right: Sequence[Item]) -> Sequence[Item]:
            return in_order(left, right, rows) if ordered else side_by_side(left, right)

        items = merged_row(rows, join, lambda one, other: one.says == other.says, in_run)
        if not items:
            raise CollisionError("nothing is left between its brackets")
        display = laid_out(displays, items)
        first = display.written().partition("\n")[0]
        is_long = display.form is not ItemLayout.LINES and column + len(first) >= self._width
        return items, laid_out(displays, items, on_lines=True) if is_long else display

    def _item(self, spots: ThreeVersions[Spot], three: ThreeVersions[Item], *, in_pipeline: bool) -> Item:
        ours = three.ours
        chosen: Item | None = _one_sided(three, three.each(lambda item: item.says))
        if chosen is not None:
            return chosen
        lead, comment = (
            the_changed(three.each(lambda item: item.lead)),
            the_changed(three.each(lambda item: item.comment)),
        )
        if lead is None or comment is None or len({dumped(item.nodes[:-1]) for item in three}) > 1:
            raise CollisionError("both sides changed what stands beside an item")
        inner = ThreeVersions(
            *(spot.at(item.nodes[-1], in_pipeline=in_pipeline) for spot, item in zip(spots, three, strict=True))
        )
        piece = self.joined(inner)
        before = ours.text[: inner.ours.start - ours.start]
        if "\n" in before:
            raise CollisionError("its value begins on another line")
        return ours._replace(lead=lead, comment=comment, text=before + piece.text, nodes=[*ours.nodes[:-1], piece.node])


def _one_sided(versions: ThreeVersions[Any], says: ThreeVersions[Hashable]) -> Any | None:
    """The version that is meant where at most one side changed it, or both did alike."""
    if says.theirs == says.ours == says.base:
        whole = the_changed(versions.each(lambda one: one.text))
        return versions.theirs if whole == versions.theirs.text else versions.ours
    if says.theirs in (says.base, says.ours):
        return versions.ours
    return versions.theirs if says.ours == says.base else None


def _differs(spots: ThreeVersions[Spot]) -> bool:
    return any(spot.node is None for spot in spots) or len({spot.says for spot in spots}) > 1


def _without(node: ast.AST, field: str) -> str:
    rest = copy.copy(node)
    setattr(rest, field, ast.Constant(None))
    return ast.dump(rest)


def _around(outer: Spot, inner: Spot) -> tuple[str, str]:
    """What stands before and behind a part, relative."""
    behind = outer.source.text[inner.end : outer.end]
    indent = outer.source.indent_at(outer.start)
    first, *others = behind.split("\n")
    return outer.source.relative(outer.start, inner.start), "\n".join(
        [first, *(line.removeprefix(indent) for line in others)]
    )


def _longer(around: ThreeVersions[tuple[str, str]]) -> tuple[str, str]:
    """What is around a part, as the side has it that changed it; else on more lines."""
    found = the_changed(around)
    if found is not None:
        return found
    if len({"".join("".join(one).split()) for one in around}) > 1:
        raise CollisionError("both sides changed what is around it")
    return max(around, key=lambda one: "".join(one).count("\n"))


def _given(spot: Spot) -> Hashable:
    node = spot.node
    return dumped(node.args), dumped(node.keywords)


def _refuse_arguments(spots: ThreeVersions[Spot]) -> None:
    """Of arguments that have no names only one may have changed, or one side alone changed some."""
    versions = spots.each(lambda spot: [spot.at(one).says for one in spot.node.args])
    if the_changed(versions) is not None:
        return
    if len({len(one) for one in versions}) > 1 or any(isinstance(one, ast.Starred) for one in spots.ours.node.args):
        raise CollisionError("both sides changed its arguments")
    if sum(len(set(one)) > 1 for one in zip(*versions, strict=True)) > 1:
        raise CollisionError("both sides changed its arguments")
