"""What was copied in, told in the words of other programs: PEP 751 and CycloneDX, each held to its own validator."""

import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.pylock import Pylock, is_valid_pylock_path

from tests.kit.archives import project
from tests.kit.world import World, archive

NODES = "src/shop/pipelines/ds/nodes.py"


def licensed(metadata: str, fields: str = "", version: str = "1.0") -> bytes:
    """An archive of `ds` whose metadata says this of its licence."""
    head = f"[project]\nname = 'ds'\nversion = '{version}'\ndependencies = ['pandas>=2']\n{metadata}\n"
    files = {"pyproject.toml": head, "ds/__init__.py": "", "ds/nodes.py": "A = 1\n"}
    info = f"Metadata-Version: 2.4\nName: ds\nVersion: {version}\n{fields}"
    return project(files | ({"PKG-INFO": info} if fields else {}), root=f"ds-{version}")


def pulled(world: World, data: bytes | None = None) -> None:
    """A project with one entry."""
    world.write("dist/ds.tar.gz", licensed('license = "MIT"') if data is None else data)
    world.asks_for(destination="pipelines")
    world.sync()


def bom(world: World, *options: str) -> dict[str, Any]:
    """The bill of materials, as the official schema has it."""
    said = world.run("export", "--format", "cyclonedx", *options)
    assert said.code == 0, said
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(said.out) is None
    found: dict[str, Any] = json.loads(said.out)
    return found


def lock_of(world: World, *options: str) -> dict[str, Any]:
    """The pylock, as the library of the standard reads it."""
    said = world.run("export", "--format", "pylock", *options)
    assert said.code == 0, said
    found = tomllib.loads(said.out)
    Pylock.from_dict(found).validate()
    return found


def properties(component: dict[str, Any]) -> list[tuple[str, str]]:
    """Our own words of a component."""
    return [(row["name"].removeprefix("micropkgd:"), row["value"]) for row in component["properties"]]


class TestCycloneDX:
    """The bill of materials."""

    def test_of_one_package(self, world: World) -> None:
        """Who it is, from where, under which licence, and where it was put."""
        pulled(world)
        (one,) = bom(world)["components"]
        digest = tomllib.loads(world.read("micropkg.lock"))["packages"][0]["archive"]["hashes"]["sha256"]

        assert (one["name"], one["version"], one["bom-ref"]) == ("ds", "1.0", "src/shop/pipelines/ds")
        assert one["purl"] == f"pkg:generic/ds@1.0?checksum=sha256:{digest}"
        assert one["hashes"] == [{"alg": "SHA-256", "content": digest}]
        assert one["licenses"] == [{"license": {"id": "MIT"}}]
        assert {("state", "unedited"), ("ref", "dist/ds.tar.gz"), ("requirement", "pandas>=2")} <= set(properties(one))
        assert "pedigree" not in one

    def test_it_is_the_same_each_time(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """No chance and no clock, but for the time that a build says it has."""
        pulled(world)
        first = world.run("export", "--format", "cyclonedx").out
        assert world.run("export", "--format", "cyclonedx").out == first
        assert "timestamp" not in first
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        timed = bom(world)
        assert timed["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
        assert timed["serialNumber"] != json.loads(first)["serialNumber"]
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
        assert world.run("export", "--format", "cyclonedx").code == 2

    def test_an_edited_copy_is_no_longer_what_was_published(self, world: World) -> None:
        """Its files are named, and the published package is its ancestor."""
        pulled(world)
        world.write(NODES, "A = 2\n")
        (one,) = bom(world)["components"]
        (ancestor,) = one["pedigree"]["ancestors"]

        assert "hashes" not in one
        assert ancestor["hashes"]
        assert one["pedigree"]["notes"] == f"modified by the project: {NODES}"
        assert {("state", "edited"), ("edited", NODES)} <= set(properties(one))

    def test_what_is_held_says_what_waits(self, world: World) -> None:
        """The version in the tree is the component; the one that waits is a word."""
        pulled(world)
        world.write(NODES, "A = 2\n")
        world.write("dist/ds.tar.gz", archive({"nodes.py": "A = 3\n"}, "2.0"))
        assert world.reconcile().code == 4
        (one,) = bom(world)["components"]

        assert one["version"] == "1.0"
        assert ("waiting", "2.0") in properties(one)

    def test_the_tree_counts_where_the_lock_went_ahead(self, world: World) -> None:
        """After `micropkgd lock` the files are still the old ones."""
        pulled(world)
        world.write("dist/ds.tar.gz", archive({"nodes.py": "A = 3\n"}, "2.0"))
        assert world.run("lock").code == 0
        (one,) = bom(world)["components"]

        assert (one["version"], ("locked", "2.0") in properties(one)) == ("1.0", True)
        assert one["licenses"] == [{"license": {"id": "MIT"}}]

    def test_deleted_files(self, world: World) -> None:
        """Some make it incomplete; all of them make it absent."""
        pulled(world)
        (world.root / NODES).unlink()
        (one,) = bom(world)["components"]
        assert {("state", "incomplete"), ("missing", NODES)} <= set(properties(one))
        (world.root / "src/shop/pipelines/ds/__init__.py").unlink()
        (one,) = bom(world)["components"]
        assert ("state", "absent") in properties(one)

    def test_a_pull_by_hand_is_in_it(self, world: World) -> None:
        """It is code that was copied in, whatever the manifest says."""
        world.write("dist/ds.tar.gz", licensed('license = "MIT"'))
        assert world.run("pull", "dist/ds.tar.gz").code == 0
        (one,) = bom(world)["components"]

        assert ("by-hand", "true") in properties(one)
        assert lock_of(world)["packages"] == []

    @pytest.mark.parametrize(
        ("metadata", "fields", "licenses"),
        [
            ('license = "Apache-2.0 OR MIT"', "", [{"expression": "Apache-2.0 OR MIT"}]),
            ('license = {text = "BSD"}', "", [{"license": {"name": "BSD"}}]),
            ("", "License-Expression: MIT\n", [{"license": {"id": "MIT"}}]),
            ("", "Classifier: License :: OSI Approved :: MIT License\n", [{"license": {"name": "MIT License"}}]),
            (
                'classifiers = ["License :: OSI Approved :: B", "Topic :: C", "License :: OSI Approved :: A"]',
                "",
                [{"license": {"name": "A"}}, {"license": {"name": "B"}}],
            ),
            ('license = {file = "LICENSE"}', "", None),
            ("", "License: one line\n  and its text\n", None),
            ("", "", None),
        ],
    )
    def test_licences(self, world: World, metadata: str, fields: str, licenses: list[dict[str, Any]] | None) -> None:
        """Wherever an archive states one; a whole text is the name of none."""
        pulled(world, licensed(metadata, fields))

        assert bom(world)["components"][0].get("licenses") == licenses

    def test_on_a_clone_without_network(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """All but what only the archive says; and it says that."""
        pulled(world)
        world.forget()
        world.forget_archives()
        (world.root / "dist/ds.tar.gz").unlink()
        said = world.run("export", "--format", "cyclonedx", "--offline")

        assert said.code == 0
        assert "is not at hand, so its licence is not known" in said.err
        (one,) = bom(world, "--offline")["components"]
        assert ("licence", "unknown: its archive was not at hand") in properties(one)

    def test_without_the_library(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is said which extra brings it."""
        pulled(world)
        monkeypatch.setitem(sys.modules, "cyclonedx.output.json", None)
        said = world.run("export", "--format", "cyclonedx")

        assert (said.code, "extra `sbom`" in said.err) == (2, True)
        assert world.run("export", "--format", "pylock").code == 0

    def test_what_others_named_cannot_leave_the_form(self, world: World) -> None:
        """Control characters and quotes of a publisher stay inside their text."""
        pulled(world, licensed('license = "a\\"b\\u0007<x>"'))
        bom(world)


class TestPylock:
    """The lock of PEP 751."""

    def test_of_one_package(self, world: World) -> None:
        """The archive that is locked, and where its code went."""
        pulled(world)
        (one,) = lock_of(world)["packages"]
        locked = tomllib.loads(world.read("micropkg.lock"))["packages"][0]

        assert one["archive"] == {key.replace("url", "path"): value for key, value in locked["archive"].items()}
        assert one["tool"]["micropkgd"] == {
            "requirements": ["pandas>=2"],
            "copies": [{"ref": "dist/ds.tar.gz", "target": "src/shop/pipelines/ds"}],
        }

    def test_of_an_index(self, world: World) -> None:
        """A release of a folder is an archive at a path: pip knows no folder as an index."""
        world.write("share/ds-1.0.tar.gz", archive({"nodes.py": "A = 1\n"}))
        world.manifest('"ds>=1" = {index = "share/"}')
        world.sync()
        (one,) = lock_of(world)["packages"]

        assert ("sdist" in one, one["archive"]["path"]) == (False, "share/ds-1.0.tar.gz")

    def test_paths_count_from_the_document(self, world: World) -> None:
        """As the standard has it."""
        pulled(world)
        (world.root / "locks").mkdir()
        assert world.run("export", "--format", "pylock", "-o", "locks/pylock.copied.toml").out == ""
        (one,) = tomllib.loads(world.read("locks/pylock.copied.toml"))["packages"]

        assert is_valid_pylock_path(Path("locks/pylock.copied.toml"))
        assert one["archive"]["path"] == "../dist/ds.tar.gz"
        assert (world.root / "locks" / one["archive"]["path"]).exists()

    def test_edits_and_two_copies(self, world: World) -> None:
        """One archive in two places is one package."""
        world.write("dist/ds.tar.gz", archive({"nodes.py": "A = 1\n"}))
        world.write("dist/again.tar.gz", archive({"nodes.py": "A = 1\n"}))
        world.manifest('"dist/ds.tar.gz" = {}\n"dist/again.tar.gz" = {alias = "again"}')
        world.sync()
        world.write("src/shop/again/nodes.py", "A = 2\n")
        (one,) = lock_of(world)["packages"]

        assert [copy.get("edited") for copy in one["tool"]["micropkgd"]["copies"]] == [
            ["src/shop/again/nodes.py"],
            None,
        ]

    def test_two_versions_have_no_room(self, world: World) -> None:
        """The standard has one of each name, so it is an error, and not a choice of ours."""
        world.write("dist/ds.tar.gz", archive({}))
        world.write("dist/again.tar.gz", archive({}, "2.0"))
        world.manifest('"dist/ds.tar.gz" = {}\n"dist/again.tar.gz" = {alias = "again"}')
        world.sync()
        said = world.run("export", "--format", "pylock")

        assert (said.code, said.out) == (2, "")
        assert len(bom(world)["components"]) == 2


@pytest.mark.parametrize("form", ["pylock", "cyclonedx"])
class TestOutput:
    """Where the document goes."""

    def test_nothing_of_the_project_changes(self, world: World, form: str) -> None:
        """Not a byte, and no time."""
        pulled(world)
        before = world.stamps()
        assert world.run("export", "--format", form).code == 0
        assert world.stamps() == before

    def test_an_earlier_one_is_replaced(self, world: World, form: str) -> None:
        """Also an empty file, as `mktemp` makes it; nothing is left beside."""
        pulled(world)
        out = world.root.parent / "out"
        out.mkdir()
        (out / "file").touch()
        for _ in range(2):
            assert world.run("export", "--format", form, "-o", str(out / "file")) == (0, "", "")
            assert os.listdir(out) == ["file"]
        assert (out / "file").read_text().count("micropkgd") > 1

    @pytest.mark.parametrize(
        "path", ["pyproject.toml", "micropkg.lock", "own.toml", "link.toml", "nowhere/x.toml", "conf"]
    )
    def test_what_somebody_else_wrote_stays(self, world: World, form: str, path: str) -> None:
        """A slip of the name costs nothing."""
        pulled(world)
        world.write("own.toml", 'lock-version = "1.0"\ncreated-by = "uv"\n')
        (world.root / "link.toml").symlink_to("own.toml")
        before = world.tree()
        said = world.run("export", "--format", form, "-o", path)

        assert said.code in {1, 2}
        assert path in said.err
        assert world.tree() == before

    def test_a_project_with_nothing(self, world: World, form: str) -> None:
        """Is a valid document all the same, and a row that was never pulled is told."""
        world.asks_for()
        said = world.run("export", "--format", form)

        assert said.err == "note: dist/ds.tar.gz is in the manifest and not locked yet\n"
        assert (bom(world).get("components", []) if form == "cyclonedx" else lock_of(world)["packages"]) == []
