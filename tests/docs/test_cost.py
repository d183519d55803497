"""The cost model of docs/scale.md is what `benchmarks.cost` computes, and grows as its parts do."""

from pathlib import Path

import pytest

from benchmarks.cost import PRICES, Fleet, Prices, lines, longest_poll, main, table
from tests.kit.places import REPOSITORY

GIVEN = Prices.read()


def test_the_page_has_the_table() -> None:
    """After a change: `python -m benchmarks.cost`."""
    page = (REPOSITORY / "docs/scale.md").read_text()
    assert table(GIVEN) in page
    assert f"every {longest_poll(GIVEN):.0f} s" in page


def test_the_page_says_where_prices_are_to_be_looked_up() -> None:
    """And since when they were not, for as long as nobody has."""
    page = (REPOSITORY / "docs/scale.md").read_text()
    assert all(f"<{one}>" in page for one in GIVEN.lists)
    assert ("nobody has compared them" in page) == (not GIVEN.checked)
    assert GIVEN.checked in page


def test_prices_are_what_a_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another list gives another bill, and says when it was compared."""
    text = PRICES.read_text().replace("put-or-list-per-1000 = 0.005", "put-or-list-per-1000 = 0.01")
    other = tmp_path / "prices.toml"
    other.write_text(text.replace('checked = ""', 'checked = "2031-01-02"'))
    main(other)
    said = capsys.readouterr().out
    assert "| 96.00 |" in said
    assert "| 48.00 |" not in said
    assert "every 500 s" in said
    assert said.endswith("compared on 2031-01-02\n")


@pytest.mark.parametrize("times", [2, 10])
def test_cost_grows_with_boxes_and_releases(times: int) -> None:
    """Neither with its square."""
    one, many = (sum(line.dollars(GIVEN) for line in lines(fleet)) for fleet in (Fleet(), bigger(times)))
    assert many == pytest.approx(times * one)


def bigger(times: int) -> Fleet:
    """So many times the projects, their releases, and the boxes that follow them."""
    fleet = Fleet()
    return fleet._replace(projects=times * fleet.projects, boxes=times * fleet.boxes, releases=times * fleet.releases)
