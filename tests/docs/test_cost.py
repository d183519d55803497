"""The cost model of docs/scale.md is what `benchmarks.cost` computes, and grows as its parts do."""

import pytest

from benchmarks.cost import Fleet, Prices, lines, longest_poll, table
from tests.kit.places import REPOSITORY


def test_the_page_has_the_table() -> None:
    """After a change: `python -m benchmarks.cost`."""
    page = (REPOSITORY / "docs/scale.md").read_text()
    assert table() in page
    assert f"every {longest_poll():.0f} s" in page


@pytest.mark.parametrize("times", [2, 10])
def test_cost_grows_with_boxes_and_releases(times: int) -> None:
    """Neither with its square."""
    one, many = (sum(line.dollars(Prices()) for line in lines(fleet)) for fleet in (Fleet(), bigger(times)))
    assert many == pytest.approx(times * one)


def bigger(times: int) -> Fleet:
    """So many times the projects, their releases, and the boxes that follow them."""
    fleet = Fleet()
    return fleet._replace(projects=times * fleet.projects, boxes=times * fleet.boxes, releases=times * fleet.releases)
