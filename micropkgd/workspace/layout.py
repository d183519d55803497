"""How a project is laid out, and why that is thought: Kedro 0.18, 0.19, 1.x, or a plain Python project.

What the manifest says comes first, then what stands on disk, then what the Kedro version is known to do (kedro.md,
section (h)). Nothing is imported from the project (promise P5): `settings.py` is read from its syntax tree.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.layout import Layout
from micropkgd.model.manifest import Manifest
from micropkgd.model.tree import RelPath, managed_path
from micropkgd.workspace.reading import read_regular

if TYPE_CHECKING:
    import ast

_TESTS_MOVED_IN = (0, 19, 4)  # before it Kedro kept `src/tests`
_REQUIREMENTS_MOVED_IN = (0, 19)  # before it Kedro kept `src/requirements.txt`
_REQUIREMENTS = "requirements.txt"
_SAID = "said by [tool.micropkgd.project]"
_BY_DEFAULT = "by default"


class Reasons(NamedTuple):
    """Why each part of a layout is thought to be so, in plain words."""

    source: str
    tests: str
    conf: str
    requirements: str


class Recognised(NamedTuple):
    """A layout and its reasons."""

    layout: Layout
    reasons: Reasons


def recognise(root: str, manifest: Manifest) -> Recognised:
    """Tell how a project is laid out."""
    tables = manifest.project
    release = _release(tables.init_version)
    source, why_source = _source(root, manifest)
    tests, why_tests = (tables.tests_dir, _SAID) if tables.tests_dir else _tests(root, source, release)
    settings = dict(_settings(root, source, tables.package))
    seed, why_requirements = _requirements(root, source, release)
    wanted = manifest.policy.requirements_file
    layout = Layout(
        package=tables.package,
        source_dir=source,
        tests_dir=tests,
        conf_dir=tables.conf_dir or _conf(settings),
        base_env=tables.base_env or settings.get("base_env", "base"),
        requirements=RelPath(wanted if "/" in wanted else seed.replace(_REQUIREMENTS, wanted)),
        requirements_seed=RelPath(seed),
    )
    why_conf = _SAID if tables.conf_dir or tables.base_env else "said by settings.py" if settings else _BY_DEFAULT
    return Recognised(layout, Reasons(why_source, why_tests, why_conf, why_requirements))


def _source(root: str, manifest: Manifest) -> tuple[str, str]:
    """A plain Python project may have its package beside `pyproject.toml`."""
    tables = manifest.project
    parts = tables.package.split(".")
    if os.path.isdir(os.path.join(root, tables.source_dir, *parts)):
        return tables.source_dir, "the folder is there"
    if not tables.init_version and tables.source_dir == "src" and os.path.isdir(os.path.join(root, *parts)):
        return ".", "the package stands beside pyproject.toml"
    return tables.source_dir, "the folder is missing"


def _tests(root: str, source: str, release: tuple[int, ...]) -> tuple[str, str]:
    beside = "tests" if source == "." else f"{source}/tests"
    usual = beside if release < _TESTS_MOVED_IN else "tests"
    for folder in (usual, "tests", beside):
        if os.path.isdir(os.path.join(root, folder)):
            return folder, "the folder is there"
    return usual, "where this version of Kedro has them" if release != _TESTS_MOVED_IN else _BY_DEFAULT


def _requirements(root: str, source: str, release: tuple[int, ...]) -> tuple[str, str]:
    beside = _REQUIREMENTS if source == "." else f"{source}/{_REQUIREMENTS}"
    for path in (_REQUIREMENTS, beside):
        if os.path.exists(os.path.join(root, path)):
            return path, f"made from {path}"
    if release < _REQUIREMENTS_MOVED_IN:
        return beside, "where this version of Kedro has them"
    return _REQUIREMENTS, _BY_DEFAULT


def _conf(settings: Mapping[str, str]) -> RelPath:
    try:
        return managed_path(settings.get("CONF_SOURCE", "conf"))
    except DocumentError as error:
        raise error.at("CONF_SOURCE in settings.py") from error


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version; what is no version counts as new."""
    parts = version.split(".")
    return tuple(int(part) for part in parts) if version and all(map(str.isdecimal, parts)) else _TESTS_MOVED_IN


def _settings(root: str, source_dir: str, package: str) -> dict[str, str]:
    """What Kedro's `settings.py` says of config folders, read from the syntax tree and never imported (promise P5)."""
    path = os.path.join(source_dir, *package.split("."), "settings.py")
    try:
        source = read_regular(os.path.join(root, path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise TreeError.unreadable(error, path) from error
    if b"CONF_SOURCE" not in source and b"base_env" not in source:
        return {}
    import ast

    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested without end
        return {}
    found: dict[str, str] = {}
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            found.update(_setting(statement.targets[0].id, statement.value))
    return found


def _setting(name: str, value: "ast.expr") -> Mapping[str, str]:
    import ast

    if name == "CONF_SOURCE" and isinstance(value, ast.Constant) and isinstance(value.value, str):
        return {"CONF_SOURCE": value.value}
    if name == "CONFIG_LOADER_ARGS" and isinstance(value, ast.Dict):
        for key, item in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "base_env" and isinstance(item, ast.Constant):
                return {"base_env": str(item.value)}
    return {}
