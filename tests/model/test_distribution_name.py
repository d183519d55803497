"""Names of distributions fold as `packaging` folds them, in one place."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from micropkgd.model.distribution_name import NAME, normalised, same_name
from tests.docs.mentions import MODULES
from tests.kit.places import REPOSITORY

_HOME = "micropkgd/model/distribution_name.py"
_NAMES = st.from_regex(NAME, fullmatch=True)
_FOLDS = re.compile(r"\[[-_.\\]{3,}\]\+")
_LOOKS = "[A-Za-z0-9._-]*[A-Za-z0-9])?"


@given(_NAMES)
@example("A.-_b--C")
def test_a_name_folds_as_in_packaging(name: str) -> None:
    """Indexes, pip and micropkgd speak of one project by one name."""
    assert normalised(name) == canonicalize_name(name, validate=True)


@given(_NAMES, _NAMES)
@example("my-pkg", "My__Pkg")
def test_names_are_the_same_where_their_fold_is(one: str, other: str) -> None:
    """The short way and the long way agree."""
    assert same_name(one, other) == (canonicalize_name(one) == canonicalize_name(other))


@pytest.mark.parametrize("path", MODULES)
def test_the_rule_has_one_home(path: str) -> None:
    """Neither what a name looks like nor how it folds is said anywhere else."""
    text = (REPOSITORY / path).read_text()
    assert bool(_FOLDS.search(text) or _LOOKS in text) == (path == _HOME)
