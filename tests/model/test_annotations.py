"""The words of annotations are those of `typing`, may be written in any form, and do at run time what those do."""

import subprocess
import sys
import typing
from collections.abc import Callable, Mapping
from typing import get_type_hints

import pytest

from micropkgd import annotations
from micropkgd.named_tuples import NamedTuple

WORDS = sorted({*annotations.__all__} - {"TYPE_CHECKING", "NewType", "Protocol", "TypeVar", "cast"})
OTHERS = {"typing": typing, "ours": annotations}


@pytest.mark.parametrize("name", annotations.__all__)
def test_they_are_words_of_typing(name: str) -> None:
    """Whoever knows those knows these."""
    assert hasattr(typing, name)


@pytest.mark.parametrize("name", WORDS)
def test_each_may_be_written_in_any_form(name: str) -> None:
    """Annotations are evaluated by Python 3.11 to 3.13, and must not fail."""
    word = getattr(annotations, name)
    assert all([word[int], word[int, "text"], word | None, None | word, int | word])
    assert all([tuple[word, ...], Mapping[str, word], Callable[[word], word], type[word]])  # type: ignore[valid-type]


@pytest.mark.parametrize("words", OTHERS.values(), ids=[*OTHERS])
def test_what_does_something_does_the_same(words: typing.Any) -> None:
    """Of ours and theirs: a value is cast to itself, a kind is its type, and a protocol has no content."""
    assert words.cast("list[int]", value := [1]) is value
    assert words.NewType("Digest", str)("d") == "d"
    assert isinstance(words.NewType("Digest", str)("d"), str)
    assert not words.TYPE_CHECKING

    assert list[words.TypeVar("unknown", bound=str)]() == []  # type: ignore[misc, operator]

    class Speaker(words.Protocol):  # type: ignore[misc]
        """Whoever speaks."""

    class Dog(Speaker):
        """One of them."""

    assert isinstance(Dog(), Dog)


def test_every_annotation_can_be_evaluated() -> None:
    """Importing a module does; Python refuses some forms with words that are not its own."""
    program = (
        "import importlib, pkgutil, micropkgd\n"
        "for found in pkgutil.walk_packages(micropkgd.__path__, 'micropkgd.'):\n"
        "    if found.name != 'micropkgd.__main__':\n"
        "        importlib.import_module(found.name)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert not ended.returncode, ended.stderr


def test_values_tell_their_types() -> None:
    """Schemas are written from what the values say."""

    class Value(NamedTuple):
        """A value."""

        text: str
        sizes: tuple[int, ...] = ()
        other: annotations.Any = None

    assert get_type_hints(Value) == {"text": str, "sizes": tuple[int, ...], "other": annotations.Any}
