"""Rows of the service: how soon a save is packaged, and what it costs while nothing happens."""

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.contest import OURS, Goal, Line
from benchmarks.service import bare_events, cpu, memory, until_changed, watched
from benchmarks.service import save as save_file
from tests.kit.daemon import Daemon, served

_SAVES: Final = 20
_PROJECTS: Final = 100
_IDLE: Final = 30.0  # seconds


def save(folder: Path) -> Iterator[Line]:
    """From a save to the new archive on disk, beside the bare event of watchfiles."""
    world = served(folder / "src", 0)
    module, packed = world.root / "src/shop/pipelines/features/nodes.py", world.root / "dist/features-0.1.tar.gz"
    with Daemon(folder / "d", f'projects = ["{folder}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        spans = {OURS: [until_changed(packed, partial(save_file, module, number)) for number in range(_SAVES)]}
        spans["bare event"] = bare_events(module.parent, _SAVES)
    seconds = {name: statistics.median(found) / 1000 for name, found in spans.items()}
    yield Line("save -> archive on disk", seconds, (Goal("bare event", 55 / 29),))


def idle(folder: Path) -> Iterator[Line]:
    """What a second of rest costs the service, beside a process that watches the same folders with watchfiles."""
    worlds = [served(folder / "src", number) for number in range(_PROJECTS)]
    modules = [str(world.root / "src/shop/pipelines/features") for world in worlds]
    with Daemon(folder / "d", f'projects = ["{folder}/src/*"]\nevery = "1d"\n') as daemon:
        for world in worlds:
            daemon.ready(world.root)
        bare = multiprocessing.get_context("spawn").Process(target=watched, args=(modules, None))
        bare.start()
        time.sleep(5)
        assert bare.pid is not None
        before = [cpu(pid) for pid in (daemon.process.pid, bare.pid)]
        time.sleep(_IDLE)
        ours, theirs = (
            (cpu(pid) - used) / _IDLE for pid, used in zip((daemon.process.pid, bare.pid), before, strict=True)
        )
        note = f"memory {memory(daemon.process.pid):.0f} MiB, beside {memory(bare.pid):.0f}"
        bare.kill()
        bare.join()
    yield Line(f"a second of rest, {_PROJECTS} projects", {OURS: ours, "bare watchfiles": theirs}, note=note)
