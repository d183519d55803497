"""Import statements, and other lists of names whose order says nothing: what both sides added stands in one of them."""

import ast
import io
import sys
import tokenize
from collections.abc import Callable, Sequence
from itertools import pairwise

from micropkgd.annotations import Final
from micropkgd.merge.order import merged_order
from micropkgd.merge.rows import Key
from micropkgd.merge.text import merged_lines
from micropkgd.merge.units import Placed, Unit, UnitBlock, UnitKind
from micropkgd.merge.versions import CollisionError, ThreeVersions

_WIDTH: Final = 88  # characters of a line where nothing longer is there already

Import = ast.Import | ast.ImportFrom
Order = Callable[[Unit], tuple[bool, bool, str]]


def names_of(node: Import) -> list[str]:
    """The names that a statement imports, as it spells them."""
    return [f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in node.names]


def joined_import(base: Unit | None, ours: Unit, theirs: Unit) -> str:
    """One import from a module with the names of both sides, less those that a side took out."""
    if not isinstance(ours.node, ast.ImportFrom) or not isinstance(theirs.node, ast.ImportFrom):
        return merged_lines(ThreeVersions(base.text if base is not None else "", ours.text, theirs.text))
    known = names_of(base.node) if base is not None and base.node is not None else []
    names = _merged_names(ThreeVersions(known, names_of(ours.node), names_of(theirs.node)))
    lead = merged_lines(ThreeVersions(base.lead if base is not None else "", ours.lead, theirs.lead))
    comment = _comment_of([ours, theirs])
    node, indent = ours.node, _indent(ours.code)
    head = f"{indent}from {'.' * node.level}{node.module or ''} import "
    if not names:
        raise CollisionError("nothing is left to import")
    return lead + _spelled(head, names, ("(", ")"), comment, [ours.code, theirs.code])


def joined_names(units: ThreeVersions[Unit]) -> str:
    """A list of strings, as `__all__` is, with those of both sides."""
    lists = units.each(_strings)
    names = _merged_names(lists)
    code = units.ours.code
    brackets = ("[", "]") if isinstance(units.ours.node.value, ast.List) else ("(", ")")
    quote = "'" if "'" in code and '"' not in code else '"'
    head = f"{_indent(code)}{ast.unparse(units.ours.node.targets[0])} = "
    spelt = [f"{quote}{name}{quote}" for name in names]
    return _spelled(head, spelt, brackets, _comment_of(list(units)), [code, units.theirs.code], bare=False)


def in_import_order(ours: Sequence[Unit], theirs: Sequence[Unit], blocks: ThreeVersions[UnitBlock]) -> list[Unit]:
    """Imports that both sides added at one place, sorted as the others are, one section after the other."""
    order = next((order for order in (_plain_first, _by_module) if _is_kept(order, blocks)), None)
    if order is None or not (ours and theirs):
        return [*ours, *theirs]
    sections = [_sections(run) for run in (ours, theirs)]
    deepest = max(map(len, sections))
    padded = [[*one, *[[] for _ in range(deepest - len(one))]] for one in sections]
    return [unit for pair in zip(*padded, strict=True) for unit in sorted([*pair[0], *pair[1]], key=order)]


def in_their_places(row: Sequence[Unit], blocks: ThreeVersions[UnitBlock]) -> Placed:
    """The row with what one side imports anew put where it belongs among imports that the other side sorted."""
    for name, other in (("ours", blocks.theirs), ("theirs", blocks.ours)):
        side: UnitBlock = getattr(blocks, name)
        order = next((order for order in (_plain_first, _by_module) if _is_in_order(order, side)), None)
        if (
            order is None
            or _is_in_order(order, other)
            or _sections_of(side, blocks) == _sections_of(blocks.base, blocks)
        ):
            continue
        known = {unit.key for unit in (*blocks.base.units, *side.units)}
        units, result = _left_of(side.units, {unit.key for unit in row}), list(row)
        for unit in row:
            if unit.kind is UnitKind.IMPORT and unit.key not in known:
                _put(unit, units, result, order)
        return result, blocks._replace(**{name: side._replace(units=units)})
    return row, blocks


def _left_of(units: Sequence[Unit], left: set[Key]) -> list[Unit]:
    """The units that are left, sections as they were."""
    result, gap = list[Unit](), ""
    for unit in units:
        if unit.key not in left:
            gap = max(gap, unit.gap, key=len)
            continue
        result.append(unit._replace(gap=max(gap, unit.gap, key=len)))
        gap = ""
    return result


def _sections_of(block: UnitBlock, blocks: ThreeVersions[UnitBlock]) -> list[tuple[Key, bool]]:
    """The imports that all versions have, in their order, and whether each begins a section."""
    shared = set.intersection(*({unit.key for unit in one.units} for one in blocks))
    imports = [unit for unit in _left_of(block.units, shared) if unit.kind is UnitKind.IMPORT]
    return [(unit.key, bool(unit.gap) or not number) for number, unit in enumerate(imports)]


def _put(unit: Unit, units: list[Unit], row: list[Unit], order: Order) -> None:
    """Put an import into the section of a side that has others of its kind, and in the row behind the same one."""
    at = row.index(unit)
    kinds = [(_kind(one), number) for number, one in enumerate(units) if one.kind is UnitKind.IMPORT]
    alike = [number for kind, number in kinds if kind == _kind(unit)]
    alike += [number for kind, number in kinds if bool(kind) == bool(_kind(unit)) and kind != "."]
    if not alike:
        return
    first = last = alike[0]
    while first and not units[first].gap and units[first - 1].kind is UnitKind.IMPORT:
        first -= 1
    while last + 1 < len(units) and not units[last + 1].gap and units[last + 1].kind is UnitKind.IMPORT:
        last += 1
    place = next((number for number in range(first, last + 1) if order(units[number]) > order(unit)), last + 1)
    gap = ""
    if place == first:  # which begins the section from now on
        gap, units[first] = units[first].gap, units[first]._replace(gap="")
    units.insert(place, unit._replace(gap=gap))
    in_row = {one.key for one in row}
    before = next((one.key for one in reversed(units[:place]) if one.key in in_row), None)
    del row[at]
    row.insert([one.key for one in row].index(before) + 1 if before is not None else 0, unit)


def _kind(unit: Unit) -> str:
    """What sections are told apart by: what comes with Python, a package."""
    if unit.key[1].startswith("."):
        return "."
    package = unit.key[1].partition(".")[0].partition(" ")[0]
    return "" if package in sys.stdlib_module_names else package


def _sections(run: Sequence[Unit]) -> list[list[Unit]]:
    """The imports between blank lines; the first go on what stands above."""
    sections: list[list[Unit]] = [[]]
    for unit in run:
        if unit.gap:
            sections.append([])
        sections[-1].append(unit)
    return sections


def _plain_first(unit: Unit) -> tuple[bool, bool, str]:
    return unit.key[1] != "__future__", unit.key[0] == "from", unit.key[1].casefold()


def _by_module(unit: Unit) -> tuple[bool, bool, str]:
    return unit.key[1] != "__future__", False, unit.key[1].casefold()


def _is_kept(order: Order, blocks: ThreeVersions[UnitBlock]) -> bool:
    """Whether the imports of both sides stand in an order."""
    return _is_in_order(order, blocks.ours) and _is_in_order(order, blocks.theirs)


def _is_in_order(order: Order, block: UnitBlock) -> bool:
    """Whether the imports of a block stand in an order, as far as no blank line parts them."""
    return all(
        order(last) <= order(unit)
        for last, unit in pairwise(block.units)
        if {last.kind, unit.kind} == {UnitKind.IMPORT} and not unit.gap
    )


def _merged_names(names: ThreeVersions[list[str]]) -> list[str]:
    if any(len(set(one)) < len(one) for one in names):
        raise CollisionError("a name stands there twice")
    merged = merged_order(_without_removed(names))
    for order in (_as_isort_has_it, str.casefold, str):
        if all(one == sorted(one, key=order) for one in (names.ours, names.theirs)):
            return sorted(merged, key=order)
    return merged


def _without_removed(names: ThreeVersions[list[str]]) -> ThreeVersions[list[str]]:
    gone = {name for name in names.base if name not in names.ours or name not in names.theirs}
    return names.each(lambda one: [name for name in one if name not in gone])


def _as_isort_has_it(name: str) -> tuple[int, str]:
    """Constants, classes, and then the rest."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name


def _strings(unit: Unit) -> list[str]:
    value = getattr(unit.node, "value", None)
    if not isinstance(unit.node, ast.Assign) or not isinstance(value, ast.List | ast.Tuple):
        raise CollisionError("it is not a list of names")
    names = [item.value for item in value.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    if len(names) < len(value.elts) or not all(name.isidentifier() for name in names):
        raise CollisionError("it is not a list of names")
    return names


def _comment_of(units: Sequence[Unit]) -> str:
    """The comment behind a statement of one line, where all say the same; comments among the names have no place."""
    found = [list(_comments(unit.code)) for unit in units]
    if not any(found):
        return ""
    if any(one != found[0] or unit.code.count("\n") > 1 for one, unit in zip(found, units, strict=True)):
        raise CollisionError("there are comments among the names")
    return f"  {found[0][0]}"


def _comments(code: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(code.lstrip()).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _spelled(
    head: str,
    names: Sequence[str],
    brackets: tuple[str, str],
    comment: str,
    codes: Sequence[str],
    *,
    bare: bool = True,
) -> str:
    """A list of names on one line where that is how it was and it is not too long, else a line for each."""
    opening, closing = brackets
    inner = ", ".join(names)
    if not bare:
        inner = f"{opening}{inner}{',' if opening == '(' and len(names) == 1 else ''}{closing}"
    line = f"{head}{inner}{comment}"
    longest = max(len(line) for code in codes for line in code.split("\n"))
    if all(code.count("\n") == 1 for code in codes) and len(line) <= max(longest, _WIDTH):
        return f"{line}\n"
    if comment:
        raise CollisionError("its comment has no place any more")
    indent = _indent(head)
    items = "".join(f"{indent}    {name},\n" for name in names)
    return f"{head}{opening}\n{items}{indent}{closing}\n"


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
