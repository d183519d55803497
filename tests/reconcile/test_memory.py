"""Installing needs the same memory for a small archive and for a large one: files come out of it one by one."""

import io
import tarfile
from pathlib import Path
from random import Random

import pytest

from micropkgd.reconcile.plan.byte_store import ByteStore, DigestStore
from micropkgd.sources.cache import ArchiveCache
from tests.kit.memory import MIB, Ran, ran
from tests.kit.world import ROW, World

FLAT = 64  # MiB above what a small archive needs


def publish(world: World, shape: dict[str, int], seed: str = "", ref: str = ROW) -> None:
    """An archive with files of these sizes, whose bytes cannot be packed any smaller."""
    path = world.root / ref
    path.parent.mkdir(exist_ok=True)
    texts = {
        "PKG-INFO": b"Metadata-Version: 2.2\nName: ds\nVersion: 1.0\n",
        "ds/__init__.py": b"",
        "ds/n.py": b"x = 1\n",
    }
    with tarfile.open(path, "w:gz", compresslevel=0) as archive:
        for name, data in texts.items():
            archive.addfile(_member(name, len(data)), io.BytesIO(data))
        for name, size in shape.items():
            archive.addfile(_member(f"ds/{name}", size), io.BytesIO(noise(name + seed, size)))


def noise(seed: str, size: int) -> bytes:
    """Bytes that differ from those of any other seed; soon made, for nothing packs them."""
    return (Random(seed).randbytes(MIB) * (size // MIB + 1))[:size]


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"ds-1.0/{name}")
    info.size = size
    return info


ONE = {"0.bin": 150 * MIB}
MANY = {f"{number}.bin": 3 * MIB for number in range(50)}
SMALL = {"0.bin": 10}


@pytest.fixture
def small(world: World) -> Ran:
    """What an archive of two lines needs."""
    publish(world, SMALL)
    world.asks_for()
    return ran(world.root, "reconcile", "--once")


@pytest.mark.parametrize("shape", [ONE, MANY], ids=["one file", "many files"])
def test_memory_stays_flat(world: World, small: Ran, shape: dict[str, int]) -> None:
    """150 MiB in one file or in many: installed, put back from the cache, and updated."""
    publish(world, shape)
    first = ran(world.root, "reconcile", "--once")
    installed = {name: (world.root / "src/shop/ds" / name).read_bytes() == noise(name, n) for name, n in shape.items()}
    (world.root / "src/shop/ds/0.bin").unlink()
    again = ran(world.root, "reconcile", "--once")
    publish(world, shape, "two")
    world.write("src/shop/ds/0.bin", "mine")
    held = ran(world.root, "reconcile", "--once")
    taken = ran(world.root, "resolve", ROW, "--take")

    assert all(installed.values())
    assert (first.code, again.code, held.code, taken.code) == (0, 0, 4, 0), (first, again, held, taken)
    assert (world.root / "src/shop/ds/0.bin").stat().st_size == shape["0.bin"]
    peaks = [one.peak for one in (first, again, held, taken)]
    assert max(peaks) <= small.peak + FLAT, (small.peak, peaks)


def test_two_large_entries_take_no_more_than_one(world: World, small: Ran) -> None:
    """What one entry has is not kept in memory for the next."""
    for number in range(2):
        publish(world, {"0.bin": 100 * MIB}, str(number), f"dist/{number}.tar.gz")
    world.manifest("\n".join(f'"dist/{number}.tar.gz" = {{alias = "a{number}"}}' for number in range(2)))
    both = ran(world.root, "reconcile", "--once")
    assert both.code == 0
    assert both.peak <= small.peak + FLAT, (small, both)


def test_a_store_gives_back_what_it_took(tmp_path: Path) -> None:
    """In memory, in its file and across the two, whatever the sizes; asked in any order."""
    with (tmp_path / "scratch").open("w+b") as scratch:
        store = ByteStore(lambda: scratch)
        noise = Random("store")
        pieces = [noise.randbytes(size) for size in (0, 1, 5 * MIB, 7, 2 * MIB, 4 * MIB, 0, 3 * MIB + 1, 12)]
        kept = [store.keep([data[:3], data[3:]]) for data in pieces]
        for number in noise.sample(range(len(kept)), len(kept)):
            assert b"".join(kept[number].pieces()) == pieces[number]
            assert kept[number].size == len(pieces[number])


def test_a_rollback_takes_none_of_what_it_brings_back(world: World, small: Ran) -> None:
    """150 MiB that an update replaced, told from other bytes while they are written."""
    publish(world, ONE)
    assert ran(world.root, "reconcile", "--once").code == 0
    publish(world, ONE, "two")
    assert ran(world.root, "reconcile", "--once").code == 0
    back = ran(world.root, "rollback")

    assert back.code == 0, back
    assert (world.root / "src/shop/ds/0.bin").read_bytes() == noise("0.bin", 150 * MIB)
    assert back.peak <= small.peak + FLAT, (small.peak, back.peak)


def test_a_lock_keeps_no_large_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says of each what it is, as a pass does that installs it, and writes none of them to a scratch file."""
    world.publish({"0.bin": noise("0.bin", 9 * MIB), "1.bin": noise("1.bin", 9 * MIB), "small.bin": bytes(9000)})
    world.asks_for(alias="e")
    world.sync()
    wanted = world.read("micropkg.lock")
    (world.root / "micropkg.lock").unlink()
    monkeypatch.setattr(ArchiveCache, "scratch", lambda _: pytest.fail("a scratch file"))

    assert world.run("lock").code == 0
    assert world.read("micropkg.lock") == wanted


def test_a_lock_looks_into_code_that_is_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than anybody writes: it is rewritten, so its bytes are needed, and the archive is read again for it."""
    again: list[ByteStore] = []
    original = ByteStore.anew

    def anew(store: ByteStore) -> ByteStore:
        again.append(store)
        return original(store)

    monkeypatch.setattr(DigestStore, "anew", anew)
    world.publish({"long.py": "# long\n" * MIB + "import ds.other\n", "other.py": ""})
    world.asks_for(alias="e")
    world.sync()
    wanted = world.read("micropkg.lock")
    (world.root / "micropkg.lock").unlink()

    assert world.run("lock").code == 0
    assert world.read("micropkg.lock") == wanted
    assert len(again) == 1
