"""The corpus that was written by hand: each case is merged as a person would, or held where one must be asked."""

import pytest

from micropkgd.merge import MergedFile, ThreeVersions, merge_files
from micropkgd.model.plan import MergeWay
from micropkgd.model.tree import RelPath
from tests.kit.merges import MergeCase, by_hand

CASES = list(by_hand())


def merged(case: MergeCase, *, structure: bool = True) -> MergedFile | None:
    """What comes of a case."""
    texts = ThreeVersions(*(text.encode() for text in (case.base, case.ours, case.theirs)))
    return merge_files(RelPath(case.name), texts, structure=structure)


def without_blank_lines(text: str) -> list[str]:
    """How many blank lines part two imports is nobody's edit."""
    return [line for line in text.splitlines(keepends=True) if line.strip()]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_what_a_person_wants(case: MergeCase) -> None:
    """Clean and right, or held where no program can know."""
    result = merged(case)
    if case.wanted is None:
        assert result is None
    else:
        assert result is not None
        assert without_blank_lines(result.data.decode()) == without_blank_lines(case.wanted)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_text_alone_is_never_wrong(case: MergeCase) -> None:
    """What goes by lines is right or held, and is said to be by text."""
    result = merged(case, structure=False)
    if result is not None:
        assert result == merged(case)
        assert result.way is MergeWay.TEXT


@pytest.mark.parametrize("case", CASES, ids=str)
def test_either_side_may_be_ours(case: MergeCase) -> None:
    """Whether two edits go together does not depend on who made which."""
    turned = case._replace(ours=case.theirs, theirs=case.ours)
    assert (merged(case) is None) == (merged(turned) is None)
