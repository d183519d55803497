"""The face of a folder, the docstring of its `__init__.py`, names every module in it."""

import re

import pytest

from tests.docs.mentions import MODULES, docstring, modules_of

FACES = [path for path in MODULES if path.endswith("/__init__.py")]


@pytest.mark.parametrize("face", FACES)
def test_it_names_each_module(face: str) -> None:
    """A module that is not named there is one that nobody finds."""
    named = set(re.findall(r"`(?:\w+/)*(\w+)/?`", docstring(face)))
    assert modules_of(face) - named == set()
