"""What many projects, and many entries of one, cost: `python -m benchmarks.growth [PROJECTS ...]`.

For each number of projects a service is started twice: over copies that no pass has seen, and again over them. It is
said how long it took until each was looked at and how much processor time until nothing was left to do; what stays of
memory, watches, threads and descriptors; what a minute of rest, a config that is read again, the answers to
`/v1/status`, `/` and `/metrics`, and the command `status --all` cost.
Then one project with so many entries, and one entry with so many files. The table is that of docs/scale.md.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.kit.daemon import Daemon, rests, served
from tests.kit.site import config, listening
from tests.kit.world import World, archive

_PROJECTS: Final = (10, 100, 1000, 2000)
_ENTRIES: Final = (10, 100, 1000, 10_000)
_FILES: Final = 20_000
_IDLE: Final = 60.0  # seconds
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PATIENCE: Final = 3600.0  # seconds


class Row(NamedTuple):
    """One line of the table of projects."""

    projects: int
    cold: str
    warm: str
    stays: str
    idle: str
    reload: str
    status: str
    page: str
    metrics: str
    status_all: str


def main(sizes: tuple[int, ...]) -> None:
    """Measure, and print the tables line by line."""
    print(f"| {' | '.join(Row._fields)} |\n|{'---:|' * len(Row._fields)}", flush=True)
    for projects in sizes:
        with tempfile.TemporaryDirectory() as folder:
            print(f"| {' | '.join(map(str, of_projects(Path(folder), projects)))} |", flush=True)
    commands = ("reconcile --once", " reconcile --once", "status", "lock --check", "verify")
    print(f"| of one project | {' | '.join(commands)} |\n|---|{'---:|' * len(commands)}", flush=True)
    for size in _ENTRIES:
        for entries, files in ((size, 2), (1, min(2 * size, _FILES))):
            with tempfile.TemporaryDirectory() as folder:
                world = pulled(Path(folder) / "shop", entries, files)
                spent = [f"{used_by(world, command):.2f} s" for command in commands]
                print(f"| {entries:,} x {files:,} files | {' | '.join(spent)} |", flush=True)


def of_projects(folder: Path, projects: int) -> Row:
    """Start a service over so many projects, twice."""
    one = served(folder / "one").root
    for number in range(projects):
        shutil.copytree(one, folder / f"src/p{number}")
    with Daemon(folder, config(folder, "", projects="src/*")) as daemon:
        cold = started(daemon)
        daemon.end()
    with Daemon(folder, config(folder, "", projects="src/*")) as daemon:
        warm = started(daemon)
        idle, switches = resting(daemon.process.pid)
        stays = what_stays(daemon.process.pid)
        reload = reloaded(daemon)
        site = listening(daemon, "http.listen")
        status = asked(daemon, lambda: len(site.get("/v1/status").body))
        page = asked(daemon, lambda: len(site.get("/").body))
        metrics = asked(daemon, lambda: len(site.get("/metrics").body))
        before = os.times().children_user
        daemon.command("status", "--all", cwd=folder)
        everything = f"{os.times().children_user - before:.2f} s"
    rest = f"{idle:.2f} ms/s, {switches:.1f} wake-ups/s"
    return Row(projects, cold, warm, stays, rest, reload, status, page, metrics, everything)


def started(daemon: Daemon) -> str:
    """Wait until each was looked at, and then until nothing is left to do."""
    began, pid = time.monotonic(), daemon.process.pid
    while not daemon.ask().get("/startupz")["ok"]:
        time.sleep(0.2)
        assert time.monotonic() - began < _PATIENCE
    took, used = time.monotonic() - began, -1.0
    while cpu(pid) - used > 0.05:
        used = cpu(pid)
        time.sleep(2)
    return f"{took:.1f} s, {cpu(pid):.1f} s CPU"


def resting(pid: int) -> tuple[float, float]:
    """Processor time and wake-ups of a second in which nothing happens."""
    before, woken = cpu(pid), wake_ups(pid)
    time.sleep(_IDLE)
    return 1000 * (cpu(pid) - before) / _IDLE, (wake_ups(pid) - woken) / _IDLE


def reloaded(daemon: Daemon) -> str:
    """Let it read its config again, and wait until each project had the pass that follows."""
    began, before = time.monotonic(), cpu(daemon.process.pid)
    daemon.ask().reload()
    took = time.monotonic() - began
    while not all(map(rests, daemon.ask().projects())):
        time.sleep(3)
    return f"{took:.1f} s, {cpu(daemon.process.pid) - before:.2f} s CPU"


def what_stays(pid: int) -> str:
    """Memory, watches, threads and descriptors."""
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    watches = sum(path.read_text().count("inotify wd:") for path in Path(f"/proc/{pid}/fdinfo").iterdir())
    threads, descriptors = (len(os.listdir(f"/proc/{pid}/{name}")) for name in ("task", "fd"))
    return f"{memory // 1024} MiB, {watches:,} watches, {threads} threads, {descriptors} descriptors"


def asked(daemon: Daemon, ask: Callable[[], int]) -> str:
    """The size of an answer, and what it cost the service."""
    before = cpu(daemon.process.pid)
    size = ask()
    return f"{size / 1024:,.0f} KiB, {1000 * (cpu(daemon.process.pid) - before):.0f} ms"


def pulled(root: Path, entries: int, files: int) -> World:
    """A project that asks for so many archives of so many files."""
    world = World(root)
    data = archive({f"m{one}.py": f"from ds import m0\nx = {one}\n" for one in range(files)})
    for number in range(entries):
        world.write(f"dist/d{number}.tar.gz", data)
    world.manifest("\n".join(f'"dist/d{number}.tar.gz" = {{alias = "e{number}"}}' for number in range(entries)))
    return world


def used_by(world: World, command: str) -> float:
    """Processor time of one command."""
    before = os.times()
    arguments = [sys.executable, "-m", "micropkgd", *command.split()]
    subprocess.run(arguments, cwd=world.root, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def wake_ups(pid: int) -> int:
    """How often the threads of a process have waited and gone on."""
    texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("voluntary_ctxt")]
    return sum(int(line.split()[1]) for line in lines)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or _PROJECTS)
