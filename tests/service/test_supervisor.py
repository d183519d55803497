"""The one who has passes run: how it ends."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from micropkgd.errors import ShortageError
from micropkgd.model.settings import Group, Limits, Settings, Trust
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.reconcile.options import PassOptions
from micropkgd.service import fleet as fleet_module
from micropkgd.service.supervisor import Supervisor
from tests.kit.daemon import PATIENCE, served


def settings(folder: Path) -> Settings:
    """A config that serves the projects of a folder."""
    return Settings(
        usual=Group((f"{folder}/p*",)), cache_dir=str(folder / "cache"), drain=PATIENCE, trust=Trust.EVERYTHING
    )


def during(folder: Path, story: Callable[[Supervisor, "asyncio.Task[None]"], Awaitable[None]]) -> None:
    """Tell a story of a service that knows its projects; it ends with it."""

    async def main() -> None:
        supervisor = Supervisor(settings(folder), lambda _: None)
        running = asyncio.create_task(supervisor.run())
        await supervisor.fleet.known.wait()
        async with asyncio.timeout(PATIENCE):
            await story(supervisor, running)
            supervisor.stop()
            await running

    asyncio.run(main())


@pytest.mark.parametrize("turns", range(8))
def test_a_stop_is_heard_whatever_comes_with_it(tmp_path: Path, turns: int) -> None:
    """A search that is asked for in the same turn of the loop may swallow it (`wait_for` of Python 3.11)."""

    async def main() -> None:
        supervisor = Supervisor(Settings(usual=Group((str(tmp_path),)), cache_dir=str(tmp_path)), lambda _: None)
        running = asyncio.create_task(supervisor.run())
        await supervisor.fleet.known.wait()
        await asyncio.sleep(0.2)
        supervisor.stop()
        for _ in range(turns):
            await asyncio.sleep(0)
        supervisor.fleet.search_soon()
        async with asyncio.timeout(PATIENCE):
            await running

    asyncio.run(main())


def test_who_asks_for_a_pass_of_a_service_that_ends_is_answered(tmp_path: Path) -> None:
    """That there was none, though the project is known still."""
    root = str(served(tmp_path).root)

    async def story(supervisor: Supervisor, running: "asyncio.Task[None]") -> None:
        supervisor.stop()
        await running
        assert root in supervisor.fleet.groups
        assert await supervisor.reconcile(root, PassOptions(), Trigger(TriggerKind.COMMAND)) is None

    during(tmp_path, story)


def test_what_is_asked_while_the_last_pass_ends_is_answered(tmp_path: Path) -> None:
    """Webhooks and people come in until all has ended."""
    root = str(served(tmp_path).root)

    async def story(supervisor: Supervisor, running: "asyncio.Task[None]") -> None:
        may_end = asyncio.Event()

        async def last_pass() -> None:
            await may_end.wait()

        supervisor._run_beside(last_pass())
        supervisor.stop()
        await asyncio.sleep(0.2)
        assert not running.done()
        assert await supervisor.fleet.matching([f"{tmp_path}/*"]) == [root]
        may_end.set()
        await running

    during(tmp_path, story)


def test_a_service_that_ends_takes_no_other_config(tmp_path: Path) -> None:
    """What it would open nobody would close."""

    async def story(supervisor: Supervisor, running: "asyncio.Task[None]") -> None:
        supervisor.stop()
        await running
        before = supervisor._passes
        await supervisor.reload(settings(tmp_path)._replace(limits=Limits(passes=3)))
        assert supervisor._passes is before

    during(tmp_path, story)


def test_a_look_at_a_project_keeps_its_sources_when_another_config_is_read(tmp_path: Path) -> None:
    """They are closed when it has ended, like those of a pass."""
    root, looks, may_end = str(served(tmp_path).root), threading.Event(), threading.Event()

    def work(_: object) -> str:
        looks.set()
        assert may_end.wait(PATIENCE)
        return "seen"

    async def story(supervisor: Supervisor, _: "asyncio.Task[None]") -> None:
        old = supervisor._passes
        look = asyncio.create_task(supervisor.look(root, work))
        await asyncio.to_thread(looks.wait, PATIENCE)
        await supervisor.reload(settings(tmp_path)._replace(limits=Limits(passes=3)))
        for _turn in range(20):
            await asyncio.sleep(0.01)
        assert old in supervisor._retired
        may_end.set()
        assert await look == "seen"
        while supervisor._retired:
            await asyncio.sleep(0.01)

    during(tmp_path, story)


def test_a_search_that_was_asked_for_reads_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another search was under way, or the machine was too short of something for it."""
    search, seen, short = fleet_module._search, list[object](), list[ShortageError]()

    def spy(with_settings: Settings, last: "fleet_module._Glance | None") -> "tuple[object, object]":
        seen.append(last)
        if short:
            raise short.pop()
        return search(with_settings, last)

    async def main() -> None:
        fleet = Supervisor(settings(tmp_path), lambda _: None).fleet
        await fleet.search()
        monkeypatch.setattr(fleet_module, "_search", spy)
        async with fleet._searching:
            waiting = asyncio.create_task(fleet.search(anew=False))
            await asyncio.sleep(0)
            fleet.search_soon()
        short.append(ShortageError("no descriptors"))
        await waiting
        await fleet.search(anew=False)
        await fleet.search(anew=False)
        fleet.close()

    asyncio.run(main())
    assert [last is None for last in seen] == [True, True, False]


def test_who_waits_is_answered_whatever_goes_wrong_behind_the_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass itself is over; what went wrong is an event."""
    root = str(served(tmp_path).root)

    async def story(supervisor: Supervisor, _: "asyncio.Task[None]") -> None:
        def broken(_: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(supervisor.board, "show", broken)
        outcome = await supervisor.reconcile(root, PassOptions(), Trigger(TriggerKind.COMMAND))
        assert outcome is not None
        assert outcome.failure is None
        (said,) = [event.message for event in supervisor.board.since(0) if event.kind == "Bug"][:1]
        assert said == "RuntimeError: a bug"

    during(tmp_path, story)
