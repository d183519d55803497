"""What a merge may cost, whatever stands in the files."""

import pytest

from micropkgd.actions import homeward
from micropkgd.merge import ThreeVersions, merge_files
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
