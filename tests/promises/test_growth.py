"""Cost grows with what there is, not with its square: the same work at two sizes, measured by what it used.

Processor time and counts are compared, never the clock on the wall: a busy machine makes both sizes slower alike. Every
start has a part that does not grow, so work that is linear costs less than its size says, and what is quadratic more.
"""

import json
import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from micropkgd.actions.status import project_status
from tests.kit.daemon import PATIENCE, Daemon, served
from tests.kit.world import World

SLACK = 1.5  # what work that is linear may cost more than its size says: larger tables, a busy machine
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


def grown(root: Path, entries: int) -> World:
    """A project with so many pull entries: one is really pulled, and the others are written after it."""
    world = World(root)
    world.publish({"nodes.py": "x = 1\n"})
    world.asks_for(alias="e0")
    assert world.spawn("reconcile", "--once").returncode == 0
    refs = {f"dist/ds{number}.tar.gz": f"e{number}" for number in range(1, entries)}
    with (root / "pyproject.toml").open("a") as manifest:
        manifest.writelines(f'"{ref}" = {{alias = "{name}"}}\n' for ref, name in refs.items())
    _, head, block = (root / "micropkg.lock").read_text().partition("[[packages]]")
    with (root / "micropkg.lock").open("a") as lock:
        for ref, name in refs.items():
            lock.write("\n" + head + block.replace("dist/ds.tar.gz", ref).replace("src/shop/e0", f"src/shop/{name}"))
    memory = root / ".micropkgd/state.json"
    state = json.loads(memory.read_text())
    (standing,) = state["standing"].values()
    state["standing"] |= {f"{ref} -> src/shop/{name}": standing for ref, name in refs.items()}
    memory.write_text(json.dumps(state))
    return world


def seconds(work: Callable[[], object]) -> float:
    """Processor time of the least of three runs in this process."""
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def test_status_costs_the_same_for_each_entry(tmp_path: Path) -> None:
    """It was quadratic: each entry looked for its own through those of all."""
    few, many = 400, 4000
    roots = [str(grown(tmp_path / str(entries), entries).root) for entries in (few, many)]
    assert [len(project_status(root).entries) for root in roots] == [few, many]
    less, more = (seconds(partial(project_status, root)) for root in roots)

    assert more / less < SLACK * many / few, (less, more)
