"""`cache info`, `gc` and `verify`: what they say, what they remove, and what they leave alone."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from micropkgd.model.tree import Digest, digest_of
from micropkgd.sources.cache import ArchiveCache
from tests.kit.world import World
from tests.sources.test_cache import ABSENT, archive_of, put

DAY = 86_400


@pytest.fixture
def cache(world: World) -> ArchiveCache:
    """The cache that the commands of this test use."""
    return ArchiveCache(Path(os.environ["MICROPKGD_CACHE_DIR"]))


def unused_for(cache: ArchiveCache, digest: Digest, days: float) -> None:
    """Make an archive look as if it had last been used so long ago."""
    then = time.time() - days * DAY
    os.utime(archive_of(cache, digest), (then, then))


def damage(cache: ArchiveCache, digest: Digest) -> None:
    """Change the bytes of an archive behind the cache's back."""
    archive_of(cache, digest).chmod(0o644)
    archive_of(cache, digest).write_bytes(b"something else")


def document(world: World, *arguments: str) -> dict[str, Any]:
    """What a cache command prints for programs, less the head that all have."""
    said = world.run("cache", *arguments, "--json")
    found: dict[str, Any] = json.loads(said.out)
    assert found.pop("schema") == "micropkgd/1"
    assert (found.pop("command"), found.pop("action")) == ("cache", arguments[0])
    assert found.pop("folder") == os.environ["MICROPKGD_CACHE_DIR"]
    assert found.pop("exit_code") == said.code
    return found


def test_info_counts_archives_and_bytes(world: World, cache: ArchiveCache) -> None:
    """Where they are, how many, how large; for programs the same."""
    put(cache, b"one")
    put(cache, b"three")

    assert world.run("cache", "info").out == f"{cache.folder}: 2 archives, 8 bytes\n"
    assert document(world, "info") == {"archives": 2, "bytes": 8}


@pytest.mark.parametrize("action", ["info", "gc", "verify"])
def test_a_cache_that_was_never_used_is_no_error_and_stays_unmade(
    world: World, cache: ArchiveCache, action: str
) -> None:
    """Looking after nothing is quick, and makes no folder."""
    assert world.run("cache", action).code == 0
    assert not Path(cache.folder).exists()


def test_what_else_stands_in_the_folders_is_left_alone(world: World, cache: ArchiveCache) -> None:
    """A file that has no archive's name, or a link with one, is neither counted nor removed."""
    put(cache, b"one")
    beside = archive_of(cache, digest_of(b"one")).with_name("notes.txt")
    strangers = [Path(cache.folder) / "archives/sha256/README", beside]
    for path in strangers:
        path.write_bytes(b"mine")
        os.utime(path, (0, 0))
    link = archive_of(cache, ABSENT)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(strangers[0])

    assert document(world, "info") == {"archives": 1, "bytes": 3}
    assert document(world, "verify") == {"checked": 1, "damaged": []}
    document(world, "gc", "--older-than", "0")
    assert [path.read_bytes() for path in (*strangers, link)] == [b"mine"] * 3


def test_gc_removes_what_nobody_used_for_long(world: World, cache: ArchiveCache) -> None:
    """Ninety days, if nobody says otherwise."""
    old, young = put(cache, b"old"), put(cache, b"young")
    unused_for(cache, old, 91)
    unused_for(cache, young, 89)

    assert document(world, "gc") == {"removed": [old], "bytes": 3, "partials": 0}
    assert (cache.has(old), cache.has(young)) == (False, True)


def test_gc_takes_another_age(world: World, cache: ArchiveCache) -> None:
    """`--older-than` counts days; what it did is said in one line."""
    unused_for(cache, put(cache, b"old"), 3)
    put(cache, b"young")

    assert world.run("cache", "gc", "--older-than", "2").out == "removed 1 archive, 3 bytes, and 0 dead downloads\n"
    assert document(world, "info")["archives"] == 1


@pytest.mark.parametrize("days", ["-1", "nan", "inf", "soon"])
def test_an_age_that_is_none_is_refused(world: World, cache: ArchiveCache, days: str) -> None:
    """A slip of the finger must not empty the cache."""
    digest = put(cache, b"one")
    said = world.run("cache", "gc", f"--older-than={days}")

    assert said.code == 2
    assert f"`{days}` is not a number of days" in said.err
    assert cache.has(digest)


def test_a_read_counts_as_use(world: World, cache: ArchiveCache) -> None:
    """What some project installs from stays, however long ago it was downloaded."""
    digest = put(cache, b"one")
    unused_for(cache, digest, 100)
    assert cache.read(digest) == b"one"

    assert document(world, "gc")["removed"] == []


def test_a_second_read_of_a_day_writes_nothing(cache: ArchiveCache) -> None:
    """A use is noted to the day, not to the second."""
    digest = put(cache, b"one")
    unused_for(cache, digest, 0.5)
    before = archive_of(cache, digest).stat()
    cache.read(digest)

    assert archive_of(cache, digest).stat().st_mtime_ns == before.st_mtime_ns


_DIE_WRITING = """
import os, sys
from pathlib import Path
from micropkgd.sources.cache import ArchiveCache
with ArchiveCache(Path(sys.argv[1])).writer(10) as writer:
    writer.write(b"half")
    os.kill(os.getpid(), 9)
"""


def test_gc_sweeps_what_a_dead_download_left(world: World, cache: ArchiveCache) -> None:
    """A partial file goes when its process is gone and it has stood for some time; one under way stays."""
    with cache.writer(4) as writer:
        subprocess.run([sys.executable, "-c", _DIE_WRITING, cache.folder], check=False)
        partial = list((Path(cache.folder) / "partial").iterdir())
        for path in partial:
            os.utime(path, (0, 0))
        assert (len(partial), document(world, "gc")["partials"]) == (2, 1)
        writer.write(b"data")
        writer.commit()
    assert cache.read(digest_of(b"data")) == b"data"


def test_verify_names_and_removes_the_damaged(world: World, cache: ArchiveCache) -> None:
    """Exit 6 the first time; the second time all that is left is sound."""
    sound, broken = put(cache, b"sound"), put(cache, b"broken")
    damage(cache, broken)
    said = world.run("cache", "verify")

    assert said.code == 6
    assert said.out.splitlines()[0].startswith(f"damaged {broken}")
    assert said.out.splitlines()[1] == "2 archives checked, 1 damaged"
    assert (cache.has(sound), cache.has(broken)) == (True, False)
    assert world.run("cache", "verify", "-q").out == ""


def test_verify_tells_programs(world: World, cache: ArchiveCache) -> None:
    """The digests of the damaged, and the exit code."""
    broken = put(cache, b"broken")
    damage(cache, broken)

    assert document(world, "verify") == {"checked": 1, "damaged": [broken]}


def test_a_pass_fetches_again_what_gc_removed(world: World) -> None:
    """Nothing but time is lost with an archive of the cache."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    world.run("cache", "gc", "--older-than", "0")
    (world.root / "src/shop/ds/nodes.py").unlink()
    world.sync()

    assert world.read("src/shop/ds/nodes.py") == "A = 1\n"


def test_a_cache_that_cannot_be_read_is_told(world: World, cache: ArchiveCache) -> None:
    """The folder and the variable that names another one, in words."""
    Path(cache.folder).parent.mkdir(exist_ok=True)
    (Path(cache.folder) / "archives").mkdir(parents=True)
    (Path(cache.folder) / "archives/sha256").write_bytes(b"no folder")
    said = world.run("cache", "info")

    assert said.code == 1
    assert f"{cache.folder}: cannot read the archive cache" in said.err
    assert "MICROPKGD_CACHE_DIR" in said.err
