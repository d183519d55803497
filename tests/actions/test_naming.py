"""Which entry a person means: one answer for every command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.actions.naming import find_entry
from micropkgd.errors import UsageError
from tests.kit.world import ROW, World

ONE, TWO, OTHER = "a/ds-1.tar.gz", "a/ds-2.tar.gz", "b.tar.gz"
NAMES = {ONE: {"ds", "src/shop/ds"}, TWO: {"ds", "src/shop/two"}, OTHER: {"b", "src/shop/b"}}


@pytest.mark.parametrize(
    ("text", "ref"), [("b", OTHER), ("src/shop/b/", OTHER), ("src/shop/two", TWO), (ONE, ONE), (OTHER, OTHER)]
)
def test_by_ref_folder_or_name(text: str, ref: str) -> None:
    """A slash at the end is what a shell completes."""
    assert find_entry(text, NAMES) == ref


def test_several_are_named_or_go_together() -> None:
    """The refs are told; where all of them go together it makes no difference which is meant."""
    with pytest.raises(UsageError) as told:
        find_entry("ds", NAMES)
    assert told.value.hint == "name one by its ref: a/ds-1.tar.gz, a/ds-2.tar.gz"
    assert find_entry("ds", NAMES, together=[{"b.tar.gz"}, {"a/ds-1.tar.gz", "a/ds-2.tar.gz"}]) in NAMES


@given(st.text("abds-/.", max_size=6))
def test_nothing_is_guessed(text: str) -> None:
    """What is found has the ref or the name; all else is refused, the empty text first of all."""
    try:
        ref = find_entry(text, NAMES)
    except UsageError:
        return
    assert text == ref or text.rstrip("/") in NAMES[ref]
    assert text


def test_an_empty_name_means_no_entry(world: World) -> None:
    """Not the one whose folder nobody knows yet."""
    world.asks_for()
    assert world.reconcile().code == 1
    said = world.run("suspend", "")

    assert (said.code, "no entry ``" in said.err) == (2, True)
    assert world.run("suspend", ROW).code == 0
