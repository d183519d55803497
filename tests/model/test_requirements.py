"""Lines of the requirements file and their owners."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.requirements import update

HEADER = "# Additional requirements from micro-package `ds`:"


def test_missing_lines_are_appended_under_a_header() -> None:
    """New lines stand sorted in the entry's own block, and the file ends with a newline."""
    assert update("kedro", {}, {"ds": ["pandas>=2", "numpy"]}) == f"kedro\n\n{HEADER}\nnumpy\npandas>=2\n"


def test_lines_follow_the_entry() -> None:
    """A new version's line replaces the old one; Kedro kept both."""
    first = update("kedro\n", {}, {"ds": ["pandas==1.0"]})

    assert update(first, {"ds": ["pandas==1.0"]}, {"ds": ["pandas==2.0"]}) == f"kedro\n\n{HEADER}\npandas==2.0\n"


def test_a_persons_line_that_says_the_same_is_not_repeated() -> None:
    """The same requirement in other words is the same requirement."""
    assert update("Pandas>=1,<3\n", {}, {"ds": ["pandas<3,>=1"]}) == "Pandas>=1,<3\n"


def test_a_persons_line_is_never_removed() -> None:
    """A line outside the block stays, also where the lock names it."""
    assert update("pandas\n", {"ds": ["pandas"]}, {}) == "pandas\n"


def test_a_line_that_was_edited_in_the_block_is_a_persons() -> None:
    """Only lines that are exactly what was written are removed."""
    text = f"kedro\n\n{HEADER}\nnumpy\npandas==1.5\n"

    assert update(text, {"ds": ["numpy", "pandas==1.0"]}, {}) == f"kedro\n\n{HEADER}\npandas==1.5\n"


def test_a_line_that_a_person_removed_is_not_added_again() -> None:
    """Nothing changed upstream, so nothing is asked for again."""
    assert update("kedro\n", {"ds": ["pandas"]}, {"ds": ["pandas"]}) == "kedro\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_line_endings_are_kept(newline: str) -> None:
    """The file's own line ending is used."""
    assert update(f"kedro{newline}", {}, {"ds": ["numpy"]}) == newline.join(["kedro", "", HEADER, "numpy", ""])


names = st.sampled_from(["numpy", "pandas>=2", "requests[socks]", "x==1.0", "y; python_version < '3.9'"])
wishes = st.dictionaries(st.sampled_from(["ds", "pipelines.fcst", "utils"]), st.lists(names, unique=True), max_size=3)
files = st.lists(st.sampled_from(["kedro~=0.19", "-r more.txt", "# mine", "", "flask"]), max_size=6).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


class TestLinesHaveOwners:
    """Laws of the requirements file."""

    @given(files, wishes, wishes)
    def test_updating_twice_is_updating_once(
        self, text: str, first: dict[str, list[str]], then: dict[str, list[str]]
    ) -> None:
        """The second update with the same wishes changes nothing."""
        once = update(update(text, {}, first), first, then)

        assert update(once, then, then) == once

    @given(files, wishes)
    def test_leaving_gives_the_file_back(self, text: str, wanted: dict[str, list[str]]) -> None:
        """What was added is removed with its entry; the person's file is as before, byte for byte."""
        assert update(update(text, {}, wanted), wanted, {}) == text

    @given(files, wishes, wishes)
    def test_a_persons_lines_stay(self, text: str, first: dict[str, list[str]], then: dict[str, list[str]]) -> None:
        """Every line that was there before is there after, in the same order."""
        after = iter(update(update(text, {}, first), first, then).splitlines())

        assert all(line in after for line in text.splitlines())
