"""An entry's identity is one value, and its label says it whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import DocumentError
from micropkgd.model.entry_key import NOWHERE, EntryKey
from micropkgd.model.tree import RelPath

names = st.text("abc-_ >.", min_size=1, max_size=8)
targets = st.lists(st.text("abc_", min_size=1, max_size=5), min_size=1, max_size=3).map(lambda parts: "/".join(parts))


@given(names, st.one_of(st.just(NOWHERE), targets.map(RelPath)))
def test_a_label_gives_its_key_back_whatever_the_ref_is(ref: str, target: RelPath) -> None:
    """A ref may hold an arrow itself."""
    key = EntryKey(ref, target)
    assert EntryKey.parse(key.label) == key


def test_an_unknown_target_is_written_one_way() -> None:
    """In the label and in the value there is one word for it."""
    assert EntryKey("s3://b/ds.tar.gz", NOWHERE).label == "s3://b/ds.tar.gz -> ?"


@pytest.mark.parametrize("label", ["", "ds.tar.gz", "ds.tar.gz -> ", "ds.tar.gz -> ../x", "ds.tar.gz -> /etc"])
def test_what_names_no_folder_of_the_project_is_no_label(label: str) -> None:
    """A hostile state file comes to nothing."""
    with pytest.raises(DocumentError):
        EntryKey.parse(label)
