"""Headers that look like ours: slips and old names are known, and nobody else's table is taken for one."""

import pytest

from micropkgd.model.lookalikes import lookalike_of, lookalikes, table_with

SLIPS = [
    ("tool.micropkg.pull", "tool.micropkgd.pull"),
    ("tool.micropkgd.pulls", "tool.micropkgd.pull"),
    ("tool.Micropkgd.Pull", "tool.micropkgd.pull"),
    ("tool.micropgkd.pull", "tool.micropkgd.pull"),
    ("tool.micropkgd-pull", "tool.micropkgd.pull"),
    ("tools.micropkgd.pull", "tool.micropkgd.pull"),
    ("micropkgd.pull", "tool.micropkgd.pull"),
    ("micropkg.pull", "tool.micropkgd.pull"),
    ("tool.micropkg.package", "tool.micropkgd.package"),
    ("tool.kedro.pipeline.pull", "tool.kedro.micropkg.pull"),
    ("tool.kedro.pipeline.package", "tool.kedro.micropkg.package"),
    ("tool.kedro.micropkg.pulls", "tool.kedro.micropkg.pull"),
    ("tool.kedro.micropkgd.pull", "tool.kedro.micropkg.pull"),
    ("tool.kedro.micropackage.pull", "tool.kedro.micropkg.pull"),
    ("tool.kedro.micropkg.packages", "tool.kedro.micropkg.package"),
    ("tool.kedro.pull", "tool.kedro.micropkg.pull"),
    ("kedro.micropkg.pull", "tool.kedro.micropkg.pull"),
]
OTHERS = [
    "tool", "tool.kedro", "tool.kedro.micropkg", "tool.micropkgd", "tool.micropkgd.project", "tool.micropkgd.pull",
    "tool.micropkgd.pull.a", "tool.kedro.micropkg.package.a", "tool.kedro.pipeline", "tool.kedro.packaging",
    "tool.ruff", "tool.kedro_telemetry", "tool.setuptools.packages", "tool.setuptools.package-data",
    "tool.poetry.packages", "tool.pdm.publish", "tool.mypy.pull", "project.urls", "project.packages",
]  # fmt: skip


@pytest.mark.parametrize(("said", "meant"), SLIPS)
def test_a_slip_names_what_was_meant(said: str, meant: str) -> None:
    """One letter more or less, letters that changed places, `tools`, an old name of Kedro's."""
    assert lookalike_of(tuple(said.split("."))) == tuple(meant.split("."))


@pytest.mark.parametrize("said", OTHERS)
def test_others_are_others(said: str) -> None:
    """Ours, what is below ours, and what other tools have."""
    assert lookalike_of(tuple(said.split("."))) is None


def test_a_document_is_searched() -> None:
    """Headers at every depth, and rows by their ref wherever they stand."""
    document = {
        "tool": {"ruff": {"lint": {"a.tar.gz": {}}}, "micropkgd": {"pull": {"b": {}}}},
        "micropkg": {"pull": {}},
    }

    assert list(lookalikes(document)) == [(("micropkg", "pull"), ("tool", "micropkgd", "pull"))]
    assert table_with(document, ["a.tar.gz"]) == ("tool", "ruff", "lint")
    assert table_with(document, ["b"]) is None
