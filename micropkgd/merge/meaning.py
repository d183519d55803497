"""The sameness of two texts: what they do and what their comments say, not how they are laid out."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from itertools import groupby

from micropkgd.documents.syntax import PYTHON, YAML
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.model.text_form import plain
from micropkgd.model.tree import RelPath


def same_meaning(one: str, other: str) -> bool:
    """Whether two texts have one syntax tree and the same comments."""
    if one == other:
        return True
    if _words(one.encode(errors="surrogateescape")) != _words(other.encode(errors="surrogateescape")):
        return False
    try:
        return _tree(one) == _tree(other) and _comments(one) == _comments(other)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return False


def is_only_formatted(path: RelPath, base: bytes, ours: bytes) -> bool:
    """Whether a formatter alone made ours of the base: layout, and the order of imports that stand together."""
    if not path.endswith((*PYTHON, *YAML)) or _words(base) != _words(ours):
        return False
    if path.endswith(YAML):
        from micropkgd.documents.yaml_layout import differs_in_layout

        return differs_in_layout(*(plain(data).decode(errors="surrogateescape") for data in (base, ours)))
    try:
        one, other = (plain(data).decode() for data in (base, ours))
        trees = (ast.dump(_sorted(syntax_tree(text))) for text in (one, other))
        return len(set(trees)) == 1 and _comments(one) == _comments(other)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return False


def _words(data: bytes) -> set[bytes]:
    """What no formatter changes, and most edits do: comparing trees takes longer than a merge."""
    return set(re.findall(rb"\w+", data.lower()))


def _sorted(tree: ast.AST) -> ast.AST:
    """The tree with imports that stand together as one, in order."""
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            body = getattr(node, block, None)
            if isinstance(body, list):
                body[:] = _with_joined_imports(body)
    return tree


def _with_joined_imports(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for is_import, run in groupby(body, lambda node: isinstance(node, ast.Import | ast.ImportFrom)):
        if is_import:
            yield ast.Import([ast.alias(name) for name in sorted(set().union(*map(_imported, run)))])
        else:
            yield from run


def _imported(node: ast.stmt) -> set[str]:
    """What an import binds, and from where, name by name."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return set()
    origin = f"from {'.' * node.level}{node.module or ''} " if isinstance(node, ast.ImportFrom) else ""
    return {f"{origin}import {alias.name} as {alias.asname}" for alias in node.names}


def _tree(text: str) -> str:
    return ast.dump(syntax_tree(_whole(text)))


def _comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(_whole(text)).readline)
    return [token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT]


def _whole(text: str) -> str:
    """A text that stands by itself: one that is indented is a block of something."""
    first = next((line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")), "")
    return f"if 1:\n{text}\n" if first[:1].isspace() else text
