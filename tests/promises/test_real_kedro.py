"""After a pass the real Kedro lists and runs what was pulled, or the pass had said why not."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.servers.venvs import environment
from tests.kit.world import ROW, SAMPLES, World

KEDROS = [pytest.param("kedro==0.19.15", id="0.19"), pytest.param("kedro>=1,<2", id="1.x")]
NODES = "def double(x):\n    return 2 * x\n"
PIPELINE = """\
from kedro.pipeline import node, pipeline

from ds.nodes import double


def create_pipeline(**options):
    return pipeline([node(double, "params:lr", "doubled")])
"""
WHOLE = {
    "__init__.py": "from .pipeline import create_pipeline\n",
    "nodes.py": NODES,
    "pipeline.py": PIPELINE,
    "config/parameters_ds.yml": "lr: 1\nmodel:\n  depth: 2\n",
}
BELOW = {"destination": "pipelines"}


class Told(NamedTuple):
    """How Kedro ended, and what it said."""

    code: int
    text: str


class Kedro(NamedTuple):
    """A project as `kedro new` makes it, and the program."""

    program: Path
    world: World

    def __call__(self, *words: str) -> Told:
        """Run one command in the project."""
        return run(self.program, self.world.root, *words)

    def pulls(self, *rows: str) -> str:
        """Ask for these rows, and run one pass, which must end in sync; what it said."""
        manifest = self.world.read("pyproject.toml").partition("\n[tool.micropkgd.pull]")[0]
        self.world.write("pyproject.toml", "\n".join((manifest, "[tool.micropkgd.pull]", *rows, "")))
        said = self.world.reconcile()
        assert said.code == 0, said
        return said.out


def run(program: Path, folder: Path, *words: str) -> Told:
    """Run Kedro."""
    environ = os.environ | {"DO_NOT_TRACK": "1", "KEDRO_DISABLE_TELEMETRY": "1", "COLUMNS": "300"}
    done = subprocess.run(
        [program, *words], cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    return Told(done.returncode, done.stdout + done.stderr)


@pytest.fixture(params=KEDROS)
def kedro(request: pytest.FixtureRequest, server_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kedro:
    """An empty project of each Kedro."""
    program = environment(server_cache, request.param, "pip", "setuptools") / "bin/kedro"
    new = ["new", "--name", "shop", "--tools", "none", "--example", "n", "--telemetry", "no"]
    assert run(program, tmp_path, *new).code == 0
    monkeypatch.chdir(tmp_path / "shop")
    world = World.__new__(World)
    world.root = tmp_path / "shop"
    return Kedro(program, world)


def test_what_is_pulled_is_listed_and_runs(kedro: Kedro) -> None:
    """Where it belongs nothing is said; beside it the pass says why not, and the row it offers mends it."""
    kedro.world.publish(WHOLE)
    said = kedro.pulls(f'"{ROW}" = {{}}')
    assert 'destination = "pipelines"' in said
    assert "- ds" not in kedro("registry", "list").text

    assert "note" not in kedro.pulls(f'"{ROW}" = {{destination = "pipelines"}}')
    assert "- ds" in kedro("registry", "list").text
    done = kedro("run", "--pipeline", "ds")
    assert done.code == 0, done


def test_one_package_twice(kedro: Kedro) -> None:
    """Kedro refuses the second's parameters, as the pass had said; with an environment of its own it runs."""
    kedro.world.publish(WHOLE)
    kedro.world.write("dist/two.tar.gz", (kedro.world.root / ROW).read_bytes())
    north = f'"{ROW}" = {{destination = "pipelines", alias = "north"}}'
    said = kedro.pulls(north, '"dist/two.tar.gz" = {destination = "pipelines", alias = "south"}')
    assert "parameters_north.yml and conf/base/parameters_south.yml both have `lr`, `model.depth`" in said
    done = kedro("run", "--pipeline", "north")
    assert done.code != 0
    assert "Duplicate keys" in done.text

    kedro.pulls(north, '"dist/two.tar.gz" = {destination = "pipelines", alias = "south", env = "local"}')
    done = kedro("run", "--pipeline", "south")
    assert done.code == 0, done


def test_one_mapping_in_two_files_is_taken(kedro: Kedro) -> None:
    """Of parameters only whole paths are compared: nothing is said where Kedro takes them."""
    kedro.world.publish(WHOLE)
    kedro.world.write("conf/base/parameters_other.yml", "model:\n  size: 3\n_lr: 1\n")
    assert "note" not in kedro.pulls(f'"{ROW}" = {{destination = "pipelines"}}')
    done = kedro("run", "--pipeline", "ds")
    assert done.code == 0, done


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("pipeline.py", PIPELINE.replace("double\n\n", "gone\n\n", 1), "`shop.pipelines.ds.nodes.gone` is not"),
        ("__init__.py", "", "does not expose `create_pipeline`"),
    ],
    ids=["a broken import", "not exposed"],
)  # fmt: skip
def test_what_is_not_found_was_told(kedro: Kedro, path: str, text: str, says: str) -> None:
    """Kedro passes over it with a warning, and the pass had said why."""
    kedro.world.publish({**WHOLE, path: text})
    assert says in kedro.pulls(f'"{ROW}" = {{destination = "pipelines"}}')
    assert "- ds" not in kedro("registry", "list").text.splitlines()


def test_what_is_no_pipeline_below_pipelines(kedro: Kedro) -> None:
    """Kedro 1.7's own registry refuses the whole project then, older ones warn: the pass had said which."""
    kedro.world.publish({"nodes.py": NODES})
    said = kedro.pulls(f'"{ROW}" = {{destination = "pipelines"}}')
    assert "does not expose `create_pipeline`" in said
    assert ("refuses the project" in said) == (kedro("registry", "list").code != 0)


def test_the_samples_leave_the_project_whole(kedro: Kedro) -> None:
    """Each sample comes in, and Kedro lists its pipelines and loads its parameters, or the pass had said why not."""
    for path, text in WHOLE.items():
        kedro.world.write(f"src/shop/pipelines/own/{path}", text.replace("from ds.", "from ."))
    (kedro.world.root / "src/shop/pipelines/own/config/parameters_ds.yml").rename(
        kedro.world.root / "conf/base/parameters_own.yml"
    )
    rows = []
    for number, sample in enumerate(sorted(SAMPLES.glob("*/*.tar.gz"))):
        kedro.world.write(f"dist/{number}.tar.gz", sample.read_bytes())
        rows.append(f'"dist/{number}.tar.gz" = {{alias = "sample{number}", destination = "pulled"}}')
    said = kedro.pulls(*rows)
    assert kedro("registry", "list").code == 0
    ran = kedro("run")
    assert (ran.code == 0) != ("both have" in said), (ran, said)
    assert ("Duplicate keys" in ran.text) == ("both have" in said)
