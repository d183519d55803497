"""What a merge may cost, whatever stands in the files."""

from typing import Any

import pytest

from micropkgd.actions import homeward
from micropkgd.documents import keys
from micropkgd.merge import ThreeVersions, meaning, merge_files
from micropkgd.merge.effort import MOST, one_effort, opcodes
from micropkgd.merge.versions import CollisionError
from micropkgd.model.tree import RelPath


def test_equal_things_without_end_are_a_question() -> None:
    """A thousand equal statements, which both sides put others between, took minutes; ten thousand, days."""
    call = "    a()\n"
    texts = ThreeVersions(*("def f():\n" + f"{call}{more}" * 2_000 for more in ("", "    b()\n", "    c()\n")))

    assert merge_files(RelPath("a.py"), texts.each(str.encode)) is None


def test_a_patch_home_of_equal_lines_ends() -> None:
    """It is made in the words of here then, and says that it is not clean."""
    base, original, edited = (b"    a()\n" * 20_000 + more for more in (b"", b"x\n", b"y\n"))

    assert homeward._joined(base, original, edited) == (edited, False)
    assert homeward._joined(b"a\nb\n", b"A\nb\n", b"a\nc\n") == (b"A\nc\n", True)


def test_one_file_has_one_effort() -> None:
    """However many rows it has; the next file has its own again."""
    row = "a" * int(MOST**0.5 * 0.8)
    for _ in range(2):
        with one_effort():
            assert opcodes(row, row)
            with pytest.raises(CollisionError):
                opcodes(row, row)


def test_each_text_of_a_merge_of_yaml_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys are asked for by the merge, and by the check of what comes out."""
    parsed: list[bytes] = []
    really = keys._made

    def made(data: bytes) -> Any:
        parsed.append(data)
        return really(data)

    monkeypatch.setattr(keys, "_made", made)
    rows = "".join(f"key{number}: {{a: {number}, b: 2}}\n" for number in range(20))
    texts = ThreeVersions(rows, rows.replace("{a: 9,", "{a: 99,"), rows.replace("{a: 9, b: 2", "{a: 9, b: 3"))

    merged = merge_files(RelPath("a.yml"), texts.each(str.encode))

    assert merged is not None
    assert b"{a: 99, b: 3}" in merged.data
    assert len(parsed) == len(set(parsed)) == 4


def test_a_statement_of_other_words_is_not_compared_as_a_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `match` of thousands of cases was made a tree of, and written out, ten times."""
    monkeypatch.setattr(meaning, "_tree", lambda text: pytest.fail("its words tell"))

    assert not meaning.same_meaning("a(b)\n", "a(c)\n")
