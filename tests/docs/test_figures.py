"""The figures of docs/reliability.md can be made again: the suites they count stand where they are looked for."""

import pytest

from tests.kit.figures import SUITES
from tests.kit.places import REPOSITORY


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_is_there(suite: str) -> None:
    """Also after a move."""
    assert (REPOSITORY / "tests" / suite).exists()
