"""The watch over real folders while it is exchanged for another one: nothing that was saved goes unseen."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from micropkgd.service.watching import events
from micropkgd.service.watching.events import Watcher
from tests.kit.daemon import PATIENCE


class Seen:
    """A watcher, and what it told."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.degraded: list[str] = []
        self._armed = asyncio.Event()
        self.overflown = asyncio.Event()
        self.watcher = Watcher(self.paths.update, self._armed.set, self.overflown.set, self.degraded.append)

    async def watch(self, *folders: Path) -> None:
        """Watch these folders from now on."""
        self._armed.clear()
        self.watcher.set_folders(map(str, folders))
        await asyncio.wait_for(self._armed.wait(), PATIENCE)

    async def until_seen(self, path: Path) -> None:
        """Wait until a change of a path was told."""
        async with asyncio.timeout(PATIENCE):
            while str(path) not in self.paths:
                await asyncio.sleep(0.01)


def watching(work: Callable[[Seen], Awaitable[None]]) -> Seen:
    """Do something while a watcher runs."""

    async def main() -> Seen:
        seen = Seen()
        running = asyncio.create_task(seen.watcher.run())
        await work(seen)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return seen

    return asyncio.run(main())


def test_what_was_saved_just_before_another_folder_came_is_told(tmp_path: Path) -> None:
    """The watch that ends has seen it, the one that follows has not."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()

    async def work(seen: Seen) -> None:
        await seen.watch(one)
        (one / "saved.py").write_text("a = 1\n")
        await seen.watch(one, two)
        await seen.until_seen(one / "saved.py")

    watching(work)


def test_a_folder_that_goes_while_the_watch_is_made_costs_no_other_its_watch(tmp_path: Path) -> None:
    """A checkout does that all the time."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()

    async def work(seen: Seen) -> None:
        seen.watcher.set_folders([str(one), str(two)])
        two.rmdir()  # before the loop goes on to make the watch
        await asyncio.sleep(0)
        await seen.watch(one)
        (one / "saved.py").write_text("a = 1\n")
        await seen.until_seen(one / "saved.py")

    assert watching(work).degraded == []


def test_a_folder_that_was_moved_away_and_back_is_watched_again(tmp_path: Path) -> None:
    """It is the same folder under the same name, and its watch went all the same, with those of all below it."""
    project, dist = tmp_path / "shop", tmp_path / "shop/dist"
    dist.mkdir(parents=True)

    async def work(seen: Seen) -> None:
        folders = (tmp_path, project, dist)
        await seen.watch(*folders)
        project.rename(tmp_path / "away")
        await seen.until_seen(project)
        (tmp_path / "away").rename(project)
        seen.paths.clear()
        await seen.until_seen(project)
        await seen.watch(*folders)
        (dist / "ds.tar.gz").write_bytes(b"")
        await seen.until_seen(dist / "ds.tar.gz")

    watching(work)


def test_more_events_than_can_be_trusted_are_an_overflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some may be missing, so nobody is told which they were: everything is looked at (docs/faults.md, F53)."""
    monkeypatch.setattr(events, "_MANY", 3)

    async def work(seen: Seen) -> None:
        await seen.watch(tmp_path)
        for number in range(9):
            (tmp_path / f"{number}.py").write_text("a = 1\n")
        await asyncio.wait_for(seen.overflown.wait(), PATIENCE)

    watching(work)
