"""The watch over real folders, while they come, go and are exchanged: nothing that was saved goes unseen."""

import asyncio
import errno
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from micropkgd.service.watching import events, inotify
from micropkgd.service.watching.events import Watcher
from tests.kit.daemon import PATIENCE


class Seen:
    """A watcher, and what it told."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.degraded: list[str] = []
        self.overflown = asyncio.Event()
        self.watcher = Watcher(self.paths.update, self.overflown.set, self.degraded.append)

    async def watch(self, *folders: Path) -> set[str]:
        """Watch these folders, too, from now on."""
        return await asyncio.to_thread(self.watcher.add, list(map(str, folders)))

    async def until_seen(self, path: Path) -> None:
        """Wait until a change of a path was told."""
        async with asyncio.timeout(PATIENCE):
            while str(path) not in self.paths:
                await asyncio.sleep(0.01)


def watching(work: Callable[[Seen], Awaitable[None]]) -> Seen:
    """Do something while a watcher runs."""

    async def main() -> Seen:
        seen = Seen()
        seen.watcher.open()
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

    async def work(seen: Seen) -> None:
        assert await seen.watch(two, one) == {str(one)}
        (one / "saved.py").write_text("a = 1\n")
        await seen.until_seen(one / "saved.py")

    assert watching(work).degraded == []


def test_a_folder_that_was_moved_away_and_back_is_watched_again(tmp_path: Path) -> None:
    """It is the same folder under the same name, and what it says meanwhile is said of nothing."""
    project, dist = tmp_path / "shop", tmp_path / "shop/dist"
    dist.mkdir(parents=True)

    async def work(seen: Seen) -> None:
        folders = (tmp_path, project, dist)
        await seen.watch(*folders)
        project.rename(tmp_path / "away")
        await seen.until_seen(project)
        (tmp_path / "away/unseen.py").write_text("")
        (tmp_path / "away").rename(project)
        seen.paths.clear()
        await seen.until_seen(project)
        assert str(project / "unseen.py") not in seen.paths
        assert await seen.watch(*folders) == {str(project)}
        (project / "seen.py").write_text("")
        (dist / "ds.tar.gz").write_bytes(b"")
        await seen.until_seen(project / "seen.py")
        await seen.until_seen(dist / "ds.tar.gz")

    watching(work)


def test_a_folder_in_another_ones_place_is_a_new_one(tmp_path: Path) -> None:
    """Also where nothing that is watched could tell that it came; and one that went is told once."""
    project = tmp_path / "a/shop"
    project.mkdir(parents=True)
    (tmp_path / "b/shop").mkdir(parents=True)

    async def work(seen: Seen) -> None:
        assert await seen.watch(project) == {str(project)}
        assert await seen.watch(project) == set()
        (tmp_path / "a").rename(tmp_path / "c")
        (tmp_path / "b").rename(tmp_path / "a")
        assert await seen.watch(project) == {str(project)}
        (project / "saved.py").write_text("")
        await seen.until_seen(project / "saved.py")
        shutil.rmtree(project)
        await seen.until_seen(project)
        assert await seen.watch(project) == set()

    watching(work)


def test_two_names_of_one_folder_are_told_both(tmp_path: Path) -> None:
    """The kernel knows the folder alone; who came by the link looks for what is below the link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    async def work(seen: Seen) -> None:
        await seen.watch(tmp_path / "real", tmp_path / "link")
        (tmp_path / "real/a.py").write_text("")
        await seen.until_seen(tmp_path / "real/a.py")
        await seen.until_seen(tmp_path / "link/a.py")
        await asyncio.to_thread(seen.watcher.remove, [str(tmp_path / "real")])
        seen.paths.clear()
        (tmp_path / "real/b.py").write_text("")
        await seen.until_seen(tmp_path / "link/b.py")
        assert str(tmp_path / "real/b.py") not in seen.paths

    watching(work)


def test_what_is_watched_no_more_costs_nothing(tmp_path: Path) -> None:
    """The kernel's watch goes with the last name; removing what is not watched is no error."""

    async def work(seen: Seen) -> None:
        await seen.watch(tmp_path)
        assert watches() == (1, 1)
        await asyncio.to_thread(seen.watcher.remove, [str(tmp_path), "/nothing"])
        assert watches() == (1, 0)

    watching(work)


def test_only_what_finds_no_watch_is_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others keep their events; as soon as there is room, it is watched as they are (docs/faults.md, F54)."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    whole = inotify.Inotify.add

    def refuse(self: inotify.Inotify, folder: str) -> bool:
        if folder == str(two):
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(self, folder)

    async def work(seen: Seen) -> None:
        monkeypatch.setattr(inotify.Inotify, "add", refuse)
        assert await seen.watch(one, two) == {str(one), str(two)}
        assert [seen.watcher.is_scanned(str(folder)) for folder in (one, two)] == [False, True]
        (two / "saved.py").write_text("a = 1\n")
        await seen.until_seen(two / "saved.py")
        assert await asyncio.to_thread(seen.watcher.add_short) == set()
        monkeypatch.setattr(inotify.Inotify, "add", whole)
        assert await asyncio.to_thread(seen.watcher.add_short) == {str(two)}
        assert not seen.watcher.is_scanned(str(two))
        await asyncio.sleep(0)

    said = watching(work).degraded
    assert [bool(why) for why in said] == [True, False]
    assert "sysctl" in said[0]


def test_without_inotify_everything_is_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Mac, and where the user has no instance left."""
    monkeypatch.setattr(inotify, "c_function", lambda _: None)

    async def work(seen: Seen) -> None:
        await seen.watch(tmp_path)
        (tmp_path / "saved.py").write_text("a = 1\n")
        await seen.until_seen(tmp_path / "saved.py")

    assert watching(work).degraded == ["this system has no inotify"]


def test_the_kernel_says_when_it_could_not_keep_all(tmp_path: Path) -> None:
    """Nothing has to be guessed of how many there were (docs/faults.md, F53)."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())

    async def work(seen: Seen) -> None:
        await seen.watch(tmp_path)
        for number in range(limit // 2):  # the loop does not read meanwhile
            path = tmp_path / str(number % 2)
            path.touch()
            path.unlink()
        async with asyncio.timeout(PATIENCE):
            await seen.overflown.wait()

    watching(work)


def test_more_events_than_can_be_trusted_are_an_overflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some may be missing, so nobody is told which they were: everything is looked at (docs/faults.md, F53)."""
    monkeypatch.setattr(events, "_MANY", 3)

    async def work(seen: Seen) -> None:
        await seen.watch(tmp_path)
        for number in range(9):
            (tmp_path / f"{number}.py").write_text("a = 1\n")
        async with asyncio.timeout(PATIENCE):
            await seen.overflown.wait()

    watching(work)


def watches() -> tuple[int, int]:
    """The instances of inotify of this process, and the watches of all of them."""
    texts = [path.read_text() for path in Path("/proc/self/fdinfo").iterdir() if _is_inotify(path.name)]
    return len(texts), sum(text.count("inotify wd:") for text in texts)


def _is_inotify(descriptor: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}") == "anon_inode:inotify"
    except OSError:
        return False
