"""Requirements whose index is a folder: on disk, behind a web server, in S3, in Google's storage."""

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from micropkgd.model.lock import Lock
from micropkgd.sources.cache import ArchiveCache
from tests.kit.servers.indexes import sdist
from tests.kit.servers.shelves import KINDS, OnDisk, Shelf, shelf
from tests.kit.world import Said, World

LOCK = "micropkg.lock"
CODE = "src/shop/ds/__init__.py"


@pytest.fixture(params=KINDS)
def any_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """A shelf of every kind, with two releases of `ds` and what else people leave in folders."""
    made = shelf(request.param, tmp_path, request.getfixturevalue)
    for version in ("1.0", "1.1"):
        put(made, "ds", version)
    put(made, "other", "9.0")
    for file in ("README.md", "ds-3.0-py3-none-any.whl", "ds-3.0.zip", "ds-three.tar.gz", "ds.tar.gz"):
        made.put(file, b"")
    return made


def put(made: Shelf, name: str, version: str, note: str = "", python: str = "") -> None:
    """Put a release in place."""
    made.put(f"{name}-{version}.tar.gz", sdist(name, version, note, python=python))


def asks(world: World, made: Shelf, *refs: str, policy: str = "", more: str = "") -> None:
    """Write a manifest whose requirements are looked up on a shelf."""
    world.write("conf/args.yml", json.dumps(made.options))
    rows = (f'"{ref}" = {{index = "{made.index}", fs-args = "conf/args.yml"{more}}}' for ref in refs)
    world.manifest("\n".join(rows), policy)


def package(world: World) -> dict[str, Any]:
    """The one package of the lock."""
    (found,) = tomllib.loads(world.read(LOCK))["packages"]
    assert isinstance(found, dict)
    return found


def version(world: World) -> str:
    """The version that stands in the tree."""
    return world.read(CODE).split("'")[1]


def failed(said: Said, code: int, words: str) -> None:
    """A command must have ended so, and have said so."""
    assert said.code == code, said
    assert words in said.out, said.out


def test_the_newest_release_and_its_block(world: World, any_shelf: Shelf) -> None:
    """The block says where it was looked up, and where the archive is; it is read back as written."""
    asks(world, any_shelf, "ds>=1")
    world.sync()
    found = package(world)
    assert version(world) == "1.1"
    assert (found["name"], found["version"], found["index"]) == ("ds", "1.1", any_shelf.index)
    assert found["sdist"]["url"] == f"{any_shelf.index}ds-1.1.tar.gz"
    document = tomllib.loads(world.read(LOCK))
    assert Lock.from_mapping(document).to_mapping() == document


def test_a_second_pass_writes_nothing_and_fetches_nothing(
    world: World, any_shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the folder says of the archive is remembered."""
    asks(world, any_shelf, "ds")
    world.sync()
    before = world.stamps()
    monkeypatch.setattr(ArchiveCache, "writer", None)
    world.sync()
    assert world.stamps() == before


def test_a_newer_release_is_followed(world: World, any_shelf: Shelf) -> None:
    """The next pass has it."""
    asks(world, any_shelf, "ds>=1,<2")
    world.sync()
    put(any_shelf, "ds", "1.10")
    put(any_shelf, "ds", "2.0")
    world.sync()
    assert (version(world), package(world)["version"]) == ("1.10", "1.10")


def test_a_pre_release_only_where_nothing_else_matches(world: World, any_shelf: Shelf) -> None:
    """As from an index with pages."""
    put(any_shelf, "ds", "1.2rc1")
    asks(world, any_shelf, "ds>=1")
    world.sync()
    assert version(world) == "1.1"
    asks(world, any_shelf, "ds>1.1")
    world.sync()
    assert version(world) == "1.2rc1"


def test_never_back_unless_it_is_allowed(world: World, any_shelf: Shelf) -> None:
    """A release that was taken away leaves what is installed."""
    asks(world, any_shelf, "ds")
    world.sync()
    any_shelf.remove("ds-1.1.tar.gz")
    failed(world.reconcile(), 1, "older than 1.1 before")
    assert version(world) == "1.1"
    assert world.reconcile("--allow-downgrade").code == 0
    assert version(world) == "1.0"
    world.sync()


def test_a_release_never_changes(world: World, any_shelf: Shelf) -> None:
    """Other bytes under the same version are refused, with both digests."""
    asks(world, any_shelf, "ds")
    world.sync()
    put(any_shelf, "ds", "1.1", "tampered")
    failed(world.reconcile(), 6, package(world)["sdist"]["hashes"]["sha256"])
    assert "tampered" not in world.read(CODE)


def test_the_python_that_an_archive_needs_is_read_once(
    world: World, any_shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder says it: the archive is fetched, passed over, and not fetched again."""
    put(any_shelf, "ds", "1.2", python=">=3.99")
    asks(world, any_shelf, "ds")
    world.write("pyproject.toml", '[project]\nrequires-python = ">=3.11"\n' + world.read("pyproject.toml"))
    world.sync()
    assert version(world) == "1.1"
    before = world.stamps()
    with monkeypatch.context() as patch:
        patch.setattr(ArchiveCache, "writer", None)
        world.sync()
    assert world.stamps() == before
    any_shelf.remove("ds-1.0.tar.gz")
    any_shelf.remove("ds-1.1.tar.gz")
    failed(world.reconcile(), 1, "1.2 needs `>=3.99`")
    put(any_shelf, "ds", "1.3", python=">=3.8")
    world.sync()
    assert version(world) == "1.3"


def test_what_is_locked_is_found_again(world: World, any_shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with an empty cache, although there is a newer release."""
    asks(world, any_shelf, "ds")
    world.sync()
    code = world.read(CODE)
    put(any_shelf, "ds", "1.2")
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(world.root.parent / "other-cache"))
    shutil.rmtree(world.root / ".micropkgd")
    (world.root / CODE).unlink()
    assert world.reconcile("--locked").code == 0
    assert world.read(CODE) == code


def test_a_name_that_is_not_there(world: World, any_shelf: Shelf) -> None:
    """What is there instead tells whether it is the right folder."""
    asks(world, any_shelf, "forecast")
    said = world.reconcile()
    failed(said, 1, f"`{any_shelf.index}` has no archive of `forecast`")
    assert "it has archives of ds, other" in said.out


def test_names_are_compared_as_indexes_do(world: World, any_shelf: Shelf) -> None:
    """`First.One` is what `first_one-1.0.tar.gz` holds."""
    any_shelf.put("first_one-1.0.tar.gz", sdist("first-one", "1.0"))
    asks(world, any_shelf, "First.One")
    world.sync()
    assert world.has("src/shop/first_one/__init__.py")


def test_nothing_there_yet(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A follower that comes before the first release has it once it is there."""
    for kind in KINDS:
        made = shelf(kind, tmp_path, request.getfixturevalue)
        asks(world, made, "ds")
        said = world.reconcile()
        assert (said.code, "NAME-VERSION.tar.gz" in said.out) == (1, True), said
        put(made, "ds", "1.0")
        world.sync()
        world.manifest("")
        world.sync()


@pytest.mark.parametrize("kind", KINDS)
def test_no_such_folder(world: World, kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A share that is not mounted, a bucket that was never made: said, and nothing is removed."""
    made = shelf(kind, tmp_path, request.getfixturevalue)
    put(made, "ds", "1.0")
    asks(world, made, "ds")
    world.sync()
    there = made.index
    made.index = there.replace("shelf", "no-shelf")
    asks(world, made, "ds")
    said = world.reconcile()
    assert said.code == 1, said
    assert {"folder": "there is no folder", "listing": "has no project"}.get(kind, "404") in said.out
    assert version(world) == "1.0"


def test_a_folder_on_disk_is_asked_offline_too(world: World, tmp_path: Path) -> None:
    """It needs no network."""
    made = OnDisk(tmp_path / "shelf")
    put(made, "ds", "1.0")
    asks(world, made, "ds")
    assert world.reconcile("--offline").code == 0
    put(made, "ds", "1.1")
    assert world.reconcile("--offline").code == 0
    assert version(world) == "1.1"


def test_a_folder_with_a_name_like_an_archive(world: World, tmp_path: Path) -> None:
    """It is passed over; a link to an archive counts as one."""
    made = OnDisk(tmp_path / "shelf")
    put(made, "ds", "1.0")
    (made.folder / "ds-3.0.tar.gz").mkdir()
    (made.folder / "ds-4.0.tar.gz").symlink_to("nowhere")
    (tmp_path / "elsewhere").write_bytes(sdist("ds", "1.2"))
    (made.folder / "ds-1.2.tar.gz").symlink_to("../elsewhere")
    asks(world, made, "ds")
    world.sync()
    assert version(world) == "1.2"


def test_the_policy_may_name_a_folder(world: World, tmp_path: Path) -> None:
    """`index-url` is of all requirements that name no index."""
    made = OnDisk(tmp_path / "shelf")
    put(made, "ds", "1.0")
    world.asks_for("ds", f'index-url = "{made.index}"')
    world.sync()
    assert package(world)["index"] == made.index


@pytest.mark.parametrize(
    ("index", "words"),
    [
        pytest.param("share", "a folder of the project is written `share/`", id="word"),
        pytest.param("s3://", "is neither the address of an index nor a folder", id="no-bucket"),
        pytest.param("s3://team/ds-1.0.tar.gz", "name the folder, `s3://team/`", id="archive-in-a-bucket"),
        pytest.param("../share/ds-1.0.tar.gz", "name the folder, `../share/`", id="archive-on-disk"),
        pytest.param("https://host/files/ds.whl", "name the folder, `https://host/files/`", id="wheel"),
        pytest.param("abfs://box/x/", "is neither the address of an index nor a folder", id="scheme"),
    ],
)
def test_an_index_that_is_none(world: World, index: str, words: str) -> None:
    """The error has the line and the right form."""
    world.asks_for("ds", index=index)
    said = world.reconcile()
    assert said.code == 2
    assert words in said.err
    assert "pyproject.toml:" in said.err
