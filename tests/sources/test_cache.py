import errno
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from micropkgd.errors import ShortageError, TreeError, UsageError
from micropkgd.model.tree import Digest, digest_of
from micropkgd.sources import cache as cache_module
from micropkgd.sources.cache import ArchiveCache, TooLargeError, default_cache_folder

ABSENT = Digest(f"sha256:{'0' * 64}")


def put(cache: ArchiveCache, data: bytes) -> Digest:
    """Write one archive."""
    with cache.writer(len(data)) as writer:
        writer.write(data)
        return writer.commit()[0]


def files_of(cache: ArchiveCache) -> list[Path]:
    """All files of a cache, partial ones too."""
    return [path for path in Path(cache.folder).rglob("*") if path.is_file()]


def archive_of(cache: ArchiveCache, digest: Digest) -> Path:
    """Where an archive stands, by the documented layout."""
    name = digest.removeprefix("sha256:")
    return Path(cache.folder) / "archives" / "sha256" / name[:2] / name[2:]


@pytest.fixture
def cache(tmp_path: Path) -> ArchiveCache:
    """A cache that was never used."""
    return ArchiveCache(tmp_path / "cache")


def test_committed_archive_is_read_back(cache: ArchiveCache) -> None:
    """What was written in pieces is found whole under its digest, and may not be changed."""
    with cache.writer(10) as writer:
        writer.write(b"one")
        writer.write(b"two")
        assert writer.commit() == (digest_of(b"onetwo"), 6)
    assert cache.has(digest_of(b"onetwo"))
    assert cache.read(digest_of(b"onetwo")) == b"onetwo"
    assert archive_of(cache, digest_of(b"onetwo")).stat().st_mode & 0o777 == 0o444


def test_absent_archive_is_missing(cache: ArchiveCache) -> None:
    """A cache that was never written to answers, and makes no folder."""
    assert not cache.has(ABSENT)
    assert cache.read(ABSENT) is None
    assert not Path(cache.folder).exists()


def test_damaged_archive_counts_as_missing(cache: ArchiveCache) -> None:
    """A flipped byte is found when read, and the file goes, so that the next pass fetches it."""
    digest = put(cache, b"sound")
    archive_of(cache, digest).chmod(0o644)
    archive_of(cache, digest).write_bytes(b"souNd")
    assert cache.read(digest) is None
    assert not cache.has(digest)


def test_a_large_archive_is_not_read_again_by_who_wrote_it(
    cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, and only as it was left; whoever else finds it, and whoever finds it later, hashes it."""
    hashed: list[str] = []
    monkeypatch.setattr(cache_module, "_LARGE", 5)

    def hash_file(path: str) -> Digest:
        hashed.append(path)
        return digest_of(Path(path).read_bytes())

    monkeypatch.setattr(cache_module, "_hashed", hash_file)

    for data, times in ((b"large", (0, 1)), (b"few", (1, 2))):
        digest = put(cache, data)
        for already in times:
            assert cache.find(digest)
            assert len(hashed) == already, data
        assert ArchiveCache(cache.folder).find(digest)
        hashed.clear()


@pytest.mark.parametrize("other", [b"souNd", b"longer", None])
def test_a_large_archive_that_is_not_as_it_was_left_is_missing(
    cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch, other: bytes | None
) -> None:
    """Its bytes changed, or another file has its name, or none."""
    monkeypatch.setattr(cache_module, "_LARGE", 5)
    digest = put(cache, b"sound")
    place = archive_of(cache, digest)
    place.unlink()
    if other is not None:
        place.write_bytes(other)

    assert cache.find(digest) is None


def test_abandoned_writer_leaves_no_trace(cache: ArchiveCache) -> None:
    """A download that breaks off leaves no file, neither half nor whole."""

    def break_off() -> None:
        with cache.writer(10) as writer:
            writer.write(b"half")
            assert files_of(cache)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert files_of(cache) == []


def test_one_byte_too_many_is_refused(cache: ArchiveCache) -> None:
    """The cap holds at the byte: as many as allowed are taken, one more is not."""
    with cache.writer(3) as writer:
        writer.write(b"abc")
        with pytest.raises(TooLargeError):
            writer.write(b"d")
    assert files_of(cache) == []


def test_archive_is_replaced_by_itself(cache: ArchiveCache) -> None:
    """Writing what is there already is no error and leaves one file."""
    assert put(cache, b"same") == put(cache, b"same")
    assert len(files_of(cache)) == 1


def _put_many(folder: Path) -> list[Digest]:
    cache = ArchiveCache(folder)
    return [put(cache, bytes([number]) * 50_000) for number in range(30)]


def test_many_processes_share_one_cache(cache: ArchiveCache) -> None:
    """Processes that write the same archives at the same time all find every one of them whole."""
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        first, *others = pool.map(_put_many, [cache.folder] * 3)
    assert all(other == first for other in others)
    assert [cache.read(digest) for digest in first] == [bytes([number]) * 50_000 for number in range(30)]
    assert len(files_of(cache)) == 30


_DIE_WRITING = """
import os, sys
from pathlib import Path
from micropkgd.sources.cache import ArchiveCache
with ArchiveCache(Path(sys.argv[1])).writer(10) as writer:
    writer.write(b"half")
    os.kill(os.getpid(), 9)
"""


def test_partial_file_of_a_killed_process_is_swept(cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kill -9 leaves behind is removed by a later process, not for ever kept."""
    subprocess.run([sys.executable, "-c", _DIE_WRITING, cache.folder], check=False)
    assert len(files_of(cache)) == 1
    monkeypatch.setattr(cache_module, "_DEAD_AFTER_SECONDS", -1)
    digest = put(cache, b"next")
    assert files_of(cache) == [archive_of(cache, digest)]


def test_partial_file_of_a_living_writer_is_not_swept(cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow download is not taken for a dead one."""
    monkeypatch.setattr(cache_module, "_DEAD_AFTER_SECONDS", -1)
    with cache.writer(4) as slow:
        put(ArchiveCache(cache.folder), b"next")
        slow.write(b"slow")
        slow.commit()
    assert cache.read(digest_of(b"slow")) == b"slow"


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The user learns which folder it is and which variable names another one."""
    (tmp_path / "file").write_bytes(b"")
    cache = ArchiveCache(tmp_path / "file" / "cache")
    with pytest.raises(TreeError, match="cannot write to the archive cache") as caught:
        cache.writer(1)
    assert caught.value.where == str(cache.folder)
    assert "MICROPKGD_CACHE_DIR" in caught.value.hint


def test_full_disk_is_told(cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails is an error of the user's disk, and what was written is removed."""

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ShortageError, match="no space left"), cache.writer(4) as writer:
        writer.write(b"data")
    assert files_of(cache) == []


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        pytest.param({"MICROPKGD_CACHE_DIR": "/own", "XDG_CACHE_HOME": "/xdg"}, "/own", id="own-variable-wins"),
        pytest.param({"XDG_CACHE_HOME": "/xdg", "HOME": "/home/me"}, "/xdg/micropkgd", id="xdg"),
        pytest.param({"XDG_CACHE_HOME": "xdg", "HOME": "/home/me"}, "/home/me/.cache/micropkgd", id="relative-xdg"),
        pytest.param({"HOME": "/home/me"}, "/home/me/.cache/micropkgd", id="home"),
    ],
)
def test_default_folder(environ: dict[str, str], folder: str) -> None:
    """The variable of micropkgd, then the user's cache folder."""
    assert default_cache_folder(environ) == folder


def test_relative_cache_variable_is_refused() -> None:
    """A relative folder would mean another one in each working folder."""
    with pytest.raises(UsageError, match="MICROPKGD_CACHE_DIR"):
        default_cache_folder({"MICROPKGD_CACHE_DIR": "cache"})


def test_a_file_system_without_locks_is_said_and_leaves_nothing_open(
    cache: ArchiveCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is tried."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(TreeError, match="no locks available"):
            cache.writer(1)
    assert len(os.listdir("/proc/self/fd")) == before
