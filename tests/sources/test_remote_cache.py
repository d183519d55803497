"""`cache.remote`: machines find each other's archives by digest, and a bucket that is away or lies harms nobody."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micropkgd.model.tree import digest_of
from tests.kit.canaries import hold
from tests.kit.daemon import Daemon
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.servers.proxy import Proxy
from tests.kit.servers.seaweed import OWNER, READER, Seaweed, free_ports
from tests.kit.world import Said, World, archive

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
