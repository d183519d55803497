"""The status of many projects: one, those in a state, and page by page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from micropkgd.errors import UsageError
from micropkgd.service.client import ServiceError
from tests.kit.daemon import Daemon, served

PROJECTS = 5


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A service with some projects, one of which cannot be read."""
    folder = tmp_path_factory.mktemp("pages")
    worlds = [served(folder / "src", number) for number in range(PROJECTS)]
    worlds[3].write("pyproject.toml", "[tool.micropkgd\n")
    with Daemon(folder / "d", f'projects = ["{folder}/src/*"]\nevery = "1d"\n') as running:
        running.until_status(worlds[3].root, lambda status: status["standing"]["state"] == "Stalled")
        for number in (0, 1, 2, 4):
            running.ready(worlds[number].root)
        yield running


def names(daemon: Daemon, query: str) -> tuple[list[str], str | None]:
    """The projects of an answer, and where the next page begins."""
    answer = daemon.ask().get(f"/v1/status{query}")
    after = answer["next"]
    return [Path(row["project"]).name for row in answer["projects"]], after and Path(after).name


def test_all_is_one_page(daemon: Daemon) -> None:
    """Nobody who asks as before gets less."""
    assert names(daemon, "") == (["p0", "p1", "p2", "p3", "p4"], None)
    assert names(daemon, "?limit=5") == (["p0", "p1", "p2", "p3", "p4"], None)
    assert names(daemon, "?limit=0")[1] is None


def test_a_page_says_where_the_next_begins(daemon: Daemon) -> None:
    """And each project is on one of them."""
    folder = daemon.folder.parent / "src"
    assert names(daemon, "?limit=2") == (["p0", "p1"], "p1")
    assert names(daemon, f"?limit=2&after={folder}/p1") == (["p2", "p3"], "p3")
    assert names(daemon, f"?limit=2&after={folder}/p3") == (["p4"], None)
    assert names(daemon, f"?after={folder}/p4") == ([], None)


def test_those_in_a_state(daemon: Daemon) -> None:
    """Together with pages; nobody is in a state that nobody is in."""
    assert names(daemon, "?state=Stalled") == (["p3"], None)
    assert names(daemon, "?state=Ready&limit=3") == (["p0", "p1", "p2"], "p2")
    assert names(daemon, "?state=Held") == ([], None)


@pytest.mark.parametrize("query", ["?state=ready", "?state=", "?limit=-1", "?limit=x", "?page=2"])
def test_what_means_nothing_is_refused(daemon: Daemon, query: str) -> None:
    """A word that is misspelt would look like an empty fleet."""
    with pytest.raises(ServiceError):
        daemon.ask().get(f"/v1/status{query}")


def test_one_that_is_not_served_is_not_there(daemon: Daemon) -> None:
    """Neither by its own path nor by none."""
    for query in ("?project=/nowhere", "?project="):
        with pytest.raises(UsageError):
            daemon.ask().get(f"/v1/status{query}")
    assert daemon.ask().project("/nowhere") is None


def test_the_command_asks_for_pages(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status --all` gets all of them, whatever the size of a page."""
    monkeypatch.setattr("micropkgd.service.client._PAGE", 2)
    rows = [Path(row["project"]).name for row in daemon.ask().projects()]
    assert rows == ["p0", "p1", "p2", "p3", "p4"]


def test_a_path_of_any_bytes_is_asked_for(tmp_path: Path) -> None:
    """A name that is no UTF-8 is one all the same."""
    world = served(tmp_path / "src\udcff")
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src*/*"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        assert [row["project"] for row in daemon.ask().projects()] == [str(world.root)]
