"""The corpus of merges that is generated: no merge is clean and wrong, and at most half of git's conflicts are held."""

import fcntl
import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.kit.merge_table import RELEASES, against_releases, each_against_each, fetch, judged, table
from tests.kit.merges import MergeCase, by_hand
from tests.kit.places import REPOSITORY

pytestmark = pytest.mark.no_cover

Counts = Counter[str]


def counted(cases: Iterable[MergeCase], folder: Path) -> Counts:
    """How many are held by each way, with the names of those that are clean and wrong."""
    counts: Counts = Counter()
    for case in cases:
        verdict = judged(case, folder)
        assert verdict.text != "wrong", str(case)
        assert verdict.structure != "wrong", str(case)
        assert not (verdict.text == "right" and verdict.structure == "held")
        counts.update({"cases": 1, "git": verdict.git == "held", "structure": verdict.structure == "held"})
    return counts


@pytest.fixture(scope="session")
def releases(server_cache: Path) -> Path:
    """The wheels of two releases each of some projects, fetched once by pip."""
    folder = server_cache / f"releases-{hashlib.sha256(repr(RELEASES).encode()).hexdigest()[:16]}"
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if len(list(folder.glob("*.whl"))) < 2 * len(RELEASES):
            folder.mkdir(exist_ok=True)
            fetch(folder)
    return folder


def test_each_edit_against_each(tmp_path: Path) -> None:
    """What two people do to one file, fifteen kinds of Python and five of YAML."""
    counts = counted(each_against_each(), tmp_path)
    assert counts["cases"] >= 200
    assert counts["structure"] <= counts["git"] / 2


def test_each_edit_against_a_release(tmp_path: Path, releases: Path) -> None:
    """What people do to files that really changed from one release to the next."""
    counts = counted(against_releases(releases, each=1), tmp_path)
    assert counts["cases"] >= 100
    assert counts["structure"] <= counts["git"] / 2


def test_the_table_is_as_published(tmp_path: Path) -> None:
    """What the documentation shows of the cases by hand is so; some are clean and wrong as git merges them."""
    rows = list(table(by_hand(), tmp_path))
    page = (REPOSITORY / "docs" / "merging.md").read_text()
    assert [row for row in rows if row not in page] == []
    assert any(judged(case, tmp_path).git == "wrong" for case in by_hand())
