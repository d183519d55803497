"""Joins the lines that open a part of a statement: decorators, a signature, the items of a `with`.

Parameters are known by their names, whatever they are given without: so one side may give one another default, and the
other side add one. What callers give by place only one side may change; decorators and items of a `with` keep their
order.
"""

import ast
import io
import tokenize
from collections.abc import Sequence
from itertools import pairwise

from micropkgd.annotations import Any, Final
from micropkgd.merge.python.displays import Display, Item, ItemLayout, display_of, laid_out
from micropkgd.merge.python.spots import Spot, StatementText
from micropkgd.merge.rows import merged_row
from micropkgd.merge.text import merged_lines
from micropkgd.merge.versions import CollisionError, ThreeVersions, the_changed
from micropkgd.named_tuples import NamedTuple

WIDTH: Final = 88  # characters of a line where nothing longer is there already
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_OPENS: Final = frozenset("([{")
_CLOSES: Final = frozenset(")]}")
_MARKS: Final = {":": 1, "=": 2}  # what they begin of a parameter
_NEITHER: Final = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def joined_head(texts: ThreeVersions[str], nodes: ThreeVersions[Any]) -> str:
    """The lines that open a part, by their lines, or else by what stands in them."""
    try:
        return merged_lines(texts)
    except CollisionError:
        if all(isinstance(node, _FUNCTIONS) for node in nodes):
            return _joined_signature(texts)
        if all(isinstance(node, ast.With | ast.AsyncWith) for node in nodes):
            return _joined_pieces(ThreeVersions(*(_with_items(*one) for one in zip(texts, nodes, strict=True))))
        raise


def joined_decorators(texts: ThreeVersions[str], nodes: ThreeVersions[Any]) -> str:
    """Decorators, which keep their order: by their lines, or one by one where no side has more or fewer."""
    try:
        return merged_lines(texts)
    except CollisionError:
        return _joined_pieces(ThreeVersions(*(_decorators(*one) for one in zip(texts, nodes, strict=True))))


def _joined_pieces(pieces: ThreeVersions[Sequence[str]]) -> str:
    """Each piece as the one side has it that changed it."""
    if len({len(one) for one in pieces}) > 1:
        raise CollisionError("it has other parts now")
    found = [the_changed(ThreeVersions(*piece)) for piece in zip(*pieces, strict=True)]
    if None in found:
        raise CollisionError("both sides changed one part of it")
    return "".join(map(str, found))


def _decorators(text: str, node: Any) -> list[str]:
    lines = text.splitlines(keepends=True)
    numbers = [one.lineno for one in getattr(node, "decorator_list", ())]
    cuts = [0, *(number - numbers[0] for number in numbers[1:]), len(lines)] if numbers else [0, len(lines)]
    return ["".join(lines[start:end]) for start, end in pairwise(cuts)]


def _with_items(text: str, node: Any) -> list[str]:
    """The items and what stands between them."""
    source = StatementText.of(text, node.lineno - 1)
    spots = [
        (Spot(source, item.context_expr).start, Spot(source, item.optional_vars or item.context_expr).end)
        for item in node.items
    ]
    cuts = [0, *(place for span in spots for place in span), len(text)]
    return [text[start:end] for start, end in pairwise(cuts)]


class _Parameter(NamedTuple):
    """One of the parts between the brackets of a signature; `*` and `/` are such, too."""

    name: str  # with its stars
    annotation: str
    default: str
    start: tuple[int, int]
    end: tuple[int, int]

    @property
    def says(self) -> str:
        """Its text, spelt in one way."""
        annotation = f": {self.annotation}" if self.annotation else ""
        equals = " = " if annotation else "="
        return f"{self.name}{annotation}{equals}{self.default}" if self.default else f"{self.name}{annotation}"


class _FunctionHead(NamedTuple):
    """A signature, cut at its brackets."""

    before: str
    parameters: Sequence[_Parameter]
    text: str  # of the brackets and what is in them
    behind: str

    @property
    def by_place(self) -> list[str]:
        """The names of what may be given without them."""
        names = [one.name for one in self.parameters]
        ends = [number for number, name in enumerate(names) if name.startswith("*")]
        return names[: ends[0]] if ends else names


def _joined_signature(texts: ThreeVersions[str]) -> str:
    cut = texts.each(_signature)
    before, behind = the_changed(cut.each(lambda one: one.before)), the_changed(cut.each(lambda one: one.behind))
    if before is None or behind is None:
        raise CollisionError("both sides changed its name, or what it gives back")
    by_place = the_changed(cut.each(lambda one: one.by_place))
    if by_place is None:
        raise CollisionError("both sides changed what is given by place")
    if not all(one.parameters for one in cut):
        raise CollisionError("it has no parameters")
    displays = cut.each(_display)
    rows: ThreeVersions[Sequence[Item]] = displays.each(lambda one: one.items)
    items = merged_row(rows, _joined_parameter, lambda one, other: one.says == other.says, _in_run)
    display = laid_out(displays, items)
    longest = max(WIDTH, *(max(map(len, text.split("\n"))) for text in texts))
    merged = _written(before, display, behind)
    if display.form is not ItemLayout.LINES and max(map(len, merged.split("\n"))) > longest:
        merged = _written(before, laid_out(displays, items, on_lines=True), behind)
    found = _signature(merged)
    if [one.says for one in found.parameters] != [item.nodes[0].value for item in items]:
        raise CollisionError("it cannot be written so")
    if found.by_place != by_place:  # one side took the `*` out that the other added something behind
        raise CollisionError("what is given by name alone would be given by place")
    return merged


def _written(before: str, display: Display, behind: str) -> str:
    first, *others = display.written().split("\n")
    indent = before[: len(before) - len(before.lstrip())]
    return before + "\n".join([first, *(f"{indent}{line}" if line else line for line in others)]) + behind


def _joined_parameter(base: Item | None, ours: Item, theirs: Item) -> Item:
    """One that both sides changed: its annotation and its default, each by itself."""
    if ours.says == theirs.says:
        return ours
    if base is None:
        raise CollisionError("both sides added it")
    if base.says in (ours.says, theirs.says):
        return theirs if base.says == ours.says else ours
    if len({(one.lead, one.comment) for one in (base, ours, theirs)}) > 1:
        raise CollisionError("both sides changed what stands beside a parameter")
    known = ThreeVersions(base, ours, theirs).each(lambda one: _parameter(one.text))
    annotation = the_changed(known.each(lambda one: one.annotation))
    default = the_changed(known.each(lambda one: one.default))
    if annotation is None or default is None:
        raise CollisionError("both sides changed a parameter")
    text = known.ours._replace(annotation=annotation, default=default).says
    return ours._replace(text=text, nodes=[ast.Constant(text)])


def _in_run(left: Sequence[Item], right: Sequence[Item]) -> Sequence[Item]:
    """What both added at one place is given by name, or `_joined_signature` had refused it."""
    if any(item.key[1].startswith("*") for item in (*left, *right)):
        raise CollisionError("both sides changed what is given by name alone")
    return [*left, *right]


def _display(signature: _FunctionHead) -> Display:
    lines = signature.text.split("\n")
    node = ast.Constant("", lineno=1, col_offset=0, end_lineno=len(lines), end_col_offset=len(lines[-1].encode()))
    members = [(("parameter", one.name), [_node(one)]) for one in signature.parameters]
    return display_of(Spot(StatementText.of(signature.text, 0), node), members)


def _node(one: _Parameter) -> ast.Constant:
    """What stands for a parameter, for a parser has no node for all of it."""
    (row, column), (last, end) = one.start, one.end
    return ast.Constant(one.says, lineno=row, col_offset=column, end_lineno=last, end_col_offset=end)


def _parameter(text: str) -> _Parameter:
    return _signature(f"def _({text}):\n").parameters[0]


def _signature(text: str) -> _FunctionHead:
    """The head of a function, by its tokens: no parser tells where all of a parameter stands."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except tokenize.TokenError as error:
        raise CollisionError("its head is one piece") from error
    depth, opened, closed = 0, None, None
    for number, token in enumerate(tokens):
        depth += (token.string in _OPENS) - (token.string in _CLOSES) if token.type == tokenize.OP else 0
        if depth == 1 and opened is None and token.string == "(":
            opened = number
        if depth == 0 and opened is not None and token.string == ")":
            closed = number
            break
    if opened is None or closed is None:
        raise CollisionError("its head is one piece")
    start, end = _offset(text, tokens[opened].start), _offset(text, tokens[closed].end)
    indent = text[: len(text) - len(text.lstrip())]
    first, *others = text[start:end].split("\n")
    if not all(line.startswith(indent) or not line.strip() for line in others):
        raise CollisionError("it is indented less than where it begins")
    inner = [
        _of_tokens(part, *(_place(text, at, start, len(indent)) for at in _span(text, part)))
        for part in _parts(tokens[opened + 1 : closed])
        if part
    ]
    if len({one.name for one in inner}) < len(inner):
        raise CollisionError("a parameter stands there twice")
    return _FunctionHead(text[:start], inner, "\n".join([first, *(line[len(indent) :] for line in others)]), text[end:])


def _offset(text: str, place: tuple[int, int]) -> int:
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: place[0] - 1]) + place[1]


def _span(text: str, tokens: Sequence[tokenize.TokenInfo]) -> tuple[int, int]:
    return _offset(text, tokens[0].start), _offset(text, tokens[-1].end)


def _place(text: str, at: int, start: int, indent: int) -> tuple[int, int]:
    """A place as a parser counts it in what begins at `start`, and is indented less by so much."""
    row = text.count("\n", start, at)
    begin = text.rfind("\n", 0, at) + 1 + indent if row else start
    return row + 1, len(text[begin:at].encode())


def _parts(tokens: Sequence[tokenize.TokenInfo]) -> list[list[tokenize.TokenInfo]]:
    """What stands between the commas."""
    depth = 0
    parts: list[list[tokenize.TokenInfo]] = [[]]
    for token in tokens:
        depth += (token.string in _OPENS) - (token.string in _CLOSES) if token.type == tokenize.OP else 0
        if depth == 0 and token.type == tokenize.OP and token.string == ",":
            parts.append([])
        elif token.type not in _NEITHER:
            parts[-1].append(token)
    return parts


def _of_tokens(tokens: Sequence[tokenize.TokenInfo], start: tuple[int, int], end: tuple[int, int]) -> _Parameter:
    """A parameter, its annotation and default spelt in one way."""
    depth, kind = 0, 0
    words: list[list[str]] = [[], [], []]
    for token in tokens:
        mark = _MARKS.get(token.string, 0) if token.type == tokenize.OP and depth == 0 else 0
        depth += (token.string in _OPENS) - (token.string in _CLOSES) if token.type == tokenize.OP else 0
        if mark > kind:
            kind = mark
        else:
            words[kind].append(token.string)
    annotation, default = (_spelt(" ".join(part)) for part in words[1:])
    return _Parameter("".join(words[0]), annotation, default, start, end)


def _spelt(text: str) -> str:
    if not text:
        return ""
    try:
        return ast.unparse(ast.parse(text, mode="eval"))
    except SyntaxError as error:
        raise CollisionError("its head is one piece") from error
