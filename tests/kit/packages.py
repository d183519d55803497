"""A module to package in a `World`, and what is in the archive that comes of it."""

from collections.abc import Mapping

from micropkgd.sdist.reader import Sdist, read_sdist
from tests.kit.world import Said, World

CODE = "src/shop/pipelines/ds"
TESTS = "tests/pipelines/ds"
CONF = "conf/base"
ARCHIVE = "dist/ds-1.0.tar.gz"
INIT = '__version__ = "1.0"\n'


def module(world: World, files: Mapping[str, str | bytes] | None = None) -> None:
    """Write the module `pipelines.ds`; paths are below it, or below the project where they begin with `/`."""
    for path, data in {"__init__.py": INIT, **(files or {})}.items():
        world.write(path[1:] if path.startswith("/") else f"{CODE}/{path}", data)


def package(world: World, *options: str) -> Said:
    """Package the module, which must work."""
    said = world.run("package", "pipelines.ds", *options)
    assert said.code == 0, said
    return said


def packed(world: World, archive: str = ARCHIVE) -> Sdist:
    """What the strict reader finds in an archive."""
    return read_sdist((world.root / archive).read_bytes())


def inside(world: World, archive: str = ARCHIVE) -> dict[str, bytes]:
    """The members by path, those that only describe the package left out."""
    described = {"MANIFEST.in", "PKG-INFO", "pyproject.toml"}
    return {member.path: member.data for member in packed(world, archive).members if member.path not in described}


def member(world: World, path: str, archive: str = ARCHIVE) -> str:
    """The text of one member."""
    data = packed(world, archive).file(path)
    assert data is not None, path
    return data.decode()
