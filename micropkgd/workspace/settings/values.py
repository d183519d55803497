"""Values of a module that is not run: what constants, paths, dicts and calls of the standard library come to."""

import ast
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from micropkgd.annotations import Final
from micropkgd.named_tuples import NamedTuple

_LONGEST: Final = 4096  # characters of a text that is put together
_PATHS: Final = {f"pathlib.{kind}" for kind in ("Path", "PosixPath", "PurePath", "PurePosixPath")}
_ROOTS: Final = {"os.getcwd", *(f"{kind}.cwd" for kind in _PATHS)}  # Kedro's commands run in the project
_AS_THEY_ARE: Final = {"os.path.abspath", "os.path.realpath", "os.path.normpath", "os.fspath", "str"}
_PATH_METHODS: Final = {"resolve", "absolute", "as_posix", "joinpath"}
_TEXT_METHODS: Final = {"strip", "rstrip", "lstrip", "lower", "upper", "removeprefix", "removesuffix"}
_ENVIRONMENT: Final = {"os.getenv", "os.environ.get"}


class Known(NamedTuple):
    """A value, and the variable of the environment that may give another one."""

    value: object  # a text, a path, a `Table`, a tuple, a number, None
    variable: str = ""


class Unknown(NamedTuple):
    """A value that only running the file would tell."""

    line: int


class Library(NamedTuple):
    """Something of the standard library, by its whole name."""

    name: str


Value = Known | Unknown | Library


class Table(NamedTuple):
    """A dict, as far as it is known."""

    items: Mapping[object, Value]
    rest: Unknown | None = None  # it may have other keys


def attribute(value: Value, name: str, line: int) -> Value:
    """`value.name`."""
    if isinstance(value, Library):
        return Library(f"{value.name}.{name}")
    if isinstance(value, Known) and isinstance(value.value, PurePosixPath):
        if name == "parent":
            return value._replace(value=value.value.parent)
        if name == "parents":
            return value._replace(value=tuple(value.value.parents))
    return Unknown(line)


def item(value: Value, key: object, line: int) -> Value:
    """`value[key]`."""
    if isinstance(value, Known) and isinstance(value.value, Table):
        return value.value.items.get(key) or Unknown(line)
    if isinstance(value, Known) and isinstance(value.value, tuple) and isinstance(key, int):
        return value._replace(value=value.value[key]) if -len(value.value) <= key < len(value.value) else Unknown(line)
    return Unknown(line)


def combined(operator: ast.operator, left: Value, right: Value, line: int) -> Value:
    """Two texts joined, two parts of a path, or two dicts."""
    if not isinstance(left, Known) or not isinstance(right, Known):
        table = isinstance(left, Known) and isinstance(left.value, Table) and isinstance(operator, ast.BitOr)
        return Known(Table({}, Unknown(line))) if table else Unknown(line)
    variable = left.variable or right.variable
    match operator, left.value, right.value:
        case ast.Add(), str() as one, str() as other if len(one) + len(other) <= _LONGEST:
            return Known(one + other, variable)
        case ast.Div(), (str() | PurePosixPath()) as one, (str() | PurePosixPath()) as other if _is_path(one, other):
            return Known(PurePosixPath(one) / other, variable)
        case ast.BitOr(), Table() as one, Table() as other:
            kept = {} if other.rest is not None else one.items
            return Known(Table({**kept, **other.items}, other.rest or one.rest), variable)
    return Unknown(line)


def method(value: Value, name: str, arguments: Sequence[Value], line: int) -> Value:
    """`value.name(...)` of a text or a path."""
    plain = [one.value for one in arguments if isinstance(one, Known) and isinstance(one.value, (str, PurePosixPath))]
    if not isinstance(value, Known) or len(plain) < len(arguments):
        return Unknown(line)
    if isinstance(value.value, PurePosixPath) and name in _PATH_METHODS:
        return value._replace(value=value.value.joinpath(*plain))
    if isinstance(value.value, str) and name in _TEXT_METHODS and all(isinstance(one, str) for one in plain):
        try:
            return value._replace(value=getattr(value.value, name)(*plain))
        except TypeError:
            return Unknown(line)
    return Unknown(line)


def call(function: Library, arguments: Sequence[Value], root: PurePosixPath, line: int) -> Value:
    """What a function of the standard library gives; a variable of the environment its default."""
    if function.name in _ENVIRONMENT:
        return _from_environment(arguments, line)
    if function.name in _ROOTS:
        return Known(root)
    values = [one for one in arguments if isinstance(one, Known) and isinstance(one.value, (str, PurePosixPath))]
    parts = [PurePosixPath(one.value) for one in values]  # type: ignore[arg-type]
    if len(parts) < len(arguments) or not parts:
        return Unknown(line)
    variable = next((one.variable for one in values if one.variable), "")
    if function.name in _PATHS or function.name == "os.path.join":
        return Known(PurePosixPath(*parts), variable)
    if function.name in _AS_THEY_ARE:
        return Known(str(parts[0]), variable)
    if function.name == "os.path.dirname":
        return Known(posixpath.dirname(parts[0]), variable)
    return Unknown(line)


def _from_environment(arguments: Sequence[Value], line: int) -> Value:
    match arguments:
        case [Known(value=str() as name)]:
            return Known(None, name)
        case [Known(value=str() as name), Known() as default]:
            return default._replace(variable=name)
    return Unknown(line)


def _is_path(*parts: object) -> bool:
    return any(isinstance(part, PurePosixPath) for part in parts)
