"""What code, tests and docs say of each other: the files that are searched, and what they name."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.kit.places import REPOSITORY


def _below(folder: str, pattern: str) -> list[str]:
    paths = (REPOSITORY / folder).rglob(pattern)
    return sorted(path.relative_to(REPOSITORY).as_posix() for path in paths if "data" not in path.parts)


MODULES = _below("micropkgd", "*.py")
TESTS = _below("tests", "*.py")
BENCHMARKS = _below("benchmarks", "*.py")
PAGES = sorted([*_below("docs", "*.md"), *(path.name for path in REPOSITORY.glob("*.md"))])


@cache
def read(path: str) -> str:
    """The text of a file of the repository."""
    return (REPOSITORY / path).read_text(encoding="utf-8")


def headings(page: str) -> list[str]:
    """The headings of a page, without code marks."""
    return [line.lstrip("# ").replace("`", "") for line in read(page).splitlines() if re.match(r"#+ ", line)]


def modules_of(face: str) -> set[str]:
    """The names of the modules and folders beside a folder's `__init__.py`."""
    folder = Path(REPOSITORY, face).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    return modules | {path.parent.name for path in folder.glob("*/__init__.py")}


def docstring(path: str) -> str:
    """What a module says of itself."""
    return ast.get_docstring(ast.parse(read(path))) or ""
