"""Finds strings that are taken for module names: in calls, `sys.modules`, `pytest_plugins`; never in `__all__`.

Rules: a function with a name of its own (`import_module`, `patch`, `importorskip`) is known wherever it stands; one
whose name is a common word (`files`, `path`, `get_data`) only if an import of the file says whose it is.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from micropkgd.annotations import Literal
from micropkgd.named_tuples import NamedTuple
from micropkgd.relocate.imports import imports_among, statements_of
from micropkgd.relocate.names import METADATA, top_of

Taking = Literal["module", "within", "label"]
"""`module`: exactly a module. `within`: a module and what is in it. `label`: a name that follows those of modules."""


class Named(NamedTuple):
    """One expression that is taken for the name of a module, and how."""

    value: ast.expr
    taking: Taking


class _Signature(NamedTuple):
    """Where a function takes the name: the arguments from `start` up to another, or a keyword."""

    taking: Taking
    upto: int = 1
    keywords: tuple[str, ...] = ()
    start: int = 0


_METADATA_TOPS = frozenset(map(top_of, METADATA))
_PACKAGE = _Signature("module", keywords=("package", "anchor"))
_TARGET = _Signature("within", keywords=("target", "in_dict"))
_LOGGER = _Signature("label", keywords=("logger", "name"))
_RESOURCE = _Signature("module", keywords=("package_or_requirement",))

_BY_NAME: Mapping[str, _Signature] = {
    "import_module": _Signature("module", 2, ("name", "package")),
    "find_spec": _Signature("module", 2, ("name", "package")),
    "__import__": _Signature("module", 1, ("name",)),
    "importorskip": _Signature("module", 1, ("modname",)),
    "register_assert_rewrite": _Signature("module", 99),
    "run_module": _Signature("module", 1, ("mod_name",)),
    "patch": _TARGET,
    "patch.dict": _TARGET,
    "patch.multiple": _TARGET,
    "setattr": _TARGET,
    "delattr": _TARGET,
    "loadTestsFromName": _Signature("within", 1, ("name",)),
    "load_obj": _Signature("within", 2, ("obj_path", "default_obj_path")),
    "getLogger": _LOGGER,
    "assertLogs": _LOGGER,
    "assertNoLogs": _LOGGER,
    "caplog.at_level": _LOGGER._replace(start=1, upto=2),
    "caplog.set_level": _LOGGER._replace(start=1, upto=2),
}
"""By the last name of what is called, and of the object before it where that tells more."""

_RESOURCES = ("files", "path", "contents", "is_resource", "open_text", "open_binary", "read_text", "read_binary")
_PKG_RESOURCES = ("exists", "filename", "isdir", "listdir", "stream", "string")
_BY_PATH: Mapping[str, _Signature] = {
    **{f"importlib.resources.{name}": _PACKAGE for name in _RESOURCES},
    **{f"pkg_resources.resource_{name}": _RESOURCE for name in _PKG_RESOURCES},
    "pkgutil.get_data": _PACKAGE,
    "pkgutil.get_loader": _Signature("module", keywords=("module_or_name",)),
    "pkgutil.find_loader": _Signature("module", keywords=("fullname",)),
    "pkgutil.resolve_name": _Signature("within", keywords=("name",)),
    "importlib.util.resolve_name": _Signature("module", 2, ("name", "package")),
    "importlib.find_loader": _Signature("module", keywords=("name",)),
    "doctest.DocTestSuite": _Signature("module", keywords=("module",)),
    "sys.modules.get": _Signature("module"),
    "sys.modules.pop": _Signature("module"),
    "sys.modules.setdefault": _Signature("module"),
}
"""By the whole path of a function, as the imports of the file tell it."""

_BACKPORTS = {"importlib_resources": "importlib.resources", "importlib_metadata": "importlib.metadata"}
_INSTALLED = frozenset(
    {f"importlib.metadata.{name}" for name in ("distribution", "files", "metadata", "requires", "version")}
    | {f"pkg_resources.{name}" for name in ("get_distribution", "require")}
)
"""The functions that ask for an installed package."""

_MODULES = "sys.modules"
_WITH_MODULES_FIRST = ("setitem", "delitem")  # of pytest's monkeypatch


class Paths(NamedTuple):
    """What the names that a file imports stand for."""

    imported: Mapping[str, str]

    @classmethod
    def of(cls, tree: ast.Module) -> "Paths":
        """Read every import, wherever it stands; a name that is imported from two places stands for itself."""
        imported: dict[str, str] = {}
        for node in imports_among(statements_of(tree)):
            for local, path in _bound(node):
                imported[local] = path if imported.get(local, path) == path else ""
        return cls(imported)

    def of_expression(self, node: ast.expr) -> str:
        """The dotted path of a name with attributes; empty for any other expression."""
        names = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ".".join(("", *reversed(names))) if names else ""
        return ".".join((self.imported.get(node.id) or node.id, *reversed(names)))


def named_in(node: ast.AST, paths: Paths) -> Iterator[Named]:
    """The expressions that one call, subscript, comparison or assignment takes for names of modules."""
    if isinstance(node, ast.Call):
        yield from _in_call(node, paths)
    elif isinstance(node, ast.Subscript) and paths.of_expression(node.value) == _MODULES:
        yield Named(node.slice, "module")
    elif isinstance(node, ast.Compare):
        pairs = pairwise((node.left, *node.comparators))
        yield from (Named(left, "module") for left, right in pairs if paths.of_expression(right) == _MODULES)
    elif isinstance(node, ast.Assign | ast.AnnAssign) and "pytest_plugins" in _targets(node):
        listed = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
        yield from (Named(value, "module") for value in listed if value is not None)


def exports(node: ast.AST, paths: Paths) -> bool:
    """Whether a statement says which names a module has for others, in `__all__`: no module is meant by them."""
    if isinstance(node, ast.Call):
        return paths.of_expression(node.func).startswith("__all__.")
    return isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and "__all__" in _targets(node)


def installed_in(node: ast.AST, paths: Paths) -> ast.expr | None:
    """The name of the installed package that a call asks for."""
    if isinstance(node, ast.Call) and node.args and paths.of_expression(node.func) in _INSTALLED:
        return node.args[0]
    return None


def metadata_among(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """The names by which a file knows what answers for installed packages."""
    for node in imports_among(statements):
        for local, path in _bound(node):
            if top_of(path) in _METADATA_TOPS:
                yield local


def returns_top_package(node: ast.AST) -> bool:
    """Whether a call imports a module and returns the package at its top."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "__import__":
        return False
    return len(node.args) <= 3 and all(word.arg != "fromlist" for word in node.keywords)


def _in_call(call: ast.Call, paths: Paths) -> Iterator[Named]:
    path = paths.of_expression(call.func)
    signature = _BY_PATH.get(path) or _BY_NAME.get(".".join(path.split(".")[-2:])) or _BY_NAME.get(_last(path))
    if signature is not None:
        yield from (Named(value, signature.taking) for value in call.args[signature.start : signature.upto])
        yield from (Named(word.value, signature.taking) for word in call.keywords if word.arg in signature.keywords)
    if len(call.args) > 1 and _is_modules(call.args[0], paths):
        keys = call.args[1].keys if isinstance(call.args[1], ast.Dict) else [call.args[1]]
        if path.endswith("patch.dict") or _last(path) in _WITH_MODULES_FIRST:
            yield from (Named(key, "module") for key in keys if key is not None)


def _is_modules(node: ast.expr, paths: Paths) -> bool:
    return paths.of_expression(node) == _MODULES or (isinstance(node, ast.Constant) and node.value == _MODULES)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _targets(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> Sequence[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _bound(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """The local names of an import, and what each stands for."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            source = "." * node.level + _BACKPORTS.get(node.module or "", node.module or "")
            yield alias.asname or alias.name, f"{source}.{alias.name}"
        else:
            path = alias.name if alias.asname else top_of(alias.name)
            yield alias.asname or path, _BACKPORTS.get(path, path)
