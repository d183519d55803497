"""Hosts that failed are left alone, and downloads are held back: laws in virtual time, and real servers."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.backoff import pause
from micropkgd.model.ref import Ref
from micropkgd.model.tree import digest_of
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.hosts import Hosts, host_of
from micropkgd.sources.rate_limit import RateLimit
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Lookup, Request, Unchanged, Validator
from tests.kit.daemon import Daemon, served
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import archive

HOST = "https://a.example"
DOWN = Failed(FailureKind.UNREACHABLE, "it refused the connection")
BUSY = Failed(FailureKind.THROTTLED, "it answered 429", retry_after=120.0)


class Watched:
    """Hosts whose pauses are as long as they can be, and what was said of them."""

    def __init__(self) -> None:
        self.back: list[str] = []
        self.hosts = Hosts(
            lambda failures, asked: pause(failures, 1.0, asked), lambda ahead: f"+{ahead:g}", self.back.append
        )  # fmt: skip

    def ask(self, now: float, answer: Answer, host: str = HOST) -> Failed | None:
        """One request: the objection to it, or None and it gets its answer."""
        objection = self.hosts.objection(host, now)
        if objection is None:
            self.hosts.note(host, answer, now)
        return objection


def test_one_object_that_fails_is_no_outage() -> None:
    """Two in a row may be of one broken object; an answer for another one clears them."""
    watched = Watched()
    for answer in (DOWN, DOWN, Unchanged(), DOWN, DOWN, Failed(FailureKind.GONE, "404"), DOWN, DOWN):
        assert watched.ask(0.0, answer) is None
    assert watched.back == []


def test_after_three_in_a_row_nobody_asks_until_the_time_is_over() -> None:
    """The objection says how long, how often and why; other hosts are asked as before."""
    watched = Watched()
    for _ in range(3):
        assert watched.ask(0.0, DOWN) is None
    objection = watched.ask(5.0, DOWN)
    assert objection == Failed(
        FailureKind.UNREACHABLE,
        f"{HOST} is left alone until +20 after 3 failures in a row, the last: it refused the connection",
        retry_after=15.0,
    )
    assert watched.ask(19.9, DOWN) is not None
    assert watched.ask(5.0, Unchanged(), "https://b.example") is None
    assert watched.ask(20.0, DOWN) is None


def test_pauses_grow_to_a_quarter_of_an_hour() -> None:
    """One request at the end of each."""
    watched, now, pauses = Watched(), 0.0, []
    for _ in range(12):
        while (objection := watched.ask(now, DOWN)) is None:
            pass
        pauses.append(objection.retry_after)
        now += objection.retry_after or 0.0
    assert pauses == [20.0, 40.0, 80.0, 160.0, 320.0, 640.0, *[900.0] * 6]


def test_who_asks_for_rest_gets_it_at_once() -> None:
    """What a server asks for counts from the first time, is spread a little, and is never more than an hour."""
    watched = Watched()
    assert watched.ask(0.0, BUSY) is None
    objection = watched.ask(0.0, BUSY)
    assert objection is not None
    assert (objection.kind, objection.retry_after) == (FailureKind.THROTTLED, 132.0)
    assert watched.ask(132.0, BUSY._replace(retry_after=1e9)) is None
    objection = watched.ask(132.0, BUSY)
    assert objection is not None
    assert objection.retry_after == pytest.approx(3960.0)


def test_one_request_alone_tries_a_host_again() -> None:
    """The others wait for what comes of it; one that is broken off gives its turn to the next."""
    watched = Watched()
    for _ in range(3):
        watched.ask(0.0, DOWN)
    assert watched.hosts.objection(HOST, 30.0) is None
    assert watched.hosts.objection(HOST, 30.0) is not None
    watched.hosts.give_up(HOST)
    assert watched.hosts.objection(HOST, 30.0) is None
    watched.hosts.note(HOST, Unchanged(), 31.0)
    assert watched.back == [HOST]
    assert [watched.hosts.objection(HOST, 31.0) for _ in range(5)] == [None] * 5


def test_what_was_under_way_when_a_host_was_left_alone_adds_nothing() -> None:
    """Four requests that fail together are one outage, not two steps of it."""
    watched = Watched()
    for _ in range(4):
        assert watched.hosts.objection(HOST, 0.0) is None
    for _ in range(4):
        watched.hosts.note(HOST, DOWN, 1.0)
    objection = watched.hosts.objection(HOST, 1.0)
    assert objection is not None
    assert objection.retry_after == 20.0


@pytest.mark.parametrize("kind", [FailureKind.REFUSED, FailureKind.DENIED])
def test_what_may_have_been_said_without_asking_says_nothing_of_the_host(kind: FailureKind) -> None:
    """Bad fs-args end no outage, and take nobody's turn."""
    watched = Watched()
    for _ in range(3):
        watched.ask(0.0, DOWN)
    assert watched.ask(20.0, Failed(kind, "no")) is None
    assert watched.back == []
    assert watched.ask(20.0, Unchanged()) is None
    assert watched.back == [HOST]


def test_another_network_begins_anew() -> None:
    """What was known was of the old one."""
    watched = Watched()
    for _ in range(3):
        watched.ask(0.0, DOWN)
    watched.hosts.forget()
    assert watched.ask(0.0, Unchanged()) is None


@pytest.mark.parametrize(
    ("ref", "options", "host"),
    [
        ("https://A.example:8443/x.tar.gz", {}, "https://a.example:8443"),
        ("s3://bucket/x.tar.gz", {}, "s3://bucket"),
        ("s3://bucket/x.tar.gz", {"endpoint_url": "https://minio.example:9000/"}, "https://minio.example:9000"),
        ("s3://b/x.tar.gz", {"client_kwargs": {"endpoint_url": "http://s3.example"}}, "http://s3.example"),
        ("gs://bucket/x.tar.gz", {"endpoint_url": "http://gcs.example"}, "http://gcs.example"),
        ("https://a.example/x.tar.gz", {"endpoint_url": "http://b.example"}, "https://a.example"),
    ],
)
def test_a_host_is_who_answers(ref: str, options: Mapping[str, object], host: str) -> None:
    """A store at an address of its own is that address; passwords are no part of it."""
    assert host_of(Request(Ref.parse(ref), options)) == host


def test_the_host_of_a_requirement_is_its_index() -> None:
    """Whatever it leads to."""
    request = Request(Ref.parse("name>=1"), lookup=Lookup("https://index.example/simple/"))
    assert host_of(request) == "https://index.example"


@contextmanager
def service_sources(cache: Path, hosts: Hosts | None = None, rate_limit: RateLimit | None = None) -> Iterator[Sources]:
    """Sources as the service has them: on a loop in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    sources = Sources(ArchiveCache(cache), loop=loop, hosts=hosts, rate_limit=rate_limit)
    try:
        yield sources
    finally:
        asyncio.run_coroutine_threadsafe(sources.aclose(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_a_hundred_projects_on_a_host_that_is_down_cost_a_handful_of_requests(
    tmp_path: Path, faults: FaultServer
) -> None:
    """Each project gets its answer all the same; when the host is back one request finds out, and says so."""
    url = faults.script("/ds.tar.gz", *[Reply(503)] * 100, Reply(body=b"back"))
    watched = Watched()

    def one_project(_: int) -> Answer:
        (answer,) = sources.answer([Request(Ref.parse(url))], tmp_path)
        return answer

    with service_sources(tmp_path / "cache", watched.hosts) as sources, ThreadPoolExecutor(8) as projects:
        answers = list(projects.map(one_project, range(100)))
        assert all(isinstance(answer, Failed) and answer.kind is FailureKind.UNREACHABLE for answer in answers)
        asked = len(faults.seen)
        assert 9 <= asked <= 18, "four at once and two that come after them, three tries each"

        faults.script("/ds.tar.gz", Reply(body=b"back"))
        assert isinstance(one_project(0), Failed)
        assert len(faults.seen) == asked
        watched.hosts.forget()
        assert isinstance(one_project(0), Fetched)


def test_a_hundred_refs_on_a_host_that_is_down_cost_a_command_a_handful_of_requests(
    tmp_path: Path, faults: FaultServer
) -> None:
    """It took ten minutes for a thousand; each ref gets its answer, and the next command asks anew."""
    requests = [Request(Ref.parse(faults.script(f"/{number}.tar.gz", Reply(503)))) for number in range(100)]
    with Sources(ArchiveCache(tmp_path / "cache")) as sources:
        answers = sources.answer(requests, tmp_path)
    assert {answer.kind for answer in answers if isinstance(answer, Failed)} == {FailureKind.UNREACHABLE}
    assert len(answers) == 100
    assert "is left alone until" in str(answers[-1])
    assert 9 <= len(faults.seen) <= 24, "four at once and what comes while they are tried again, three tries each"

    url = faults.script("/ds.tar.gz", Reply(body=b"x"))
    with Sources(ArchiveCache(tmp_path / "cache")) as sources:
        assert isinstance(sources.answer([Request(Ref.parse(url))], tmp_path)[0], Fetched)


def test_a_command_heeds_who_asks_to_be_left_alone(tmp_path: Path, faults: FaultServer) -> None:
    """As the service does: one object that is missing is no reason, `Retry-After` is."""
    url = faults.script("/ds.tar.gz", Reply(404), Reply(429, headers={"Retry-After": "600"}), Reply(body=b"x"))
    with Sources(ArchiveCache(tmp_path / "cache")) as sources:
        answers = [sources.answer([Request(Ref.parse(url))], tmp_path)[0] for _ in range(3)]
    assert [answer.kind for answer in answers if isinstance(answer, Failed)] == [
        FailureKind.GONE, FailureKind.THROTTLED, FailureKind.THROTTLED,
    ]  # fmt: skip


def test_a_listing_is_not_asked_of_a_store_that_is_left_alone(tmp_path: Path, faults: FaultServer) -> None:
    """What many refs share is asked for before any of them; it waits for the one that tries."""
    faults.script("/bucket", Reply(503))
    options = {"key": "k", "secret": "s", "endpoint_url": faults.url("")}
    seen = Validator("etag\n")
    requests = [Request(Ref.parse(f"s3://bucket/{number}.tar.gz"), options, seen) for number in range(5)]
    forever = Hosts(lambda *_: 1e9, lambda _: "later", lambda _: None)
    for _ in range(3):
        forever.note(host_of(requests[0]), DOWN, 0.0)
    with service_sources(tmp_path / "cache", forever) as sources:
        answers = sources.answer(requests, tmp_path)
    assert all(isinstance(answer, Failed) and "is left alone" in answer.problem for answer in answers)
    assert faults.seen == []


WRONG: list[tuple[str, dict[str, object]]] = [
    ("https://a.invalid/x.tar.gz", {"tiemout": 3}),
    ("s3://bucket/x.tar.gz", {"kye": "x"}),
    ("gs://bucket/x.tar.gz", {"token": "browser"}),
    ("ds>=1", {"tiemout": 3}),
    ("memory://x.tar.gz", {"target_protocol": "file"}),
]


@pytest.mark.parametrize(("ref", "options"), WRONG)
def test_a_mistake_in_fs_args_is_told_whatever_the_host_does(
    tmp_path: Path, ref: str, options: dict[str, object]
) -> None:
    """Somebody must mend it, and who is told to wait would not; a request without one waits."""
    lookup = Lookup("https://a.invalid/simple/") if ref == "ds>=1" else None
    request = Request(Ref.parse(ref), options, lookup=lookup, protocols=("memory",))
    forever = Hosts(lambda *_: 1e9, lambda _: "later", lambda _: None)
    for _ in range(3):
        forever.note(host_of(request), DOWN, 0.0)
    with service_sources(tmp_path / "cache", forever) as sources:
        mistaken, sound = sources.answer([request, request._replace(options={})], tmp_path)

    assert isinstance(mistaken, Failed)
    assert isinstance(sound, Failed)
    assert (mistaken.kind, "fs-args has the key" in mistaken.problem or "`token`" in mistaken.problem) == (
        FailureKind.REFUSED, True,
    )  # fmt: skip
    assert "is left alone" in sound.problem


def test_projects_that_wait_are_looked_at_when_their_host_is_back(tmp_path: Path, faults: FaultServer) -> None:
    """Two wait for one host, and the second for another one too, for ten minutes: the first finds that the host is
    well, and the second need not wait on.
    """
    first, second = served(tmp_path / "src", 1), served(tmp_path / "src", 2)
    soon, late = (Reply(429, headers={"Retry-After": seconds}) for seconds in ("4", "600"))
    first.asks_for(faults.script("/1.tar.gz", soon, Reply(body=archive({"n.py": "1\n"}))))
    url = faults.script("/2.tar.gz", soon, Reply(body=archive({"n.py": "2\n"})))
    with FaultServer() as other:
        second.manifest(f'"{url}" = {{}}\n"{other.script("/3.tar.gz", late)}" = {{alias = "other"}}')
        with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
            daemon.until("HostBack", message=f"http://127.0.0.1:{faults.port} answers again")
            daemon.until("Installed", second.root, trigger="network")

    assert len(other.seen) == 1
    assert second.read("src/shop/ds/n.py") == "2\n"


@given(
    chunks=st.lists(st.tuples(st.integers(1, 1 << 20), st.floats(0.0, 5.0)), min_size=1, max_size=60),
    rate=st.integers(1000, 10_000_000),
)
def test_no_stretch_of_time_sees_more_than_the_limit(chunks: list[tuple[int, float]], rate: int) -> None:
    """Readers that wait as they are told, with pauses of their own: in any window the bytes fit the limit, but for
    the burst of a second and the chunk that was already there.
    """
    rate_limit, now = RateLimit(rate), 0.0
    passed: list[tuple[float, int]] = []
    for size, idle in chunks:
        now += idle
        passed.append((now, size))
        now += rate_limit.book(size, now)
    for start in range(len(passed)):
        total = 0
        for when, size in passed[start:]:
            span = when - passed[start][0]
            assert total <= rate * (span + 1.0) + 1.0
            total += size


@given(sizes=st.lists(st.integers(1, 1 << 20), min_size=1, max_size=30), rate=st.integers(1000, 10_000_000))
def test_a_full_line_is_used_to_its_limit(sizes: list[int], rate: int) -> None:
    """Who always has more to take is held back no longer than the bytes need."""
    rate_limit, now = RateLimit(rate), 0.0
    for size in sizes:
        now += rate_limit.book(size, now)
    assert now <= sum(sizes) / rate + 1e-6


def test_all_downloads_share_one_limit_and_none_is_cut_for_it(tmp_path: Path, faults: FaultServer) -> None:
    """The waits that are asked for add up to what the bytes need; the bytes are whole."""
    bodies = {f"/{number}.tar.gz": bytes([number]) * 50_000 for number in range(4)}
    requests = [Request(Ref.parse(faults.script(path, Reply(body=body)))) for path, body in bodies.items()]
    waits: list[float] = []

    async def asked(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    with service_sources(tmp_path / "cache", rate_limit=RateLimit(1000, asked)) as sources:
        answers = sources.answer(requests, tmp_path)
    assert [answer.digest for answer in answers if isinstance(answer, Fetched)] == list(map(digest_of, bodies.values()))
    assert 195.0 < max(waits) <= 200.0


def test_being_held_back_is_no_silence_of_the_server(tmp_path: Path, faults: FaultServer) -> None:
    """The watchdog that waits for 1 KiB counts the server's time alone."""
    from micropkgd.sources.http.source import HttpSource
    from micropkgd.sources.retry import RetryPolicy
    from micropkgd.sources.source import no_progress

    url = faults.script("/ds.tar.gz", Reply(body=b"x" * 900, rate_limit=(300, 1.6)))

    async def held_back(_: float) -> None:
        await asyncio.sleep(1.5)

    async def fetch() -> Answer:
        source = HttpSource(RetryPolicy(tries=1, silence=2.0))
        try:
            request = Request(Ref.parse(url), rate_limit=RateLimit(1, held_back))
            return await source.fetch(request, ArchiveCache(tmp_path / "cache"), no_progress)
        finally:
            await source.close()

    assert isinstance(asyncio.run(fetch()), Fetched)
