"""Detects how a project is laid out, and says why: Kedro 0.18, 0.19, 1.x, or a plain Python project.

What the manifest says comes first, then what stands on disk, then what the Kedro version is known to do (docs/kedro.md,
"Layouts"). Nothing is imported from the project (promise P5): `settings.py` is read from its syntax tree.
"""

import os
from collections.abc import Callable, Mapping

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.layout import SETTINGS, Layout
from micropkgd.model.manifest import Manifest
from micropkgd.model.place_names import parse_base_env
from micropkgd.model.tree import RelPath, managed_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.reading import TEXT, read_regular
from micropkgd.workspace.root import MANIFEST_NAME

if TYPE_CHECKING:
    from micropkgd.workspace.settings.reader import SettingValue

_TESTS_MOVED_IN = (0, 19, 4)  # before it Kedro kept `src/tests`
_REQUIREMENTS_MOVED_IN = (0, 19)  # before it Kedro kept `src/requirements.txt`
_REQUIREMENTS = "requirements.txt"
_SAID = "said by [tool.micropkgd.project]"
_BY_DEFAULT = "by default"
_AS_USUAL = "as usual, for nobody knows"
_WORDS = (b"CONF_SOURCE", b"CONFIG_LOADER_ARGS", b"base_env", b"import *")  # nothing else can set a config folder


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
    conf, base_env = _config(root, source, manifest)
    seed, why_requirements = _requirements(root, source, release)
    wanted, group = manifest.policy.requirements_file, manifest.policy.requirements_group
    named = wanted if "/" in wanted else seed.replace(_REQUIREMENTS, wanted)
    layout = Layout(
        package=tables.package,
        source_dir=source,
        tests_dir=tests,
        conf_dir=conf.name,
        base_env=base_env.name,
        requirements=RelPath(MANIFEST_NAME if group else named),
        requirements_seed=RelPath(seed),
        requirements_group=group,
        conf_doubt=conf.doubt,
        env_doubt=base_env.doubt,
    )
    why_requirements = f"the dependency group `{group}`" if group else why_requirements
    why_conf = next((one.reason for one in (conf, base_env) if one.reason != _BY_DEFAULT), _BY_DEFAULT)
    return Recognised(layout, Reasons(why_source, why_tests, why_conf, why_requirements))


class _Folder(NamedTuple):
    """A folder of config, and how it is known; with a doubt it is only what is usual."""

    name: str
    reason: str
    doubt: str = ""


def _config(root: str, source: str, manifest: Manifest) -> tuple[_Folder, _Folder]:
    """The config folder and its base environment: by the manifest, else by `settings.py`, else by default."""
    tables = manifest.project
    conf = _Folder(tables.conf_dir, _SAID) if tables.conf_dir else None
    base_env = _Folder(tables.base_env, _SAID) if tables.base_env else None
    if conf is not None and base_env is not None:
        return conf, base_env
    path, said = _settings(root, source, tables.package)
    return (
        conf or _said(said.get("CONF_SOURCE"), path, "conf", managed_path),
        base_env or _said(said.get("base_env"), path, "base", parse_base_env),
    )


def _said(said: "SettingValue | None", path: str, usual: str, check: Callable[[str], str]) -> _Folder:
    if said is None:
        return _Folder(usual, _BY_DEFAULT)
    where = f"{path}:{said.line}" if said.line else path
    if said.problem:
        return _Folder(usual, _AS_USUAL, f"{where}: {said.problem}")
    try:
        name = check(said.value)
    except DocumentError as error:
        return _Folder(usual, _AS_USUAL, f"{where}: {error.problem}")
    unless = f" where {said.variable} is not set" if said.variable else ""
    return _Folder(name, f"said by settings.py{unless}")


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


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version; what is no version counts as new."""
    parts = version.split(".")
    return tuple(int(part) for part in parts) if version and all(map(str.isdecimal, parts)) else _TESTS_MOVED_IN


def _settings(root: str, source_dir: str, package: str) -> tuple[str, "Mapping[str, SettingValue]"]:
    """Where Kedro's settings are, and what they say; they are parsed where they may say something."""
    folder = "/".join(([] if source_dir == "." else [source_dir]) + package.split("."))
    for path in (f"{folder}/{name}" for name in SETTINGS):
        try:
            source = read_regular(os.path.join(root, path), at_most=TEXT)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise TreeError.unreadable(error, path) from error
        if not any(word in source for word in _WORDS):
            return path, {}
        from micropkgd.workspace.settings.reader import read_settings

        return path, read_settings(source, path, root)
    return "", {}
