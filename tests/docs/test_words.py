"""One word for one thing, in names as in prose: docs/words.md."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.kit.places import REPOSITORY

_CODE = REPOSITORY / "micropkgd"


def _classes() -> Iterator[tuple[str, Path]]:
    for path in sorted(_CODE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                yield node.name, path.relative_to(_CODE)


def _homes() -> Mapping[str, list[Path]]:
    homes = defaultdict(list)
    for name, path in _classes():
        homes[name].append(path)
    return homes


def test_no_two_classes_share_a_name() -> None:
    """Who searches for a name finds the one thing that has it."""
    assert {name: paths for name, paths in _homes().items() if len(paths) > 1} == {}
