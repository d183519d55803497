"""Our modules are found where Python would find them, and by Python itself where there is no source file."""

import compileall
import os
import pkgutil
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

import micropkgd
from micropkgd.finder import _Finder

HOUSE = Path(micropkgd.__file__).parent
MODULES = {each.name for each in pkgutil.walk_packages([str(HOUSE)], "micropkgd.")}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_is_found_as_python_finds_it(name: str) -> None:
    """With all that an import makes of it."""
    folder = [str(HOUSE.parent.joinpath(*name.split(".")).parent)]
    ours, theirs = _Finder.find_spec(name, folder), PathFinder.find_spec(name, folder)

    assert ours is not None
    assert theirs is not None
    for asked in ("name", "origin", "cached", "has_location", "submodule_search_locations", "parent"):
        assert getattr(ours, asked) == getattr(theirs, asked), asked
    assert vars(ours.loader) == vars(theirs.loader)
    assert type(ours.loader) is type(theirs.loader)


@pytest.mark.parametrize("name", ["json", "json.decoder", "micropkgd", "micropkgd_plugin.cli", "micropkgd.absent"])
def test_what_is_not_ours_is_left_to_python(name: str, tmp_path: Path) -> None:
    """Also what is ours by its name, and is not there."""
    assert _Finder.find_spec(name, [str(tmp_path)] if "." in name else None) is None


def as_zip(folder: Path) -> Path:
    """The house in an archive that Python imports from."""
    archive = folder / "house.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for path in HOUSE.rglob("*.py"):
            written.write(path, path.relative_to(HOUSE.parent))
    return archive


def as_bytecode(folder: Path) -> Path:
    """The house without its sources."""
    shutil.copytree(HOUSE, folder / "micropkgd", ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=2, legacy=True)
    for source in folder.rglob("*.py"):
        source.unlink()
    return folder


def as_other_name(folder: Path) -> Path:
    """The house behind a link."""
    (folder / "micropkgd").symlink_to(HOUSE)
    return folder


@pytest.mark.parametrize("made", [as_zip, as_bytecode, as_other_name])
def test_the_program_runs_from_other_houses(made: Callable[[Path], Path], tmp_path: Path) -> None:
    """It knows nothing to do in an empty project, wherever its own code is."""
    house = made(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.micropkgd.project]\npackage = "empty"\n')
    says = "import micropkgd.__main__ as m, sys; print(m.__file__, m.main())"
    ran = subprocess.run(
        [sys.executable, "-c", says, "status"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(house)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert ran.stdout.splitlines()[-1].startswith(str(house))
    assert ran.stdout.endswith(" 0\n")
