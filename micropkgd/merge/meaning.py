"""The sameness of two texts of Python: what they do and what their comments say, not how they are laid out."""

import ast
import io
import tokenize


def same_meaning(one: str, other: str) -> bool:
    """Whether two texts have one syntax tree and the same comments."""
    if one == other:
        return True
    try:
        return _tree(one) == _tree(other) and _comments(one) == _comments(other)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return False


def _tree(text: str) -> str:
    return ast.dump(ast.parse(_whole(text)))


def _comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(_whole(text)).readline)
    return [token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT]


def _whole(text: str) -> str:
    """A text that stands by itself: one that is indented is a block of something."""
    first = next((line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")), "")
    return f"if 1:\n{text}\n" if first[:1].isspace() else text
