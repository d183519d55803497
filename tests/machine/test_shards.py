"""`--shard`: each project in exactly one part, and as few as can be in another one when anything changes."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import UsageError
from micropkgd.machine.shards import Shard, name_of

BATCH = {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "4"}
NAMES = [f"team{number % 7}/project-{number}" for number in range(600)]


def parts(names: list[str], count: int) -> dict[str, int]:
    """In which part each project is."""
    found = [(name, number) for number in range(1, count + 1) for name in names if Shard(number, count).takes(name)]
    assert len(found) == len(names)
    return dict(found)


@given(names=st.lists(st.text(st.characters(codec="utf-8"), min_size=1), unique=True), count=st.integers(1, 12))
def test_each_project_is_in_exactly_one_part(names: list[str], count: int) -> None:
    """Whatever they are called, and however many parts there are."""
    assert set(parts(names, count)) == set(names)


@pytest.mark.parametrize("count", [1, 2, 5, 8, 16])
def test_one_part_more_takes_its_share_and_moves_nothing_else(count: int) -> None:
    """A project moves to the new part or stays; about an N-th of all moves."""
    before, after = parts(NAMES, count), parts(NAMES, count + 1)
    moved = [name for name in NAMES if before[name] != after[name]]

    assert {after[name] for name in moved} == {count + 1}
    assert 0.5 < len(moved) * (count + 1) / len(NAMES) < 1.6


def test_parts_are_alike_in_size() -> None:
    """No machine has twice the work of another."""
    sizes = [list(parts(NAMES, 6).values()).count(number) for number in range(1, 7)]
    assert max(sizes) < 1.4 * min(sizes)


def test_where_the_checkouts_are_does_not_matter() -> None:
    """Two machines that have the projects below other folders mean the same by each."""
    assert name_of("a/shop", "/builds/17") == name_of("/srv/projects/a/shop", "/srv/projects") == "a/shop"
    assert name_of("/elsewhere/shop", "/builds/17") == "/elsewhere/shop"
    assert Shard(1, 1).of(["./a", "b/../c"], os.getcwd()) == ["./a", "b/../c"]


@pytest.mark.parametrize(
    ("text", "environ", "shard"),
    [
        pytest.param("2/8", {}, Shard(2, 8), id="said"),
        pytest.param("auto", {"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"}, Shard(1, 4), id="GitLab counts from 1"),
        pytest.param("auto", BATCH, Shard(1, 4), id="AWS Batch from 0"),
        pytest.param("auto/8", {"JOB_COMPLETION_INDEX": "7"}, Shard(8, 8), id="Kubernetes from 0"),
        pytest.param("auto/9", {"CI_NODE_INDEX": "3", "CI_NODE_TOTAL": "4"}, Shard(3, 9), id="what is said counts"),
    ],
)
def test_which_part_this_is(text: str, environ: dict[str, str], shard: Shard) -> None:
    """By what is said, or by the variables of the runner."""
    assert Shard.parse(text, environ) == shard


@pytest.mark.parametrize(
    ("text", "environ", "problem"),
    [
        ("0/8", {}, "`0/8` is out of range: parts go from 1 to 8"),
        ("9/8", {}, "`9/8` is out of range"),
        ("1/10001", {}, "there are 10,000 at the most"),
        ("3", {}, "`3` is not a part such as 2/8"),
        ("a/b", {}, "`a/b` is not a part such as 2/8"),
        ("-1/2", {}, "is not a part such as 2/8"),
        ("²/3", {}, "is not a part such as 2/8"),
        ("1/" + "9" * 5000, {}, "is not a part such as 2/8"),
        ("auto", {}, "finds none of $CI_NODE_INDEX, $AWS_BATCH_JOB_ARRAY_INDEX, $JOB_COMPLETION_INDEX"),
        (
            "auto",
            {"JOB_COMPLETION_INDEX": "1"},
            "$JOB_COMPLETION_INDEX is 1, and nothing says how many",
        ),
        ("auto/4", {"JOB_COMPLETION_INDEX": "4"}, "$JOB_COMPLETION_INDEX=4 of 4 is out of range"),
        ("auto/4", {"JOB_COMPLETION_INDEX": "x"}, "$JOB_COMPLETION_INDEX=x of 4 is not a part"),
        ("auto", {"CI_NODE_INDEX": "5", "CI_NODE_TOTAL": "4"}, "$CI_NODE_INDEX=5, $CI_NODE_TOTAL=4 is out of range"),
    ],
)
def test_a_part_that_cannot_be(text: str, environ: dict[str, str], problem: str) -> None:
    """The error says what was said, and where."""
    with pytest.raises(UsageError) as caught:
        Shard.parse(text, environ)
    assert problem in caught.value.problem
    assert caught.value.hint
