"""Pipelines that Kedro's `find_pipelines` does not find, so that `kedro run` never runs them.

It looks at the folders right below `<package>/pipelines` for a `create_pipeline` that the folder's package itself
exposes. One without it is passed over with a warning, or with `raise_errors=True`, as projects of Kedro 1.7 have it,
stops every command. A project that names its pipelines one by one is told what is not named there.
"""

import ast
import re
from collections.abc import Iterator

from micropkgd.annotations import Final
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.model.layout import Layout, Place
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.kedro.tree_after import TreeAfter

_MAKES: Final = "create_pipeline"
_REGISTRY: Final = "pipeline_registry.py"
_STRICT: Final = re.compile(r"find_pipelines\([^)]*raise_errors\s*=\s*True")


def why_not_found(tree: TreeAfter, layout: Layout, place: Place) -> Iterator[str]:
    """Why a micro-package's pipeline is not run, or stops those of others; nothing for one that is run."""
    registry = (tree.read(RelPath(f"{layout.package_folder}/{_REGISTRY}")) or b"").decode(errors="replace")
    if not registry:
        return
    finds = "find_pipelines" in registry
    inner = place.module.removeprefix(f"{layout.package}.").split(".")
    if finds and inner[0] == "pipelines" and len(inner) > 1:
        yield from _not_exposed(tree, layout, inner[1], strict=_STRICT.search(registry) is not None)
    if inner[:-1] == ["pipelines"] and finds:
        return
    if _has_pipeline(tree, place.code) and not _names(registry, place):
        yield _elsewhere(layout, place) if finds else _not_named(place)


def _not_exposed(tree: TreeAfter, layout: Layout, name: str, *, strict: bool) -> Iterator[str]:
    """What comes of a folder right below `pipelines` whose package has no pipeline to give."""
    if not binds(tree.read(RelPath(f"{layout.package_folder}/pipelines/{name}/__init__.py")) or b"", _MAKES):
        end = "refuses the project" if strict else "leaves it out"
        advice = "import it in its `__init__.py`, or give a library another `destination`"
        module = f"{layout.package}.pipelines.{name}"
        yield f"`{module}` does not expose `{_MAKES}`: Kedro's `find_pipelines` {end}; {advice}"


def _elsewhere(layout: Layout, place: Place) -> str:
    where = f"{layout.package_folder}/pipelines/"
    how = '`destination = "pipelines"` in its row moves it there'
    return f"`{place.module}` has a pipeline, and Kedro's `find_pipelines` looks right below {where} alone: {how}"


def _not_named(place: Place) -> str:
    return f"`{place.module}` has a pipeline, and {_REGISTRY} does not name it: `kedro run` does not know it"


def _has_pipeline(tree: TreeAfter, code: RelPath) -> bool:
    """Whether a package defines a pipeline where Kedro's templates do."""
    sources = (tree.read(RelPath(f"{code}/{name}")) for name in ("__init__.py", "pipeline.py"))
    return any(source is not None and _MAKES.encode() in source and binds(source, _MAKES) for source in sources)


def _names(registry: str, place: Place) -> bool:
    leaf = place.module.rpartition(".")[2]
    return re.search(rf"\b{re.escape(leaf)}\b", registry) is not None


def binds(source: bytes, name: str) -> bool:
    """Whether a module has a name; also True where only running it would tell."""
    names = bound_in(source)
    return names is None or name in names


def bound_in(source: bytes) -> frozenset[str] | None:
    """Every name that a module may bind; None where only running it would tell."""
    try:
        tree = syntax_tree(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.alias(name="*"):
                return None
            case ast.alias(name=name, asname=other):
                names.add(other or name.partition(".")[0])
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
    unknown = {"__getattr__"} & names or b"globals()" in source or b"sys.modules" in source or b"setattr" in source
    return None if unknown else frozenset(names)
