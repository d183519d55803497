"""The one who has passes run: how it ends."""

import asyncio
from pathlib import Path

import pytest

from micropkgd.model.settings import Group, Settings
from micropkgd.service.supervisor import Supervisor


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
        async with asyncio.timeout(5):
            await running

    asyncio.run(main())
