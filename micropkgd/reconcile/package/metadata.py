"""The metadata of a package: the normal form of its version, its requirements, and the files that state them.

Metadata are static: `PKG-INFO` promises by its version 2.2 that no build will say anything else (PEP 643).
"""

import json
import re
from collections.abc import Sequence

from micropkgd.annotations import Final
from micropkgd.errors import ArchiveError, CodeError, DocumentError
from micropkgd.model.module_origin import ModuleOrigin, OriginalSpelling
from micropkgd.model.requirement_lines import logical_lines, stated, text_of
from micropkgd.sdist.requirements import canonical_requirements

_PLAIN: Final = r"(?a)(0|[1-9]\d*)(\.(0|[1-9]\d*))*"


def normal_version(text: str, where: str) -> str:
    """A version as PEP 440 spells it; `CodeError` where it is none."""
    if re.fullmatch(_PLAIN, text):
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


def pyproject_toml(name: str, version: str, requirements: Sequence[str], home: ModuleOrigin | None = None) -> bytes:
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
{"" if home is None else _origin(home)}""".encode()


def _origin(home: ModuleOrigin) -> str:
    """The table that `model.module_origin` reads; what is as usual is not said."""
    rows = [
        ("module", _quoted(home.module)),
        ("package", _quoted(home.package)),
        ("source-dir", _quoted(home.source_dir)),
        ("tests", _quoted(home.tests)),
        ("conf", _quoted(home.conf)),
        ("repository", _quoted(home.repository) if home.repository else ""),
        ("rewrite-parameters", "true" if home.rewrites_parameters else ""),
        ("made", _quoted(home.made) if home.made else ""),
        ("inside", _quoted(home.inside) if home.inside else ""),
    ]
    said = "".join(f"{key} = {value}\n" for key, value in rows if value)
    tables = "".join(_spelled(member, home.spelled[member]) for member in sorted(home.spelled))
    return f"\n[tool.micropkgd.origin]\n{said}{tables}"


def _spelled(member: str, one: OriginalSpelling) -> str:
    lines = f"lines = {_quoted(one.runs)}\n" if one.runs else ""
    return f"\n[tool.micropkgd.origin.spelled.{_quoted(member)}]\nblob = {_quoted(one.blob)}\n{lines}"


def _quoted(value: str | Sequence[object]) -> str:
    """A text, or lists of texts and numbers, as TOML and JSON both write them."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def manifest_in(folders: Sequence[str]) -> bytes:
    """What setuptools must be told to take data files along."""
    return "".join(f"graft {folder}\n" for folder in folders).encode()


def _summary(name: str) -> str:
    return f"Micro-package `{name}`"
