"""Two texts of YAML that differ in their layout alone say the same, comments and anchors too."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.documents.yaml_layout import differs_in_layout

VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.none(), st.text("ab #:-1'\"", max_size=6)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@given(VALUES, st.booleans(), st.integers(2, 6), st.integers(20, 90))
def test_one_value_written_in_two_ways(value: object, flow: bool, indent: int, width: int) -> None:
    """Whatever a library makes of it."""
    one = yaml.safe_dump(value, sort_keys=False)
    other = yaml.safe_dump(value, sort_keys=False, default_flow_style=flow, indent=indent, width=width)
    assert differs_in_layout(one, other)


@given(VALUES, VALUES)
def test_two_values_are_two(one: object, other: object) -> None:
    """What they are read as tells them apart, be it `1` and `'1'`."""
    first, second = (yaml.safe_dump(value, sort_keys=False) for value in (one, other))
    assert differs_in_layout(first, second) == (first == second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("a: 1 # x\n", "a: 1\n", id="a-comment"),
        pytest.param("a: 1 # x\n", "a: 1 # y\n", id="another-comment"),
        pytest.param("a: &b 1\n", "a: 1\n", id="an-anchor"),
        pytest.param("a: &b 1\nc: *b\n", "a: &b 1\nc: 1\n", id="an-alias"),
        pytest.param("a: 1\nb: 2\n", "b: 2\na: 1\n", id="the-order"),
        pytest.param("a: '1'\n", "a: 1\n", id="the-kind"),
        pytest.param("a: |\n  x # y\n", "a: |\n  x\n", id="what-looks-like-a-comment"),
        pytest.param("a: [\n", "a: 1\n", id="not-parsed"),
        pytest.param("a: *b\n", "a:  *b\n", id="an-alias-of-nothing"),
    ],
)
def test_what_is_more_than_layout(one: str, other: str) -> None:
    """Each is an edit."""
    assert not differs_in_layout(one, other)


def test_comments_and_brackets_may_move() -> None:
    """Spaces and lines are layout."""
    assert differs_in_layout("a: [1,   2]   # x\n", "a:\n  - 1\n  - 2  # x\n")
