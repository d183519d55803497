"""SQS queues: what their messages name, and what the service makes of them, with a real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from micropkgd.errors import ShortageError
from micropkgd.model.condition import Standing
from micropkgd.model.settings import Queue
from micropkgd.model.status import EntryStatus, ProjectStatus
from micropkgd.service.conditions import News
from micropkgd.service.sqs import Changed, Queues, named_in, pulls_from
from tests.kit.daemon import Daemon, served, until
from tests.kit.servers import moto as moto_server
from tests.kit.servers.indexes import sdist
from tests.kit.servers.moto import LOGIN, REGION, Moto
from tests.kit.servers.ports import free_ports
from tests.kit.world import World, archive


def record(bucket: str, key: str) -> dict[str, object]:
    """One row of what S3 says."""
    return {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 3}}}


def message(*rows: dict[str, object]) -> str:
    """What S3 puts into a queue."""
    return json.dumps({"Records": rows})


def enveloped(text: str) -> str:
    """The same by way of SNS."""
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:1:t", "Message": text})


BRIDGED = json.dumps(
    {"detail-type": "Object Created", "detail": {"bucket": {"name": "team"}, "object": {"key": "a+b%20c.tar.gz"}}}
)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(message(record("team", "ds.tar.gz")), [("team", "ds.tar.gz")], id="s3"),
        pytest.param(message(record("a", "x"), record("b", "y")), [("a", "x"), ("b", "y")], id="several"),
        pytest.param(message(record("team", "a+space%2Bplus")), [("team", "a space+plus")], id="quoted"),
        pytest.param(enveloped(message(record("team", "x"))), [("team", "x")], id="sns"),
        pytest.param(BRIDGED, [("team", "a+b%20c.tar.gz")], id="eventbridge"),
        pytest.param(enveloped(BRIDGED), [("team", "a+b%20c.tar.gz")], id="eventbridge-by-sns"),
        pytest.param('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"team"}', [], id="test"),
    ],
)  # fmt: skip
def test_objects_are_named_in_many_forms(body: str, found: list[tuple[str, str]]) -> None:
    """As S3 sends them, alone and through its neighbours."""
    assert named_in(body) == [Changed(*one) for one in found]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it is not a table"),
        (enveloped("x"), "it is not JSON"),
        ("{}", "it names no object of S3"),
        ('{"Records": 3, "detail": [1]}', "it names no object of S3"),
        ('{"Records": [1, {"s3": 2}, {"s3": {"bucket": {"name": 3}, "object": {"key": "x"}}}]}', "no object of S3"),
        (message(record("", "x")), "it names no object of S3"),
    ],
)  # fmt: skip
def test_what_is_no_notification_is_refused_with_a_reason(body: str, why: str) -> None:
    """Whoever may send to the queue may send anything."""
    with pytest.raises(ValueError, match=why):
        named_in(body)


def test_a_project_pulls_from_the_buckets_of_its_refs() -> None:
    """The whole name counts, however the scheme is written."""
    entry = EntryStatus("S3://team/x/ds.tar.gz", "", "", "", Standing("Ready", "", "", ""))
    status = ProjectStatus("/p", Standing("Ready", "", "", ""), (entry,))
    assert [bucket for bucket in ("team", "tea", "team/x", "other") if pulls_from(status, bucket)] == ["team", "team/x"]


@pytest.mark.parametrize("index", ["s3://team", "s3://team/", "S3://team/x/"])
def test_a_project_pulls_from_the_buckets_that_it_looks_up_requirements_in(index: str) -> None:
    """Also one that nothing was installed from yet; a requirement of another index is not in a bucket of its name."""
    entry = EntryStatus("team>=1", "", "", "", Standing("Stalled", "", "", ""), index_url=index)
    status = ProjectStatus("/p", Standing("Ready", "", "", ""), (entry, entry._replace(index_url="")))
    assert [bucket for bucket in ("team", "tea", "other") if pulls_from(status, bucket)] == ["team"]


class Noted:
    """What came of the messages of a queue."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str]] = []
        self.news: list[News] = []
        self.rests: list[int] = []
        self.queues = Queues(self._note, self.news.append, self._rest)

    async def _note(self, _: Queue, bucket: str, what: str) -> None:
        self.notes.append((bucket, what))

    def _rest(self, failures: int) -> float:
        self.rests.append(failures)
        return 0.05

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something to come of it."""
        async with asyncio.timeout(40):
            while not holds():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def reading(*queues: Queue) -> AsyncIterator[Noted]:
    """Queues that are read until the end of the `with`."""
    noted = Noted()
    noted.queues.read(queues)
    try:
        yield noted
    finally:
        await noted.queues.close()


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials in the environment, as a machine has them."""
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)


def queue_at(moto: Moto, url: str, name: str = "team") -> Queue:
    """A queue as the config has it."""
    return Queue(name, url, region=REGION, endpoint_url=moto.url)


@pytest.mark.usefixtures("login")
def test_messages_are_noted_and_deleted(moto: Moto) -> None:
    """Of each bucket once a batch; what cannot be read is said, and deleted too."""
    url = moto.queue("noted")
    moto.send(
        url, message(record("team", "a\n.tar.gz"), record("team", "b")), "no json", enveloped(message(record("o", "c")))
    )

    async def story() -> Noted:
        async with reading(queue_at(moto, url)) as noted:
            await noted.until(lambda: len(noted.notes) == 2 and moto.left_in(url) == 0)
            return noted

    noted = asyncio.run(story())
    assert sorted(noted.notes) == [("o", "team: s3://o/c"), ("team", "team: s3://team/a?.tar.gz and 1 more")]
    assert noted.news == [News("QueueMessageRefused", "team", "a message was deleted unread: it is not JSON")]


@pytest.mark.usefixtures("login")
def test_a_message_is_not_deleted_before_it_is_noted(moto: Moto) -> None:
    """Where noting it fails, it is there for the next who reads."""
    url = moto.queue("kept")
    moto.send(url, message(record("team", "a")))
    left: list[int] = []

    async def note(*_: object) -> None:
        left.append(moto.left_in(url))

    async def story() -> None:
        queues = Queues(note, lambda _: None)
        queues.read([queue_at(moto, url)])
        async with asyncio.timeout(40):
            while not left or moto.left_in(url):
                await asyncio.sleep(0.01)
        await queues.close()

    asyncio.run(story())
    assert left == [1]


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize(
    ("error", "said"), [(ShortageError("no descriptors"), "QueueUnreachable"), (RuntimeError("a bug"), "Bug")]
)
def test_a_queue_is_read_on_whatever_goes_wrong_with_a_message(moto: Moto, error: Exception, said: str) -> None:
    """The next one is noted."""
    url = moto.queue(said)
    errors, noted, news = [error], list[str](), list[News]()

    async def note(_: Queue, __: str, what: str) -> None:
        if errors:
            raise errors.pop()
        noted.append(what)

    async def story() -> None:
        queues = Queues(note, news.append, lambda _: 0.01)
        queues.read([queue_at(moto, url, "team")])
        for key in ("first", "second"):
            moto.send(url, message(record("team", key)))
            async with asyncio.timeout(40):
                while not (news if key == "first" else noted):
                    await asyncio.sleep(0.01)
        await queues.close()

    asyncio.run(story())
    assert noted == ["team: s3://team/second"]
    assert (news[0].kind, str(error) in news[0].message) == (said, True)


@pytest.mark.usefixtures("login")
def test_an_outage_is_said_once_and_outlived(moto_program: Path, tmp_path: Path) -> None:
    """Nobody listens at first; then the server comes up, with a message."""
    (port,) = free_ports(1)
    moto = Moto(port)

    async def story() -> Noted:
        queue = queue_at(moto, f"{moto.url}/123456789012/late")
        async with reading(queue) as noted:
            await noted.until(lambda: len(noted.rests) >= 3)
            with moto_server.running(moto_program, tmp_path, port):
                moto.send(await asyncio.to_thread(moto.queue, "late"), message(record("team", "a")))
                await noted.until(lambda: bool(noted.notes))
                await noted.until(lambda: len(noted.news) == 2)
            return noted

    noted = asyncio.run(story())
    assert noted.rests[:3] == [1, 2, 3]
    assert [news.kind for news in noted.news] == ["QueueUnreachable", "QueueRecovered"]
    assert noted.news[0].message == f"{moto.url}: EndpointConnectionError; it is asked again"


@pytest.mark.usefixtures("login")
def test_a_queue_that_is_not_there_is_said_by_its_code(moto: Moto) -> None:
    """And asked again: somebody may make it."""

    async def story() -> Noted:
        async with reading(queue_at(moto, f"{moto.url}/123456789012/none")) as noted:
            await noted.until(lambda: len(noted.rests) >= 2)
            return noted

    (news,) = asyncio.run(story()).news
    assert "NonExistentQueue" in news.message or "QueueDoesNotExist" in news.message


def test_a_queue_without_credentials_is_said(moto: Moto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what to do, and nothing that botocore quotes."""
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in (*LOGIN, "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    async def story() -> Noted:
        async with reading(queue_at(moto, f"{moto.url}/1/x")) as noted:
            await noted.until(lambda: bool(noted.news))
            return noted

    (news,) = asyncio.run(story()).news
    advice = "set them in the environment, or name a `profile`"
    assert news.message == f"{moto.url}: there are no AWS credentials: {advice}; it is asked again"


@pytest.mark.usefixtures("login")
def test_a_queue_without_a_region_is_said(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address need not name one."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    async def story() -> Noted:
        async with reading(queue_at(moto, f"{moto.url}/1/x")._replace(region=None)) as noted:
            await noted.until(lambda: bool(noted.news))
            return noted

    (news,) = asyncio.run(story()).news
    assert news.message == f"{moto.url}: its address names no region: set `region`; it is asked again"


@pytest.mark.usefixtures("login")
def test_a_queue_that_left_the_config_is_read_no_more(moto: Moto) -> None:
    """And one that stays is read on."""
    one, other = moto.queue("leaves"), moto.queue("stays")

    async def story() -> Noted:
        async with reading(queue_at(moto, one, "one"), queue_at(moto, other, "other")) as noted:
            for url, count in ((one, 1), (other, 2)):
                await asyncio.to_thread(moto.send, url, message(record("team", "a")))
                await noted.until(lambda wanted=count: len(noted.notes) == wanted)  # type: ignore[misc]
            noted.queues.read([queue_at(moto, other, "other")])
            for url in (one, other):
                await asyncio.to_thread(moto.send, url, message(record("team", "b")))
            await noted.until(lambda: len(noted.notes) == 3)
            return noted

    noted = asyncio.run(story())
    assert noted.notes[2] == ("team", "other: s3://team/b")
    assert moto.left_in(one) == 1


def test_an_object_that_is_put_is_installed(moto: Moto, tmp_path: Path) -> None:
    """From a bucket that tells a queue to the tree of the project that pulls from it; the other one is left alone."""
    world, other = served(tmp_path / "src", 1), served(tmp_path / "src", 2)
    url = moto.queue("events")
    moto.notifying_bucket("team", url)
    s3 = moto.client("s3")
    s3.put_object(Bucket="team", Key="ds.tar.gz", Body=archive({"nodes.py": "x = 1\n"}))
    options = "client_kwargs: {region_name: " + REGION + "}\nendpoint_url: " + moto.url
    world.write("conf/args.yml", options + "\nkey: AKIDMOTO\nsecret: moto-secret\n")
    world.asks_for("s3://team/ds.tar.gz", fs_args="conf/args.yml")
    queue = f'[[queue]]\nname = "team"\nurl = "{url}"\nregion = "{REGION}"\nendpoint-url = "{moto.url}"\n'
    config = f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n{queue}'
    with Daemon(tmp_path / "d", config, environ=LOGIN) as daemon:
        daemon.quiet(world.root, other.root)
        until(lambda: moto.left_in(url) == 0)
        before = daemon.status(other.root)
        s3.put_object(Bucket="team", Key="ds.tar.gz", Body=archive({"nodes.py": "x = 2\n"}, "1.1"))
        event = daemon.until("Updated", world.root, trigger="queue: team: s3://team/ds.tar.gz")
        assert "1.1" in event["message"]
        after = daemon.status(other.root)

    assert world.read("src/shop/ds/nodes.py") == "x = 2\n"
    assert before is not None
    assert after is not None
    assert before["last_pass"]["id"] == after["last_pass"]["id"]


def test_messages_that_come_twice_or_late_or_from_elsewhere_change_nothing(moto: Moto, tmp_path: Path) -> None:
    """What a message names is looked at, and never taken for what stands there: the newest release stays."""
    world = World(tmp_path / "src/p")
    url = moto.queue("again")
    s3 = moto.client("s3")
    s3.create_bucket(Bucket="again", CreateBucketConfiguration={"LocationConstraint": REGION})
    for version in ("1.0", "1.1"):
        s3.put_object(Bucket="again", Key=f"pkgs/ds-{version}.tar.gz", Body=sdist("ds", version))
    options = "client_kwargs: {region_name: " + REGION + "}\nendpoint_url: " + moto.url
    world.write("conf/args.yml", options + "\nkey: AKIDMOTO\nsecret: moto-secret\n")
    world.asks_for("ds>=1", index="s3://again/pkgs/", fs_args="conf/args.yml")
    queue = f'[[queue]]\nname = "q"\nurl = "{url}"\nregion = "{REGION}"\nendpoint-url = "{moto.url}"\n'
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n{queue}', environ=LOGIN) as daemon:
        daemon.ready(world.root)
        installed = world.tree()
        newest, older = (message(record("again", f"pkgs/ds-{version}.tar.gz")) for version in ("1.1", "1.0"))
        gone, elsewhere = (
            message(record("again", "pkgs/ds-9.9.tar.gz")),
            message(record("nobodys", "pkgs/ds-9.9.tar.gz")),
        )
        for body in (newest, newest, older, gone, elsewhere, "no json"):
            moto.send(url, body)
        daemon.until("QueueMessageRefused", message="not JSON")
        until(lambda: moto.left_in(url) == 0)
        daemon.ready(world.root)
        moto.send(url, message(record("again", "pkgs/the last")))
        daemon.until_status(world.root, lambda now: "the last" in now["last_pass"]["trigger"])
        daemon.ready(world.root)

    assert "1.1" in world.read("src/shop/ds/__init__.py")
    assert world.tree() == installed
