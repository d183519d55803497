"""Patterns that are matched in bounded time."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.patterns import matches

TEXTS = st.text("ab/.-]!é\n", max_size=8)
PATTERNS = st.text("ab/*?[]!-^\\é", max_size=8)


@given(TEXTS, PATTERNS)
def test_a_text_matches_as_in_the_standard_library(text: str, pattern: str) -> None:
    """What `fnmatch` says of it."""
    assert matches(text, pattern) is fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("src/*/nodes.py", "src/shop/ds/nodes.py"),
        ("*", ""),
        ("[!a]", "b"),
        ("[a-c]x", "bx"),
        ("a?c", "a/c"),
        ("[", "["),
    ],
)
def test_what_matches(pattern: str, text: str) -> None:
    """The whole text, and nothing but it."""
    assert matches(text, pattern)
    assert not matches(f"{text}~", f"{pattern}!")
