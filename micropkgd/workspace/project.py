"""One project on disk: where it is, what its manifest and lock say, how it is laid out."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from micropkgd import documents
from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.fields import ManifestError
from micropkgd.model.layout import Layout
from micropkgd.model.lock import LOCK_NAME, Lock, stray_paths
from micropkgd.model.manifest import Manifest
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.workspace.root import MANIFEST_NAME

if TYPE_CHECKING:
    import ast

_TESTS_MOVED_IN = (0, 19, 4)  # before it Kedro kept `src/tests` (kedro.md, section (h))


class Project(NamedTuple):
    """A project as its documents describe it."""

    root: str  # absolute path of the folder
    manifest: Manifest
    layout: Layout
    lock: Lock


def read_project(root: str) -> Project:
    """Read manifest, layout and lock; `DocumentError` names file and line of what must be mended."""
    manifest = read_manifest(root)
    layout = see_layout(root, manifest)
    return Project(root, manifest, layout, read_lock(root, layout))


def read_manifest(root: str) -> Manifest:
    """Read `pyproject.toml`. One that does not parse is an error, never an empty manifest."""
    data = _read(root, MANIFEST_NAME)
    try:
        return Manifest.from_mapping(documents.read_toml(data))
    except ManifestError as error:
        raise _located(error, documents.decode(data)) from error
    except DocumentError as error:
        raise error.at(MANIFEST_NAME) from error


def read_lock(root: str, layout: Layout) -> Lock:
    """Read the lock; an empty one where there is no file. What it lists is checked against the layout."""
    try:
        lock = Lock.from_mapping(documents.read_toml(_read(root, LOCK_NAME)))
    except FileNotFoundError:
        return Lock()
    except DocumentError as error:
        raise error.at(LOCK_NAME) from error
    for block in lock.blocks:
        if stray := stray_paths(block, layout):
            raise DocumentError(
                f"the block of `{block.ref}` lists `{stray[0]}`, which is outside the places of {block.target}",
                where=LOCK_NAME,
                hint="restore the lock that micropkgd wrote, or remove this block",
            )
    return lock


def lock_text(lock: Lock) -> bytes:
    """The bytes of a lock file."""
    heading = f"# {LOCK_NAME} - written by micropkgd, commit it, do not edit.\n"
    return (heading + documents.write_toml(lock.to_mapping())).encode()


def see_layout(root: str, manifest: Manifest) -> Layout:
    """Tell how a project is laid out: what the manifest says, else what is on disk, else the Kedro version."""
    tables = manifest.project
    beside = "src/tests" if tables.source_dir == "src" else f"{tables.source_dir}/tests"
    beside = "tests" if tables.source_dir == "." else beside
    old = _release(tables.init_version) < _TESTS_MOVED_IN
    tests = tables.tests_dir or next(
        (folder for folder in ("tests", beside) if os.path.isdir(os.path.join(root, folder))),
        beside if old else "tests",
    )
    settings = _settings(root, tables.source_dir, tables.package)
    seed = "requirements.txt"
    if not os.path.exists(os.path.join(root, seed)) and os.path.exists(os.path.join(root, tables.source_dir, seed)):
        seed = f"{tables.source_dir}/{seed}"
    wanted = manifest.policy.requirements_file
    return Layout(
        package=tables.package,
        source_dir=tables.source_dir,
        tests_dir=tests,
        conf_dir=tables.conf_dir or rel_path(settings.get("CONF_SOURCE", "conf")),
        base_env=tables.base_env or settings.get("base_env", "base"),
        requirements=RelPath(wanted if "/" in wanted else seed.replace("requirements.txt", wanted)),
        requirements_seed=RelPath(seed),
    )


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version; what is no version counts as new."""
    parts = version.split(".")
    return tuple(int(part) for part in parts) if version and all(map(str.isdecimal, parts)) else _TESTS_MOVED_IN


def _settings(root: str, source_dir: str, package: str) -> dict[str, str]:
    """What Kedro's `settings.py` says of config folders, read from the syntax tree and never imported (promise P5)."""
    try:
        source = _read(root, os.path.join(source_dir, *package.split("."), "settings.py"))
    except FileNotFoundError:
        return {}
    if b"CONF_SOURCE" not in source and b"base_env" not in source:
        return {}
    import ast

    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
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


def _read(root: str, name: str) -> bytes:
    try:
        with open(os.path.join(root, name), "rb") as stream:
            return stream.read()
    except (PermissionError, IsADirectoryError) as error:
        raise TreeError(f"cannot be read: {(error.strerror or '').lower()}", where=name) from error


def _located(error: ManifestError, text: str) -> ManifestError:
    """Turn the addresses of a manifest error into lines."""
    line = documents.line_of(text, error.path)
    error.where = f"{MANIFEST_NAME}:{line}" if line else MANIFEST_NAME
    if error.other and (other := documents.line_of(text, error.other)):
        error.problem += f" (lines {other} and {line})"
    return error
