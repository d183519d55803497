"""One word for one thing, in names as in prose: docs/words.md."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.docs.mentions import MODULES, docstring
from tests.kit.places import REPOSITORY

_CODE = REPOSITORY / "micropkgd"
_PAGE = REPOSITORY / "docs" / "words.md"
_PLAIN = REPOSITORY / "tests" / "docs" / "plain_words.txt"
_ENDINGS = re.compile(r"(?:ings|ing|ions|ion|ers|er|ed|es|e|s|d|y|ies)$")


def _classes() -> Iterator[tuple[str, Path]]:
    for path in sorted(_CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                yield node.name, path.relative_to(_CODE)


@cache
def _homes() -> Mapping[str, list[Path]]:
    homes = defaultdict(list)
    for name, path in _classes():
        homes[name].append(path)
    return homes


def _words_of(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


@cache
def _in_names() -> frozenset[str]:
    modules = (path.stem for path in _CODE.rglob("*.py"))
    return frozenset(word for name in (*_homes(), *modules) for word in _words_of(name))


@cache
def _explained() -> frozenset[str]:
    """The first cells of the tables, word by word."""
    cells = re.findall(r"^\| ([^|]+) \|", _PAGE.read_text(), re.MULTILINE)
    return frozenset(word for cell in cells for word in re.findall("[a-z]+", cell.lower()))


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word) if len(word) > 4 else word


def _plain() -> list[str]:
    return _PLAIN.read_text().split()


def test_no_two_classes_share_a_name() -> None:
    """Who searches for a name finds the one thing that has it."""
    assert {name: paths for name, paths in _homes().items() if len(paths) > 1} == {}


def test_each_word_of_a_name_is_explained_or_plain() -> None:
    """A coined word in the name of a class or module is in docs/words.md; a plain one is listed beside this test."""
    known = {_stem(word) for word in _explained()}
    unknown = {word for word in _in_names() - set(_plain()) if _stem(word) not in known}
    assert unknown == set(), "explain it in docs/words.md, or list it in tests/docs/plain_words.txt where it is plain"


def test_the_list_of_plain_words_is_in_order_and_in_use() -> None:
    """No word is listed twice, without need, or beside its explanation."""
    assert _plain() == sorted(set(_plain()))
    assert set(_plain()) - _in_names() == set()
    assert {word for word in _plain() if word in _explained()} == set()


def test_no_word_is_explained_twice() -> None:
    """One meaning a word."""
    cells = re.findall(r"^\| ([^|]+) \|", _PAGE.read_text(), re.MULTILINE)
    words = [cell for cell in cells if cell != "word" and not cell.startswith("---")]
    assert {word for word in words if words.count(word) > 1} == set()


@pytest.mark.parametrize("path", MODULES)
def test_a_head_says_what_the_module_is(path: str) -> None:
    """A sentence with a noun or a verb in front, not one that begins as a question does."""
    first = docstring(path).split(maxsplit=1)[0]
    assert first not in {"How", "What", "When", "Where", "Whether", "Which", "Who", "Why"}
