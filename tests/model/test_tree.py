"""Paths are checked at once where they are plain, and that says no more than the checks one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import DocumentError
from micropkgd.model import tree
from micropkgd.model.tree import parse_digest, parse_inventory, rel_path

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


digests = st.one_of(
    st.sampled_from(["0" * 64, "sha256:" + "a" * 64, "sha256:" + "b" * 64]),
    st.builds("{}{}".format, st.sampled_from(["sha256:", "md5:", ""]), st.text("0aAgé\n", min_size=62, max_size=72)),
    st.none() | st.integers() | st.binary(min_size=71, max_size=71) | st.just(["a"] * 71),
)


def checked(table: dict[str, object]) -> object:
    """What a table comes to; nothing where something is wrong with it."""
    try:
        return parse_inventory(table)
    except DocumentError:
        return None


@given(st.dictionaries(paths | st.sampled_from(["a", "a/b", "a\nb", "a/b\n"]), digests, max_size=4))
def test_a_table_at_once_is_what_its_rows_are(table: dict[str, object]) -> None:
    """Whatever stands in it, and whatever two rows would make together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "_are_plain_paths", lambda _: False)
        one_by_one = checked(table)

    assert checked(table) == one_by_one


def test_what_two_rows_make_together_is_not_believed() -> None:
    """A path of two lines, and digests that are right only one after the other."""
    assert checked({"a\nb": "sha256:" + "0" * 64}) is None
    assert checked({"a": "sha256:" + "0" * 60, "b": "0000sha256:" + "0" * 64}) is None
    assert parse_inventory({"a": "0" * 64}) == {"a": parse_digest("0" * 64)}
