"""What the service costs while nothing happens, and how quickly it acts: `python -m benchmarks.service [PROJECTS]`.

Idle: CPU and memory of the service with so many projects over a minute, beside a process that only watches the same
folders with watchfiles. Saves: from the end of the write to the new archive on disk, beside the bare event of
watchfiles for the same save. Webhooks: from the request to the installed file.
"""

import asyncio
import hashlib
import hmac
import json
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kit.daemon import Daemon, served
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import archive

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event as Flag

_IDLE = 60.0  # seconds
_SAVES = 60
_HOOKS = 40
_TICKS = os.sysconf("SC_CLK_TCK")


def main(projects: int) -> None:
    """Measure, and print a table."""
    folder = Path(tempfile.mkdtemp())
    try:
        worlds = [served(folder / "src", number) for number in range(projects)]
        secret = folder / "secret"
        secret.write_text("s3cret-of-the-sender")
        config = (
            f'projects = ["{folder}/src/*"]\nevery = "5m"\nhttp.listen = "127.0.0.1:0"\n'
            f'[[webhook]]\nname = "w"\nsecret-file = "{secret}"\nprojects = ["{folder}/src/p1"]\n'
        )
        with FaultServer() as remote, Daemon(folder / "d", config) as daemon:
            for world in worlds:
                daemon.ready(world.root)
            listening = daemon.until("Listening")["message"]
            idle(daemon.process.pid, projects, [world.root / "src/shop/pipelines/features" for world in worlds])
            world = worlds[0]
            module, packed = (
                world.root / "src/shop/pipelines/features/nodes.py",
                world.root / "dist/features-0.1.tar.gz",
            )
            saves = [until_changed(packed, partial(save, module, number)) for number in range(_SAVES)]
            events = bare_events(module.parent, _SAVES)
            row("save -> archive on disk", saves, "bare event", events)
            target = worlds[1]
            numbers = iter(range(10_000))

            def change() -> bytes:
                text = f"x = {next(numbers)}\n".encode()
                remote.script("/ds.tar.gz", Reply(200, archive({"n.py": text}, "1.0")))
                post(f"{listening}/hooks/w", secret.read_text())
                return text

            target.asks_for(remote.script("/ds.tar.gz", Reply(200, archive({"n.py": "x = -1\n"}))))
            daemon.until("Installed", target.root, subject="ds.tar.gz")
            hooks = [until_content(target.root / "src/shop/ds/n.py", change) for _ in range(_HOOKS)]
            row("webhook -> file in place", hooks, "", [])
    finally:
        shutil.rmtree(folder)


def idle(pid: int, projects: int, folders: Sequence[Path]) -> None:
    """CPU and memory over a minute, of the service and of a bare watcher."""
    bare = multiprocessing.get_context("spawn").Process(target=watched, args=([str(one) for one in folders], None))
    bare.start()
    time.sleep(5)
    assert bare.pid is not None
    before, before_bare = cpu(pid), cpu(bare.pid)
    time.sleep(_IDLE)
    mine, others = cpu(pid) - before, cpu(bare.pid) - before_bare
    print(f"idle, {projects} projects, {_IDLE:.0f} s: CPU {mine / _IDLE:.2%}, memory {memory(pid):.0f} MiB")
    print(f"  bare watchfiles on the same modules: CPU {others / _IDLE:.2%}, memory {memory(bare.pid):.0f} MiB")
    print(f"  threads {len(os.listdir(f'/proc/{pid}/task'))}, descriptors {len(os.listdir(f'/proc/{pid}/fd'))}")
    bare.kill()
    bare.join()


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> float:
    """Resident memory, MiB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def save(path: Path, number: int) -> None:
    """Save as editors do."""
    beside = path.with_name(".save.tmp")
    beside.write_text(f"a = {number}\n")
    beside.rename(path)


def until_changed(path: Path, change: Callable[[], None]) -> float:
    """Milliseconds from a change to another file in place."""
    before = path.stat().st_ctime_ns
    rest()
    began = time.perf_counter()
    change()
    while not path.exists() or path.stat().st_ctime_ns == before:
        time.sleep(0.0005)
        assert time.perf_counter() - began < 30
    return (time.perf_counter() - began) * 1000


def until_content(path: Path, change: Callable[[], bytes]) -> float:
    """Milliseconds from a change to the bytes that it asks for."""
    rest()
    began = time.perf_counter()
    wanted = change()
    while path.read_bytes() != wanted:
        time.sleep(0.0005)
        assert time.perf_counter() - began < 30
    return (time.perf_counter() - began) * 1000


def bare_events(folder: Path, saves: int) -> list[float]:
    """Milliseconds from a save to the event that watchfiles gives for it, with the service's own settings."""
    context = multiprocessing.get_context("spawn")
    seen = context.Event()
    watcher = context.Process(target=watched, args=([str(folder)], seen))
    watcher.start()
    time.sleep(2)
    found = []
    for number in range(saves):
        seen.clear()
        rest()
        began = time.perf_counter()
        save(folder / "nodes.py", 1000 + number)
        seen.wait(10)
        found.append((time.perf_counter() - began) * 1000)
    watcher.kill()
    watcher.join()
    return found


def rest() -> None:
    """Let everything come to rest, for no round time: a watch looks twenty times a second."""
    time.sleep(0.4 + random.random() * 0.05)


def post(url: str, secret: str) -> None:
    """Send a webhook as GitHub signs it."""
    body = json.dumps({"action": "published"}).encode()
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={mac}"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        answer.read()


def row(what: str, found: Sequence[float], other: str, others: Sequence[float]) -> None:
    """One line of the table."""
    middle = statistics.median(found)
    line = f"{what}: median {middle:.0f} ms, p99 {sorted(found)[int(len(found) * 0.99)]:.0f} ms"
    if others:
        floor = statistics.median(others)
        line += f"; {other}: median {floor:.0f} ms; ratio {middle / floor:.1f}"
    print(line)


def watched(folders: list[str], seen: "Flag | None") -> None:
    """Watch folders for ever, and say of each event that it came."""
    import watchfiles

    async def run() -> None:
        async for _ in watchfiles.awatch(*folders, recursive=False, debounce=200, step=50, rust_timeout=60_000):
            if seen is not None:
                seen.set()

    asyncio.run(run())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
