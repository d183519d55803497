"""Blocks of the requirements file that git left under a name which their entry does not have any more."""

import pytest

from tests.kit.archives import project
from tests.kit.world import KEDRO, ROW, World, archive

HEADER = "# Additional requirements from micro-package `{}`:\n"
OTHER = "dist/bb.tar.gz"
WAYS = {
    "new version": ("", 'destination = "deep"', "2.0"),
    "another name": ("", 'destination = "other"', "1.0"),
    "another file": ('requirements-file = "requirements.txt"', 'destination = "deep"', "1.0"),
    "another file, version and name": ('requirements-file = "requirements.txt"', 'destination = "other"', "2.0"),
    "a group": ('requirements-group = "needs"', 'destination = "deep"', "1.0"),
    "no entry": ("", None, "1.0"),
}


def other(*requires: str) -> bytes:
    """An sdist of package `bb`."""
    metadata = f"[project]\nname = 'bb'\nversion = '1.0'\ndependencies = {list(requires)}\n"
    return project({"pyproject.toml": metadata, "bb/__init__.py": "B = 1\n"}, root="bb-1.0")


def asks(world: World, policy: str, options: str | None) -> None:
    """The manifest with another entry beside ours, if that is to be."""
    row = f'"{ROW}" = {{{options}}}\n' if options is not None else ""
    pull = f'[tool.micropkgd.pull]\n{row}"{OTHER}" = {{}}\n'
    world.write("pyproject.toml", f"{KEDRO}\n[tool.micropkgd]\n{policy}\n\n{pull}")


def installed(world: World, leftover: str) -> None:
    """Two entries, one of them in a folder of its own, whose requirements another block has, too."""
    world.write(ROW, archive({"nodes.py": "A = 1\n"}, "1.0", ("numpy", "pandas>=2")))
    world.write(OTHER, other("scipy", "pandas>=2"))
    asks(world, "", 'destination = "deep"')
    world.sync()
    world.write("requirements.in", f"{world.read('requirements.in')}\n{leftover}")


def all_lines(world: World) -> list[str]:
    """Everything that is asked for, wherever that stands."""
    texts = [world.read(path) for path in ("requirements.in", "requirements.txt") if world.has(path)]
    return [line for text in texts for line in text.splitlines() if line.strip() and line != "kedro"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("persons", ["", "numpy<3  # ours\n", "# numpy\n"], ids=["unedited", "a line", "a comment"])
def test_it_is_the_entrys(world: World, way: str, persons: str) -> None:
    """Whatever the entry comes to, its lines stand in one block or in none, and a person's line is not lost."""
    policy, options, version = WAYS[way]
    installed(world, f"{HEADER.format('ds')}numpy\n{persons}pandas>=2\n")
    world.write(ROW, archive({"nodes.py": "A = 1\n"}, version, ("numpy", "pandas>=2", f"polars>={version}")))
    asks(world, policy, options)
    said = world.reconcile()
    lines = all_lines(world)

    assert said.code == 0, said
    assert HEADER.format("ds").strip() not in lines
    assert lines.count(persons.strip()) == bool(persons)
    wanted = 1 if options is not None and "group" not in policy else 0
    assert lines.count("numpy") == wanted
    before = world.tree()
    world.sync()
    assert world.tree() == before


@pytest.mark.parametrize("name", ["strange", "deep.strange", "../ds", "x y", "bb.ds.more"])
def test_whose_it_is_cannot_be_told(world: World, name: str) -> None:
    """Of a name that no entry has nothing is taken, also where it asks for the same; `doctor` tells of it."""
    text = f"{HEADER.format(name)}numpy\npandas>=2\n"
    installed(world, text)
    asks(world, 'requirements-file = "requirements.txt"', 'destination = "deep"')
    world.sync()

    assert world.read("requirements.in").endswith(text)


def test_doctor_tells_of_what_nobody_is_called(world: World) -> None:
    """Git may have left it, and somebody must look."""
    installed(world, f"{HEADER.format('strange')}numpy\n{HEADER.format('ds')}numpy\n")
    asks(world, 'requirements-file = "requirements.in"', 'destination = "deep"')
    said = world.run("doctor")

    assert "requirements.in has lines of `strange`, and neither an entry nor a package here is called so" in said.out
    assert "lines of `ds`" not in said.out
    assert said.code == 0, said


def test_a_package_that_stands_has_its_block(world: World) -> None:
    """Kedro pulled one of the same name elsewhere: its lines are its own, though an entry is called so, too."""
    world.write("src/shop/ds/__init__.py", "")
    installed(world, f"{HEADER.format('ds')}numpy\n")
    asks(world, 'requirements-file = "requirements.txt"', 'destination = "deep"')
    world.sync()

    assert world.read("requirements.in").endswith(f"{HEADER.format('ds')}numpy\n")


def test_what_git_cached_of_code_does_not_stand(world: World) -> None:
    """Git leaves the folder of compiled code behind where it takes a package away."""
    world.write("src/shop/ds/__pycache__/nodes.cpython-311.pyc", "")
    installed(world, f"{HEADER.format('ds')}numpy\n")
    asks(world, 'requirements-file = "requirements.txt"', 'destination = "deep"')
    world.sync()

    assert HEADER.format("ds") not in world.read("requirements.in")


def test_two_that_are_called_so(world: World) -> None:
    """Which of them it is of cannot be told."""
    pull = f'[tool.micropkgd.pull]\n"{ROW}" = {{destination = "deep"}}\n"{OTHER}" = {{destination = "other"}}\n'
    world.write("pyproject.toml", f"{KEDRO}\n[tool.micropkgd]\n\n{pull}")
    world.write(ROW, archive({"nodes.py": "A = 1\n"}, "1.0", ("numpy",)))
    world.write(OTHER, archive({"more.py": "B = 1\n"}, "1.0", ("scipy",)))
    world.sync()
    world.write("requirements.in", f"{world.read('requirements.in')}\n{HEADER.format('ds')}numpy\n")
    world.write(ROW, archive({"nodes.py": "A = 1\n"}, "2.0", ("numpy", "polars")))
    world.sync()

    assert world.read("requirements.in").endswith(f"{HEADER.format('ds')}numpy\n")


def test_what_kedro_wrote_is_taken_over(world: World) -> None:
    """Kedro heads its lines by the bare name, wherever the package went: they are not written a second time."""
    world.write(ROW, archive({"nodes.py": "A = 1\n"}, "1.0", ("numpy", "pandas>=2")))
    world.write("requirements.in", f"kedro\n\n\n{HEADER.format('ds')}numpy\npandas>=2\n")
    world.asks_for(destination="deep")
    world.sync()

    assert world.read("requirements.in") == f"kedro\n\n\n{HEADER.format('deep.ds')}numpy\npandas>=2\n"
