"""The statements of `settings.py`, one by one, as far as they say where config is."""

import ast
import posixpath
import sys
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from micropkgd.annotations import Final
from micropkgd.documents.syntax_trees import syntax_tree
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.settings.values import Known, Library, Table, Unknown, Value, attribute, call, combined, item
from micropkgd.workspace.settings.values import method as method_of

CONF_SOURCE: Final = "CONF_SOURCE"
BASE_ENV: Final = "base_env"
_LOADER_ARGS: Final = "CONFIG_LOADER_ARGS"
_SILENT: Final = sys.stdlib_module_names | {"kedro"}  # a star import of these brings no setting
_CHANGING: Final = {"update", "setdefault", "pop", "clear", "popitem"}


class SettingValue(NamedTuple):
    """What is said of one setting: its value, or why that is not known."""

    value: str = ""
    line: int = 0
    variable: str = ""  # of the environment: the value is what holds where it is not set
    problem: str = ""


def read_settings(source: bytes, path: str, root: str) -> dict[str, SettingValue]:
    """What is said of `CONF_SOURCE` and `base_env`, the unsaid left out; `path` is relative to `root`."""
    try:
        body = syntax_tree(source).body
        reader = _Reader(PurePosixPath(root), PurePosixPath(root, path))
        reader.take(body)
        return reader.said(body)
    except SyntaxError as error:
        broken = SettingValue(line=error.lineno or 0, problem=_unparsed(error.msg))
    except (ValueError, LookupError) as error:
        broken = SettingValue(problem=_unparsed(str(error)))
    except (RecursionError, MemoryError):
        broken = SettingValue(problem=_unparsed("nested too deeply"))
    return {CONF_SOURCE: broken, BASE_ENV: broken}


def _unparsed(why: str) -> str:
    return f"cannot be parsed by Python {sys.version_info.major}.{sys.version_info.minor}: {why}"


class _Reader:
    """What the names of a module stand for, after the statements so far."""

    def __init__(self, root: PurePosixPath, file: PurePosixPath) -> None:
        self.root = root
        self.names: dict[str, Value] = {"__file__": Known(file), "dict": Library("dict"), "str": Library("str")}
        self.lines: dict[str, int] = {}

    def take(self, statements: Iterable[ast.stmt]) -> None:
        """Go on, through statements that are run once and in this order."""
        for statement in statements:
            self._take(statement)

    def said(self, body: Sequence[ast.stmt]) -> dict[str, SettingValue]:
        """What all of it comes to."""
        conf, args = (self.names.get(name) or self._by_name(body, name) for name in (CONF_SOURCE, _LOADER_ARGS))
        found = {CONF_SOURCE: self._folder(conf)} if conf is not None else {}
        if isinstance(args, Known) and isinstance(args.value, Table):
            args = args.value.items.get(BASE_ENV) or args.value.rest
        return found | ({BASE_ENV: self._env(args)} if args is not None else {})

    def _folder(self, conf: Value) -> SettingValue:
        line = self.lines.get(CONF_SOURCE, 0)
        if not isinstance(conf, Known):
            return _unknown(CONF_SOURCE, conf, line)
        if not isinstance(conf.value, (str, PurePosixPath)):
            return SettingValue(line=line, problem=f"`{CONF_SOURCE}` is {conf.value!r}, and Kedro needs a path")
        path = posixpath.relpath(posixpath.join(self.root, conf.value), self.root)
        if path == ".." or path.startswith("../"):
            return SettingValue(line=line, problem=f"`{CONF_SOURCE}` is `{conf.value}`, which is outside the project")
        return SettingValue(path, line, conf.variable)

    def _env(self, env: Value) -> SettingValue:
        """A name; none, for Kedro, is the config folder itself."""
        line = self.lines.get(_LOADER_ARGS, 0)
        if not isinstance(env, Known):
            return _unknown(BASE_ENV, env, line)
        if not isinstance(env.value, (str, PurePosixPath, type(None))):
            return SettingValue(line=line, problem=f"`{BASE_ENV}` is {env.value!r}, and Kedro needs a name")
        return SettingValue(posixpath.normpath(env.value or "."), line, env.variable)

    def _by_name(self, body: Sequence[ast.stmt], name: str) -> Unknown | None:
        """A setting that is made by its name as a text, as in `globals()[name] = ...`."""
        for statement in body:
            for node in ast.walk(statement):
                if (isinstance(node, ast.Constant) and node.value == name) or (
                    isinstance(node, ast.keyword) and node.arg == name
                ):
                    return Unknown(statement.lineno)
        return None

    def _take(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, self._value(value))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self._value(value))
            case ast.AugAssign(target=ast.Name() as target, op=operator, value=value):
                self._add(target, operator, self._value(value))
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name() as name, attr="update")) as update):
                self._add(name, ast.BitOr(), self._dict(update))
            case ast.With(items=items, body=body):
                self._forget(*(one.optional_vars for one in items if one.optional_vars))
                self.take(body)
            case ast.Import(names=names):
                for alias in names:
                    name_of = alias.name if alias.asname else alias.name.partition(".")[0]
                    self._name(alias.asname or name_of, Library(name_of), statement.lineno)
            case ast.ImportFrom():
                self._import_from(statement)
            case _:
                self._forget(statement)

    def _import_from(self, statement: ast.ImportFrom) -> None:
        ours = not statement.level and (statement.module or "").partition(".")[0] in _SILENT
        for alias in statement.names:
            if alias.name != "*":
                known = Library(f"{statement.module}.{alias.name}") if ours else Unknown(statement.lineno)
                self._name(alias.asname or alias.name, known, statement.lineno)
            elif not ours:
                self._forget(statement)

    def _forget(self, *nodes: ast.AST) -> None:
        """What is bound on a condition, in a loop or by a function is not known."""
        for node in (inner for outer in nodes for inner in ast.walk(outer)):
            for name in _bound_by(node):
                line = getattr(node, "lineno", 0)
                self._name(name, Unknown(line), line)

    def _bind(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self._name(name, value, target.lineno)
            case ast.Subscript(value=ast.Name() as name, slice=ast.Constant(value=key)):
                self._add(name, ast.BitOr(), Known(Table({key: value})))
            case _:
                self._forget(target)

    def _add(self, name: ast.Name, operator: ast.operator, value: Value) -> None:
        before = self.names.get(name.id, Unknown(name.lineno))
        self._name(name.id, combined(operator, before, value, name.lineno), name.lineno)

    def _name(self, name: str, value: Value, line: int) -> None:
        self.names[name] = value
        self.lines[name] = line

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=value):
                return Known(value)
            case ast.Name(id=name):
                return self.names.get(name, Unknown(node.lineno))
            case ast.Attribute(value=inner, attr=name):
                return attribute(self._value(inner), name, node.lineno)
            case ast.Subscript(value=inner, slice=ast.Constant(value=key)):
                return item(self._value(inner), key, node.lineno)
            case ast.BinOp(left=left, op=operator, right=right):
                return combined(operator, self._value(left), self._value(right), node.lineno)
            case ast.Dict(keys=keys, values=values):
                return self._table([*zip(keys, values, strict=True)])
            case ast.BoolOp(op=ast.Or(), values=values):
                return self._first(values)
            case ast.JoinedStr(values=values):
                return self._joined(values, node.lineno)
            case ast.Call():
                return self._call(node)
        return Unknown(node.lineno)

    def _table(self, pairs: Sequence[tuple[ast.expr | None, ast.expr]]) -> Value:
        """`{key: value, **more}`."""
        found: Value = Known(Table({}))
        for key, value in pairs:
            added = self._value(value) if key is None else Known(Table({}, Unknown(value.lineno)))
            if isinstance(key, ast.Constant):
                added = Known(Table({key.value: self._value(value)}))
            found = combined(ast.BitOr(), found, added, value.lineno)
        return found

    def _dict(self, made: ast.Call) -> Value:
        """`dict(other, key=value, **more)`."""
        pairs: list[tuple[ast.expr | None, ast.expr]] = [(None, argument) for argument in made.args]
        pairs += [(ast.Constant(one.arg) if one.arg else None, one.value) for one in made.keywords]
        return self._table(pairs)

    def _first(self, nodes: Sequence[ast.expr]) -> Value:
        """The first value that is true."""
        variable = ""
        for node in nodes:
            value = self._value(node)
            if not isinstance(value, Known):
                return value
            variable = variable or value.variable
            if value.value or node is nodes[-1]:
                return value._replace(variable=variable)
        return Unknown(nodes[0].lineno)

    def _joined(self, parts: Sequence[ast.expr], line: int) -> Value:
        """An f-string without formats."""
        text: Value = Known("")
        for part in parts:
            value = Unknown(line) if isinstance(part, ast.FormattedValue) else self._value(part)
            if isinstance(part, ast.FormattedValue) and part.format_spec is None and part.conversion == -1:
                value = call(Library("str"), [self._value(part.value)], self.root, line)
            text = combined(ast.Add(), text, value, line)
        return text

    def _call(self, made: ast.Call) -> Value:
        function = self._value(made.func)
        if function == Library("dict"):
            return self._dict(made)
        if any(one.arg != "default" for one in made.keywords):
            return Unknown(made.lineno)
        arguments = [self._value(one) for one in (*made.args, *(one.value for one in made.keywords))]
        if isinstance(function, Library):
            return call(function, arguments, self.root, made.lineno)
        if isinstance(made.func, ast.Attribute):
            return method_of(self._value(made.func.value), made.func.attr, arguments, made.lineno)
        return Unknown(made.lineno)


def _bound_by(node: ast.AST) -> Iterable[str]:
    """The names that a node binds or changes."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return (name,)
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return (name,)
        case ast.Attribute(value=ast.Name(id=name), attr=attr) if attr in _CHANGING:
            return (name,)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Global(names=names):
            return names
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            names = [alias.asname or alias.name.partition(".")[0] for alias in aliases]
            return (CONF_SOURCE, _LOADER_ARGS) if "*" in names else names
    return ()


def _unknown(name: str, value: Value, line: int) -> SettingValue:
    at = value.line if isinstance(value, Unknown) else line
    return SettingValue(line=at, problem=f"`{name}` is made in a way that only running this file would tell")
