"""The face of a folder, the docstring of its `__init__.py`, names every module in it."""

import re

import pytest

from tests.docs.mentions import MODULES, docstring, modules_of
from tests.kit.places import REPOSITORY

_DOZEN_OR_SO = 15
FACES = [path for path in MODULES if path.endswith("/__init__.py")]


@pytest.mark.parametrize("face", FACES)
def test_it_names_each_module(face: str) -> None:
    """A module that is not named there is one that nobody finds."""
    named = set(re.findall(r"`(?:\w+/)*(\w+)/?`", docstring(face)))
    assert modules_of(face) - named == set()


@pytest.mark.parametrize("face", FACES)
def test_a_crowded_room_says_why(face: str) -> None:
    """More than a dozen or so modules side by side have a reason, and the face gives it."""
    files = [path for path in (REPOSITORY / face).parent.glob("*.py") if path.name != "__init__.py"]
    crowded = len(files) > _DOZEN_OR_SO
    assert crowded == ("So many beside each other:" in docstring(face))
