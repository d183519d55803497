"""Unified diffs of files."""

import subprocess
from pathlib import Path

import pytest

from micropkgd.model.text_diff import text_diff
from micropkgd.model.tree import RelPath


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a = 1\nb = 2\n", "a = 1\nb = 3\n"),
        ("a = 1\n", "a = 2"),
        ("", "a\n"),
        ("a\x0cb\n", "a\x0cc\n"),
        ("a\u2028b\nc\n", "a\u2028b\nd\n"),
        ("a\x85b\x1cc\rd\n", "a\x85b\x1cc\re\n"),
    ],
)
def test_lines_end_where_git_ends_them(tmp_path: Path, old: str, new: str) -> None:
    """At a line feed, and nowhere else; a carriage return at the end of a line is not shown."""
    for name, text in (("a", old), ("b", new)):
        (tmp_path / name).write_bytes(text.encode())
    command = ["git", "diff", "--no-index", "--no-color", "a", "b"]
    theirs = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout.decode()
    hunks = theirs[theirs.index("\n@@") + 1 :].removesuffix("\n").split("\n")

    assert list(text_diff(RelPath("x"), old.encode(), new.encode()))[2:] == hunks
