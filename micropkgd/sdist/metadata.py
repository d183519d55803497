"""Reads who an archive says it is and what it requires, from files and never by running its build.

Rules: requirements come from `[project]` in pyproject.toml unless they are dynamic there, else from PKG-INFO where
its standard promises that they are final (metadata 2.2), else from the requires.txt that setuptools leaves in
egg-info; where none can be believed the archive is refused. A PKG-INFO without requirements is no proof that there
are none. Every place that states a name or a version must state the same.
"""

import re
from collections.abc import Iterator

from micropkgd import documents
from micropkgd.annotations import Final, cast
from micropkgd.errors import ArchiveError, DocumentError
from micropkgd.named_tuples import NamedTuple
from micropkgd.sdist.fields import HeaderFields, read_fields
from micropkgd.sdist.identity import Identity, agreed_identity
from micropkgd.sdist.names import shown
from micropkgd.sdist.reader import Sdist
from micropkgd.sdist.requirements import canonical_requirements

_AT_MOST: Final = 1 << 18  # bytes of a file to parse: what describes a package is never larger
_DOTS_AT_MOST: Final = 4_000_000  # squares of the dots in each line: what `tomllib` takes in memory for dotted keys
_FINAL_SINCE: Final = (2, 2)  # PEP 643
_SECTION: Final = r"\[([^\]:]*)(?::(.*))?\]"


class SdistMetadata(NamedTuple):
    """What of an archive's metadata matters for a project that takes its source."""

    name: str
    version: str
    requirements: tuple[str, ...]  # canonical, one line each, those of extras dropped
    requires_python: str = ""


class _ProjectTable(NamedTuple):
    """The `[project]` table as far as it is static; `None` for a list of dependencies that is not."""

    name: str
    version: str
    dependencies: list[str] | None
    requires_python: str = ""


_NO_PROJECT: Final = _ProjectTable("", "", None)


def read_metadata(sdist: Sdist) -> SdistMetadata:
    """Read name, version and requirements; `ArchiveError` where they cannot be known or contradict each other."""
    where, fields = _stated(sdist)
    project = _read_project(_small(sdist, "pyproject.toml"))
    name, version = agreed_identity(
        Identity(where, fields.one("Name"), fields.one("Version")),
        Identity("pyproject.toml", project.name, project.version),
        root=sdist.root,
    )
    python = project.requires_python or next(iter(fields.all("Requires-Python")), "")
    return SdistMetadata(name, version, _requirements(sdist, project, where, fields), python)


def requires_python(sdist: Sdist) -> str:
    """The Python that an archive says it needs; empty where it says none."""
    stated = project_table(sdist).get("requires-python")
    return stated if isinstance(stated, str) else stated_fields(sdist).one("Requires-Python")


def project_table(sdist: Sdist) -> dict[str, object]:
    """`[project]` of an archive's pyproject.toml; an empty one where it has none."""
    return _table(_small(sdist, "pyproject.toml")) or {}


def stated_fields(sdist: Sdist) -> HeaderFields:
    """The fields of its PKG-INFO, as far as they are kept; none where it has no such file."""
    return _stated(sdist)[1]


def _stated(sdist: Sdist) -> tuple[str, HeaderFields]:
    """The fields of PKG-INFO, and where it is: at the top, else where setuptools leaves it, too."""
    folder = _egg_info(sdist)
    at_top = sdist.file("PKG-INFO")
    where = "PKG-INFO" if at_top is not None or not folder else f"{folder}/PKG-INFO"
    return where, read_fields(at_top or sdist.file(where) or b"")


def package_name(sdist: Sdist) -> str:
    """The one package of a micro-package: the only folder at the top with an `__init__.py`, `tests` left out."""
    paths = (member.path.split("/") for member in sdist.members)
    found = sorted(path[0] for path in paths if len(path) == 2 and path[1] == "__init__.py" and path[0] != "tests")
    if len(found) != 1:
        names = ", ".join(f"`{shown(name)}`" for name in found[:5]) + ("" if len(found) <= 5 else ", ...") or "none"
        hint = "a micro-package has its one package folder at the top of the archive, not below `src`"
        raise ArchiveError("not-one-package", f"exactly one package was expected, found {names}", hint=hint)
    if not found[0].isidentifier():
        raise ArchiveError("not-one-package", "the package folder cannot be imported", where=shown(found[0]))
    return found[0]


def _small(sdist: Sdist, path: str) -> bytes:
    """The data of a file to parse; empty where it is missing."""
    data = sdist.file(path) or b""
    if len(data) > _AT_MOST:
        raise ArchiveError("bad-metadata", "it is too large to be read", where=shown(path))
    return data


def _read_project(data: bytes) -> _ProjectTable:
    """The static part of `[project]`; all of it empty where there is no such table."""
    project = _table(data)
    if project is None:
        return _NO_PROJECT
    name, version = project.get("name", ""), project.get("version", "")
    if not (isinstance(name, str) and isinstance(version, str)):
        raise _bad_project("name and version must be text")
    static = "dependencies" not in _texts(project, "dynamic")
    python = project.get("requires-python")
    dependencies = _texts(project, "dependencies") if static else None
    return _ProjectTable(name, version, dependencies, python if isinstance(python, str) else "")


def _table(data: bytes) -> dict[str, object] | None:
    """`[project]` of a pyproject.toml, where there is one."""
    if b"project" not in data:
        return None
    project = _document(data).get("project")
    if project is not None and not isinstance(project, dict):
        raise _bad_project("`project` is not a table")
    return project


def _document(data: bytes) -> dict[str, object]:
    if sum(line.count(b".") ** 2 for line in data.split(b"\n")) > _DOTS_AT_MOST:
        raise _bad_project("it has dotted keys without end")
    try:
        return documents.read_toml(data)
    except DocumentError as error:
        raise _bad_project(error.problem) from error


def _bad_project(problem: str) -> ArchiveError:
    return ArchiveError("bad-metadata", problem, where="pyproject.toml")


def _texts(table: dict[str, object], key: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _bad_project(f"`project.{key}` is not a list of texts")
    return cast(list[str], value)


def _requirements(sdist: Sdist, project: _ProjectTable, where: str, fields: HeaderFields) -> tuple[str, ...]:
    """The requirements from the first place that can be believed."""
    if project.dependencies is not None:
        return canonical_requirements(project.dependencies, where="pyproject.toml")
    if _is_final(fields):
        return canonical_requirements(fields.all("Requires-Dist"), where=where)
    folder = _egg_info(sdist)
    if not folder:
        problem = "what it requires is only known after running its build, which micropkgd never does"
        hint = "state `dependencies` in `[project]` of its pyproject.toml, or build it with a current build backend"
        raise ArchiveError("dynamic-metadata", problem, hint=hint)
    listed = f"{folder}/requires.txt"
    return canonical_requirements(_setuptools_lines(_small(sdist, listed), listed), where=shown(listed))


def _is_final(fields: HeaderFields) -> bool:
    """Whether PKG-INFO promises that every build of this archive will have these requirements."""
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", fields.one("Metadata-Version"), re.ASCII)
    dynamic = {field.lower() for field in fields.all("Dynamic")}
    return found is not None and (int(found[1]), int(found[2])) >= _FINAL_SINCE and "requires-dist" not in dynamic


def _egg_info(sdist: Sdist) -> str:
    """The only folder that setuptools described a package in; it writes requires.txt there if there are any."""
    folders = {
        folder
        for folder, _, file in (member.path.rpartition("/") for member in sdist.members)
        if file == "SOURCES.txt" and folder.endswith(".egg-info") and folder.removeprefix("src/").count("/") == 0
    }
    return folders.pop() if len(folders) == 1 else ""


def _setuptools_lines(data: bytes, where: str) -> Iterator[str]:
    """The lines of a requires.txt: `[extra]` sections left out, the marker of a `[:marker]` section added to each."""
    marker, skipped = "", False
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ArchiveError("bad-metadata", "it is not UTF-8", where=shown(where)) from error
    for line in filter(None, map(str.strip, lines)):
        if line.startswith("["):
            section = re.fullmatch(_SECTION, line)
            if not section:
                raise ArchiveError("bad-metadata", f"`{shown(line)}` is not a section", where=shown(where))
            skipped, marker = bool(section[1]), section[2] or ""
        elif not skipped:
            yield f"{line} ; {marker}" if marker else line


def own_table(sdist: Sdist, path: tuple[str, ...]) -> dict[str, object] | None:
    """A table of an archive's pyproject.toml that no standard knows; None where it has none."""
    data = _small(sdist, "pyproject.toml")
    here: object = _document(data) if path[-1].encode() in data else {}
    for key in path:
        here = here.get(key) if isinstance(here, dict) else None
    if here is not None and not isinstance(here, dict):
        raise _bad_project(f"`{'.'.join(path)}` is not a table")
    return here
