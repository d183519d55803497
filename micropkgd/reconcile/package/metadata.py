"""Who a package says it is: version and requirements read from source text, and the files that state them.

Promise P5: nothing is imported. A version is a text in an assignment that the syntax tree shows, or it is an error.
Metadata are static: `PKG-INFO` promises by its version 2.2 that no build will say anything else (PEP 643).
"""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from micropkgd import documents
from micropkgd.errors import ArchiveError, CodeError, DocumentError
from micropkgd.model.requirement_lines import logical_lines, stated, text_of
from micropkgd.sdist.requirements import canonical_requirements

if TYPE_CHECKING:
    import ast

_VERSION: Final = b"__version__"
_PLAIN: Final = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*", re.ASCII)
_HINT: Final = 'write it as a text: `__version__ = "1.0"`'


def stated_version(source: bytes, where: str) -> str | None:
    """The `__version__` of a file in its normal form, None where it has none; `CodeError` where it is computed."""
    if _VERSION not in source:
        return None
    from micropkgd.relocate.text import Text

    try:
        tree = Text.decode(source).tree()
    except CodeError as error:
        raise error.at(where) from error
    found = None
    for line, value in _bindings(tree):
        if not _is_literal(value):
            raise CodeError("`__version__` can only be known by running the code", where=f"{where}:{line}", hint=_HINT)
        found = normal_version(str(value), f"{where}:{line}")
    return found


def project_version(pyproject: bytes) -> str | None:
    """The version of `[project]` in `pyproject.toml`, None where it is missing or dynamic."""
    project = documents.read_toml(pyproject).get("project")
    version = project.get("version") if isinstance(project, dict) else None
    return normal_version(version, "pyproject.toml") if isinstance(version, str) else None


def normal_version(text: str, where: str) -> str:
    """A version as PEP 440 spells it; `CodeError` where it is none."""
    if _PLAIN.fullmatch(text):
        return text
    from packaging.version import Version

    try:
        return str(Version(text))
    except ValueError as error:  # InvalidVersion is one
        hint = "write it like `1.0`, `2.3.1rc1` or `1.0.dev3` (PEP 440)"
        raise CodeError(f"`{text}` is not a version", where=where, hint=hint) from error


def read_requirements(data: bytes, where: str) -> tuple[str, ...]:
    """The canonical requirements of a `requirements.txt`, read as pip does; `DocumentError` names each bad line."""
    try:
        lines = logical_lines(text_of(data))
    except DocumentError as error:
        raise error.at(where) from error
    found: list[str] = []
    wrong: list[tuple[int, ArchiveError]] = []
    number = 1
    for line in lines:
        text = stated(line)
        try:
            found += canonical_requirements([text] if text else [], where="")
        except ArchiveError as error:
            wrong.append((number, error))
        number += len(line.splitlines())
    if wrong:
        (number, first), others = wrong[0], [str(number) for number, _ in wrong[1:]]
        also = f"; nor is line {', '.join(others)}" if others else ""
        raise DocumentError(f"{first.problem}{also}", where=f"{where}:{number}", hint=first.hint) from first
    return tuple(dict.fromkeys(found))


def pkg_info(name: str, version: str, requirements: Sequence[str]) -> bytes:
    """The file that states the metadata for readers of archives."""
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}", f"Summary: {_summary(name)}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requirements]
    return "".join(f"{line}\n" for line in lines).encode()


def pyproject_toml(name: str, version: str, requirements: Sequence[str]) -> bytes:
    """What `pip install` builds a wheel of the package from, and of nothing beside it (docs/kedro.md, defect 26).

    A form to fill in: for printable text a JSON string is a TOML string, and no writer need be loaded.
    """
    dependencies = "".join(f"    {_quoted(requirement)},\n" for requirement in requirements)
    return f"""\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = {_quoted(name)}
version = {_quoted(version)}
description = {_quoted(_summary(name))}
dependencies = [
{dependencies}]

[tool.setuptools.packages.find]
include = [{_quoted(name)}, {_quoted(f"{name}.*")}]
""".encode()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def manifest_in(folders: Sequence[str]) -> bytes:
    """What setuptools must be told to take data files along."""
    return "".join(f"graft {folder}\n" for folder in folders).encode()


def _summary(name: str) -> str:
    return f"Micro-package `{name}`"


def _bindings(tree: "ast.Module") -> list[tuple[int, object]]:
    """Each place that binds `__version__`, with the text or number given there; None where it is anything else."""
    import ast

    plain: dict[ast.AST, object] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Constant):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            plain.update({target: statement.value.value for target in targets if isinstance(target, ast.Name)})
    return [(line, plain.get(node)) for line, node in _names(tree)]


def _names(tree: "ast.Module") -> "list[tuple[int, ast.AST]]":
    """Where the module itself binds `__version__`, in whatever way; functions and classes have names of their own."""
    import ast

    found: list[tuple[int, ast.AST]] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name | ast.alias):
            name = node.id if isinstance(node, ast.Name) else node.asname or node.name
            reads = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
            found += [(node.lineno, node)] if name == "__version__" and not reads else []
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += reversed(list(ast.iter_child_nodes(node)))
    return found


def _is_literal(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)
