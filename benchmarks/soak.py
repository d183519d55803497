"""Live with the service for a while: `python -m benchmarks.soak [--minutes 5] [--projects 8] [--seed 1]`.

Random saves, edits of installed files, new archives at the sources, outages, broken manifests, kills, signals and moved
folders, one every few hundred milliseconds. At the end everything is mended and left alone, and then it must hold that

- every project is in sync, `verify` finds what the lock says but for edits, and one more pass writes nothing;
- every edit that a person made is in the tree, in what was laid beside, or in what was kept;
- memory, descriptors and threads of the service are what they were after the first minute.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.kit.daemon import Daemon, served
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

_PAUSE = 0.25  # seconds between two deeds, on average
_ROW = '"dist/ds.tar.gz" = {}'


class Use(NamedTuple):
    """What the process uses."""

    memory: float  # MiB
    descriptors: int
    threads: int


class Soak:
    """One run."""

    def __init__(self, folder: Path, projects: int, seed: int, remote: FaultServer) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        self.remote = remote
        self.worlds = [served(folder / "src", number) for number in range(projects)]
        self.edits: dict[int, set[str]] = {number: set() for number in range(projects)}
        self.numbers = iter(range(10**9))
        self.done: Counter[str] = Counter()
        for number in range(projects):
            self.publish(number)
            self.mend(number)

    def config(self) -> str:
        """Often asked, so that much happens."""
        return f'projects = ["{self.folder}/src/*"]\nevery = "3s"\njitter = "1s"\nscan-every = "20s"\n'

    def deed(self, daemon: Daemon) -> None:
        """Do one thing that may happen to a service."""
        number = self.chance.randrange(len(self.worlds))
        weighted = {
            self.save_module: 8, self.edit_installed: 4, self.publish: 6, self.publish_local: 4, self.fail_source: 3,
            self.break_manifest: 2, self.mend: 3, self.remove_installed: 2, self.remove_state: 1,
            self.slow_source: 2, self.work_in_new_folder: 3, self.exchange_module: 1,
        }  # fmt: skip
        deed = self.chance.choices(list(weighted), list(weighted.values()))[0]
        self.done[deed.__name__] += 1
        deed(number)
        if self.chance.random() < 0.02:
            self.done["signal"] += 1
            daemon.process.send_signal(self.chance.choice([signal.SIGUSR1, signal.SIGHUP]))

    def save_module(self, number: int) -> None:
        """Somebody works on the module that is packaged."""
        self.worlds[number].write("src/shop/pipelines/features/nodes.py", f"a = {next(self.numbers)}\n")

    def edit_installed(self, number: int) -> None:
        """Somebody edits a file that was pulled: these bytes must never be lost."""
        world, text = self.worlds[number], f"mine = {next(self.numbers)}\n"
        path = world.root / "src/shop/ds/edited.py"
        if path.exists():
            world.write("src/shop/ds/edited.py", path.read_text() + text)
            self.edits[number].add(text)

    def publish(self, number: int) -> None:
        """A new version at the remote source."""
        data = archive({"far.py": f"y = {next(self.numbers)}\n"}, "1.0")
        self.remote.script(f"/far{number}.tar.gz", Reply(200, data))

    def publish_local(self, number: int) -> None:
        """A new version of the local archive, which changes another line than people edit."""
        lines = "".join(f"line{n} = 0\n" for n in range(10))
        self.worlds[number].publish({"edited.py": f"first = {next(self.numbers)}\n{lines}"})

    def fail_source(self, number: int) -> None:
        """The remote source is out of order."""
        self.remote.script(f"/far{number}.tar.gz", self.chance.choice([Reply(503), Reply(404), Reply(reset=True)]))

    def slow_source(self, number: int) -> None:
        """The remote source takes seconds for a few bytes."""
        data = archive({"far.py": f"y = {next(self.numbers)}\n"}, "1.0")
        self.remote.script(f"/far{number}.tar.gz", Reply(200, data, rate_limit=(64, 0.5)))

    def work_in_new_folder(self, number: int) -> None:
        """Folders of the module come, with files in them, and go."""
        folder = self.worlds[number].root / f"src/shop/pipelines/features/part{self.chance.randrange(3)}"
        if folder.exists():
            shutil.rmtree(folder)
        else:
            (folder / "deep").mkdir(parents=True)
            (folder / "deep/code.py").write_text(f"c = {next(self.numbers)}\n")

    def exchange_module(self, number: int) -> None:
        """As a checkout does: another folder comes under the name of the module."""
        world = self.worlds[number]
        module, other = world.root / "src/shop/pipelines/features", world.root / f"old{next(self.numbers)}"
        shutil.copytree(module, other)
        gone = world.root / f"gone{next(self.numbers)}"
        module.rename(gone)
        other.rename(module)
        shutil.rmtree(gone)

    def break_manifest(self, number: int) -> None:
        """Saved in the middle of typing."""
        self.worlds[number].write("pyproject.toml", "[tool.kedro\n")

    def mend(self, number: int) -> None:
        """The manifest as it should be."""
        rows = f'{_ROW}\n"{self.remote.url(f"/far{number}.tar.gz")}" = {{alias = "far"}}'
        world = self.worlds[number]
        world.manifest(f'{rows}\n[tool.micropkgd.package]\n"pipelines.features" = {{}}')

    def remove_installed(self, number: int) -> None:
        """Somebody removes a file that was pulled."""
        (self.worlds[number].root / "src/shop/ds/__init__.py").unlink(missing_ok=True)

    def remove_state(self, number: int) -> None:
        """`git clean -fdx`, but for what people must not lose."""
        for name in ("state.json", "settled", "builds.json"):
            (self.worlds[number].root / ".micropkgd" / name).unlink(missing_ok=True)

    def lost(self) -> list[str]:
        """The edits that are nowhere."""
        missing = []
        for number, texts in self.edits.items():
            bytes_ = b"".join(
                path.read_bytes() for path in sorted(self.worlds[number].root.rglob("*")) if path.is_file()
            )
            missing += [f"{number}: {text}" for text in texts if text.encode() not in bytes_]
        return missing


def use_of(pid: int) -> Use:
    """What a process uses now."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return Use(
        int(line.split()[1]) / 1024, len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))
    )  # fmt: skip


def main(minutes: float, projects: int, seed: int) -> int:
    """Soak, and say what was found: 0 where everything holds."""
    folder = Path(tempfile.mkdtemp())
    problems: list[str] = []
    with FaultServer() as remote:
        soak = Soak(folder, projects, seed, remote)
        with Daemon(folder / "d", soak.config()) as daemon:
            end, kills, uses = time.monotonic() + minutes * 60, 0, [use_of(daemon.process.pid)]
            next_kill, next_look = time.monotonic() + 45, time.monotonic() + 10
            while time.monotonic() < end:
                soak.deed(daemon)
                time.sleep(soak.chance.expovariate(1 / _PAUSE))
                if time.monotonic() > next_look:
                    next_look += 10
                    uses.append(use_of(daemon.process.pid))
                if time.monotonic() > next_kill and minutes * 60 > 90 and kills < 3:
                    kills, next_kill = kills + 1, time.monotonic() + 30
                    daemon.end(signal.SIGKILL)
                    daemon.start()
                    uses = []
            for number, _ in enumerate(soak.worlds):
                soak.publish(number)
                soak.mend(number)
            daemon.ask().post("/v1/trigger", {})
            problems += settled(soak, daemon)
            time.sleep(3)  # watches that have one after them end
            uses.append(use_of(daemon.process.pid))
            if daemon.end() != 0:
                problems.append("it did not end with 0")
            text = daemon.log.read_text()
            problems += [line for line in text.splitlines() if "Bug" in line or "Traceback" in line][:5]
        problems += [f"lost: {text}" for text in soak.lost()]
        for world in soak.worlds:
            problems += quiet(daemon, world)
    print(f"{minutes:g} minutes, {projects} projects, seed {seed}: {sum(soak.done.values())} deeds, {kills} kills")
    print(", ".join(f"{count} {name}" for name, count in soak.done.most_common()))
    print(f"memory {uses[0].memory:.0f} -> {uses[-1].memory:.0f} MiB, descriptors {uses[0].descriptors} -> "
          f"{uses[-1].descriptors}, threads {uses[0].threads} -> {uses[-1].threads}; "
          f"{sum(map(len, soak.edits.values()))} edits, all found")  # fmt: skip
    for problem in problems:
        print(f"PROBLEM {problem}")
    shutil.rmtree(folder)
    return 1 if problems else 0


def settled(soak: Soak, daemon: Daemon) -> list[str]:
    """What is not in sync a while after all was mended."""
    problems = []
    deadline = time.monotonic() + 90
    for world in soak.worlds:
        while True:
            status = daemon.status(world.root)
            state = status["standing"]["state"] if status else "not served"
            if status and state in {"Ready", "Held"} and not status["running"]:
                break
            if time.monotonic() > deadline:
                problems.append(f"{world.root} is {state}: {status and status['standing']}")
                break
            time.sleep(0.1)
    return problems


def quiet(daemon: Daemon, world: World) -> list[str]:
    """What another pass would still do."""
    daemon.command("reconcile", "--once", cwd=world.root)
    before = world.stamps()
    said = daemon.command("reconcile", "--once", cwd=world.root)
    problems = [] if world.stamps() == before else [f"{world.root}: a pass with nothing to do wrote something"]
    if said.returncode not in {0, 4}:
        problems.append(f"{world.root}: {said.returncode} {said.stdout} {said.stderr}")
    return problems


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--projects", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(main(options.minutes, options.projects, options.seed))
