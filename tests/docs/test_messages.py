"""The words of messages: what a person reads is plain English."""

import ast
import re
from collections.abc import Iterator

from tests.docs.mentions import MODULES, read

ODD = re.compile(r"\b(?:is|are|was) no (?!longer\b|more\b)")
EXISTENTIAL = re.compile(r"\bthere (?:is|are|was) no ")


def test_no_message_says_is_no() -> None:
    """`x` is not a number of seconds, rather than is no number; `there is no such folder` may stay."""
    odd = [f"{path}:{line}: {text}" for path in MODULES for line, text in said(path) if is_odd(text)]
    assert odd == []


def is_odd(text: str) -> bool:
    """Whether a text says that something `is no` other thing."""
    return ODD.search(EXISTENTIAL.sub("", text)) is not None


def said(path: str) -> Iterator[tuple[int, str]]:
    """The texts of a module that are not docstrings."""
    tree = ast.parse(read(path))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value
