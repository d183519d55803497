import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.clock import GRAIN_NS
from micropkgd.model.ref import Ref
from micropkgd.model.tree import digest_of
from micropkgd.sources import local
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.local import fetch_local
from micropkgd.sources.source import Answer, Failed, FailureKind, Fetched, Request, Unchanged, Validator
from micropkgd.sources.upload import BytesInMemory, Stored, Upload, put_local


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project."""
    (tmp_path / "shop" / "dist").mkdir(parents=True)
    return tmp_path / "shop"


@pytest.fixture
def cache(tmp_path: Path) -> ArchiveCache:
    """A cache that was never used."""
    return ArchiveCache(tmp_path / "cache")


def fetch(project: Path, cache: ArchiveCache, text: str, validator: Validator | None = None) -> Answer:
    """Ask once."""
    return fetch_local(Request(Ref.parse(text), validator=validator), project, cache)


def validator_of(answer: Answer) -> Validator:
    """What to send along the next time."""
    assert isinstance(answer, Fetched)
    assert answer.validator is not None
    return answer.validator


def test_path_is_relative_to_the_project(
    project: Path, cache: ArchiveCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working folder does not matter."""
    (project / "dist" / "x.tar.gz").write_bytes(b"bytes")
    monkeypatch.chdir(tmp_path)
    answer = fetch(project, cache, "dist/x.tar.gz")
    assert isinstance(answer, Fetched)
    assert cache.read(answer.digest) == b"bytes"


def test_absolute_file_address_is_followed(project: Path, cache: ArchiveCache, tmp_path: Path) -> None:
    """`file://` names a file anywhere, spaces written as an address has them."""
    (tmp_path / "a b.tar.gz").write_bytes(b"bytes")
    assert isinstance(fetch(project, cache, f"file://{tmp_path}/a%20b.tar.gz"), Fetched)


def test_unchanged_file_is_not_opened(project: Path, cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has seen this file pays for one `stat`, not for reading it."""
    (project / "x.tar.gz").write_bytes(b"bytes")
    validator = validator_of(fetch(project, cache, "x.tar.gz"))
    monkeypatch.setattr(os, "open", None)
    assert fetch(project, cache, "x.tar.gz", validator) == Unchanged()


def _set_back(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"after!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path) -> None:
    (path.parent / "beside").write_bytes(b"after!")
    (path.parent / "beside").rename(path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: path.write_bytes(b"after!"), id="rewritten-in-place"),
        pytest.param(_replace, id="replaced"),
        pytest.param(_set_back, id="same-size-and-modification-time"),
    ],
)
def test_change_is_seen_at_once(project: Path, cache: ArchiveCache, change: Callable[[Path], None]) -> None:
    """Also a write within the same tick of the clock, to a file of the same size, is another content."""
    path = project / "x.tar.gz"
    for _ in range(5):
        path.write_bytes(b"before")
        validator = validator_of(fetch(project, cache, "x.tar.gz"))
        change(path)
        answer = fetch(project, cache, "x.tar.gz", validator)
        assert isinstance(answer, Fetched)
        assert answer.digest == digest_of(b"after!")


def test_file_that_keeps_changing_is_not_torn(
    project: Path, cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file written to during every read gives no archive at all."""
    path = project / "x.tar.gz"
    path.write_bytes(b"a" * 100)
    read = os.read

    def read_while_written(descriptor: int, size: int) -> bytes:
        path.write_bytes(os.urandom(100))
        return read(descriptor, size)

    monkeypatch.setattr(local, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(os, "read", read_while_written)
    answer = fetch(project, cache, "x.tar.gz")
    assert isinstance(answer, Failed)
    assert (answer.kind, "keeps changing" in answer.problem) == (FailureKind.UNREACHABLE, True)
    assert not list(Path(cache.folder).rglob("*/*/*/*"))


def test_file_that_settles_is_fetched(project: Path, cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that comes to an end while we read costs a second try, no failure."""
    path = project / "x.tar.gz"
    path.write_bytes(b"early")
    read = os.read
    late = iter([b"later"])

    def read_while_written(descriptor: int, size: int) -> bytes:
        data = read(descriptor, size)
        path.write_bytes(next(late, b"later")) if data == b"early" else None
        return data

    monkeypatch.setattr(os, "read", read_while_written)
    answer = fetch(project, cache, "x.tar.gz")
    assert isinstance(answer, Fetched)
    assert answer.digest == digest_of(b"later")


def test_file_replaced_while_read_is_taken_as_opened(
    project: Path, cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publisher that renames new archives into place, however often, never keeps us from reading one."""
    path = project / "x.tar.gz"
    path.write_bytes(b"opened")
    read = os.read

    def read_while_replaced(descriptor: int, size: int) -> bytes:
        _replace(path)
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", read_while_replaced)
    answer = fetch(project, cache, "x.tar.gz")
    assert isinstance(answer, Fetched)
    assert answer.digest == digest_of(b"opened")


@pytest.mark.parametrize(
    ("age_ns", "slept"),
    [
        pytest.param(GRAIN_NS // 4, [0.0075], id="written-just-now"),
        pytest.param(2 * GRAIN_NS, [], id="written-before"),
        pytest.param(-(10**12), [0.01], id="written-in-the-future"),
    ],
)
def test_file_is_read_after_its_tick(
    project: Path, cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch, age_ns: int, slept: list[float]
) -> None:
    """Older kernels stamp two quick writes alike, so a fresh file is left to settle first."""
    (project / "x.tar.gz").write_bytes(b"bytes")
    pauses: list[float] = []
    now = (project / "x.tar.gz").stat().st_ctime_ns + age_ns
    monkeypatch.setattr(time, "time_ns", lambda: now)
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert isinstance(fetch(project, cache, "x.tar.gz"), Fetched)
    assert pauses == slept


def test_two_contents_are_never_mixed(project: Path, cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a real writer, what is fetched was the file's content at one moment."""
    monkeypatch.setattr(local, "_PAUSE_SECONDS", 0.001)
    path = project / "x.tar.gz"
    contents = [b"a" * 3_000_000, b"b" * 3_000_000]
    path.write_bytes(contents[0])
    over = threading.Event()

    def rewrite() -> None:
        while not over.wait(0.002):
            contents.reverse()
            path.write_bytes(contents[0])

    writer = threading.Thread(target=rewrite)
    writer.start()
    answers = [fetch(project, cache, "x.tar.gz") for _ in range(8)]
    over.set()
    writer.join()
    fetched = [cache.read(answer.digest) or b"" for answer in answers if isinstance(answer, Fetched)]
    assert all(len(set(data)) <= 1 for data in fetched)


def test_missing_file_is_gone_with_its_neighbour_named(project: Path, cache: ArchiveCache) -> None:
    """A typo is answered with the nearest name that is there."""
    (project / "dist" / "pipeline-0.2.tar.gz").write_bytes(b"")
    answer = fetch(project, cache, "dist/pipeline-0.1.tar.gz")
    assert isinstance(answer, Failed)
    assert answer.kind is FailureKind.GONE
    assert "`pipeline-0.2.tar.gz`" in answer.hint


def test_missing_folder_is_gone(project: Path, cache: ArchiveCache) -> None:
    """The hint says that not even the folder is there."""
    answer = fetch(project, cache, "dst/pipeline-0.1.tar.gz")
    assert isinstance(answer, Failed)
    assert (answer.kind, answer.hint) == (FailureKind.GONE, "its folder does not exist either")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        pytest.param(os.mkdir, "a folder", id="folder"),
        pytest.param(os.mkfifo, "not a regular file", id="pipe"),
        pytest.param(lambda path: os.symlink("/dev/zero", path), "not a regular file", id="device"),
        pytest.param(lambda path: os.symlink(path, path), "cannot be read", id="link-to-itself"),
    ],
)
def test_odd_thing_is_not_opened(project: Path, cache: ArchiveCache, make: Callable[[Path], None], what: str) -> None:
    """What would block or never end is refused by its kind."""
    make(project / "x.tar.gz")
    answer = fetch(project, cache, "x.tar.gz")
    assert isinstance(answer, Failed)
    assert what in answer.problem


def test_unreadable_file_is_denied(project: Path, cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions are not absence."""
    (project / "x.tar.gz").write_bytes(b"")

    opened = os.open

    def deny(path: str, flags: int, mode: int = 0o777) -> int:
        if path.endswith("x.tar.gz"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, mode)

    monkeypatch.setattr(os, "open", deny)
    answer = fetch(project, cache, "x.tar.gz")
    assert isinstance(answer, Failed)
    assert answer.kind is FailureKind.DENIED


def test_local_refs_import_nothing_heavy(project: Path, cache: ArchiveCache) -> None:
    """A local pass never pays for the network."""
    (project / "x.tar.gz").write_bytes(b"bytes")
    code = """
import sys
from pathlib import Path
from micropkgd.model.ref import Ref
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.source import Request
with Sources(ArchiveCache(Path(sys.argv[2]))) as sources:
    print(type(sources.answer([Request(Ref.parse("x.tar.gz"))], Path(sys.argv[1]))[0]).__name__)
print(sorted({"asyncio", "aiohttp", "yarl", "ssl", "difflib", "logging"} & set(sys.modules)))
"""
    arguments = [sys.executable, "-c", code, str(project), str(cache.folder)]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout == "Fetched\n[]\n"


def test_two_who_put_the_same_archive_at_once_do_not_take_each_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes in containers have the same number, and threads of a service have one."""
    ref = Ref.parse("out/ds-1.tar.gz")
    upload = Upload(ref, "", "ds-1.tar.gz", "ds", "1", BytesInMemory(b"archive"), digest_of(b"archive"))
    (tmp_path / "out").mkdir()
    sync, seen = os.fsync, list[Stored | Failed]()

    def meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        seen.append(put_local(upload, tmp_path))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    assert put_local(upload, tmp_path) == Stored(written=False)
    assert seen == [Stored(written=True)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ds-1.tar.gz"]


def test_who_puts_an_archive_clears_away_what_the_killed_left(tmp_path: Path) -> None:
    """A draft of days ago, of any archive; never one that may be under way, and nothing else that is hidden."""
    ref = Ref.parse("out/ds-1.tar.gz")
    upload = Upload(ref, "", "ds-1.tar.gz", "ds", "1", BytesInMemory(b"archive"), digest_of(b"archive"))
    (tmp_path / "out").mkdir()
    old, young = ".ds-0.tar.gz.0123456789ab.draft", ".ds-1.tar.gz.ba9876543210.draft"
    others = [".notes.draft", "ds.0123456789ab.draft", ".x.0123456789AB.draft"]
    for name in (old, young, *others):
        (tmp_path / "out" / name).write_bytes(b"half")
        os.utime(tmp_path / "out" / name, (0, 0) if name != young else None)

    assert put_local(upload, tmp_path) == Stored(written=True)

    assert {path.name for path in (tmp_path / "out").iterdir()} == {"ds-1.tar.gz", young, *others}
