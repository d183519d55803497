"""Paths are checked at once where they are plain, and that says no more than the checks one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import DocumentError
from micropkgd.model import tree
from micropkgd.model.tree import rel_path

paths = st.text("ab._-/ \\~é\n\x00", max_size=12) | st.builds(
    "/".join, st.lists(st.text("a._-", max_size=3), max_size=105)
)


def accepted(text: str) -> bool:
    """Whether a text is a path."""
    try:
        return rel_path(text) == text
    except DocumentError:
        return False


@given(paths, st.integers(1, 300))
def test_the_quick_check_says_what_the_others_say(text: str, times: int) -> None:
    """Also of long and deep ones."""
    for path in (text, "/".join([text] * times), text * times):
        quick = accepted(path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tree, "_LONGEST_PLAIN", -1)
            assert accepted(path) is quick, path
