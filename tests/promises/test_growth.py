"""Cost grows with what there is, not with its square: the same work at two sizes, measured by what it used.

Processor time and counts are compared, never the clock on the wall: a busy machine makes both sizes slower alike. Every
start has a part that does not grow, so work that is linear costs less than its size says, and what is quadratic more.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from micropkgd.actions.status import project_status
from tests.kit.daemon import PATIENCE, Daemon, served, until
from tests.kit.site import config, listening
from tests.kit.world import World

SLACK = 1.5  # what work that is linear may cost more than its size says: larger tables, a busy machine
STEADY = 1.08  # what one more may cost where there are many, in lines that are run: these do not depend on the machine
TICKS = os.sysconf("SC_CLK_TCK")
FEW, MANY = 40, 160  # projects of a service
FEWER, MORE = 21, 321  # entries of a project, or files of an entry

# The pool is loaded once, and only where files are many: that is no cost of one more.
COUNTING = """
import concurrent.futures.thread, itertools, sys, threading
counter = itertools.count()
def line(frame, event, argument):
    if event == "line":
        next(counter)
    return line
threading.settrace(line)
sys.settrace(line)
from micropkgd.cli.run import run
code = run(sys.argv[1:])
sys.settrace(None)
sys.stderr.write(f"\\n{next(counter)}")
"""


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


def pulled(root: Path, entries: int, files: int) -> World:
    """A project that asks for so many archives of so many files."""
    world = World(root)
    for number in range(entries):
        world.publish(
            {f"m{one}.py": f"from ds import m0\nx = {one}\n" for one in range(files)}, to=f"dist/d{number}.tar.gz"
        )
    world.manifest("\n".join(f'"dist/d{number}.tar.gz" = {{alias = "e{number}"}}' for number in range(entries)))
    return world


def steps(world: World, command: str) -> int:
    """How many lines of Python a command runs: a count, whatever else the machine does."""
    ended = subprocess.run(
        [sys.executable, "-c", COUNTING, *command.split()], cwd=world.root, capture_output=True, text=True, check=True
    )  # fmt: skip
    return int(ended.stderr.split()[-1])


class Sizes(NamedTuple):
    """Three projects alike but for their size, in sync, and how many lines the first pull of each ran."""

    worlds: tuple[World, ...]
    first: list[int]

    def steps(self, command: str) -> list[int]:
        """Of a command in each of them."""
        return [steps(world, command) for world in self.worlds]


def holds_steady(one: int, few: int, many: int) -> bool:
    """Whether one more costs the same where there are many as where there are few."""
    return (many - few) / (MORE - FEWER) <= STEADY * (few - one) / (FEWER - 1)


@pytest.fixture(scope="module", params=["entries", "files"])
def sizes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sizes:
    """One, few, and many entries, or files of one entry."""
    numbers = [(size, 2) if request.param == "entries" else (1, size) for size in (1, FEWER, MORE)]
    worlds = tuple(pulled(tmp_path_factory.mktemp("world"), *size) for size in numbers)
    return Sizes(worlds, [steps(world, "reconcile --once") for world in worlds])


def test_a_first_pull_costs_the_same_for_each(sizes: Sizes) -> None:
    """Resolving, staging, committing and remembering: none of them looks at all others for one."""
    assert holds_steady(*sizes.first), sizes.first


LOOKS = ("reconcile --once", "lock --check", "verify", "status", "status --json", "outdated")


@pytest.mark.parametrize("command", LOOKS)
def test_what_looks_costs_the_same_for_each(sizes: Sizes, command: str) -> None:
    """A pass with nothing to do, and whatever asks about a project."""
    found = sizes.steps(command)

    assert holds_steady(*found), found


@pytest.mark.parametrize("command", ["reconcile --once", "lock --check"])
def test_a_whole_pass_costs_the_same_for_each(sizes: Sizes, command: str) -> None:
    """One that has to look, for a document was touched. What it left for the next was quadratic in the entries."""
    for world in sizes.worlds:
        os.utime(world.root / "pyproject.toml")
    found = sizes.steps(command)

    assert holds_steady(*found), found


def test_metrics_tell_a_few_rows_of_each_project(tmp_path: Path) -> None:
    """Of one in sync: its state, its entries, its passes, when it last went well; not each state that it is not in."""
    fleet(tmp_path, 4)
    with Daemon(tmp_path, config(tmp_path)) as daemon:
        site = listening(daemon, "http.probes")
        until(lambda: bool(daemon.ask().get("/readyz")["ok"]))
        rows = site.get("/metrics", token="").body.decode().splitlines()

    for number in range(4):
        told = [row for row in rows if f'project="{tmp_path}/src/p{number}"' in row]
        assert 3 <= len(told) <= 6, told


def test_too_many_files_are_counted_and_not_read(tmp_path: Path) -> None:
    """A module of 20,000 files is refused by what a look at its folders says: no file of it is opened."""
    world = World(tmp_path / "shop")
    world.write("src/shop/pipelines/fe/__init__.py", "__version__ = '1.0'\n")
    folder = world.root / "src/shop/pipelines/fe"
    for number in range(10_001):
        os.mknod(folder / f"m{number}.py")
        os.chmod(folder / f"m{number}.py", 0)
    said = world.spawn("package", "pipelines.fe")

    assert (said.returncode, "more than 10,000 files" in said.stdout) == (1, True), said
