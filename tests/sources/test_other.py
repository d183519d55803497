import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from micropkgd.model.ref import Ref, RefKind
from micropkgd.model.tree import digest_of
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.other import OtherSource
from micropkgd.sources.retry import RetryPolicy
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request, Unchanged, no_progress
from tests.kit.canaries import CANARY
from tests.kit.daemon import PATIENCE
from tests.kit.patience import IMPATIENT, QUICK
from tests.kit.world import World, archive

BODY = os.urandom(40_000)

ROUNDABOUT = (
    *("asynclocal", "blockcache", "cached", "dask", "data", "dir", "file", "filecache", "generic", "git", "jlab"),
    *("jupyter", "libarchive", "local", "reference", "sftp", "simplecache", "ssh", "tar", "zip"),
)
SECOND_TARGETS = ("fo", "fs", "get_client", "protocol", "remote_options", "target_options", "target_protocol")

Ask = Callable[..., Answer]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask a source of its own, of a project that allows `memory`, and see that no secret comes back."""

    def ask_once(
        ref: str, options: dict[str, object] | None = None, patience: RetryPolicy = QUICK, **request: Any
    ) -> Answer:
        made = Request(Ref(ref, RefKind.OTHER, ref), options or {}, protocols=("memory",))._replace(**request)
        source = OtherSource(patience, chance=lambda: 0.0)
        answer = asyncio.run(source.fetch(made, ArchiveCache(tmp_path / "cache"), no_progress))
        assert CANARY not in repr(answer)
        return answer

    return ask_once


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    """A file system that is in no file."""
    yield fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()


def failed(answer: Answer, kind: FailureKind) -> Failed:
    """Check that there is no answer, for this reason."""
    assert isinstance(answer, Failed), answer
    assert answer.kind is kind, answer
    return answer


def no_socket(*arguments: object) -> None:
    """Fail a test that would reach anything."""
    raise AssertionError(arguments)


class TestPolicy:
    """Nothing but what the project names, and that in no roundabout way."""

    def test_allowed_protocol_is_fetched(self, memory: MemoryFileSystem, ask: Ask) -> None:
        """Its bytes are in the cache."""
        memory.pipe_file("/a/x.tar.gz", BODY)
        answer = ask("memory://a/x.tar.gz")
        assert isinstance(answer, Fetched)
        assert answer[:2] == (digest_of(BODY), len(BODY))

    def test_protocol_that_is_not_named_is_refused(self, memory: MemoryFileSystem, ask: Ask) -> None:
        """The hint says where to name it."""
        memory.pipe_file("/a/x.tar.gz", BODY)
        answer = failed(ask("memory://a/x.tar.gz", protocols=("abfs",)), FailureKind.REFUSED)
        assert 'protocols = ["memory"]' in answer.hint

    @pytest.mark.parametrize("protocol", ROUNDABOUT)
    def test_roundabout_protocol_is_refused_even_if_named(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch, protocol: str
    ) -> None:
        """Wrappers, ways to files of this machine and drivers that trust anyone are never built."""
        monkeypatch.setattr(fsspec, "get_filesystem_class", no_socket)
        failed(ask(f"{protocol}:///etc/passwd", protocols=(protocol,)), FailureKind.REFUSED)

    @pytest.mark.parametrize("key", SECOND_TARGETS)
    def test_second_target_is_refused(self, ask: Ask, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
        """An argument cannot lead elsewhere."""
        monkeypatch.setattr(fsspec, "get_filesystem_class", no_socket)
        answer = failed(ask("memory://a/x.tar.gz", {key: CANARY}), FailureKind.REFUSED)
        assert f"`{key}`" in answer.problem

    def test_policy_of_the_project_is_used(self, memory: MemoryFileSystem, world: World) -> None:
        """What `protocols` names is pulled, and nothing else is."""
        memory.pipe_file("/team/ds.tar.gz", archive({"nodes.py": "A = 1\n"}))
        world.asks_for("memory://team/ds.tar.gz")
        assert (world.reconcile().code, world.has("src/shop/ds/nodes.py")) == (1, False)
        world.asks_for("memory://team/ds.tar.gz", policy='protocols = ["memory"]')
        world.sync()
        assert world.read("src/shop/ds/nodes.py") == "A = 1\n"


class TestFailures:
    """A driver's error is one of ours."""

    def test_missing_driver_says_what_to_install(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        """By its name in the package index."""

        def missing(protocol: str) -> None:
            raise ImportError(CANARY)

        monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
        answer = failed(ask("abfs://box/x.tar.gz", protocols=("abfs",)), FailureKind.REFUSED)
        assert answer.hint == "pip install 'adlfs'"

    def test_folder_is_refused(self, memory: MemoryFileSystem, ask: Ask) -> None:
        """It has no bytes."""
        memory.pipe_file("/a/b/x.tar.gz", BODY)
        assert "folder" in failed(ask("memory://a/b"), FailureKind.REFUSED).problem

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            pytest.param(PermissionError(CANARY), FailureKind.DENIED, id="permission"),
            pytest.param(ConnectionResetError(CANARY), FailureKind.UNREACHABLE, id="reset"),
            pytest.param(TimeoutError(CANARY), FailureKind.UNREACHABLE, id="timeout"),
            pytest.param(ValueError(CANARY), FailureKind.REFUSED, id="value"),
            pytest.param(RuntimeError(CANARY), FailureKind.UNREACHABLE, id="anything"),
        ],
    )
    def test_error_of_a_driver_is_an_answer(
        self, memory: MemoryFileSystem, ask: Ask, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: FailureKind
    ) -> None:
        """Without its text."""

        def broken(self: object, path: str, **named: object) -> None:
            raise error

        monkeypatch.setattr(MemoryFileSystem, "info", broken)
        failed(ask("memory://a/x.tar.gz"), kind)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(401, FailureKind.DENIED), (404, FailureKind.GONE), (410, FailureKind.GONE), (429, FailureKind.THROTTLED)],
    )
    def test_status_of_a_driver_is_understood(
        self, memory: MemoryFileSystem, ask: Ask, monkeypatch: pytest.MonkeyPatch, status: int, kind: FailureKind
    ) -> None:
        """As the Azure and HTTP libraries tell it."""

        class DriverError(Exception):
            status_code = status

        def broken(self: object, path: str, **named: object) -> None:
            raise DriverError(CANARY)

        monkeypatch.setattr(MemoryFileSystem, "info", broken)
        failed(ask("memory://a/x.tar.gz"), kind)

    def test_driver_that_hangs_is_given_up(
        self, memory: MemoryFileSystem, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It holds nobody up, at the end of the process neither."""
        over, waited = threading.Event(), list[bool]()
        monkeypatch.setattr(MemoryFileSystem, "info", lambda self, path, **named: waited.append(over.wait(PATIENCE)))
        failed(ask("memory://a/x.tar.gz", patience=IMPATIENT), FailureKind.UNREACHABLE)
        assert waited == []
        over.set()

    def test_archive_that_changes_while_it_is_read_is_read_again(
        self, memory: MemoryFileSystem, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is said of it before and after must agree."""
        memory.pipe_file("/a/x.tar.gz", BODY)
        plain = MemoryFileSystem.open
        newer = iter([b"newer"])

        def replace(self: MemoryFileSystem, path: str, mode: str, **named: object) -> Any:
            found = plain(self, path, mode, **named)
            if (data := next(newer, None)) is not None:
                memory.pipe_file("/a/x.tar.gz", data)
            return found

        monkeypatch.setattr(MemoryFileSystem, "open", replace)
        answer = ask("memory://a/x.tar.gz")
        assert isinstance(answer, Fetched)
        assert answer.digest == digest_of(b"newer")


class TestValidator:
    """Size and whatever else a driver says."""

    def test_driver_that_knows_only_the_size_is_read_each_time(
        self, memory: MemoryFileSystem, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Equal sizes prove nothing."""
        memory.pipe_file("/a/x.tar.gz", BODY)
        said = {"name": "/a/x.tar.gz", "type": "file", "size": len(BODY)}
        monkeypatch.setattr(MemoryFileSystem, "info", lambda self, path, **named: said)
        answer = ask("memory://a/x.tar.gz")
        assert isinstance(answer, Fetched)
        assert answer.validator is None

    def test_time_of_reading_is_no_change(
        self, memory: MemoryFileSystem, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Our own look at it moves that."""
        memory.pipe_file("/a/x.tar.gz", BODY)
        monkeypatch.setattr(
            MemoryFileSystem, "info", lambda self, path, **named: {"size": 40_000, "etag": "1", "atime": time.time()}
        )
        first = ask("memory://a/x.tar.gz")
        assert isinstance(first, Fetched)
        assert ask("memory://a/x.tar.gz", validator=first.validator) == Unchanged()
