"""What every source promises, whatever it fetches from. A new source adds a `Place` and a row to `PLACES`."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import fsspec
import pytest

from micropkgd.model.ref import Ref
from micropkgd.model.tree import Digest, digest_of
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Lookup, Request, Unchanged
from tests.kit.canaries import CANARY
from tests.kit.servers.gcs import FakeGcs
from tests.kit.servers.indexes import StaticIndex
from tests.kit.servers.nginx import Nginx
from tests.kit.servers.seaweed import Seaweed


class Place(Protocol):
    """Where a test publishes archives, and how they are referred to."""

    options: dict[str, object]  # fs-args with the canary in them

    def publish(self, name: str, data: bytes) -> Ref:
        """Put an archive in place, at once."""

    def remove(self, name: str) -> None:
        """Take it away."""


class Folder:
    """Archives in a folder of the project."""

    def __init__(self, folder: Path) -> None:
        self.options: dict[str, object] = {"token": CANARY}
        self._folder = folder

    def publish(self, name: str, data: bytes) -> Ref:
        """Write beside, then rename."""
        (self._folder / "beside").write_bytes(data)
        (self._folder / "beside").rename(self._folder / name)
        return Ref.parse(name)

    def remove(self, name: str) -> None:
        """Unlink."""
        (self._folder / name).unlink()


class WebServer:
    """Archives behind nginx."""

    def __init__(self, nginx: Nginx) -> None:
        self.options: dict[str, object] = {"headers": {"Authorization": f"Bearer {CANARY}"}}
        self._nginx = nginx

    def publish(self, name: str, data: bytes) -> Ref:
        """Put it into the served folder."""
        self._nginx.publish(name, data)
        return Ref.parse(self._nginx.url(name))

    def remove(self, name: str) -> None:
        """Unlink."""
        (self._nginx.files / name).unlink()


class Bucket:
    """Archives in an S3 bucket."""

    def __init__(self, store: Seaweed) -> None:
        self.options = store.options()
        self._client = store.client()
        self._bucket = f"contract-{os.urandom(4).hex()}"
        self._client.create_bucket(Bucket=self._bucket)

    def publish(self, name: str, data: bytes) -> Ref:
        """Put an object."""
        self._client.put_object(Bucket=self._bucket, Key=f"a/{name}", Body=data)
        return Ref.parse(f"s3://{self._bucket}/a/{name}")

    def remove(self, name: str) -> None:
        """Delete it."""
        self._client.delete_object(Bucket=self._bucket, Key=f"a/{name}")


class GoogleBucket:
    """Archives in a bucket of Google's."""

    def __init__(self, store: FakeGcs) -> None:
        self.options = store.options()
        self._store = store
        self._bucket = f"contract-{os.urandom(4).hex()}"
        store.create(self._bucket)

    def publish(self, name: str, data: bytes) -> Ref:
        """Put an object."""
        self._store.put(self._bucket, f"a/{name}", data)
        return Ref.parse(f"gs://{self._bucket}/a/{name}")

    def remove(self, name: str) -> None:
        """Delete it."""
        self._store.delete(self._bucket, f"a/{name}")


class PackageIndex:
    """Archives in a package index, each a newer release than the one before."""

    def __init__(self, index: StaticIndex) -> None:
        self.options: dict[str, object] = {"headers": {"Authorization": f"Bearer {CANARY}"}}
        self.lookup = Lookup(index.url)
        self._index = index
        self._releases = itertools.count(1)

    def publish(self, name: str, data: bytes) -> Ref:
        """Put a release in place of all others; the last few files stay, for whoever has just read a page."""
        project, release = name.removesuffix(".tar.gz"), next(self._releases)
        self._index.replace(project, f"1.{release}", data)
        old = self._index.folder(project) / f"{project}-1.{release - 5}.tar.gz"
        old.unlink(missing_ok=True)
        return Ref.parse(project)

    def remove(self, name: str) -> None:
        """Take the project away."""
        self._index.remove(name.removesuffix(".tar.gz"))


class Memory:
    """Archives in a file system of fsspec's."""

    def __init__(self) -> None:
        self.options: dict[str, object] = {"token": CANARY}
        self._fs = fsspec.filesystem("memory")
        self._folder = os.urandom(4).hex()

    def publish(self, name: str, data: bytes) -> Ref:
        """Put it in place."""
        self._fs.pipe_file(f"/{self._folder}/{name}", data)
        return Ref.parse(f"memory://{self._folder}/{name}")

    def remove(self, name: str) -> None:
        """Delete it."""
        self._fs.rm_file(f"/{self._folder}/{name}")


PLACES: dict[str, Callable[[pytest.FixtureRequest], Place]] = {
    "gcs": lambda request: GoogleBucket(request.getfixturevalue("gcs")),
    "index": lambda request: PackageIndex(request.getfixturevalue("static_index")),
    "local": lambda request: Folder(request.getfixturevalue("tmp_path")),
    "http": lambda request: WebServer(request.getfixturevalue("nginx")),
    "other": lambda request: Memory(),
    "s3": lambda request: Bucket(request.getfixturevalue("s3")),
}


class World(NamedTuple):
    """A place, and a project that asks it."""

    place: Place
    sources: Sources
    cache: ArchiveCache
    project: Path

    def ask(self, request: Request) -> Answer:
        """Ask once, secrets included, and see that none comes back."""
        lookup = getattr(self.place, "lookup", None)
        made = request._replace(options=self.place.options, lookup=lookup, protocols=("memory",))
        (answer,) = self.sources.answer([made], self.project)
        assert CANARY not in repr(answer)
        return answer

    def fetch(self, ref: Ref) -> Fetched:
        """Ask for the body and get it."""
        answer = self.ask(Request(ref))
        assert isinstance(answer, Fetched), answer
        return answer

    def fail(self, request: Request) -> FailureKind:
        """Ask and get none; say why."""
        answer = self.ask(request)
        assert isinstance(answer, Failed), answer
        return answer.kind

    def archives(self) -> list[Path]:
        """All files of the cache, partial ones too."""
        return [path for path in Path(self.cache.folder).rglob("*") if path.is_file()]


@pytest.fixture(params=sorted(PLACES))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """One place of each kind."""
    cache = ArchiveCache(tmp_path / "cache")
    with Sources(cache) as sources:
        yield World(PLACES[request.param](request), sources, cache, tmp_path)


def test_first_fetch_fills_the_cache(world: World) -> None:
    """The digest is of the bytes that were published, and they are in the cache under it."""
    data = os.urandom(100_000)
    answer = world.fetch(world.place.publish("first.tar.gz", data))
    assert (answer.digest, answer.size) == (digest_of(data), len(data))
    assert world.cache.read(answer.digest) == data


def test_unchanged_archive_is_not_fetched(world: World) -> None:
    """The validator of the last answer is enough to know."""
    ref = world.place.publish("same.tar.gz", b"same")
    assert isinstance(world.ask(Request(ref, validator=world.fetch(ref).validator)), Unchanged)


def test_changed_archive_is_fetched(world: World) -> None:
    """Also where its size is the same."""
    ref = world.place.publish("changed.tar.gz", b"before")
    validator = world.fetch(ref).validator
    world.place.publish("changed.tar.gz", b"after!")
    answer = world.ask(Request(ref, validator=validator))
    assert isinstance(answer, Fetched)
    assert answer.digest == digest_of(b"after!")
    assert answer.validator not in {None, validator}


def test_removed_archive_is_gone(world: World) -> None:
    """With a validator or without, absence is its own fact."""
    ref = world.place.publish("gone.tar.gz", b"gone")
    validator = world.fetch(ref).validator
    world.place.remove("gone.tar.gz")
    assert world.fail(Request(ref)) is FailureKind.GONE
    assert world.fail(Request(ref, validator=validator)) is FailureKind.GONE


def test_too_large_archive_is_refused(world: World) -> None:
    """Nothing of it stays; one of just the allowed size is taken."""
    ref = world.place.publish("large.tar.gz", b"x" * 1001)
    assert world.fail(Request(ref, max_bytes=1000)) is FailureKind.REFUSED
    assert world.archives() == []
    assert isinstance(world.ask(Request(ref, max_bytes=1001)), Fetched)


def test_other_archive_than_expected_is_corrupt(world: World) -> None:
    """Both digests are named, and the wrong archive does not enter the cache."""
    ref = world.place.publish("other.tar.gz", b"other")
    answer = world.ask(Request(ref, expected=digest_of(b"pinned")))
    assert isinstance(answer, Failed)
    assert answer.kind is FailureKind.CORRUPT
    assert digest_of(b"pinned") in answer.problem
    assert digest_of(b"other") in answer.problem
    assert world.archives() == []


def test_expected_archive_is_fetched(world: World) -> None:
    """A pin that fits changes nothing."""
    ref = world.place.publish("pinned.tar.gz", b"pinned")
    assert isinstance(world.ask(Request(ref, expected=digest_of(b"pinned"))), Fetched)


def test_archive_replaced_meanwhile_is_never_torn(world: World) -> None:
    """What is fetched while a publisher replaces the archive is one of the two."""
    contents = [b"a" * 3_000_000, b"b" * 3_000_000]
    ref = world.place.publish("torn.tar.gz", contents[0])
    over = threading.Event()

    def publish() -> None:
        while not over.wait(0.01):
            contents.reverse()
            world.place.publish("torn.tar.gz", contents[0])

    publisher = threading.Thread(target=publish)
    publisher.start()
    answers = [world.ask(Request(ref)) for _ in range(15)]
    over.set()
    publisher.join()
    found: set[Digest] = {answer.digest for answer in answers if isinstance(answer, Fetched)}
    assert found
    assert found <= {digest_of(content) for content in contents}
