"""The structure of Python: modules and classes as blocks of imports, names and definitions.

What both sides changed is taken apart once more: a class into its members, a function into its decorators, signature,
docstring and body, an import into its names, a line into its code and its comment. Each part must be clean by itself.
"""

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence

from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.merge.meaning import same_meaning
from micropkgd.merge.python.bodies import joined_compound
from micropkgd.merge.python.expressions import joined_statement
from micropkgd.merge.python.imports import in_import_order, in_their_places, joined_import, joined_names, names_of
from micropkgd.merge.rows import Key
from micropkgd.merge.spans import LineSpan, block_of, lines_of
from micropkgd.merge.text import merged_lines
from micropkgd.merge.units import Grammar, Unit, UnitBlock, UnitKind, merged_block
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed
from micropkgd.named_tuples import NamedTuple

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_INERT = {UnitKind.IMPORT, UnitKind.DEFINITION, UnitKind.COMMENT}


def merged_python(texts: ThreeVersions[str]) -> str:
    """A merged module; `CollisionError` where both sides changed one thing, `SyntaxError` where one is no Python."""
    ends = texts.each(lambda text: text.endswith("\n"))
    sources = texts.each(lambda text: text if text.endswith("\n") else f"{text}\n")
    trees = sources.each(syntax_tree)
    pages = ThreeVersions(*map(_page, sources, trees))
    result = merged_block(_blocks(pages), _GRAMMAR._replace(apart="\n\n"))
    return result if the_changed(ends) else result.removesuffix("\n")


class _Statements(NamedTuple):
    """The statements that stand on some lines of a file."""

    lines: Sequence[str]
    first: int
    last: int
    body: Sequence[ast.stmt]


def _page(source: str, tree: ast.Module) -> _Statements:
    lines = lines_of(source)
    return _Statements(lines, 0, len(lines), tree.body)


def _blocks(pages: ThreeVersions[_Statements]) -> ThreeVersions[UnitBlock]:
    """The blocks of units of three versions, which agree on how an import is called."""
    often = frozenset[str]().union(*(_imported_often(page.body) for page in pages))
    return pages.each(lambda page: _block(page, often))


def _block(page: _Statements, often: frozenset[str]) -> UnitBlock:
    column = page.body[0].col_offset if page.body else 0
    block = block_of(page.lines, page.first, page.last, list(_spans(page.body, often)), column)
    return block._replace(units=_together(block.units))


def _spans(body: Sequence[ast.stmt], often: frozenset[str]) -> Iterator[LineSpan]:
    """The statements by their lines; those that share a line are one, with no name."""
    shared: list[ast.stmt] = []
    for number, node in enumerate(body):
        shared.append(node)
        if number + 1 < len(body) and _first(body[number + 1]) < _last(node):
            continue
        key, kind = _key(node, often, is_first=number == 0) if len(shared) == 1 else _loose(*shared)
        yield LineSpan(_first(shared[0]), _last(node), key, kind, node if len(shared) == 1 else None)
        shared = []


def _together(units: Sequence[Unit]) -> list[Unit]:
    """A name that is bound by several definitions in a row, as a property with its setter is, is one unit."""
    result: list[Unit] = []
    for unit in units:
        last = result[-1] if result else None
        if last is not None and unit.kind in {UnitKind.DEFINITION, UnitKind.NAMED} and last.key == unit.key:
            result[-1] = last._replace(code=last.code + unit.gap + unit.text, kind=unit.kind, node=None)
        else:
            result.append(unit)
    return result


def _first(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", None)
    return (decorators[0].lineno if decorators else node.lineno) - 1


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _imported_often(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The modules that a block imports from in several statements: each is called by its names, too."""
    counts = Counter(_module(node) for node in body if isinstance(node, ast.ImportFrom))
    return frozenset(module for module, count in counts.items() if count > 1)


def _key(node: ast.stmt, often: frozenset[str], *, is_first: bool) -> tuple[Key, UnitKind]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return ("name", node.name), UnitKind.DEFINITION
        case ast.ImportFrom():
            names = [", ".join(sorted(names_of(node)))] if _module(node) in often else []
            return ("from", _module(node), *names), UnitKind.IMPORT
        case ast.Import():
            return ("import", ", ".join(names_of(node))), UnitKind.IMPORT
        case ast.Expr(value=ast.Constant(value=str())) if is_first:
            return ("docstring", "docstring"), UnitKind.NAMED
        case ast.Assign(targets=targets):
            return ("name", ", ".join(map(ast.unparse, targets))), UnitKind.NAMED
        case ast.AnnAssign(target=target):
            return ("name", ast.unparse(target)), UnitKind.NAMED
        case ast.If(test=test):
            return ("if", ast.unparse(test)), UnitKind.NAMED
        case _:
            return _loose(node)


def _loose(*nodes: ast.stmt) -> tuple[Key, UnitKind]:
    return (UnitKind.LOOSE, "; ".join(map(ast.unparse, nodes))), UnitKind.LOOSE


def _module(node: ast.ImportFrom) -> str:
    return "." * node.level + (node.module or "")


def _in_run(ours: Sequence[Unit], theirs: Sequence[Unit], blocks: ThreeVersions[UnitBlock]) -> list[Unit]:
    """What both sides added at one place: imports first, sorted as they are; two that run are a question."""
    kinds = [{unit.kind for unit in run} for run in (ours, theirs)]
    if any(UnitKind.LOOSE in one and not other <= _INERT for one, other in (kinds, kinds[::-1])) or all(
        UnitKind.COMMENT in one for one in kinds
    ):
        raise CollisionError("both sides added something that runs at one place")
    imports = [[unit for unit in run if unit.kind is UnitKind.IMPORT] for run in (ours, theirs)]
    others = [unit for run in (ours, theirs) for unit in run if unit.kind is not UnitKind.IMPORT]
    return [*in_import_order(imports[0], imports[1], blocks), *others]


def _joined(base: Unit | None, ours: Unit, theirs: Unit) -> str:
    """A unit that both sides changed, or both added."""
    if ours.kind is UnitKind.IMPORT and ours.node is not None and theirs.node is not None:
        return joined_import(base, ours, theirs)
    if base is None:
        if same_meaning(ours.text, theirs.text):
            return theirs.text
        raise CollisionError("both sides added it")
    units = ThreeVersions(base, ours, theirs)
    if all(_is_block(unit) for unit in units):
        return _joined_blocks(units)
    for way in (_joined_lines, _joined_format, _joined_list, _joined_parts, joined_statement, joined_compound):
        try:
            return way(units)
        except CollisionError:
            continue
    raise CollisionError("both sides changed it")


def _joined_lines(units: ThreeVersions[Unit]) -> str:
    return merged_lines(units.each(lambda unit: unit.text))


def _joined_format(units: ThreeVersions[Unit]) -> str:
    """One side only wrote it otherwise: the other one says what it does."""
    base, ours, theirs = (unit.text for unit in units)
    if same_meaning(base, theirs):
        return ours
    if same_meaning(base, ours) or same_meaning(ours, theirs):
        return theirs
    raise CollisionError("both sides changed it")


def _joined_list(units: ThreeVersions[Unit]) -> str:
    """`__all__`, a list whose order says nothing."""
    if units.ours.key != ("name", "__all__"):
        raise CollisionError("the order of a list may say something")
    return merged_lines(units.each(lambda unit: unit.lead)) + joined_names(units)


def _joined_parts(units: ThreeVersions[Unit]) -> str:
    parts = units.each(_parts)
    if len({len(part) for part in parts}) > 1:
        raise CollisionError("it has other parts now")
    texts = zip(*parts, strict=True)
    return "".join(merged_lines(ThreeVersions(*versions)) for versions in texts)


def _parts(unit: Unit) -> list[str]:
    """A line as code and comment."""
    node = unit.node
    if node is not None and unit.code.count("\n") == 1 and not _is_definition(node):
        return [unit.lead, *_code_and_comment(unit.code)]
    raise CollisionError("it is one piece")


def _code_and_comment(line: str) -> tuple[str, str]:
    tokens = tokenize.generate_tokens(io.StringIO(line.strip()).readline)
    starts = [token.start[1] for token in tokens if token.type == tokenize.COMMENT]
    code = line.rstrip("\n")
    code = code[: len(line) - len(line.lstrip()) + starts[0]].rstrip() if starts else code
    return code, line[len(code) :]


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, Definition)


def _is_block(unit: Unit) -> bool:
    """Whether what stands in it is a block of units again: a class, or an `if` without an `else`."""
    node = unit.node
    is_one = isinstance(node, ast.ClassDef) or (isinstance(node, ast.If) and not node.orelse)
    return is_one and _first(node.body[0]) >= _head(node)


def _head(node: ast.ClassDef | ast.If) -> int:
    """The number of the line behind those that open a block."""
    inner = [*node.bases, *(one.value for one in node.keywords)] if isinstance(node, ast.ClassDef) else [node.test]
    return max([node.lineno, *(one.end_lineno or 0 for one in inner)])


def _joined_blocks(units: ThreeVersions[Unit]) -> str:
    heads = units.each(_opening)
    blocks = _blocks(units.each(_inner))
    return "".join(map(merged_lines, _columns(heads))) + merged_block(blocks, _GRAMMAR._replace(apart="\n"))


def _columns(parts: ThreeVersions[list[str]]) -> Iterator[ThreeVersions[str]]:
    return (ThreeVersions(*part) for part in zip(*parts, strict=True))


def _opening(unit: Unit) -> list[str]:
    """What stands above the members of a class: comments, decorators, and its own line."""
    lines, node = lines_of(unit.code), unit.node
    own, head = node.lineno - 1 - unit.first, _end_of_head(unit)
    return [unit.lead, "".join(lines[:own]), "".join(lines[own:head])]


def _end_of_head(unit: Unit) -> int:
    """A bracket may close on a line of its own."""
    lines, head = lines_of(unit.code), _head(unit.node) - unit.first
    body = _first(unit.node.body[0]) - unit.first
    while head < body and lines[head].lstrip().startswith((")", ":")):
        head += 1
    return head


def _inner(unit: Unit) -> _Statements:
    """The members, as a page that begins with the first line of the unit."""
    lines = [*[""] * unit.first, *lines_of(unit.code)]
    return _Statements(lines, unit.first + _end_of_head(unit), len(lines), unit.node.body)


def _is_same(one: Unit, other: Unit) -> bool:
    return one.text == other.text or (one.kind is not UnitKind.COMMENT and same_meaning(one.text, other.text))


_GRAMMAR = Grammar(_joined, _is_same, _in_run, placed=in_their_places)
