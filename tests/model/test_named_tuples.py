"""Named tuples of ours are as those of `typing`, and cost less to define."""

import ast
import pickle
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar, get_type_hints

import pytest

import micropkgd
from micropkgd import named_tuples
from micropkgd.model.ref import Ref

T = TypeVar("T")


class Ours(named_tuples.NamedTuple):
    """A value."""

    path: str
    size: int = 3
    names: tuple[str, ...] = ()

    @property
    def doubled(self) -> int:
        """What is worked out."""
        return 2 * self.size

    @classmethod
    def parse(cls, text: str) -> "Ours":
        """A second constructor."""
        return cls(text)


class Theirs(typing.NamedTuple):
    """A value."""

    path: str
    size: int = 3
    names: tuple[str, ...] = ()

    @property
    def doubled(self) -> int:
        """What is worked out."""
        return 2 * self.size

    @classmethod
    def parse(cls, text: str) -> "Theirs":
        """A second constructor."""
        return cls(text)


class OfAny(named_tuples.NamedTuple, Generic[T]):
    """A value of a value."""

    value: T


class Empty(named_tuples.NamedTuple):
    """A value without fields."""


Use = Callable[[Any], object]
USES: dict[str, Use] = {
    "by order": lambda kind: tuple(kind("a", 1, ("b",))),
    "by name": lambda kind: tuple(kind(names=("b",), path="a")),
    "equal to its fields": lambda kind: kind("a") == ("a", 3, ()) and hash(kind("a")) == hash(("a", 3, ())),
    "read by name": lambda kind: (kind("a").path, kind("a").size, kind("a", names=("b",)).names),
    "said": lambda kind: repr(kind("a")).removeprefix(kind.__name__),
    "its methods": lambda kind: (kind("a").doubled, tuple(kind.parse("b")), kind.__doc__, kind("a").count(3)),
    "changed": lambda kind: tuple(kind("a")._replace(size=5)),
    "its type after a change": lambda kind: type(kind("a")._replace(size=5)) is kind,
    "as a mapping": lambda kind: kind("a")._asdict(),
    "made of a row": lambda kind: tuple(kind._make(["a", 1, ()])),
    "matched": lambda kind: kind.__match_args__,
    "its fields": lambda kind: (kind._fields, kind._field_defaults),
    "its defaults": lambda kind: kind.__new__.__defaults__,
    "its types": lambda kind: get_type_hints(kind),
    "without a place for more": lambda kind: hasattr(kind("a"), "__dict__"),
}
MISUSES: dict[str, Use] = {
    "too few": lambda kind: kind(),
    "too many": lambda kind: kind("a", 1, (), 2),
    "unknown": lambda kind: kind("a", other=1),
    "twice": lambda kind: kind("a", path="b"),
    "written to": lambda kind: setattr(kind("a"), "path", "b"),
    "given more": lambda kind: setattr(kind("a"), "other", "b"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_they_are_used_alike(use: Use) -> None:
    """Whatever is done with one."""
    assert use(Ours) == use(Theirs)


@pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES)
def test_they_refuse_alike(misuse: Use) -> None:
    """With the same kind of error."""
    with pytest.raises((TypeError, ValueError, AttributeError)) as theirs:
        misuse(Theirs)
    with pytest.raises(theirs.type):
        misuse(Ours)


def test_a_change_of_what_is_not_there_is_refused() -> None:
    """As Python does from 3.13 on; before that it raised `ValueError`."""
    with pytest.raises(TypeError, match="Ours has no other, more"):
        Ours("a")._replace(other=1, more=2)  # type: ignore[call-arg]


def test_an_error_names_the_class() -> None:
    """As its constructor is made for another."""
    with pytest.raises(TypeError, match=r"Ours\.__new__\(\) missing 1 required positional argument: 'path'"):
        MISUSES["too few"](Ours)


def test_they_travel() -> None:
    """Between processes, as pickles."""
    ref = Ref.parse("dist/ds.tar.gz")
    assert pickle.loads(pickle.dumps(ref)) == ref
    assert type(pickle.loads(pickle.dumps(ref))) is Ref


def test_of_any_type_and_of_none() -> None:
    """What is generic, and what has no fields."""
    assert OfAny[int](3).value == 3
    assert Empty() == ()


def test_classes_of_as_many_fields_keep_apart() -> None:
    """Though one pattern made them: a name of one means nothing to the other."""

    class Other(named_tuples.NamedTuple):
        color: str
        size: int = 7
        shape: str = "round"

    assert Other("red") == ("red", 7, "round")
    assert Ours("a") == ("a", 3, ())
    assert not hasattr(Other("red"), "path")


def test_no_other_kind_is_defined() -> None:
    """A class by `typing` costs five times as much at each start."""
    for path in Path(micropkgd.__file__).parent.rglob("*.py"):
        imports = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.ImportFrom))
        of_typing = {alias.name for node in imports if node.module == "typing" for alias in node.names}
        assert "NamedTuple" not in of_typing or path == Path(named_tuples.__file__), path
