"""Items between brackets: by what they are known, and how those stand that both sides added at one place.

Keywords, keys, members of a set and nodes of a Kedro pipeline have names; items of any other list have their place.
"""

import ast
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from micropkgd.annotations import Any, Final
from micropkgd.merge.python.displays import Item
from micropkgd.merge.python.spots import Spot
from micropkgd.merge.rows import Key, Look
from micropkgd.merge.versions import CollisionError, ThreeVersions

_SORTED: Final = 3  # texts that stand in order do so on purpose
_NODE: Final = {"node", "pipeline"}


def arguments_of(node: ast.Call) -> Iterator[tuple[Key, list[Any]]]:
    """What a call is given, in the order of its text."""
    given: list[Any] = sorted([*node.args, *node.keywords], key=lambda one: (one.lineno, one.col_offset))
    for number, one in enumerate(given):
        if isinstance(one, ast.keyword) and one.arg is not None:
            yield ("keyword", one.arg), [one]
        elif isinstance(one, ast.keyword | ast.Starred):
            yield ("loose", ast.unparse(one)), [one]
        else:
            yield ("argument", str(number)), [one]


def named_items(spots: ThreeVersions[Spot]) -> ThreeVersions[list[tuple[Key, list[Any]]]] | None:
    """The items of what is known by names, in any order; None for a list whose order says something."""
    node = spots.ours.node
    if isinstance(node, ast.Dict):
        found = spots.each(
            lambda spot: [
                (_dict_key(key), [key, value]) for key, value in zip(spot.node.keys, spot.node.values, strict=True)
            ]
        )
    elif isinstance(node, ast.Set):
        found = spots.each(lambda spot: [(("item", ast.unparse(one)), [one]) for one in spot.node.elts])
    elif spots.ours.in_pipeline and all(_is_node(one) for spot in spots for one in spot.node.elts):
        found = spots.each(lambda spot: [(_node_key(one), [one]) for one in spot.node.elts])
    else:
        return None
    return found


def _dict_key(key: ast.expr | None) -> Key:
    return ("loose", "**") if key is None else ("key", ast.unparse(key))


def _is_node(item: ast.expr) -> bool:
    return isinstance(item, ast.Call) and called(item.func).casefold() in _NODE


def _node_key(item: ast.Call) -> Key:
    """What a node of Kedro is known by: its name, or what it makes."""
    given = {one.arg: one.value for one in item.keywords}
    named = given.get("name") or given.get("outputs") or (item.args[2] if len(item.args) > 2 else None)
    return ("node", ast.unparse(named if named is not None else item))


def refuse_two_makers(node: ast.List, spots: ThreeVersions[Spot]) -> None:
    """No data set may come out of two nodes that does not do so on a side."""
    counts = spots.each(lambda spot: Counter(_made(spot.node)))
    if any(count > max(1, counts.ours[name], counts.theirs[name]) for name, count in Counter(_made(node)).items()):
        raise CollisionError("two nodes make one data set")


def _made(node: ast.AST) -> Iterator[str]:
    for item in getattr(node, "elts", ()):
        given = {one.arg: one.value for one in item.keywords} if isinstance(item, ast.Call) else {}
        made = given.get("outputs") or (item.args[2] if isinstance(item, ast.Call) and len(item.args) > 2 else None)
        for one in ast.walk(made) if made is not None else ():
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value


def refuse_numbers(rows: ThreeVersions[Sequence[Item]]) -> None:
    """Numbers in a row belong together: limits, sizes, steps."""
    if any(
        isinstance(one, ast.Constant) and isinstance(one.value, int | float | complex)
        for row in rows
        for item in row
        for one in _plain(item)
    ):
        raise CollisionError("both sides changed numbers in a row")


def _plain(item: Item) -> Iterator[ast.AST]:
    node = item.nodes[0]
    yield node.operand if isinstance(node, ast.UnaryOp) else node


def side_by_side(left: Sequence[Item], right: Sequence[Item]) -> Sequence[Item]:
    """What both added at one place and is known by its name."""
    run = [*left, *right]
    if any(item.key[0] == "loose" for item in run):
        raise CollisionError("both sides added something at one place that may have any name")
    return sorted(run, key=lambda item: item.key[0] != "argument")


def in_order(left: Sequence[Item], right: Sequence[Item], rows: ThreeVersions[Sequence[Item]]) -> Sequence[Item]:
    """What both added at one place of a list: in order where all versions are."""
    run = [*left, *right]
    texts = [[_text(item) for item in row] for row in (*rows, run)]
    if len(texts[0]) < _SORTED or any(None in one for one in texts) or any(sorted(one) != one for one in texts[:3]):
        raise CollisionError("both sides added something at one place of a list")
    return sorted(run, key=lambda item: str(_text(item)))


def _text(item: Item) -> Any:
    node = item.nodes[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def called(func: ast.AST) -> str:
    """The last name of what a call calls; empty where it has none."""
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def dumped(nodes: Sequence[Any]) -> str:
    """What trees mean, as one text."""
    return " ".join("" if node is None else ast.dump(node) for node in nodes)


def _about(item: Item) -> Hashable:
    """What stays when an item is changed: what it calls, and the name that it gives it."""
    node = item.nodes[0]
    if isinstance(node, ast.Call):
        names = [ast.unparse(one.value) for one in node.keywords if one.arg in {"name", "id", "key"}]
        return ("Call", ast.unparse(node.func), *names)
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        names = [
            ast.unparse(value)
            for key, value in pairs
            if isinstance(key, ast.Constant) and key.value in {"name", "id", "key"}
        ]
        return ("Dict", *names)
    return type(node).__name__, item.says


LOOK: Final = Look[Item](lambda item: item.says, lambda item: dumped(item.nodes), _about)
"""How rows of items are compared to find those that are one, changed."""
