"""`cache.remote`: machines find each other's archives by digest, and a bucket that is away or lies harms nobody."""

import hashlib
import os
import shutil
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from micropkgd.model.tree import digest_of
from micropkgd.sources import announced
from tests.kit.canaries import hold
from tests.kit.daemon import Daemon
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.moto import LOGIN, REGION, Moto
from tests.kit.servers.ports import free_ports
from tests.kit.servers.proxy import Proxy
from tests.kit.servers.seaweed import OWNER, READER, Seaweed
from tests.kit.world import Said, World, archive
from tests.reconcile.test_full_check import let_a_day_pass

NODES = "src/shop/ds/nodes.py"
DATA = archive({"nodes.py": "A = 1\n"})
HEX = digest_of(DATA).removeprefix("sha256:")
KEY = f"cache/sha256/{HEX[:2]}/{HEX[2:]}"


@pytest.fixture
def machine(tmp_path: Path, s3: Seaweed, monkeypatch: pytest.MonkeyPatch) -> "Machine":
    """A machine with the login for a bucket in a real store."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWNER[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OWNER[1])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return Machine(tmp_path, s3, monkeypatch)


class Machine:
    """The config that all boxes of a team have, and the cache that each has to itself."""

    def __init__(self, folder: Path, store: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._monkeypatch = folder, monkeypatch
        self.bucket = f"bucket-{os.urandom(4).hex()}"
        self.client: Any = store.client()
        self.client.create_bucket(Bucket=self.bucket)
        self.use(f"s3://{self.bucket}/cache")

    def use(self, remote: str, more: str = "") -> None:
        """Name the second level in the config."""
        config = self._folder / "config.toml"
        hold(config, f'{more}\n[cache]\nremote = "{remote}"\n')
        self._monkeypatch.setenv("MICROPKGD_CONFIG", str(config))

    def box(self, name: str, origin: World) -> World:
        """Another box: a clone of a project, with a cache in which nothing is."""
        self._monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(self._folder / f"cache-{name}"))
        root = self._folder / name
        shutil.copytree(origin.root, root, ignore=shutil.ignore_patterns(".micropkgd", "ds"))
        clone = World.__new__(World)
        clone.root = root
        return clone

    def follower(self, name: str, origin: World) -> World:
        """Another box that asks what is newest: no lock says which archive that is."""
        clone = self.box(name, origin)
        (clone.root / "micropkg.lock").unlink()
        return clone

    def cached(self, digest: str) -> str:
        """Where the bucket has an archive."""
        name = digest.removeprefix("sha256:")
        return f"cache/sha256/{name[:2]}/{name[2:]}"

    def keys(self) -> list[str]:
        """What is in the bucket."""
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [item["Key"] for item in found]


def install(box: World) -> Said:
    """Install what the lock says."""
    return box.run("reconcile", "--once", "--locked", str(box.root))


def test_one_box_fetches_and_ten_others_find_it(
    world: World, faults: FaultServer, machine: Machine, s3: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The origin is asked once for the bytes; each further box asks the bucket alone, and that once."""
    url = faults.script("/ds.tar.gz", Reply(body=DATA))
    world.asks_for(url)
    world.sync()
    assert machine.keys() == [KEY]
    asked = len(faults.requests_for("/ds.tar.gz"))

    with Proxy(s3.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{proxy.port}")
        for number in range(10):
            box = machine.box(f"box{number}", world)
            said = install(box)
            assert (said.code, said.err) == (0, ""), said
            assert box.read(NODES) == "A = 1\n"
        assert [seen.method for seen in proxy.requests_for(f"/{machine.bucket}/{KEY}")] == ["GET"] * 10
    assert len(faults.requests_for("/ds.tar.gz")) == asked


def test_a_poisoned_object_is_not_used(world: World, faults: FaultServer, machine: Machine) -> None:
    """The bytes come from their own place, and the one who looks after the bucket hears of it."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=DATA)))
    world.sync()
    machine.client.put_object(Bucket=machine.bucket, Key=KEY, Body=archive({"nodes.py": "evil = 1\n"}))
    box = machine.box("box", world)
    said = install(box)

    assert said.code == 0
    assert f"{KEY} is not the archive that it is called, and was not used" in said.err
    assert box.read(NODES) == "A = 1\n"


def of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that may not touch the bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READER[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", READER[1])


def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not answer."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_ports(1)[0]}")


@pytest.mark.parametrize("ail", [of_another, away])
def test_without_it_all_goes_on(
    world: World,
    faults: FaultServer,
    machine: Machine,
    ail: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who fetches first, and who comes after, do what they would have done without one, and hear what is wrong."""
    url = faults.script("/ds.tar.gz", Reply(body=DATA))
    world.asks_for(url)
    ail(monkeypatch)
    first = world.reconcile()
    box = machine.box("box", world)
    second = install(box)

    assert (first.code, second.code) == (0, 0)
    assert world.read(NODES) == box.read(NODES) == "A = 1\n"
    assert f"warning: s3://{machine.bucket}/cache/ takes no archives: " in first.err
    assert f"warning: s3://{machine.bucket}/cache/ does not serve archives, so they come from their own " in second.err
    assert machine.keys() == []


def test_a_bucket_that_is_not_there_is_told(
    world: World, faults: FaultServer, machine: Machine, moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever would fill it; archives come from their own places."""
    for name, value in {**LOGIN, "AWS_ENDPOINT_URL_S3": moto.url, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    machine.use("s3://no-such-bucket/cache")
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=DATA)))
    first = world.reconcile()
    second = install(machine.box("box", world))

    assert (first.code, second.code) == (0, 0)
    assert "warning: s3://no-such-bucket/cache/ takes no archives: " in first.err


def test_a_bucket_that_can_only_be_read_serves(
    world: World, faults: FaultServer, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others put there is taken; that nothing can be added is told."""
    with suppress(machine.client.exceptions.BucketAlreadyExists, machine.client.exceptions.BucketAlreadyOwnedByYou):
        machine.client.create_bucket(Bucket="readable")
    machine.client.put_object(Bucket="readable", Key=KEY, Body=DATA)
    machine.use("s3://readable/cache")
    url = faults.script("/ds.tar.gz", Reply(body=DATA))
    world.asks_for(url)
    world.sync()
    asked = len(faults.requests_for("/ds.tar.gz"))
    of_another(monkeypatch)
    found = install(machine.box("box", world))
    assert (found.code, found.err, len(faults.requests_for("/ds.tar.gz"))) == (0, "", asked)

    world.asks_for(faults.script("/other.tar.gz", Reply(body=archive({"nodes.py": "B = 1\n"}))))
    ended = follow(world)
    assert ended.code == 0
    assert "warning: s3://readable/cache/ takes no archives: " in ended.err


def test_a_slow_bucket_is_not_waited_for(
    world: World, faults: FaultServer, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than for any source: `limits.source-wait`, for what is asked of it and for what is put there."""
    machine.use(f"s3://{machine.bucket}/cache", '[limits]\nsource-wait = "2s"')
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=DATA)))
    with FaultServer() as slow:
        slow.script(f"/{machine.bucket}/{KEY}", Reply(body=b"x" * 10, stall_after=0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", slow.url("").rstrip("/"))
        first = world.reconcile()
        second = install(machine.box("box", world))
        asked = [seen.method for seen in slow.requests_for(f"/{machine.bucket}/{KEY}")]

    assert (first.code, second.code) == (0, 0)
    assert "takes no archives: " in first.err
    assert "does not serve archives, so they come from their own places: " in second.err
    assert Counter(asked) <= Counter(PUT=2, GET=1)  # nobody tries again and again while a pass waits


def test_a_place_that_is_not_allowed_stays_so(world: World, faults: FaultServer, machine: Machine) -> None:
    """What this machine does not let projects ask for does not come by way of the bucket, either."""
    url = faults.script("/ds.tar.gz", Reply(body=DATA))
    world.asks_for(url, sha256=digest_of(DATA))
    world.sync()
    machine.use(f"s3://{machine.bucket}/cache", 'allowed-origins = ["https://archives.example"]')
    box = machine.box("box", world)
    (box.root / "micropkg.lock").unlink()
    said = box.run("reconcile", "--once", str(box.root))

    assert (said.code, "is not among the allowed-origins" in said.out + said.err) == (1, True)
    assert not box.has(NODES)


def test_the_service_reads_and_fills_it(world: World, faults: FaultServer, machine: Machine, tmp_path: Path) -> None:
    """What one service fetched another one finds; what ails the bucket is an event, not a failed pass."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=DATA)), 'update = "locked"')
    config = f'projects = ["{world.root}"]\n[cache]\nremote = "s3://{machine.bucket}/cache/"\n'
    with Daemon(tmp_path / "a", config) as one:
        one.until("ConditionChanged", message="Ready (InSync)")
    assert machine.keys() == [KEY]
    asked = len(faults.requests_for("/ds.tar.gz"))
    machine.client.put_object(Bucket=machine.bucket, Key=KEY, Body=b"poison")
    (world.root / NODES).unlink()
    world.forget()
    with Daemon(tmp_path / "b", config) as two:
        two.until("CacheTrouble")
        two.until("ConditionChanged", message="Ready (InSync)")
    assert world.read(NODES) == "A = 1\n"
    assert len(faults.requests_for("/ds.tar.gz")) == asked + 1


BIG = archive({"nodes.py": "A = 1\n", "ballast.txt": os.urandom(2_000_000).hex()})
SHA256 = hashlib.sha256(BIG).digest()
SAYS = {
    "Repr-Digest": f"md5=:{'A' * 22}==:, sha-256=:{b64encode(SHA256).decode()}:",
    "Digest": f"SHA-256={b64encode(SHA256).decode()}",
    "X-Checksum-Sha256": SHA256.hex().upper(),
}


def follow(box: World) -> Said:
    """Take what is newest."""
    return box.run("reconcile", "--once", str(box.root))


def gets(faults: FaultServer | Proxy, path: str) -> int:
    """How often something was asked for with its bytes."""
    return sum(seen.method == "GET" for seen in faults.requests_for(path))


@pytest.mark.parametrize("header", list(SAYS))
def test_followers_of_an_address_get_the_bytes_from_the_bucket(
    world: World, faults: FaultServer, machine: Machine, header: str
) -> None:
    """Its server says which archive stands there; whoever has that from elsewhere does not wait for its bytes."""
    said = {header: SAYS[header]}
    url = faults.script("/ds.tar.gz", Reply(body=BIG, headers=said), Reply(body=BIG, headers=said, stall_after=9))
    world.asks_for(url)
    assert world.reconcile().code == 0
    for number in range(3):
        box = machine.follower(f"box{number}", world)
        ended = follow(box)
        assert (ended.code, ended.err, box.read(NODES)) == (0, "", "A = 1\n"), ended
    assert gets(faults, "/ds.tar.gz") == 4


def test_followers_of_an_index_get_the_file_from_the_bucket(
    world: World, faults: FaultServer, machine: Machine
) -> None:
    """The page has the hash: the file is asked for once by all boxes together."""
    page = f'<a href="/files/ds-1.0.tar.gz#sha256={HEX}">ds-1.0.tar.gz</a></html>'.encode()
    faults.script("/simple/ds/", Reply(body=page, headers={"Content-Type": "text/html"}))
    faults.script("/files/ds-1.0.tar.gz", Reply(body=DATA))
    world.asks_for("ds", index=faults.url("/simple/"))
    assert world.reconcile().code == 0
    for number in range(3):
        box = machine.follower(f"box{number}", world)
        assert follow(box).code == 0
        assert HEX in box.read("micropkg.lock")
    assert (gets(faults, "/simple/ds/"), gets(faults, "/files/ds-1.0.tar.gz")) == (4, 1)


def release(world: World, version: str) -> str:
    """Publish a version of a module: the digest of its archive."""
    world.write("src/shop/pipelines/ds/__init__.py", f'__version__ = "{version}"\n')
    said = follow(world)
    assert said.code == 0, said
    return digest_of((world.root / f"dist/ds-{version}.tar.gz").read_bytes())


def test_followers_of_a_bucket_never_ask_it_for_what_was_published(
    world: World, tmp_path: Path, machine: Machine, s3: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who publishes says the digest beside the object, and leaves the archive where the others look first."""
    machine.client.create_bucket(Bucket=f"{machine.bucket}-origin")
    place = f"s3://{machine.bucket}-origin/pkgs/"
    author = World(tmp_path / "author")
    author.write("src/shop/pipelines/__init__.py", "")
    author.manifest(f'"pipelines.ds" = {{publish = "{place}", publish-when = "saved"}}', home="tool.micropkgd.package")
    first = release(author, "1.0")
    world.asks_for("ds>=1", index=place)
    assert world.reconcile().code == 0
    boxes = [machine.follower(f"box{number}", world) for number in range(3)]
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / "cache-author"))
    for version, digest in (("1.0", first), ("1.1", "")):
        with Proxy(s3.port) as proxy:
            archive_of = digest or release(author, version)
            with monkeypatch.context() as patched:
                patched.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{proxy.port}")
                for name, box in enumerate(boxes):
                    patched.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / f"cache-box{name}"))
                    assert follow(box).code == 0
                    assert f'"{version}"' in box.read("src/shop/ds/__init__.py")
            published = f"/{machine.bucket}-origin/pkgs/ds-{version}.tar.gz"
            assert [seen.method for seen in proxy.requests_for(published)] == ["HEAD"] * 3
            assert gets(proxy, f"/{machine.bucket}/{machine.cached(archive_of)}") == 3


def test_followers_do_not_take_what_the_bucket_calls_the_archive(
    world: World, faults: FaultServer, machine: Machine
) -> None:
    """Who may write to the shared bucket can put another archive under the name: it is told, and not used."""
    said = {"Repr-Digest": SAYS["Repr-Digest"]}
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=BIG, headers=said)))
    assert world.reconcile().code == 0
    key = machine.cached(digest_of(BIG))
    machine.client.put_object(Bucket=machine.bucket, Key=key, Body=archive({"nodes.py": "evil = 1\n"}))
    box = machine.follower("box", world)
    ended = follow(box)

    assert (ended.code, box.read(NODES)) == (0, "A = 1\n")
    assert f"{key} is not the archive that it is called, and was not used" in ended.err


def test_a_place_that_contradicts_itself_is_refused(world: World, faults: FaultServer, machine: Machine) -> None:
    """Else some boxes would have the archive that is announced, and others the one that is sent."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=DATA, headers={"Repr-Digest": SAYS["Repr-Digest"]})))
    ended = world.reconcile()

    assert (ended.code, world.has(NODES)) == (6, False)
    assert f"announces {digest_of(BIG)}, and its bytes are {digest_of(DATA)}" in ended.out


def test_who_may_not_read_a_place_gets_nothing_of_it(world: World, faults: FaultServer, machine: Machine) -> None:
    """What the bucket has from there does not help: no digest was told."""
    said = {"Repr-Digest": SAYS["Repr-Digest"]}
    world.asks_for(faults.script("/ds.tar.gz", Reply(body=BIG, headers=said), Reply(403, headers=said)))
    assert world.reconcile().code == 0
    box = machine.follower("box", world)

    assert follow(box).code == 1
    assert not box.has(NODES)


def test_the_daily_look_is_at_the_bytes_of_the_place_itself(
    world: World, faults: FaultServer, machine: Machine
) -> None:
    """What it announces is what it announced, and this machine has that: other bytes are found all the same."""
    said = {"Repr-Digest": SAYS["Repr-Digest"], "ETag": '"1"'}
    world.asks_for(
        faults.script(
            "/ds.tar.gz", Reply(body=BIG, headers=said), Reply(body=archive({"nodes.py": "A = 2\n"}), headers=said)
        )
    )
    assert follow(world).code == 0
    let_a_day_pass(world)
    assert follow(world).code == 0
    assert world.read(NODES) == "A = 2\n"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Repr-Digest": "sha-256=:short:"},
        {"Repr-Digest": "sha-256=:" + "!" * 43 + "=:"},
        {"Digest": "md5=" + "A" * 43 + "="},
        {"X-Checksum-Sha256": "z" * 64},
        {"X-Checksum-Sha256": ""},
    ],
)
def test_headers_that_say_no_digest_say_none(headers: dict[str, str]) -> None:
    """Whatever a server sends there."""
    assert announced.of_headers(headers) is None


@pytest.mark.parametrize("said", [None, "", "x", {"micropkgd-sha256": 3}, {"micropkgd-sha256": "0" * 63}, {"a": "b"}])
def test_objects_that_say_no_digest_say_none(said: object) -> None:
    """Whatever stands beside them."""
    assert announced.of_bucket(said) is None
    assert announced.of_checksum(said) is None


def test_a_checksum_of_parts_is_none() -> None:
    """S3 has one of the whole object, or one of its parts' checksums, with their number."""
    text = b64encode(SHA256).decode()
    assert announced.of_checksum(text) == digest_of(BIG)
    assert announced.of_checksum(f"{text}-2") is None
