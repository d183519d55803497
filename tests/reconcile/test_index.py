"""Passes over packages of an index, from the manifest to the tree and back to the lock."""

import shutil
import tomllib
from typing import Any

import pytest

from micropkgd.errors import DocumentError
from micropkgd.model.lock import Lock
from micropkgd.model.ref import Ref
from tests.kit.canaries import CANARY
from tests.kit.servers.indexes import StaticIndex, sdist
from tests.kit.servers.nginx import PASSWORD
from tests.kit.world import World

LOCK = "micropkg.lock"
CODE = "src/shop/ds/__init__.py"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that says nothing of indexes."""
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def index(static_index: StaticIndex) -> StaticIndex:
    """An index that has two releases of `ds`."""
    static_index.publish("ds", "1.0", sdist("ds", "1.0"))
    static_index.publish("ds", "1.1", sdist("ds", "1.1"))
    return static_index


def withdraw(index: StaticIndex, version: str) -> None:
    """Take one release from the page."""
    index.list("ds", [row for row in index.rows("ds") if version not in row["filename"]])


def package(world: World) -> dict[str, Any]:
    """The one package of the lock."""
    (found,) = tomllib.loads(world.read(LOCK))["packages"]
    assert isinstance(found, dict)
    return found


def version(world: World) -> str:
    """The version that stands in the tree."""
    return world.read(CODE).split("'")[1]


class TestInstalling:
    """A requirement becomes files and a lock block."""

    def test_newest_release_and_its_block(self, world: World, index: StaticIndex) -> None:
        """The block has `sdist` and `index` in place of `archive`, and says what the index said."""
        world.asks_for("ds>=1,<2", index=index.url)
        world.sync()
        assert version(world) == "1.1"
        found = package(world)
        assert (found["name"], found["version"], found["index"]) == ("ds", "1.1", index.url)
        assert found["sdist"]["url"] == f"{index.url}ds/ds-1.1.tar.gz"
        assert found["sdist"]["size"] == len(sdist("ds", "1.1"))
        assert "archive" not in found

    def test_lock_is_read_back_as_written(self, world: World, index: StaticIndex) -> None:
        """Nothing of the block is lost."""
        world.asks_for("ds", index=index.url)
        world.sync()
        document = tomllib.loads(world.read(LOCK))
        assert Lock.from_mapping(document).to_mapping() == document

    @pytest.mark.parametrize("missing", ["index", "sdist"])
    def test_half_a_block(self, world: World, index: StaticIndex, missing: str) -> None:
        """A lock that was merged badly is refused by name."""
        world.asks_for("ds", index=index.url)
        world.sync()
        document = tomllib.loads(world.read(LOCK))
        del document["packages"][0][missing]
        with pytest.raises(DocumentError, match=r"packages\[1\]"):
            Lock.from_mapping(document)

    def test_second_pass_writes_nothing(self, world: World, index: StaticIndex) -> None:
        """Promise P11, with a source over the network."""
        world.asks_for("ds", index=index.url)
        world.sync()
        before = world.stamps()
        world.sync()
        assert world.stamps() == before

    def test_lost_lock_is_written_again(self, world: World, index: StaticIndex) -> None:
        """Also where the index says that nothing changed."""
        world.asks_for("ds", index=index.url)
        world.sync()
        lock = world.read(LOCK)
        (world.root / LOCK).unlink()
        world.sync()
        assert world.read(LOCK) == lock

    def test_archive_of_another_package(self, world: World, index: StaticIndex) -> None:
        """Name and version in the archive must be those that were chosen."""
        index.publish("ds", "1.2", sdist("ds", "6.6"))
        world.asks_for("ds", index=index.url)
        said = world.reconcile()
        assert said.code == 6
        assert "the index says `ds` 1.2" in said.out
        assert not world.has(CODE)


class TestWhereToLook:
    """One index an entry."""

    def test_policy_of_the_project(self, world: World, index: StaticIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        """It comes before the machine's."""
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/")
        world.asks_for("ds", f'index-url = "{index.url}"')
        world.sync()

    def test_password_of_the_machine(self, world: World, index: StaticIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        """It opens the index and is found nowhere afterwards (promise P9)."""
        address = index.private_url.replace("//", f"//reader:{PASSWORD}@")
        monkeypatch.setenv("PIP_INDEX_URL", address)
        world.asks_for("ds")
        said = world.reconcile("--verbose")
        assert said.code == 0, said
        assert package(world)["index"] == index.private_url
        left = [path for path in world.root.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
        assert (left, CANARY in said.out + said.err) == ([], False)

    def test_machine_with_a_bad_address(
        self, world: World, index: StaticIndex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is the entry's failure, also where only locked bytes are missing, and the others go on (promise P7)."""
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        world.publish()
        world.manifest('"ds" = {}\n"dist/ds.tar.gz" = {alias = "local"}')
        world.sync()
        for path in (CODE, "src/shop/local/__init__.py"):
            (world.root / path).unlink()
        monkeypatch.setenv("PIP_INDEX_URL", f"nonsense-{CANARY}")
        monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(world.root.parent / "other-cache"))
        said = world.reconcile("--frozen")
        assert said.code == 2
        assert "PIP_INDEX_URL: not the address of an index" in said.out
        assert CANARY not in said.out + said.err
        assert world.has("src/shop/local/__init__.py")

    def test_index_that_changes_makes_the_lock_stale(self, world: World, index: StaticIndex) -> None:
        """`--locked` sees it; a pass notes the new index, and the tree stays."""
        world.asks_for("ds", index=index.url)
        world.sync()
        other = f"{index.url[:-1]}/../{index.name}/"
        world.asks_for("ds", index=other)
        assert world.reconcile("--locked").code == 3
        world.sync()
        assert package(world)["index"] == other

    @pytest.mark.parametrize(
        ("ref", "url", "words"),
        [
            pytest.param("ds", f"https://u:{CANARY}@host/simple/", "carries a user name or password", id="password"),
            pytest.param("ds", "ftp://host/simple/", "is neither the address of an index nor a folder", id="scheme"),
            pytest.param(
                "ds", "https://host/simple/?a=b", "is neither the address of an index nor a folder", id="query"
            ),
            pytest.param("ds", "https://[/simple/", "is neither the address of an index nor a folder", id="bracket"),
            pytest.param(
                "ds", "https://host:99999/simple/", "is neither the address of an index nor a folder", id="port"
            ),
            pytest.param("ds", "https:///simple/", "is neither the address of an index nor a folder", id="no-host"),
            pytest.param(
                "dist/ds.tar.gz", "https://host/simple/", "is not a package of an index", id="not-a-requirement"
            ),
        ],
    )
    def test_index_that_may_not_be_named(self, world: World, ref: str, url: str, words: str) -> None:
        """The manifest is committed: it is refused with its line, and no password is shown."""
        world.asks_for(ref, index=url)
        said = world.reconcile()
        assert said.code == 2
        assert words in said.err
        assert "pyproject.toml:" in said.err
        assert CANARY not in said.err

    def test_add_with_an_index(self, world: World, index: StaticIndex) -> None:
        """The command line writes what the manifest needs."""
        assert world.run("add", "ds>=1", "--index", index.url).code == 0
        assert f'index = "{index.url}"' in world.read("pyproject.toml")
        assert world.run("add", "ds>=7", "--index", index.url).code == 1
        assert "ds>=7" not in world.read("pyproject.toml")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (f"ds @ https://u:{CANARY}@host/ds-1.0.tar.gz", "names an address"),
            ("ds[x] @ git+https://host/ds", "names an address"),
            ("ds>=1; python_version<'3'", "environment marker"),
        ],
    )
    def test_requirement_that_is_more_than_one(self, text: str, words: str) -> None:
        """An address or a marker is refused by name, and an address is not shown."""
        with pytest.raises(DocumentError, match=words) as raised:
            Ref.parse(text)
        assert CANARY not in str(raised.value)


class TestFollowing:
    """A floating requirement follows the newest match, and never goes back by itself."""

    def test_newer_release(self, world: World, index: StaticIndex) -> None:
        """It is installed by the next pass."""
        world.asks_for("ds>=1", index=index.url)
        world.sync()
        index.publish("ds", "1.2", sdist("ds", "1.2"))
        world.sync()
        assert (version(world), package(world)["version"]) == ("1.2", "1.2")

    def test_page_that_changed_elsewhere_is_remembered_anew(self, world: World, index: StaticIndex) -> None:
        """The pass after it is answered with 304 again."""
        world.asks_for("ds", index=index.url)
        world.sync()
        index.publish("ds", "0.9", sdist("ds", "0.9"))
        world.sync()
        world.sync()
        last = (index.nginx.files.parent / "access.log").read_text().splitlines()[-2:]
        assert [line.split('" ')[1].split()[0] for line in last] == ["200", "304"]

    @pytest.mark.parametrize("with_lock", [True, False], ids=["lock", "memory"])
    def test_older_release(self, world: World, index: StaticIndex, with_lock: bool) -> None:
        """What is installed stays, and the entry says so, whether lock or memory knows of the newer one."""
        world.asks_for("ds>=1", index=index.url)
        world.sync()
        (world.root / (".micropkgd/state.json" if with_lock else LOCK)).unlink()
        withdraw(index, "1.1")
        said = world.reconcile()
        assert (said.code, version(world)) == (1, "1.1")
        assert "older than 1.1 before" in said.out

    def test_going_back_on_purpose(self, world: World, index: StaticIndex) -> None:
        """Once allowed, the older release is what is had."""
        world.asks_for("ds>=1", index=index.url)
        world.sync()
        withdraw(index, "1.1")
        assert world.run("lock", "--check", "--allow-downgrade").code == 3
        assert world.reconcile("--allow-downgrade").code == 0
        assert version(world) == "1.0"
        world.sync()

    def test_release_with_other_bytes(self, world: World, index: StaticIndex) -> None:
        """Both digests are shown, and the new bytes are not taken (docs/faults.md, F45)."""
        world.asks_for("ds", index=index.url)
        world.sync()
        withdraw(index, "1.1")
        index.publish("ds", "1.1", sdist("ds", "1.1", "tampered"))
        said = world.reconcile()
        assert said.code == 6
        assert package(world)["sdist"]["hashes"]["sha256"] in said.out
        assert "tampered" not in world.read(CODE)

    def test_project_that_left_the_index(self, world: World, index: StaticIndex) -> None:
        """What is installed stays, and no other index is asked for it."""
        world.asks_for("ds", index=index.url)
        world.sync()
        index.remove("ds")
        said = world.reconcile()
        assert (said.code, version(world)) == (1, "1.1")
        assert "has no project `ds`" in said.out

    def test_outage(self, world: World, index: StaticIndex, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
        """It is told from an absence, and what is installed stays (promise P6)."""
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        world.asks_for("ds")
        world.sync()
        before = world.tree()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/")
        assert world.reconcile().code == 5
        assert world.tree() == before


class TestLocked:
    """What is locked is what is installed."""

    def test_policy_stays_with_the_lock(self, world: World, index: StaticIndex) -> None:
        """Until `lock --upgrade` says otherwise."""
        world.asks_for("ds", 'update = "locked"', index=index.url)
        world.sync()
        index.publish("ds", "1.2", sdist("ds", "1.2"))
        world.sync()
        assert version(world) == "1.1"
        assert world.run("lock", "--upgrade", "ds").code == 0
        world.sync()
        assert version(world) == "1.2"

    @pytest.mark.parametrize("mode", ["--locked", "--frozen"])
    def test_another_machine_gets_the_same_bytes(
        self, world: World, index: StaticIndex, monkeypatch: pytest.MonkeyPatch, mode: str
    ) -> None:
        """Although there is a newer release, and the locked one was yanked meanwhile."""
        world.asks_for("ds", index=index.url)
        world.sync()
        code = world.read(CODE)
        rows = [row | {"yanked": "broken"} for row in index.rows("ds")]
        index.list("ds", rows)
        index.publish("ds", "1.2", sdist("ds", "1.2"))
        monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(world.root.parent / "other-cache"))
        (world.root / CODE).unlink()
        assert world.reconcile(mode).code == 0
        assert world.read(CODE) == code

    def test_locked_bytes_from_an_index_without_hashes(
        self, world: World, index: StaticIndex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The version in the lock says which file to ask for, its digest whether it is the one."""
        index.list("ds", [row | {"hashes": {}} for row in index.rows("ds")])
        world.asks_for("ds", index=index.url)
        world.sync()
        index.publish("ds", "1.2", sdist("ds", "1.2"), hashes={})
        monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(world.root.parent / "other-cache"))
        (world.root / CODE).unlink()
        assert world.reconcile("--locked").code == 0
        assert version(world) == "1.1"

    def test_branch_switch_needs_no_network(self, world: World, index: StaticIndex) -> None:
        """Both releases are in the cache by their digest."""
        world.asks_for("ds", index=index.url)
        world.sync()
        before = world.read(LOCK)
        index.publish("ds", "1.2", sdist("ds", "1.2"))
        world.sync()
        world.write(LOCK, before)
        shutil.rmtree(world.root / CODE.rpartition("/")[0])
        assert world.reconcile("--locked", "--offline").code == 0
        assert version(world) == "1.1"

    def test_project_python_chooses(self, world: World, index: StaticIndex) -> None:
        """The project's own `requires-python` counts, not the Python that runs micropkgd."""
        index.publish("ds", "1.2", sdist("ds", "1.2"), **{"requires-python": ">=3.99"})
        world.asks_for("ds", index=index.url)
        manifest = world.read("pyproject.toml")
        world.write("pyproject.toml", f'[project]\nname = "shop"\nrequires-python = ">=3.9"\n{manifest}')
        world.sync()
        assert version(world) == "1.1"
