"""Named tuples that cost little to define: what all values here are made of (docs/decisions/0001).

To a type checker they are `typing.NamedTuple`, and they behave like it. That one compiles a constructor for each class
and checks each annotation, which took a tenth of a small command; here `collections` makes one constructor for each
number of fields, and a class takes it over under the names of its own. Mistakes in a definition are the type checker's.
"""

import sys
from collections import namedtuple
from functools import cache
from types import FunctionType

from micropkgd.annotations import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]


class _Value(tuple[Any, ...]):
    """What all named tuples have in common."""

    __slots__ = ()
    _fields = tuple[str, ...]()

    def __repr__(self) -> str:
        fields = (f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({', '.join(fields)})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    @classmethod
    def _make(cls, values: Any) -> Any:
        return cls(*values)

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, **changes: Any) -> Any:
        changed = tuple.__new__(type(self), map(changes.pop, self._fields, self))
        if changes:
            raise TypeError(f"{type(self).__name__} has no {', '.join(changes)}")  # as Python 3.13 and later
        return changed


class _Definition(type):
    """Makes the class of a named tuple from the fields that are annotated in its body."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
        fields = tuple(body.get("__annotations__", ()))
        pattern = _pattern(len(fields))
        defaults = {field: body[field] for field in fields if field in body}
        body |= {field: vars(pattern)[own] for field, own in zip(fields, pattern._fields, strict=True)}
        code = pattern.__new__.__code__.replace(co_varnames=("_cls", *fields), co_qualname=f"{name}.__new__")
        make = FunctionType(code, pattern.__new__.__globals__, "__new__", tuple(defaults.values()))
        body |= {"__new__": make, "__match_args__": fields, "__slots__": ()}
        body |= {"_fields": fields, "_field_defaults": defaults}
        return type.__new__(type, name, (_Value, *bases[1:]), body)


@cache
def _pattern(count: int) -> Any:
    """A named tuple of so many fields: its constructor and what reads each field serve all classes of as many."""
    return namedtuple("_pattern", [f"_{at}" for at in range(count)], rename=True)


if TYPE_CHECKING or sys.version_info >= (3, 14):  # where a body says its annotations only when asked
    from typing import NamedTuple
else:
    NamedTuple = type.__new__(_Definition, "NamedTuple", (), {})
