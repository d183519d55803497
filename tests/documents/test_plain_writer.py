"""What is written as a plain document is what tomli-w writes, and the rest is left to that."""

import subprocess
import sys
import tomllib
from datetime import date
from enum import StrEnum
from typing import Any

import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st

from micropkgd.documents import write_toml
from micropkgd.documents.plain_writer import write_plain


class _Word(StrEnum):
    FOLLOW = "follow"


_LONG = "x" * 101
_KEYS = st.sampled_from(["a", "b", "c-d", "1", "", "x y", "a.b", "ä", "src/shop/ds/nodes.py", 'q"', "\t", "n\n"])
_TEXTS = st.one_of(
    st.text(max_size=5),
    st.sampled_from(["", "sha256:" + "0" * 64, _LONG, "\t", "\\", '"', "\x7f", "\x85", "\u2028", "é"]),
)
_VALUES = st.one_of(
    _TEXTS,
    st.integers(),
    st.booleans(),
    st.lists(_TEXTS, max_size=3),
    st.lists(_TEXTS, max_size=3).map(tuple),
    st.sampled_from([1.5, date(2026, 1, 2), [1], [True], [["a"]], ["a", {}], _Word.FOLLOW, float("inf")]),
)
_TABLES = st.recursive(
    st.dictionaries(_KEYS, _VALUES, max_size=4),
    lambda inner: st.dictionaries(_KEYS, st.one_of(_VALUES, inner, st.lists(inner, max_size=3)), max_size=4),
    max_leaves=12,
)
_FITS = "x" * 82  # with its key and around it, as long as a line may be
PLAIN: list[dict[str, Any]] = [
    {},
    {"lock-version": "1.0", "packages": []},
    {"packages": [{"ref": _LONG, "files": {"a/b.py": "sha256:1", "c": "sha256:2"}, "moved": {}}]},
    {"packages": [{"ref": "a", "tool": {"x": {"digest": _LONG}}}]},
    {"packages": [{"ref": "a", "requires": ["x>=1"]}, {"ref": "b"}]},
    {"a": {"b": {"c": {"n": 1}}}, "d": {"e": True, "f": {}}},
    {"a": {"b": {}}},
    {"t": {"rows": [{"ref": _LONG, "inner": [{"ref": _LONG}]}, {"ref": _Word.FOLLOW}]}},
]
OTHER: list[dict[str, Any]] = [
    {"a": "b\\c"},
    {"a": 'b"c'},
    {"a": "b\nc"},
    {"a": 1.5},
    {"a": [1]},
    {"rows": [{"a": "b"}]},
    {"rows": [{"a": _FITS}]},
    {"rows": [{"a": "b"}, "c"]},
]


@given(_TABLES)
@example({"rows": [{"a": _LONG}, {"a": "b"}]})
@example({"rows": [{"a": "b"}, {"a": _LONG, "c": {}}]})
@example({"a": [{}], "b": 1})
def test_it_writes_what_the_library_writes(document: dict[str, Any]) -> None:
    """Or nothing."""
    assert write_plain(document) in {None, tomli_w.dumps(document)}
    assert write_toml(document) == tomli_w.dumps(document)


@pytest.mark.parametrize("document", PLAIN)
def test_plain_documents_are_written(document: dict[str, Any]) -> None:
    """By itself, as they are read back."""
    assert write_plain(document) == tomli_w.dumps(document)
    assert tomllib.loads(write_plain(document) or "") == document


@pytest.mark.parametrize("document", OTHER)
def test_others_are_left_to_the_library(document: dict[str, Any]) -> None:
    """Which knows how."""
    assert write_plain(document) is None
    assert write_toml(document) == tomli_w.dumps(document)


def test_a_plain_document_takes_no_library() -> None:
    """Not even to be imported, with all that it imports."""
    program = (
        "import sys; from micropkgd.documents import write_toml\n"
        "assert write_toml({'a': {'b': 'c'}}) == '[a]\\nb = \"c\"\\n'\n"
        "assert not {'tomli_w', 'datetime', 'decimal'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
