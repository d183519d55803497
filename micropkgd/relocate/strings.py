"""Module names in strings: only where a call is known to take one, and only the exact name of a module that moves.

Rules: `import_module("P.sub")`, `__import__("P")`, `find_spec("P")` and their `package` take a module;
`patch("P.run")`, `patch.dict`, `patch.multiple` and pytest's `setattr` and `delattr` take a module and what is in it.
Every other string, docstring and comment is the author's and stays.
"""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from micropkgd.relocate.names import Finding, Kind, Routes, top_of
from micropkgd.relocate.text import Edit, Places

_TAKE_MODULE = frozenset({"import_module", "find_spec", "__import__"})
_TAKE_TARGET = frozenset({"patch", "patch.dict", "patch.multiple", "setattr", "delattr"})
_KEYWORDS = frozenset({"name", "package", "target", "in_dict"})


class Argument(NamedTuple):
    """One argument that names a module, and whether something in the module may follow."""

    value: ast.expr
    with_attribute: bool


def string_changes(call: ast.Call, routes: Routes, places: Places) -> Iterator[Edit | Finding]:
    """What becomes of the module names that a call is given."""
    changed = False
    for argument in _arguments(call):
        value = argument.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            old = routes.longest(value.value) if argument.with_attribute else value.value
            change = _literal(value, value.value, old, routes, places)
        else:
            change = _computed(value, routes)
        if change:
            yield change
            changed = changed or isinstance(change, Edit)
    if changed and _callee(call) == "__import__" and not _asks_for_submodule(call):
        yield _told(call, "returns the top package, which is another one after the move", "dynamic")


def _arguments(call: ast.Call) -> Iterator[Argument]:
    callee = _callee(call)
    takes_target = callee in _TAKE_TARGET
    if not takes_target and callee not in _TAKE_MODULE:
        return
    count = 1 if takes_target or callee == "__import__" else 2
    yield from (Argument(value, takes_target) for value in call.args[:count])
    yield from (Argument(word.value, takes_target) for word in call.keywords if word.arg in _KEYWORDS)


def _callee(call: ast.Call) -> str:
    """The last name of what is called; `patch.dict` with both. The builtin `setattr` takes no string first."""
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    if not isinstance(function, ast.Attribute):
        return ""
    before = function.value
    owner = before.attr if isinstance(before, ast.Attribute) else getattr(before, "id", "")
    return f"patch.{function.attr}" if owner == "patch" else function.attr


def _asks_for_submodule(call: ast.Call) -> bool:
    return len(call.args) > 3 or any(word.arg == "fromlist" for word in call.keywords)


def _literal(node: ast.Constant, text: str, old: str | None, routes: Routes, places: Places) -> Edit | Finding | None:
    new = routes.goes_to(old) if old else None
    if old and new:
        start = places.inside(node, text)
        if start is None:
            return _told(node, "names a moved module in a string that cannot be edited in place", "dynamic")
        return Edit(start, start + len(old.encode()), new.encode())
    if top_of(text) in routes.doubtful:
        return _told(node, "names the standard library and the moved package alike, left alone", "ambiguous")
    if routes.stays_behind(text) or text in routes.above:
        return _told(node, "names a module that does not move along", "leaves")
    return None


def _computed(node: ast.expr, routes: Routes) -> Finding | None:
    """A name put together at run time, if a part of it begins like one of ours."""
    texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str))
    tops = {top_of(root) for root in routes.roots} | routes.homes
    if isinstance(node, ast.BinOp | ast.JoinedStr | ast.Call) and any(top_of(text) in tops for text in texts):
        return _told(node, "builds the name of a module at run time", "dynamic")
    return None


def _told(node: ast.expr, reason: str, kind: Kind) -> Finding:
    return Finding(node.lineno, ast.unparse(node), reason, kind)
