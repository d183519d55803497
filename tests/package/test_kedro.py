"""Our archives in the hands of others: the real Kedro 0.19 pulls them, and pip installs them."""

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.servers.venvs import environment
from tests.kit.world import World
from tests.package.test_samples import ALL, Sample, package_sample

KEDRO = "kedro==0.19.15"
PROJECT = {
    "pyproject.toml": '[tool.kedro]\npackage_name = "shop"\nproject_name = "shop"\nkedro_init_version = "0.19.15"\n',
    "requirements.txt": "",
    "src/shop/__init__.py": "",
    "src/shop/settings.py": "",
    "src/shop/pipeline_registry.py": "def register_pipelines():\n    return {}\n",
    "conf/base/parameters.yml": "",
    "conf/local/parameters.yml": "",
}


class Tools(NamedTuple):
    """Programs of others, and the wheel their isolated builds need: no test asks an index while it runs."""

    kedro: str
    wheels: Path

    def call(self, folder: Path, *command: str) -> str:
        """Run a program that must succeed; what it printed."""
        quiet = {"KEDRO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        environ = os.environ | quiet | offline
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def tools(server_cache: Path) -> Tools:
    """The real Kedro in an environment of its own, and setuptools as a wheel."""
    programs = environment(server_cache, KEDRO, "pip", "setuptools") / "bin"
    wheels = server_cache / "setuptools"
    if not list(wheels.glob("setuptools-*.whl")):
        fetch = [str(programs / "python"), "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels), "setuptools"]
        subprocess.run(fetch, check=True, capture_output=True, timeout=300)
    return Tools(str(programs / "kedro"), wheels)


def shop(folder: Path) -> World:
    """An empty Kedro project."""
    made = World(folder)
    for path, text in PROJECT.items():
        made.write(path, text)
    return made


def placed(world: World) -> dict[str, bytes]:
    """What a pull put into a project, apart from what only ours writes and makes."""
    tree = world.tree()
    made = {path: data for path, data in tree.items() if path not in PROJECT and path != "tests/__init__.py"}
    ours = ("micropkg.lock", "requirements.in", "src/shop/pipelines/__init__.py", "tests/pipelines/__init__.py")
    return {path: data for path, data in made.items() if path not in ours and not path.startswith("x.tar.gz")}


@pytest.mark.parametrize("alias", ["", "fcst"], ids=["name", "alias"])
@pytest.mark.parametrize("sample", [ALL[0], ALL[2], ALL[6]], ids=lambda sample: sample.source)
def test_kedro_pulls_what_we_packaged(tools: Tools, world: World, tmp_path: Path, sample: Sample, alias: str) -> None:
    """To the same files as our own pull, with the same requirements."""
    package_sample(world, sample)
    archive = world.root / "dist" / Path(sample.sdist).name
    options = ["--alias", alias] if alias else []
    kedros, ours = shop(tmp_path / "kedros"), shop(tmp_path / "ours")
    said = tools.call(
        kedros.root, tools.kedro, "micropkg", "pull", str(archive), "--destination", "pipelines", *options
    )
    ours.write("x.tar.gz", archive.read_bytes())
    row = 'destination = "pipelines"' + (f', alias = "{alias}"' if alias else "")
    manifest = f'\n[tool.micropkgd.pull]\n"x.tar.gz" = {{{row}}}\n'
    ours.write("pyproject.toml", PROJECT["pyproject.toml"] + manifest)
    done = ours.spawn("reconcile", "--once")

    assert "pulled and unpacked" in said
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path: _one_spelling(data) for path, data in placed(kedros).items()} == {
        path: _one_spelling(data) for path, data in placed(ours).items()
    }
    assert _lines(kedros, "requirements.txt") == _lines(ours, "requirements.in")


def _one_spelling(data: bytes) -> bytes:
    """Kedro's rewriter drops blank lines where it changes an import."""
    return b"".join(line for line in data.splitlines(keepends=True) if line.strip())


def _lines(world: World, path: str) -> set[str]:
    """The requirements in a file; Kedro keeps one of two that differ in case only."""
    text = world.read(path) if world.has(path) else ""
    return {line.replace(" @ ", "@ ").lower() for line in text.splitlines() if line and not line.startswith("#")}


def test_pip_installs_the_package_alone(tools: Tools, world: World, tmp_path: Path) -> None:
    """Code, data and typing marks can be imported and read, and no `tests` comes along (docs/kedro.md, defect 26)."""
    package_sample(world, ALL[1])
    python = str(environment(tmp_path, "pip") / "bin/python")
    before = _site_packages(tools, python)
    tools.call(tmp_path, python, "-m", "pip", "install", "-q", str(world.root / "dist/ds-0.3.tar.gz"))

    assert _site_packages(tools, python) - before == {"ds", "ds-0.3.dist-info"}
    assert tools.call(tmp_path, python, "-c", "import ds.helpers.h; print(ds.__version__)") == "0.3\n"
    kept = [
        "data.json",
        "py.typed",
        "types.pyi",
        "helpers2/data.csv",
        "resources/parameters.txt",
        "config/parameters_ds.yml",
    ]
    look = f"import ds, importlib.resources as r; print([n for n in {kept} if not r.files(ds).joinpath(n).is_file()])"
    assert tools.call(tmp_path, python, "-c", look) == "[]\n"


def test_pip_reads_the_requirements_as_we_state_them(tools: Tools, world: World, tmp_path: Path) -> None:
    """What a build says of the metadata is what PKG-INFO promised."""
    sdist = package_sample(world, ALL[2])
    stated = [
        line for line in (sdist.file("PKG-INFO") or b"").decode().splitlines() if line.startswith("Requires-Dist")
    ]
    python = str(environment(tmp_path, "pip") / "bin/python")
    archive = str(world.root / "dist/features-1.4.0rc1.tar.gz")
    report = tools.call(
        tmp_path, python, "-m", "pip", "install", "-q", "--no-deps", "--dry-run", "--report", "-", archive
    )
    (built,) = json.loads(report)["install"]

    assert [
        f"Requires-Dist: {line}".replace("@ ", " @ ").replace("  @", " @")
        for line in built["metadata"]["requires_dist"]
    ] == stated


def _site_packages(tools: Tools, python: str) -> set[str]:
    look = "import os, sysconfig; print('\\n'.join(os.listdir(sysconfig.get_path('purelib'))))"
    return set(tools.call(Path.cwd(), python, "-c", look).splitlines())
