"""Packaging and publishing need the same memory for a small module and for a large one.

Files go into the archive one by one, and the archive goes to its place in pieces.
"""

import os
import random
from pathlib import Path

import pytest

from tests.kit.memory import MIB, Ran, ran
from tests.kit.packages import ARCHIVE, CODE, CONF, module, packed
from tests.kit.servers.indexes import PypiServer
from tests.kit.servers.shelves import shelf
from tests.kit.world import World
from tests.package.test_publish import asked_to, copies, options

FLAT = 64  # MiB above what a small module needs

DOCUMENTS = [
    f"{CODE}/requirements.txt", f"{CODE}/__init__.py", "src/shop/__init__.py", "pyproject.toml", ".gitignore",
    "src/shop/settings.py", "requirements.txt", "micropkg.lock", f"{CONF}/parameters_ds.yml", ".micropkgd/builds.json",
    ".micropkgd/state.json", ".micropkgd/journal",
]  # fmt: skip


def packaged(world: World) -> Ran:
    """How packaging the module went."""
    return ran(world.root, "package", "pipelines.ds")


def fill(path: Path, size: int) -> None:
    """Bytes that cannot be packed any smaller, and no two files alike."""
    noise = random.Random(str(path))
    with path.open("wb") as stream:
        for _ in range(size // MIB):
            stream.write(noise.randbytes(MIB))


@pytest.fixture
def small(world: World) -> Ran:
    """What a module of two lines needs."""
    module(world, {"nodes.py": "x = 1\n"})
    return packaged(world)


@pytest.mark.parametrize("shape", ["one file", "many files"])
def test_memory_stays_flat(world: World, small: Ran, shape: str) -> None:
    """150 MiB in one file or in many: made, made again, and told from an archive that is not ours."""
    count = 1 if shape == "one file" else 50
    for number in range(count):
        fill(world.root / CODE / f"{number}.bin", 150 // count * MIB)
    first = packaged(world)
    (world.root / ".micropkgd/builds.json").unlink()
    world.write(f"{CODE}/nodes.py", "x = 2\n")
    again = packaged(world)
    size = (world.root / ARCHIVE).stat().st_size
    members = {member.path: len(member.data) for member in packed(world).members}

    assert (small.code, first.code, again.code) == (0, 0, 0), (first, again)
    assert size > 150 * MIB
    assert sum(members.values()) > 150 * MIB
    assert "set aside" not in again.said
    assert max(first.peak, again.peak) <= small.peak + FLAT, (small, first, again)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_of_a_tebibyte_is_an_error_of_its_own(world: World, small: Ran, path: str) -> None:
    """Found out by `stat`: no memory is taken, no bug is reported, and the end is one of those that are documented."""
    if path != f"{CODE}/__init__.py":
        world.write(f"{CODE}/__init__.py", "")  # so that the version is looked for elsewhere
        world.write("src/shop/__init__.py", '__version__ = "1.0"\n')
    whole = world.root / path
    with whole.open("ab") as stream:
        stream.truncate(1 << 40)
    try:
        found = packaged(world)
    finally:
        whole.unlink(missing_ok=True)  # before the search for credentials comes upon it
        for other in (world.root / ".micropkgd").glob("journal.foreign*"):
            os.unlink(other)

    assert found.code in {0, 1, 2}
    assert "Bug" not in found.said
    assert found.peak <= small.peak + FLAT


def test_a_file_of_a_tebibyte_in_the_place_of_an_archive_is_set_aside_unread(world: World) -> None:
    """Its size says that it is none of ours; reading it all took many minutes."""
    module(world, {"nodes.py": "x = 1\n"})
    first = packaged(world)
    data = (world.root / ARCHIVE).read_bytes()
    with (world.root / ARCHIVE).open("r+b") as stream:
        stream.truncate(1 << 40)
    again = packaged(world)
    large = [path for path in (world.root / ARCHIVE).parent.iterdir() if path.stat().st_size == 1 << 40]
    for path in large:
        path.unlink()  # before the search for credentials comes upon it

    assert (first.code, again.code, len(large)) == (0, 0, 1), again
    assert (world.root / ARCHIVE).read_bytes() == data


def test_a_text_that_has_to_be_read_costs_no_more_than_itself(world: World) -> None:
    """Code is parsed, which takes many times its size; nothing of it is kept for the next file."""
    module(world)
    peaks = []
    for numbers in (range(1), range(1, 15)):
        for number in numbers:
            world.write(f"{CODE}/part{number}.py", "".join(f"N{line} = {line * number}\n" for line in range(20_000)))
        found = packaged(world)
        assert found.code == 0, found
        peaks.append(found.peak)
    assert peaks[1] <= peaks[0] + FLAT // 2


@pytest.mark.parametrize("kind", ["folder", "s3", "gcs"])
def test_publishing_takes_none_of_what_it_sends(
    world: World, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """100 MiB, put in place and read back, then in the place of somebody else's, who made other bytes of it."""
    place = shelf(kind, tmp_path, request.getfixturevalue)
    more = f"{options(world, place.options)}, overwrite = true" if place.options else ", overwrite = true"
    asked_to(world, place.index, more)
    small = ran(world.root, "publish")
    world.write(f"{CODE}/__init__.py", '__version__ = "1.1"\n')
    fill(world.root / CODE / "0.bin", 100 * MIB)
    sent = ran(world.root, "publish")
    world.write(f"{CODE}/nodes.py", "A = 2\n")
    (world.root / ".micropkgd/builds.json").unlink()  # what is there might be anybody's
    again = ran(world.root, "publish")

    assert (small.code, sent.code, again.code) == (0, 0, 0), (small, sent, again)
    assert [len(copy) > 100 * MIB for copy in copies(world).values()] == [True]
    assert max(sent.peak, again.peak) <= small.peak + FLAT, (small.peak, sent.peak, again.peak)


def test_sending_to_an_index_takes_none_of_it(world: World, pypiserver: PypiServer) -> None:
    """The form is made of the file, as it is sent."""
    asked_to(world, pypiserver.url, ', alias = "large_ds"')
    small = ran(world.root, "publish")
    world.write(f"{CODE}/__init__.py", '__version__ = "1.1"\n')
    fill(world.root / CODE / "0.bin", 100 * MIB)
    sent = ran(world.root, "publish")
    (there,) = pypiserver.folder.glob("large_ds-1.1.tar.gz")
    size = there.stat().st_size
    there.unlink()

    assert (small.code, sent.code) == (0, 0), (small, sent)
    assert size > 100 * MIB
    assert sent.peak <= small.peak + FLAT, (small.peak, sent.peak)
