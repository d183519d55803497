"""Code of others that hangs: a signal ends the command all the same, and what is beside it goes on."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from micropkgd.sources.foreign import EventLoop, in_own_thread
from tests.kit.daemon import PATIENCE, until
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World

_HANGS = """\
import pathlib, time

def hang(*_, **named):
    pathlib.Path(__file__).with_name("asked").touch()
    time.sleep(600)

"""
_KEYRING = "get_credential = hang\n"
_IMPORT = "hang()\n"
_LOOK_UP = "import socket\nsocket.getaddrinfo = hang\n"
_MORE_THAN_A_POOL = 64


@pytest.mark.parametrize(
    ("module", "does", "ref"),
    [
        pytest.param("keyring", _KEYRING, "ds>=1", id="keyring"),
        pytest.param("gcsfs", _IMPORT, "gs://bucket/ds.tar.gz", id="credentials of Google"),
        pytest.param("adlfs", _IMPORT, "abfs://box/ds.tar.gz", id="driver"),
        pytest.param("sitecustomize", _LOOK_UP, "https://packages.example/ds.tar.gz", id="name of a host"),
    ],
)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command(
    world: World, faults: FaultServer, tmp_path: Path, module: str, does: str, ref: str, number: int, code: int
) -> None:
    """It would hang for ten minutes."""
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / f"{module}.py").write_text(_HANGS + does)
    faults.script("/simple/ds/", Reply(401))
    index = {"index": faults.url("/simple")} if ref == "ds>=1" else {}
    world.asks_for(ref, policy='protocols = ["abfs"]', **index)
    command = [sys.executable, "-m", "micropkgd", "reconcile", "--once"]
    with subprocess.Popen(command, cwd=world.root, env={**os.environ, "PYTHONPATH": str(lib)}) as process:
        try:
            until((lib / "asked").exists)
            process.send_signal(number)
            assert process.wait(PATIENCE) == code
        finally:
            process.kill()


def test_what_hangs_takes_the_place_of_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any number of names that are looked up, each waits by itself: the loop's own threads are free."""
    over, asked = threading.Event(), threading.Semaphore(0)

    def hang(*_: object, **named: object) -> list[object]:
        asked.release()
        over.wait()
        return []

    async def beside() -> str:
        loop = asyncio.get_running_loop()
        waiting = [asyncio.ensure_future(loop.getaddrinfo("far", 80)) for _ in range(_MORE_THAN_A_POOL)]
        try:
            async with asyncio.timeout(PATIENCE):
                for _ in waiting:
                    await in_own_thread(asked.acquire, "wait")
                said = await asyncio.to_thread(lambda: "free")
        finally:
            over.set()
        assert await asyncio.gather(*waiting) == [[]] * _MORE_THAN_A_POOL
        return said

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        assert runner.run(beside()) == "free"


def test_an_error_is_raised_where_the_work_was_asked_for() -> None:
    """Also one that a future takes for its own."""

    def fail() -> None:
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        asyncio.run(in_own_thread(fail, "fail"))


def test_who_stops_waiting_leaves_the_work_to_itself(capfd: pytest.CaptureFixture[str]) -> None:
    """It ends after the loop, and says so to nobody."""
    over, ended = threading.Event(), threading.Event()

    def work() -> None:
        over.wait()
        ended.set()

    async def give_up() -> None:
        task = asyncio.ensure_future(in_own_thread(work, "work"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    over.set()
    assert ended.wait(PATIENCE)
    assert capfd.readouterr() == ("", "")
