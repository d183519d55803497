"""What is watched of many projects: each before its first pass, each folder once, and nothing anew for a neighbour."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.watching import inotify, watched_projects
from micropkgd.service.watching.events import Watcher
from micropkgd.service.watching.relevant_paths import least_relevant_paths, relevant_paths_of
from micropkgd.service.watching.watched_projects import WatchedProjects
from micropkgd.workspace.project import read_project
from tests.kit.daemon import PATIENCE, served
from tests.service.test_watch import watches

CODE = "src/shop/pipelines/features"


class Told:
    """A vigil, and the passes that it asked for."""

    def __init__(self, disk: ThreadPoolExecutor) -> None:
        self.asked: list[tuple[str, Trigger]] = []
        self.newcomers = self.anchored = 0
        self.crowded: list[tuple[int, int]] = []
        self.vigil = WatchedProjects(
            self._ask, self._came, lambda: None, lambda _: None, disk, self._crowd, self._arrived
        )

    async def until(self, root: Path, *kinds: TriggerKind) -> Trigger:
        """Wait for a pass that is asked for by one of these, and forget what was asked before."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for number, (asked, trigger) in enumerate(self.asked):
                    if asked == str(root) and trigger.kind in kinds:
                        del self.asked[: number + 1]
                        return trigger
                await asyncio.sleep(0.01)

    def _ask(self, root: str, trigger: Trigger, at: float) -> None:
        del at
        self.asked.append((root, trigger))

    def _crowd(self, root: str, too_many: int, folders: int) -> None:
        del root
        self.crowded.append((too_many, folders))

    def _arrived(self) -> None:
        self.anchored += 1

    def _came(self) -> None:
        self.newcomers += 1


def vigil(work: Callable[[Told], Awaitable[None]]) -> None:
    """Do something while projects are watched."""

    async def main() -> None:
        with ThreadPoolExecutor(2) as disk:
            told = Told(disk)
            running = asyncio.create_task(told.vigil.run())
            await work(told)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())


def test_a_first_pass_looks_at_what_is_watched_already(tmp_path: Path) -> None:
    """So nothing can change unseen between the two, and no second pass is needed."""
    root = served(tmp_path).root

    async def work(told: Told) -> None:
        told.vigil.welcome(str(root))
        await told.until(root, TriggerKind.START)
        (root / CODE / "nodes.py").write_text("a = 2\n")
        await told.until(root, TriggerKind.EDIT)
        told.vigil.follow(str(root), relevant_paths_of(read_project(str(root))))
        await until(lambda: not told.vigil.stirred)
        assert told.asked == []

    vigil(work)


def test_it_does_not_go_on_without_its_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who watches what comes of it begins anew; without that nobody would hear of a change any more."""

    async def broken(watcher: Watcher) -> None:
        watcher._close()
        raise RuntimeError("a bug")

    monkeypatch.setattr(Watcher, "run", broken)

    async def main() -> None:
        with ThreadPoolExecutor(2) as disk:
            vigil = Told(disk).vigil
            running = asyncio.create_task(vigil.run())
            await asyncio.sleep(0.05)
            vigil.look()
            async with asyncio.timeout(PATIENCE):
                with pytest.raises(RuntimeError, match="a bug"):
                    await running

    asyncio.run(main())


def test_what_was_heard_is_known_before_a_pass_is_asked_for(tmp_path: Path) -> None:
    """Who asks just after a write, or while folders are listed, learns that a pass may come; of that project alone."""
    one, two = (served(tmp_path, number).root for number in range(2))

    async def work(told: Told) -> None:
        for root in (one, two):
            told.vigil.welcome(str(root))
            while not told.asked:
                assert str(root) in told.vigil.stirred
                await asyncio.sleep(0.001)
            told.asked.clear()
        for path in (one / CODE / "nodes.py", one / "micropkg.lock"):
            await until(lambda: not told.vigil.stirred)
            (one / "README.md").write_text("nobody's concern")
            await read()
            assert not told.vigil.stirred
            path.write_text("")
            await read()
            while not told.asked:
                assert told.vigil.stirred == {str(one)}
                await asyncio.sleep(0.001)
            told.asked.clear()

    vigil(work)


def test_where_projects_may_appear_is_looked_at_once_it_is_watched(tmp_path: Path) -> None:
    """What came between a search and the watch gave no event; folders that were watched before need no look."""

    async def work(told: Told) -> None:
        for folders, looks in (({"a"}, 1), ({"a"}, 1), ({"a", "b"}, 2)):
            for name in folders:
                (tmp_path / name).mkdir(exist_ok=True)
            told.vigil.set_anchors(str(tmp_path / name) for name in folders)
            await until(lambda: not told.vigil.stirred)
            assert (told.anchored, told.newcomers) == (looks, 0)

    vigil(work)


def test_a_project_that_cannot_be_read_is_looked_at_too(tmp_path: Path) -> None:
    """Its pass says what is wrong with it, and the mended manifest is seen."""
    world = served(tmp_path)
    text = world.read("pyproject.toml")
    world.write("pyproject.toml", "[tool.kedro\n")

    async def work(told: Told) -> None:
        told.vigil.welcome(str(world.root))
        await told.until(world.root, TriggerKind.START)
        world.write("pyproject.toml", text)
        await told.until(world.root, TriggerKind.FILES)

    vigil(work)


def test_one_more_project_costs_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a newcomer nor a new folder makes anything anew of what the others have."""
    asked: list[str] = []
    whole = inotify.Inotify.add

    def count(self: inotify.Inotify, folder: str) -> bool:
        asked.append(folder)
        return whole(self, folder)

    monkeypatch.setattr(inotify.Inotify, "add", count)
    roots = [served(tmp_path, number).root for number in range(12)]

    async def work(told: Told) -> None:
        for root in roots[:-1]:
            told.vigil.welcome(str(root))
            await told.until(root, TriggerKind.START)
        for_each = len(asked) / len(roots[:-1])
        asked.clear()
        told.vigil.welcome(str(roots[-1]))
        await told.until(roots[-1], TriggerKind.START)
        assert len(asked) <= for_each + 1
        asked.clear()
        (roots[0] / CODE / "new").mkdir()
        await told.until(roots[0], TriggerKind.SCAN)
        assert {Path(folder) for folder in asked} & set(roots) == {roots[0]}
        assert watches()[0] == 1

    vigil(work)


def test_a_folder_goes_with_the_last_who_wants_it(tmp_path: Path) -> None:
    """The folder around two projects is watched for both."""
    one, two = (served(tmp_path, number).root for number in range(2))

    async def work(told: Told) -> None:
        for root in (one, two):
            told.vigil.welcome(str(root))
            await told.until(root, TriggerKind.START)
        both = watches()[1]
        told.vigil.drop(str(one))
        await until(lambda: watches()[1] < both)
        (two / CODE / "nodes.py").write_text("a = 2\n")
        await told.until(two, TriggerKind.EDIT)
        told.vigil.drop(str(two))
        await until(lambda: watches() == (1, 0))

    vigil(work)


def test_a_folder_above_that_is_exchanged_is_found(tmp_path: Path) -> None:
    """No event tells of it: it is looked at (docs/faults.md, F55)."""
    root = served(tmp_path / "a/b").root
    shutil.copytree(tmp_path / "a", tmp_path / "other", symlinks=True)

    async def work(told: Told) -> None:
        told.vigil.welcome(str(root))
        await told.until(root, TriggerKind.START)
        (tmp_path / "a").rename(tmp_path / "was")
        (tmp_path / "other").rename(tmp_path / "a")
        told.vigil.look()
        await told.until(root, TriggerKind.SCAN)
        (root / CODE / "nodes.py").write_text("a = 2\n")
        await told.until(root, TriggerKind.EDIT)
        (tmp_path / "a").rename(tmp_path / "away")
        told.vigil.look()
        await told.until(root, TriggerKind.SCAN)
        (tmp_path / "away").rename(tmp_path / "a")
        await told.until(root, TriggerKind.SCAN)
        (root / "pyproject.toml").touch()
        await told.until(root, TriggerKind.FILES)

    vigil(work)


def test_who_is_dropped_while_it_is_listed_leaves_nothing(tmp_path: Path) -> None:
    """Neither a watch nor a pass that is asked for."""
    root = served(tmp_path).root

    async def work(told: Told) -> None:
        told.vigil.welcome(str(root))
        await asyncio.sleep(0)
        told.vigil.drop(str(root))
        await until(lambda: not told.vigil.stirred)
        await until(lambda: watches() == (1, 0))
        assert told.asked == []

    vigil(work)


def test_a_project_with_many_folders_takes_its_share_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is looked at, which is said once; its neighbour is watched whole, and changes are seen everywhere."""
    big, other = served(tmp_path, 0).root, served(tmp_path, 1).root
    for number in range(60):
        (big / CODE / f"sub{number:02}").mkdir()
    share = 30
    monkeypatch.setattr(watched_projects, "most_watches", lambda: share)

    async def work(told: Told) -> None:
        for root in (big, other):
            told.vigil.welcome(str(root))
            await told.until(root, TriggerKind.START)
        assert told.vigil.is_scanned(str(big))
        assert not told.vigil.is_scanned(str(other))
        ((too_many, folders),) = told.crowded
        assert folders - too_many == share
        assert watches()[1] <= 2 * share
        for name in ("sub00", "sub31", "sub59"):
            (big / CODE / name / "new.py").write_text("a = 1\n")
            await told.until(big, TriggerKind.EDIT)
        (big / CODE / "sub60").mkdir()
        await told.until(big, TriggerKind.EDIT, TriggerKind.SCAN)
        assert len(told.crowded) == 1

    vigil(work)


def test_where_projects_may_appear_is_watched(tmp_path: Path) -> None:
    """A folder that comes there leads to a search."""

    async def work(told: Told) -> None:
        told.vigil.set_anchors([str(tmp_path)])
        await until(lambda: watches() == (1, 1))
        (tmp_path / "new").mkdir()
        await until(lambda: told.newcomers > 0)

    vigil(work)


def test_what_is_followed_is_listed_again_when_it_changes(tmp_path: Path) -> None:
    """A manifest names other modules since."""
    root = served(tmp_path).root

    async def work(told: Told) -> None:
        told.vigil.follow(str(root), least_relevant_paths(str(root)))
        await told.until(root, TriggerKind.SCAN)
        told.vigil.follow(str(root), relevant_paths_of(read_project(str(root))))
        await told.until(root, TriggerKind.SCAN)
        (root / CODE / "nodes.py").write_text("a = 2\n")
        await told.until(root, TriggerKind.EDIT)

    vigil(work)


async def read() -> None:
    """Let the loop read what the kernel has told already."""
    for _ in range(2):
        await asyncio.sleep(0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what gives no event."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)
