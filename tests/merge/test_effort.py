"""What a merge may cost, whatever stands in the files."""

import pytest

from micropkgd.merge import ThreeVersions, merge_files
from micropkgd.merge.effort import MOST, one_effort, opcodes
from micropkgd.merge.versions import CollisionError
from micropkgd.model.tree import RelPath


def test_equal_things_without_end_are_a_question() -> None:
    """A thousand equal statements, which both sides put others between, took minutes; ten thousand, days."""
    call = "    a()\n"
    texts = ThreeVersions(*("def f():\n" + f"{call}{more}" * 2_000 for more in ("", "    b()\n", "    c()\n")))

    assert merge_files(RelPath("a.py"), texts.each(str.encode)) is None


def test_one_file_has_one_effort() -> None:
    """However many rows it has; the next file has its own again."""
    row = "a" * int(MOST**0.5 * 0.8)
    for _ in range(2):
        with one_effort():
            assert opcodes(row, row)
            with pytest.raises(CollisionError):
                opcodes(row, row)
