"""Cost grows with what there is, not with its square: the same work at two sizes, measured by what it used.

Processor time and counts are compared, never the clock on the wall: a busy machine makes both sizes slower alike. Every
start has a part that does not grow, so work that is linear costs less than its size says, and what is quadratic more.
"""

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.kit.daemon import PATIENCE, Daemon, served

TICKS = os.sysconf("SC_CLK_TCK")
FEW, MANY = 40, 160


def fleet(folder: Path, projects: int) -> list[Path]:
    """So many copies of one project."""
    one = served(folder / "one").root
    roots = [folder / f"src/p{number}" for number in range(projects)]
    for root in roots:
        shutil.copytree(one, root)
    return roots


def used(pid: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def watches(pid: int) -> list[int]:
    """How many folders each instance of inotify of a process watches."""
    found = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            if os.readlink(f"/proc/{pid}/fd/{descriptor}") == "anon_inode:inotify":
                found.append(Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().count("inotify wd:"))
        except FileNotFoundError:  # it was closed meanwhile
            continue
    return found


class Start:
    """What the start of a service with so many projects used, until each was looked at and nothing was left to do."""

    def __init__(self, folder: Path, projects: int) -> None:
        roots = fleet(folder, projects)
        self.watched: list[list[int]] = []
        with Daemon(folder / "d", f'projects = ["{folder}/src/*"]\nevery = "1d"\nscan-every = "1d"\n') as daemon:
            deadline = time.monotonic() + 2 * PATIENCE
            while not daemon.ask().get("/readyz")["ok"]:
                self.watched.append(watches(daemon.process.pid))
                assert time.monotonic() < deadline, daemon.log.read_text()
                time.sleep(0.1)
            daemon.ready(roots[-1])
            self.watched.append(watches(daemon.process.pid))
            self.cpu = used(daemon.process.pid)


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Start, Start]:
    """Of few projects, and of four times as many."""
    return Start(tmp_path_factory.mktemp("few"), FEW), Start(tmp_path_factory.mktemp("many"), MANY)


def test_a_start_costs_the_same_for_each_project(starts: tuple[Start, Start]) -> None:
    """It was quadratic: each first pass made the whole watch anew."""
    few, many = starts

    assert many.cpu / few.cpu < MANY / FEW, (few.cpu, many.cpu)


def test_a_start_takes_the_watches_that_stay(starts: tuple[Start, Start]) -> None:
    """And one instance of the hundred and some that all programs of a user share."""
    for start in starts:
        assert max(map(len, start.watched)) == 1
        assert max(map(sum, start.watched)) == sum(start.watched[-1])
