"""The package that a plain Python project is about, where nobody has said it to micropkgd yet.

What the build tool is told comes first (uv, poetry, hatch, setuptools, flit, pdm), then the project's name, then what
stands on disk; only folders that are there count. Nothing is run: `setup.py` is not asked.
"""

import os
from collections.abc import Callable, Iterator, Mapping

from micropkgd.annotations import Final
from micropkgd.model.fields import Table
from micropkgd.named_tuples import NamedTuple

_USUAL: Final = ("src", ".")
_BESIDE: Final = frozenset(
    ("bench", "benchmarks", "bin", "build", "ci", "conf", "config", "data", "demo", "dist", "doc", "docs", "env",
     "examples", "migrations", "node_modules", "notebooks", "scripts", "site", "src", "test", "tests", "tools", "venv")
)  # fmt: skip


class PackageGuess(NamedTuple):
    """A package that is there, and what says that it is the one."""

    package: str  # dotted
    source_dir: str  # the folder it stands in: "src", or "." for one beside pyproject.toml
    reason: str


def guess_packages(root: str, document: Table) -> list[PackageGuess]:
    """The packages that the first who knows any names; one of the project's own name comes alone."""
    names = list(_names(document))
    for reason, said in _witnesses(root, document, names):
        there = [PackageGuess(name, folder, reason) for name, folder in said if _is_package(root, folder, name)]
        own = [guess for guess in there if guess.package in names]
        if found := (own[:1] or list(dict.fromkeys(there))):
            return found
    return []


def _witnesses(root: str, document: Table, names: list[str]) -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
    """Who may know, each with the names and folders that it says."""
    for table, read in _BUILD_TOOLS.items():
        if said := _table(document, *table):
            yield f"[{'.'.join(table)}]", read(said)
    for folder in _searched(document):
        yield "[tool.setuptools.packages.find]", _on_disk(root, folder)
    own = "[tool.poetry]" if not _table(document, "project") else "[project]"
    yield f"the name in {own}", ((name, folder) for name in names for folder in _USUAL)
    for folder in _USUAL:
        yield "the only package" if folder == "." else f"the only package in {folder}", _on_disk(root, folder)


def _names(document: Table) -> Iterator[str]:
    """The project's name, as a package may spell it: `company-shop` is one of these or one folder in another."""
    for table in (_table(document, "project"), _table(document, "tool", "poetry")):
        if isinstance(name := table.get("name"), str):
            yield name.replace("-", "_").replace(".", "_").lower()
            yield name.replace("-", "_")
            yield name.replace("-", ".").lower()


def _uv(table: Table) -> Iterator[tuple[str, str]]:
    for name in _texts(table.get("module-name")):
        yield name, _folder(table.get("module-root", "src"))


def _poetry(table: Table) -> Iterator[tuple[str, str]]:
    rows = table.get("packages")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and isinstance(name := row.get("include"), str):
            yield name.removesuffix("/").replace("/", "."), _folder(row.get("from", "."))


def _hatch(table: Table) -> Iterator[tuple[str, str]]:
    for path in _texts(table.get("packages")) or _texts(table.get("only-include")):
        folder, _, name = path.strip("/").rpartition("/")
        yield name, folder or "."


def _setuptools(table: Table) -> Iterator[tuple[str, str]]:
    """`packages` names them; where it says how they are found, `_searched` looks there."""
    names = _texts(table.get("packages"))
    above = _texts(_table(table, "package-dir").get(""))
    for name in names:
        if not any(name.startswith(f"{other}.") for other in names):
            yield from ((name, folder) for folder in (map(_folder, above) if above else _USUAL))


def _searched(document: Table) -> Iterator[str]:
    """Where setuptools looks for packages, if not everywhere."""
    yield from map(_folder, _texts(_table(document, "tool", "setuptools", "packages", "find").get("where")))
    yield from map(_folder, _texts(_table(document, "tool", "setuptools", "package-dir").get("")))


def _flit(table: Table) -> Iterator[tuple[str, str]]:
    return ((name, folder) for name in _texts(table.get("name")) for folder in _USUAL)


def _pdm(table: Table) -> Iterator[tuple[str, str]]:
    for path in _texts(table.get("includes")):
        folder, _, name = path.strip("/").rpartition("/")
        yield name, folder or _folder(table.get("package-dir", "."))


_BUILD_TOOLS: Final[Mapping[tuple[str, ...], Callable[[Table], Iterator[tuple[str, str]]]]] = {
    ("tool", "uv", "build-backend"): _uv,
    ("tool", "poetry"): _poetry,
    ("tool", "hatch", "build", "targets", "wheel"): _hatch,
    ("tool", "hatch", "build"): _hatch,
    ("tool", "setuptools"): _setuptools,
    ("tool", "flit", "module"): _flit,
    ("tool", "pdm", "build"): _pdm,
}


def _on_disk(root: str, folder: str) -> Iterator[tuple[str, str]]:
    try:
        names = sorted(os.listdir(os.path.join(root, folder)))
    except OSError:
        return
    for name in names:
        if name not in _BESIDE and os.path.isfile(os.path.join(root, folder, name, "__init__.py")):
            yield name, folder


def _is_package(root: str, folder: str, name: str) -> bool:
    """Whether a folder below the project has such a name and place; one without `__init__.py` may be meant as well."""
    parts = name.split(".")
    outside = os.path.isabs(folder) or ".." in folder.split("/")
    return not outside and all(map(str.isidentifier, parts)) and os.path.isdir(os.path.join(root, folder, *parts))


def _table(document: Table, *path: str) -> Table:
    """A table of somebody else's, empty where it is something else."""
    here: object = document
    for part in path:
        here = here.get(part) if isinstance(here, Mapping) else None
    return here if isinstance(here, Mapping) else {}


def _texts(value: object) -> list[str]:
    """A text or a list of texts, as a list; what is odd there is nothing of ours."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _folder(value: object) -> str:
    text = value.strip("/").removeprefix("./") if isinstance(value, str) else "src"
    return text or "."
