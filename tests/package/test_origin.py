"""What an archive says of where it comes from, and that a release stays one whatever is said."""

import os
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from micropkgd import documents
from micropkgd.errors import DocumentError
from micropkgd.model.module_origin import blob_name, read_module_origin
from micropkgd.reconcile.package.same_release import is_same_release
from micropkgd.reconcile.package.spellings import way_home
from micropkgd.sdist.reader import Member, read_sdist
from tests.kit.git import commit_all, git
from tests.kit.packages import ARCHIVE, CODE, CONF, TESTS, inside, member, module, package, packed
from tests.kit.sdists import write_sdist
from tests.kit.world import World
from tests.package.test_release import there

URLS = '\n[project]\nname = "shop"\nversion = "3"\n[project.urls]\n"Source Code" = "{}"\n'


def origin(world: World, archive: str = ARCHIVE) -> dict[str, object]:
    """The table in the archive."""
    document = documents.read_toml(member(world, "pyproject.toml", archive).encode())
    found = document["tool"]["micropkgd"]["origin"]  # type: ignore[index]
    assert isinstance(found, dict)
    return found


def with_url(world: World, url: str) -> None:
    """Give the project an address of its repository."""
    world.write("pyproject.toml", world.read("pyproject.toml").partition("\n[project]")[0] + URLS.format(url))


class TestTold:
    """`[tool.micropkgd.origin]`."""

    def test_where_the_module_lives(self, world: World) -> None:
        """Module, package and folders, and the address that `[project.urls]` has."""
        module(world, {"nodes.py": "A = 1\n"})
        with_url(world, "https://code.example/team/shop")
        package(world)

        assert origin(world) == {
            "module": "pipelines.ds",
            "package": "shop",
            "source-dir": "src",
            "tests": "tests",
            "conf": "conf/base",
            "repository": "https://code.example/team/shop",
        }
        home = read_module_origin(origin(world))
        assert home.place[:3] == (CODE, TESTS, CONF)

    def test_of_another_name_and_environment(self, world: World) -> None:
        """An alias is the archive's name, and `--env` says whose parameters they are."""
        module(world, {"/conf/prod/parameters_ds.yml": "a: 1\n"})
        package(world, "--alias", "fcst", "--env", "prod")

        found = origin(world, "dist/fcst-1.0.tar.gz")
        assert (found["module"], found["conf"], found.get("repository")) == ("pipelines.ds", "conf/prod", None)

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("https://me:secret-word@code.example/shop.git?key=secret-word", "https://code.example/shop.git?key=***"),
            ("git@code.example:team/shop.git", "git@code.example:team/shop.git"),
            ("x" * 2000, None),
        ],
    )
    def test_no_secret_of_the_address(self, world: World, url: str, said: str | None) -> None:
        """What only its owner may know stays (promise P9)."""
        module(world)
        with_url(world, url)
        package(world)
        assert origin(world).get("repository") == said

    def test_the_same_bytes_from_commit_to_commit(self, world: World) -> None:
        """Nothing in it moves on: another commit, branch, folder and time give the same archive."""
        module(world)
        package(world)
        before = (world.root / ARCHIVE).read_bytes()
        git(world.root, "init", "-q")
        commit_all(world.root)
        (world.root / ARCHIVE).unlink()
        package(world)
        assert (world.root / ARCHIVE).read_bytes() == before

    def test_members_that_no_file_stands_for(self, world: World) -> None:
        """So that an edit of one is a new file there."""
        module(world, {f"/{TESTS}/test_a.py": "T = 1\n"})
        package(world)
        assert origin(world)["made"] == ["tests/__init__.py"]

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("from ..ds import a\n\nX = a\n", id="climbs-out-and-in"),
            pytest.param("from shop.pipelines import ds as d\nX = 1\n", id="as"),
            pytest.param("'''é😀\x7f'''\nfrom ..ds import (a,\n   b)\nX = 1\n", id="odd-characters"),
        ],
    )
    def test_spellings_that_would_be_lost(self, world: World, text: str) -> None:
        """With them the original comes out of the archive, byte for byte."""
        module(world, {"nodes.py": text, "a.py": "", "b.py": ""})
        package(world)
        home = read_module_origin(origin(world))
        way = way_home(home, "ds", inside(world))
        (nodes,) = (one for one in packed(world).members if one.path == "ds/nodes.py")
        back = way.rendered(nodes).source
        assert way.target(nodes.path) == f"{CODE}/nodes.py"
        assert back != text.encode()
        assert home.spelled[nodes.path].blob == blob_name(text.encode())
        assert home.spelled[nodes.path].restored(back) == text.encode()

    def test_parameters_in_the_package_itself(self, world: World) -> None:
        """They are told from those of the config folder, where a pull puts them."""
        module(world, {"config/parameters_x.yml": "a: 1\n", "/conf/base/parameters_ds.yml": "b: 1\n"})
        package(world)
        assert origin(world)["inside"] == ["ds/config/parameters_x.yml"]

    def test_it_is_no_policy_of_who_unpacks_it(self, world: World) -> None:
        """The manifest of an unpacked archive is one that can be read."""
        module(world)
        package(world)
        text = member(world, "pyproject.toml") + '\n[tool.micropkgd.project]\npackage = "ds"\n'
        world.write("pyproject.toml", text)
        assert world.run("status").code == 0


TOLD = {"module": "a.ds", "package": "shop", "source-dir": "src", "tests": "tests", "conf": "conf/base"}
LIES = [
    ("source-dir", "/etc"),
    ("source-dir", "../other"),
    ("source-dir", ".github"),
    ("source-dir", "a/.git/hooks"),
    ("source-dir", 3),
    ("source-dir", "C:x"),
    ("tests", "a\\b"),
    ("tests", ""),
    ("conf", "x/../y"),
    ("conf", "a\nb"),
    ("module", "a..b"),
    ("module", "../x"),
    ("module", "class"),
    ("module", None),
    ("module", ".".join("a" * 200)),
    ("package", ["shop"]),
    ("repository", 1),
    ("repository", "https://x/\x1b[2J"),
    ("made", "ds"),
    ("made", ["../x"]),
    ("made", [1]),
    ("rewrite-parameters", "yes"),
    ("spelled", []),
    ("spelled", {"../x": {"blob": "0" * 40}}),
    ("spelled", {"x": {"blob": "zz"}}),
    ("spelled", {"x": {"blob": "0" * 40, "lines": [[0, 1, "x"]]}}),
    ("spelled", {"x": {"blob": "0" * 40, "lines": [1]}}),
]


@pytest.mark.parametrize(("key", "value"), LIES)
def test_an_origin_that_lies_is_refused(key: str, value: object) -> None:
    """Places outside, hidden ones, names that are none, odd types: each with its key."""
    read_module_origin(TOLD)
    told = {**TOLD, key: value}
    if value is None:
        del told[key]
    with pytest.raises(DocumentError) as found:
        read_module_origin(told)
    assert str(found.value)


class TestSameRelease:
    """What an archive says of its origin is no reason for a new version."""

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Path:
        """Where archives are published."""
        folder = tmp_path / "shelf"
        folder.mkdir()
        return folder

    @pytest.fixture
    def published(self, world: World, shelf: Path) -> World:
        """A module whose release was made by a micropkgd that said nothing of origins."""
        module(world, {"nodes.py": "A = 1\n"})
        world.manifest('"pipelines.ds" = {publish = "../shelf/"}', home="tool.micropkgd.package")
        package(world)
        old = without_origin((world.root / ARCHIVE).read_bytes())
        (shelf / "ds-1.0.tar.gz").write_bytes(old)
        return world

    def test_what_an_older_micropkgd_published_is_published(self, published: World, shelf: Path) -> None:
        """No conflict, nothing sent, nothing unreleased; and remembered, also where the archive is not at hand."""
        before = (shelf / "ds-1.0.tar.gz").read_bytes()
        said = published.run("publish")
        assert said.code == 0, said
        assert "published: 1.0" in published.run("publish", "-v").out
        published.forget_archives()
        assert "published: 1.0" in published.run("publish", "-v").out
        assert published.run("doctor").out.count("with other bytes") == 0
        assert (there(shelf), (shelf / "ds-1.0.tar.gz").read_bytes()) == (["ds-1.0.tar.gz"], before)

    def test_another_address_of_the_repository_is_no_new_release(self, published: World, shelf: Path) -> None:
        """The archive is made again, the release stays."""
        os.unlink(shelf / "ds-1.0.tar.gz")
        assert published.run("publish").code == 0
        before = (shelf / "ds-1.0.tar.gz").read_bytes()
        with_url(published, "https://elsewhere.example/shop")
        assert published.run("publish").code == 0
        assert origin(published)["repository"] == "https://elsewhere.example/shop"
        assert (shelf / "ds-1.0.tar.gz").read_bytes() == before

    def test_other_code_is_a_conflict_as_ever(self, published: World) -> None:
        """The comparison is of what is pulled."""
        assert published.run("publish").code == 0
        published.write(f"{CODE}/nodes.py", "A = 2\n")
        said = published.run("publish")
        assert (said.code, "has other bytes under `ds-1.0.tar.gz`" in said.out) == (1, True)

    @pytest.mark.parametrize("path", ["ds/nodes.py", "tests/new.py", "PKG-INFO", "ds/__init__.py"])
    def test_what_counts(self, world: World, path: str) -> None:
        """Each file that is pulled, its mode, and the metadata."""
        module(world, {"nodes.py": "A = 1\n"})
        package(world)
        one = (world.root / ARCHIVE).read_bytes()
        assert is_same(one, without_origin(one))
        sdist = read_sdist(one)
        data = (sdist.file(path) or b"") + b"Requires-Dist: x\n"
        members = [one for one in sdist.members if one.path not in {path, "pyproject.toml"}]
        other = write_sdist(sdist._replace(members=tuple(sorted([*members, Member(path, data, executable=False)]))))
        assert not is_same(one, other.data)


def is_same(one: bytes, other: bytes) -> bool:
    """Whether two archives are one release."""
    return is_same_release(BytesIO(one), BytesIO(other), TemporaryFile)


def without_origin(data: bytes) -> bytes:
    """An archive as micropkgd 0.2 made it."""
    sdist = read_sdist(data)
    members = []
    for one in sdist.members:
        text = one.data.partition(b"\n[tool.micropkgd.origin]")[0] if one.path == "pyproject.toml" else one.data
        members.append(one._replace(content=text))
    return write_sdist(sdist._replace(members=tuple(members))).data
