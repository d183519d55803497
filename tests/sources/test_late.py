"""Servers that are slow: a pass does not wait for them, a later one takes up what came, and nobody waits for ever."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import ShortageError
from micropkgd.model.ref import Ref
from micropkgd.model.tree import digest_of
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.late import DownloadSlot, LateDownloads
from micropkgd.sources.least_speed import GRACE, BodyProgress, LeastSpeed
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request
from tests.kit.daemon import until
from tests.kit.servers.faults import FaultServer, Reply

WAIT = 2.0  # seconds, in which a fast server answers on a busy machine, too: all that it takes is loaded before


@pytest.fixture
def slow(tmp_path: Path) -> Iterator["Slow"]:
    """Sources that wait a second."""
    with FaultServer() as server:
        made = Slow(server, tmp_path)
        with made.sources:
            made.warm_up()
            yield made


class Slow:
    """Sources, a server, and the projects for which a late download has ended."""

    def __init__(self, server: FaultServer, folder: Path) -> None:
        self.server = server
        self._gates: list[threading.Event] = []
        self.ended: list[str] = []
        self.sources = Sources(ArchiveCache(folder / "cache"), wait=WAIT, on_late=self.ended.append, per_host=100)

    def warm_up(self) -> None:
        """Load the libraries and start the loop: the first answer takes longer than any other."""
        self.server.script("/warm", Reply(body=b"w"))
        until(lambda: isinstance(self.ask("/warm", project="/warm")[0], Fetched))
        self.comes()
        self.ended.clear()

    def script(self, path: str, slow: Reply, *later: Reply) -> None:
        """Let a path answer slowly at first."""
        self._gates.append(threading.Event())
        self.server.script(path, slow._replace(gate=self._gates[-1]), *later)

    def comes(self) -> bool:
        """Let all that is on its way arrive, and wait for it."""
        for gate in self._gates:
            gate.set()
        return self.sources.wait_for_late()

    def ask(self, *paths: str, project: str = "/p") -> list[Answer]:
        """Ask for some paths."""
        return self.sources.answer([Request(Ref.parse(self.server.url(path))) for path in paths], project)


def on_its_way(answer: Answer) -> bool:
    """Whether an answer says that there is none yet."""
    return isinstance(answer, Failed) and answer.kind is FailureKind.DOWNLOADING and answer.kind.transient


SLOW = Reply(body=b"x" * 4000)  # behind a gate


def test_who_is_slow_keeps_nobody_waiting(slow: Slow) -> None:
    """The others have their answers, and the next round takes up what came."""
    slow.script("/slow", SLOW)
    slow.server.script("/fast", Reply(body=b"f"))
    late, fast = slow.ask("/slow", "/fast")
    assert on_its_way(late)
    assert isinstance(fast, Fetched)
    assert slow.sources._downloads is not None
    slow.sources._downloads._wait = 600.0  # who is known to be slow is not waited for again
    assert on_its_way(slow.ask("/slow")[0])
    assert slow.comes()
    (came,) = slow.ask("/slow")
    assert isinstance(came, Fetched)
    assert came.digest == digest_of(SLOW.body)
    assert len(slow.server.requests_for("/slow")) == 1
    assert slow.ended == ["/p"]
    assert not slow.comes()


def test_what_came_late_may_be_old(slow: Slow) -> None:
    """The server is asked once more, on a condition, and what it has now counts."""
    old, new = SLOW._replace(headers={"ETag": '"1"'}), Reply(body=b"new", headers={"ETag": '"2"'})
    for path, later, digest in (
        ("/same", Reply(304), digest_of(old.body)),
        ("/newer", new, digest_of(b"new")),
        ("/gone", Reply(404), digest_of(old.body)),
    ):
        slow.script(path, old, later)
        assert on_its_way(slow.ask(path)[0])
        assert slow.comes()
        (came,) = slow.ask(path)
        assert isinstance(came, Fetched)
        assert came.digest == digest
        assert [seen.headers.get("if-none-match") for seen in slow.server.requests_for(path)] == [None, '"1"']


def test_a_late_failure_is_told_by_its_own_name(slow: Slow) -> None:
    """To the next who asks, once; then the server is asked anew."""
    cut = SLOW._replace(cut_after=3000)
    slow.script("/slow", cut, cut, Reply(status=404))
    assert on_its_way(slow.ask("/slow")[0])
    assert slow.comes()
    (failed,) = slow.ask("/slow")
    assert isinstance(failed, Failed)
    assert failed.kind is FailureKind.GONE


def test_two_projects_take_up_the_same_download(slow: Slow) -> None:
    """Both are told of its end; the second to come asks anew."""
    slow.script("/slow", SLOW)
    assert on_its_way(slow.ask("/slow", project="/p")[0])
    assert on_its_way(slow.ask("/slow", project="/q")[0])
    assert slow.comes()
    assert sorted(slow.ended) == ["/p", "/q"]
    assert isinstance(slow.ask("/slow", project="/q")[0], Fetched)
    assert len(slow.server.requests_for("/slow")) == 1


def test_other_fs_args_are_another_download(slow: Slow) -> None:
    """Nobody gets what others have a login for."""
    slow.script("/slow", SLOW)
    assert on_its_way(slow.ask("/slow")[0])
    request = Request(Ref.parse(slow.server.url("/slow")), {"headers": {"X-Team": "b"}})
    assert on_its_way(slow.sources.answer([request], "/p")[0])

    assert [seen.headers.get("x-team") for seen in slow.server.requests_for("/slow")] == [None, "b"]


def test_slow_servers_take_no_places(tmp_path: Path) -> None:
    """More of them than may be asked at once, and another one is answered all the same."""
    with FaultServer() as server:
        sources = Sources(ArchiveCache(tmp_path / "cache"), wait=WAIT, at_once=2, per_host=100)
        with sources:
            urls = [server.script(f"/slow{number}", Reply(body=b"xx", stall_after=1)) for number in range(4)]
            fast = server.script("/fast", Reply(body=b"f"))
            answers = sources.answer([Request(Ref.parse(url)) for url in urls], "/p")
            assert [answer.kind for answer in answers if isinstance(answer, Failed)] == [
                FailureKind.DOWNLOADING, FailureKind.DOWNLOADING, FailureKind.UNREACHABLE, FailureKind.UNREACHABLE,
            ]  # fmt: skip
            assert isinstance(sources.answer([Request(Ref.parse(fast))], "/q")[0], Fetched)


def test_a_program_that_ends_leaves_none(slow: Slow, tmp_path: Path) -> None:
    """What came of them goes, too."""
    slow.server.script("/slow", Reply(body=b"xx", stall_after=1))
    assert on_its_way(slow.ask("/slow")[0])
    slow.sources.__exit__(None, None, None)

    assert list((tmp_path / "cache").rglob("partial/*")) == []


def test_without_a_wait_everybody_is_waited_for(tmp_path: Path, faults: FaultServer) -> None:
    """As commands do that have nothing else to do."""
    address = faults.script("/slow", SLOW._replace(rate_limit=(1000, 0.4)))
    with Sources(ArchiveCache(tmp_path / "cache")) as sources:
        assert isinstance(sources.answer([Request(Ref.parse(address))], "/p")[0], Fetched)


@pytest.mark.parametrize("least_speed", [LeastSpeed(longest=1.0), LeastSpeed(least=1_000_000)])
def test_a_drip_is_given_up(
    tmp_path: Path, faults: FaultServer, least_speed: LeastSpeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its time, or by its speed; it is not tried again at once, and the answer says whose it is to change."""
    monkeypatch.setattr("micropkgd.sources.least_speed.GRACE", 0.5)
    address = faults.script("/drip", Reply(body=b"x" * 1_000_000, rate_limit=(2000, 0.1)))
    with Sources(ArchiveCache(tmp_path / "cache"), least_speed=least_speed) as sources:
        (answer,) = sources.answer([Request(Ref.parse(address))], "/p")

    assert isinstance(answer, Failed)
    assert answer.kind is FailureKind.UNREACHABLE
    assert "limits.download-time" in answer.hint
    assert len(faults.seen) == 1


async def _is_short(_: DownloadSlot) -> Answer:
    await asyncio.sleep(0.1)
    raise ShortageError("no space is left")


async def _hangs(_: DownloadSlot) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


def _under_way() -> int:
    return len(asyncio.all_tasks()) - 1  # all but the one who counts


def test_what_went_wrong_late_leaves_no_other_download_behind() -> None:
    """The pass that is told of it ends, and so does all that it had begun."""

    async def main() -> None:
        downloads, places = LateDownloads(0.01, 8, lambda _: None), asyncio.Semaphore(8)
        await downloads.gather("/p", {"short": _is_short}, places)
        await downloads.one_ends()
        with pytest.raises(ShortageError):
            await downloads.gather("/p", {"other": _hangs, "short": _is_short}, places)
        assert _under_way() == 0

    asyncio.run(main())


def test_passes_that_ask_at_the_same_time_leave_one_download() -> None:
    """Each began one, since nothing is shared before somebody gives up waiting."""

    async def main() -> None:
        downloads, places = LateDownloads(0.01, 8, lambda _: None), asyncio.Semaphore(8)
        both = (downloads.gather(project, {"same": _hangs}, places) for project in ("/p", "/q"))
        for came in await asyncio.gather(*both):
            assert on_its_way(came["same"].answer)
        assert _under_way() == 1
        await downloads.close()
        assert _under_way() == 0

    asyncio.run(main())


CHUNKS = st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 50)), max_size=40)


@given(CHUNKS, st.floats(1, 500), st.integers(1, 5000))
def test_nothing_lasts_longer_than_it_may(chunks: list[tuple[int, float]], longest: float, least: int) -> None:
    """However a server spreads its bytes: what goes on is within its time, and after a minute fast enough."""
    waited = BodyProgress(LeastSpeed(longest, least))
    for received, seconds in chunks:
        waited.note(received, min(seconds, waited.left))
        if waited.fault:
            break
        assert waited.seconds < longest
        assert waited.seconds < GRACE or waited.received > waited.seconds * least
    else:
        assert waited.seconds <= max(longest, 0.0)


@given(st.integers(1, 5000), st.lists(st.floats(0.001, 20), min_size=1, max_size=40))
def test_whoever_is_fast_enough_goes_on(least: int, pauses: list[float]) -> None:
    """At the least speed and a little more, for as long as its time lasts."""
    waited = BodyProgress(LeastSpeed(1e9, least))
    for seconds in pauses:
        assert seconds < waited.left + GRACE
        waited.note(int(seconds * least) + 1, seconds)
        assert waited.fault == ""


@given(st.floats(0, 0.9), st.integers(2, 5000))
def test_whoever_drips_is_found_out_within_a_minute(share: float, least: int) -> None:
    """A second at a time."""
    waited: BodyProgress = BodyProgress(LeastSpeed(1e9, least))
    seconds = 0
    while not waited.fault:
        waited.note(int(share * least), 1.0)
        seconds += 1
        assert seconds <= GRACE + 1
