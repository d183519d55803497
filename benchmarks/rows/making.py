"""Rows of what makes files: a pull of one archive, a package of one module, a first pass of many entries."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.contest import OURS, Goal, Line, Place, contest
from benchmarks.passes import FILES, make_project
from benchmarks.tools import PROGRAM, of_index, on_path, ours
from tests.kit.world import World, archive

_SETUP: Final = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
_FLIT: Final = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
_METADATA: Final = '[project]\nname = "fe"\nversion = "1.0"\ndescription = "x"\n'
_MODULES: Final[Mapping[str, str]] = {
    "__init__.py": '"""Features."""\n\n__version__ = "1.0"\n',
    "nodes.py": '"""Nodes."""\n\n\ndef scale(x: float) -> float:\n    return 2 * x\n',
    "pipeline.py": "from .nodes import scale\n\n\ndef create_pipeline(**kwargs: object) -> object:\n    return scale\n",
}


def pull(folder: Path) -> Iterator[Line]:
    """One small local archive, into a project that has it not yet."""
    place, copies = Place(folder), folder / "copies"
    setup = {f"/{name}": text for name, text in {"setup.py": "from setuptools import setup\nsetup()\n"}.items()}
    world = _kedro_project(folder / "project")
    world.write("dist/ds.tar.gz", archive({**_MODULES, **setup}))
    here = copies / "project"

    def before() -> None:
        shutil.rmtree(copies, ignore_errors=True)
        shutil.copytree(world.root, here)

    ours, kedro, uv = ((*words, "dist/ds.tar.gz") for words in _pullers())
    works = {
        OURS: place.command(*ours, at=here),
        "kedro": place.command(*kedro, at=here),
        "uv": place.command(*uv, at=here),
    }
    before()
    works[OURS]()
    seconds = contest(works, before=before)
    yield Line("pull one small local archive", seconds, (Goal("kedro", 1 / 45), Goal("uv", 1 / 20)))


def package(folder: Path) -> Iterator[Line]:
    """One small module, of which no archive is there yet."""
    place = Place(folder)
    world = _kedro_project(folder / "project")
    roots = {"flit": folder / "flit", "uv": folder / "uv"}
    for name, text in _MODULES.items():
        world.write(f"src/shop/pipelines/fe/{name}", text)
        for root in roots.values():
            (root / "fe").mkdir(parents=True, exist_ok=True)
            (root / "fe" / name).write_text(text)
    world.write("src/shop/pipelines/__init__.py", "")
    (roots["flit"] / "pyproject.toml").write_text(_FLIT + _METADATA)
    (roots["uv"] / "pyproject.toml").write_text(_SETUP + _METADATA)

    def before() -> None:
        for root in (world.root, *roots.values()):
            shutil.rmtree(root / "dist", ignore_errors=True)

    works = {
        OURS: place.ours("package", "pipelines.fe", at=world.root),
        "flit": place.command(of_index("flit"), "build", "--format", "sdist", at=roots["flit"]),
        "kedro": place.command(of_index("kedro"), "micropkg", "package", "pipelines.fe", at=world.root),
        "uv": place.command(of_index("uv"), "build", "--sdist", at=roots["uv"]),
    }
    works[OURS]()
    seconds = contest(works, before=before)
    yield Line("package one small module", seconds, (Goal("flit", 1 / 5), Goal("kedro", 1 / 50)))


def first_pull(folder: Path) -> Iterator[Line]:
    """Many entries at once, beside one `tar` for each."""
    for entries in (20, 100, 1000):
        home = folder / str(entries)
        home.mkdir()
        place, project, here = Place(home), make_project(home, entries), home / "copy"

        def before(here: Path = here, project: Path = project) -> None:
            shutil.rmtree(here, ignore_errors=True)
            shutil.rmtree(here.parent / "cache", ignore_errors=True)
            shutil.copytree(project, here)
            (here / "out").mkdir()

        works = {OURS: place.ours("reconcile", "--once", at=here)}
        if (tar := on_path("tar")) is not None:
            each = f'for one in dist/*; do {tar} -xzf "$one" -C out; done'
            works |= {"one tar each": place.command("sh", "-c", each, at=here)}
        goals = (Goal("one tar each", 2),) if entries > 20 else ()
        yield Line(f"first pull, {entries:,} x {FILES} files", contest(works, before=before), goals)


def _pullers() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    uv = (
        of_index("uv"),
        "pip",
        "install",
        "--no-deps",
        "--target",
        "out",
        "--python",
        PROGRAM.replace("micropkgd", "python"),
    )
    return (ours(), "pull"), (of_index("kedro"), "micropkg", "pull"), uv


def _kedro_project(root: Path) -> World:
    """A project that Kedro itself takes for one."""
    world = World(root)
    world.write("src/shop/settings.py", "")
    world.write("src/shop/pipeline_registry.py", "def register_pipelines():\n    return {}\n")
    return world
