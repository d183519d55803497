"""Where things live, by Kedro version, by what is on disk, and by the manifest's own word."""

import pytest

from micropkgd.model.layout import Layout
from micropkgd.model.manifest import Manifest
from micropkgd.model.tree import RelPath
from micropkgd.workspace.project import see_layout
from tests.kit.world import World


def layout(world: World, **kedro: str) -> Layout:
    """The layout that is seen with these additions to Kedro's table."""
    tables = {"package_name": "shop", "project_name": "shop", "kedro_init_version": "0.19.15", **kedro}
    return see_layout(str(world.root), Manifest.from_mapping({"tool": {"kedro": tables}}))


def without_tests(world: World) -> World:
    """A project that has no tests yet."""
    (world.root / "tests/__init__.py").unlink()
    (world.root / "tests").rmdir()
    return world


def test_a_place() -> None:
    """Code, tests, config and names of one entry."""
    found = Layout("shop", "src", "tests", "conf", "base", RelPath("r.in"), RelPath("r.txt")).place(
        ("a", "b"), "ds", None
    )

    assert found == ("src/shop/a/b/ds", "tests/a/b/ds", "conf/base", "shop.a.b.ds", "tests.a.b.ds", "a.b.ds")


def test_a_package_beside_the_manifest() -> None:
    """`source_dir = "."` leaves no dot in a path; a dotted package is nested folders."""
    found = Layout("org.shop", ".", "tests", "conf", "base", RelPath("r.in"), RelPath("r.txt"))

    assert found.package_folder == "org/shop"
    assert found.place((), "ds", "prod/eu").conf == "conf/prod/eu"


@pytest.mark.parametrize(
    ("version", "tests"),
    [
        ("0.17.7", "src/tests"),
        ("0.18.14", "src/tests"),
        ("0.19.0", "src/tests"),
        ("0.19.3", "src/tests"),
        ("0.19.4", "tests"),
        ("0.19.9", "tests"),
        ("0.19.10", "tests"),
        ("0.19.15", "tests"),
        ("1.0.0", "tests"),
        ("1.7.0", "tests"),
    ],
)
def test_where_tests_go_by_the_version(world: World, version: str, tests: str) -> None:
    """Before 0.19.4 they stand beside the source; 0.19.10 is after 0.19.4."""
    assert layout(without_tests(world), kedro_init_version=version).tests_dir == tests


@pytest.mark.parametrize("version", ["0.18.14", "0.19.15"])
def test_a_tests_folder_that_is_there_decides(world: World, version: str) -> None:
    """What the project has is what it has, whatever made it."""
    assert layout(world, kedro_init_version=version).tests_dir == "tests"
    world.write("src/tests/__init__.py", "")

    assert layout(without_tests(world), kedro_init_version=version).tests_dir == "src/tests"


@pytest.mark.parametrize(
    ("text", "conf", "env"),
    [
        pytest.param("", "conf", "base", id="silent"),
        pytest.param('CONF_SOURCE = "config"\n', "config", "base", id="conf-source"),
        pytest.param('CONFIG_LOADER_ARGS = {"base_env": "main", "x": f()}\n', "conf", "main", id="base-env"),
        pytest.param("raise SystemExit  # CONF_SOURCE\n", "conf", "base", id="never-run"),
    ],
)
def test_config_folders_are_read_from_settings(world: World, text: str, conf: str, env: str) -> None:
    """`settings.py` is read as text and never run."""
    world.write("src/shop/settings.py", text)
    found = layout(world)

    assert (found.conf_dir, found.base_env) == (conf, env)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ('CONF_SOURCE = ".conf"\n', "src/shop/settings.py:1: path `.conf` is hidden"),
        (
            '\nCONFIG_LOADER_ARGS = {"base_env": "../x"}\n',
            "src/shop/settings.py:2: env `../x` leaves the config folder",
        ),
        ("CONF_SOURCE = (\n", "src/shop/settings.py:1: cannot be parsed"),
    ],
)
def test_a_config_folder_that_cannot_be_taken_is_a_doubt(world: World, text: str, doubt: str) -> None:
    """What the journal of a commit may not name, what leaves the project, what does not parse."""
    world.write("src/shop/settings.py", text)
    found = layout(world)

    assert (found.conf_doubt or found.env_doubt).startswith(doubt)


def test_the_requirements_file_stands_beside_the_one_it_is_made_from(world: World) -> None:
    """Kedro 0.18 keeps it below `src`."""
    assert layout(world).requirements == "requirements.in"
    (world.root / "requirements.txt").rename(world.root / "src/requirements.txt")

    found = layout(world)
    assert (found.requirements, found.requirements_seed) == ("src/requirements.in", "src/requirements.txt")


def test_folders_between_are_made_packages() -> None:
    """Every folder between the package and the entry; those of tests only where there are tests."""
    found = Layout("shop", "src", "tests", "conf", "base", RelPath("r.in"), RelPath("r.txt"))

    assert found.scaffolds(("a", "b"), tests=False) == ("src/shop/a/__init__.py", "src/shop/a/b/__init__.py")
    assert found.scaffolds(("a",), tests=True) == ("src/shop/a/__init__.py", "tests/a/__init__.py")
