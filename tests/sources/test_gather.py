import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from micropkgd.errors import TreeError
from micropkgd.model.ref import Ref
from micropkgd.model.tree import digest_of
from micropkgd.sources import kinds
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.kinds import REMOTE
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Progress, Request, Unchanged
from tests.kit.servers.faults import FaultServer, Reply


def requests(*refs: str) -> list[Request]:
    """One request for each ref."""
    return [Request(Ref.parse(ref)) for ref in refs]


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    """Sources with an empty cache."""
    with Sources(ArchiveCache(tmp_path / "cache")) as made:
        yield made


def test_answers_stand_in_the_order_of_the_requests(sources: Sources, faults: FaultServer, tmp_path: Path) -> None:
    """Local and remote refs are answered together; one that fails leaves the others alone."""
    (tmp_path / "local.tar.gz").write_bytes(b"local")
    slow = faults.script("/slow.tar.gz", Reply(body=b"slow", rate_limit=(1, 0.05)))
    fast = faults.script("/fast.tar.gz", Reply(body=b"fast"))
    answers = sources.answer(requests(slow, "local.tar.gz", faults.url("/gone.tar.gz"), fast, "none.tar.gz"), tmp_path)
    found = [answer.digest if isinstance(answer, Fetched) else answer.__class__ for answer in answers]
    assert found == [digest_of(b"slow"), digest_of(b"local"), Failed, digest_of(b"fast"), Failed]


def test_connections_outlive_a_call(sources: Sources, faults: FaultServer, tmp_path: Path) -> None:
    """One event loop serves every call until the end."""
    url = faults.script("/x.tar.gz", Reply(body=b"x"))
    first, second = (sources.answer(requests(url), tmp_path) for _ in range(2))
    assert first == second
    assert isinstance(first[0], Fetched)


@pytest.mark.parametrize(
    ("ref", "what"),
    [
        pytest.param("hdfs://host/x.tar.gz", "`hdfs://` refs", id="protocol"),
        pytest.param("name>=1", "packages of an index", id="index"),
    ],
)
def test_kind_without_source_is_refused(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ref: str, what: str
) -> None:
    """The message names what cannot be fetched."""
    monkeypatch.setattr(kinds, "REMOTE", {})
    (answer,) = sources.answer(requests(ref), tmp_path)
    assert isinstance(answer, Failed)
    assert (answer.kind, what in answer.problem) == (FailureKind.REFUSED, True)


def test_offline_asks_nobody(faults: FaultServer, tmp_path: Path) -> None:
    """Remote refs count as unreachable, local ones are answered."""
    (tmp_path / "local.tar.gz").write_bytes(b"local")
    with Sources(ArchiveCache(tmp_path / "cache"), offline=True) as sources:
        remote, local = sources.answer(requests(faults.script("/x", Reply()), "local.tar.gz"), tmp_path)
    assert isinstance(remote, Failed)
    assert remote.kind is FailureKind.UNREACHABLE
    assert isinstance(local, Fetched)
    assert faults.seen == []


class Counting:
    """A source that knows how many ask it at once."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0

    async def fetch(self, request: Request, cache: ArchiveCache, progress: Progress) -> Answer:
        """Take a moment."""
        import asyncio

        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        return Unchanged()

    async def close(self) -> None:
        """Have nothing to close."""


@pytest.mark.parametrize(
    ("hosts", "most"),
    [
        pytest.param(["a.test"] * 6, 2, id="one-host"),
        pytest.param(["a.test", "b.test", "c.test"] * 4, 3, id="many-hosts"),
    ],
)
def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: list[str], most: int) -> None:
    """So many at once, and so many for one host."""
    counting = Counting()
    refs = [f"https://{host}/{number}.tar.gz" for number, host in enumerate(hosts)]
    monkeypatch.setattr(kinds, "REMOTE", dict.fromkeys(REMOTE, lambda *_: counting))
    with Sources(ArchiveCache(tmp_path), at_once=3, per_host=2) as sources:
        sources.answer(requests(*refs), tmp_path)
    assert counting.most == most


def test_broken_cache_is_an_error(faults: FaultServer, tmp_path: Path) -> None:
    """A disk that takes nothing is the user's to mend, and no download goes on behind it."""
    (tmp_path / "file").write_bytes(b"")
    urls = [faults.script(f"/{number}", Reply(body=b"x")) for number in range(3)]
    with Sources(ArchiveCache(tmp_path / "file")) as sources, pytest.raises(TreeError):
        sources.answer(requests(*urls), tmp_path)


def test_progress_is_told(faults: FaultServer, tmp_path: Path) -> None:
    """How much came so far, and of how much."""
    told: list[tuple[int, int | None]] = []
    url = faults.script("/x", Reply(body=b"x" * 10))
    with Sources(ArchiveCache(tmp_path), progress=lambda ref, received, total: told.append((received, total))) as made:
        made.answer(requests(url), tmp_path)
    assert told[-1] == (10, 10)


_WAIT = """
import sys
from pathlib import Path
from micropkgd.model.ref import Ref
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Request
try:
    with Sources(ArchiveCache(Path(sys.argv[1]))) as sources:
        sources.answer([Request(Ref.parse(url)) for url in sys.argv[2:]], Path("."))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_interrupt_leaves_no_partial_file(faults: FaultServer, tmp_path: Path) -> None:
    """Ctrl-C while downloads stall ends them at once and cleans up; nothing is said beside."""
    urls = [faults.script(f"/{number}", Reply(body=b"x" * 9000, stall_after=5000)) for number in range(3)]
    process = subprocess.Popen(
        [sys.executable, "-c", _WAIT, tmp_path, *urls], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    partial = tmp_path / "partial"
    deadline = time.monotonic() + 60
    while not (partial.exists() and len(os.listdir(partial)) == 3) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(os.listdir(partial)) == 3
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("interrupted\n", "")
    assert os.listdir(partial) == []


def test_sources_work_in_a_thread(faults: FaultServer, tmp_path: Path) -> None:
    """The service runs its passes in worker threads."""
    answers: list[Answer] = []
    url = faults.script("/x", Reply(body=b"x"))

    def work() -> None:
        with Sources(ArchiveCache(tmp_path)) as sources:
            answers.extend(sources.answer(requests(url), tmp_path))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert isinstance(answers[0], Fetched)
