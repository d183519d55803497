"""`kedro micropkg` by plugin: the old commands in the real Kedro 0.19 and 1.x, and in this process for the words."""

import json
import os
import posixpath
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result

from micropkgd.kedro_plugin import commands
from tests.kit import archives as a
from tests.kit.places import DATA, REPOSITORY
from tests.kit.servers.venvs import environment
from tests.kit.world import ROW, World, archive

ROOT = REPOSITORY
SAMPLES = DATA / "sdists"
KEDROS = [pytest.param("kedro==0.19.15", id="0.19"), pytest.param("kedro>=1,<2", id="1.x")]
CODE = "src/shop/pipelines/fcst"


class Metadata(NamedTuple):
    """The part of Kedro's `ProjectMetadata` that every Kedro has."""

    project_path: Path
    source_dir: Path
    package_name: str


def untouched(path: Path) -> tuple[int, int]:
    """What a write would change; reading changes the access time only."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def kedro_micropkg(world: World, *words: str) -> Result:
    """Run the group as Kedro does, in this process."""
    metadata = Metadata(world.root, world.root / "src", "shop")
    return CliRunner().invoke(commands, ["micropkg", *words], obj=metadata)


def test_pull_says_the_old_phrase(world: World) -> None:
    """Code stands, requirements are in Kedro's file, and the phrase has the alias."""
    world.write(ROW, archive({"nodes.py": "a = 1\n"}, requires=("pandas>=1",)))
    result = kedro_micropkg(world, "pull", ROW, "--alias", "fcst", "-d", "pipelines")

    assert result.exit_code == 0, result.output
    assert "Micro-package dist/ds.tar.gz pulled and unpacked as 'fcst'!" in result.output
    assert world.read(f"{CODE}/nodes.py") == "a = 1\n"
    assert world.read("requirements.txt").endswith("micro-package `pipelines.fcst`:\npandas>=1\n")
    assert not world.has("requirements.in")


def test_a_requirements_file_that_the_project_names_is_kept(world: World) -> None:
    """Policy comes before habit."""
    world.manifest("", policy='requirements-file = "deps.txt"')
    world.write(ROW, archive({}, requires=("pandas>=1",)))

    assert kedro_micropkg(world, "pull", ROW).exit_code == 0
    assert "pandas>=1" in world.read("deps.txt")
    assert world.read("requirements.txt") == "kedro\n"


def test_pull_all(world: World) -> None:
    """Each row is named, and a last line says that all is done; requirements go where a single pull has them."""
    world.write(ROW, archive({}, requires=("pandas>=1",)))
    world.asks_for()
    result = kedro_micropkg(world, "pull", "--all")

    assert result.exit_code == 0, result.output
    assert "Pulled and unpacked 'dist/ds.tar.gz'!" in result.output
    assert result.output.endswith("Micro-packages pulled and unpacked!\n")
    assert "pandas>=1" in world.read("requirements.txt")


def test_pull_all_with_one_that_fails(world: World) -> None:
    """The others are pulled (Kedro stopped half way), and the success phrase is not said."""
    world.publish({})
    world.manifest(f'"{ROW}" = {{}}\n"dist/none.tar.gz" = {{}}')
    result = kedro_micropkg(world, "pull", "-a")

    assert result.exit_code == 1
    assert f"Pulled and unpacked '{ROW}'!" in result.output
    assert "Pulled and unpacked 'dist/none.tar.gz'!" not in result.output
    assert "Micro-packages pulled and unpacked!" not in result.output


def test_an_edit_that_disagrees_is_no_success(world: World) -> None:
    """Held: exit code 4, no phrase."""
    world.publish({"nodes.py": "a = 1\n"})
    world.write("src/shop/ds/nodes.py", "mine = 1\n")
    result = kedro_micropkg(world, "pull", ROW)

    assert result.exit_code == 4
    assert "pulled and unpacked" not in result.output


def test_package_says_the_old_phrase(world: World) -> None:
    """The phrase names module, alias and, unlike Kedro's, the file."""
    world.write("src/shop/utils/__init__.py", '__version__ = "0.2"\n')
    result = kedro_micropkg(world, "package", "utils", "--alias", "tools")

    assert result.exit_code == 0, result.output
    where = world.root / "dist/tools-0.2.tar.gz"
    assert f"'shop.utils' packaged as 'tools'! Location: {where}\n" in result.output
    assert where.exists()


def test_destination_of_package_is_meant_from_the_working_folder(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As Kedro had it on the command line."""
    world.write("src/shop/utils/__init__.py", '__version__ = "0.2"\n')
    monkeypatch.chdir(tmp_path)
    result = kedro_micropkg(world, "package", "utils", "-d", "out")

    assert result.exit_code == 0, result.output
    assert (tmp_path / "out/utils-0.2.tar.gz").exists()


def test_package_all(world: World) -> None:
    """Rows of Kedro's own table are packaged."""
    world.write("src/shop/utils/__init__.py", '__version__ = "0.2"\n')
    world.manifest('utils = {alias = "tools"}', home="tool.kedro.micropkg.package")
    result = kedro_micropkg(world, "package", "--all")

    assert result.exit_code == 0, result.output
    assert "Packaged 'utils' micro-package!\nMicro-packages packaged!\n" in result.output
    assert world.has("dist/tools-0.2.tar.gz")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param(["pull"], "Please specify a package path or add '--all'", id="pull what"),
        pytest.param(["package"], "Please specify a micro-package name or add '--all'", id="package what"),
        pytest.param(["package", "pipelines/x"], "is not a valid Python module path", id="module"),
        pytest.param(["package", "none"], "src/shop/none' doesn't exist.", id="no folder"),
        pytest.param(["package", "empty"], "src/shop/empty' is an empty directory.", id="empty folder"),
        pytest.param(["package", "x", "--alias", "1bad"], "must start with a letter or underscore.", id="alias first"),
        pytest.param(["pull", "x", "--alias", "a"], "must be at least 2 characters long.", id="alias short"),
        pytest.param(["pull", "x", "--alias", "a.b"], "must contain only letters, digits", id="alias dot"),
        pytest.param(["pull", "dist/none.tar.gz"], "there is no file `dist/none.tar.gz`", id="no archive"),
    ],
)
def test_errors_have_the_old_texts(world: World, words: list[str], text: str) -> None:
    """Exit code 1, and nothing is touched."""
    (world.root / "src/shop/empty").mkdir()
    before = world.tree()
    result = kedro_micropkg(world, *words)

    assert result.exit_code == 1, result.output
    assert text in result.output
    assert world.tree() == before


def test_our_own_errors_are_shown_without_a_traceback(world: World) -> None:
    """Message and hint as on our own command line, and Kedro's exit code."""
    world.asks_for()
    managed, unknown = (kedro_micropkg(world, "pull", ref) for ref in (ROW, "ds.whl"))

    assert managed.exit_code == unknown.exit_code == 1
    assert "error: `dist/ds.tar.gz` is in the manifest" in managed.output
    assert "error: ref `ds.whl` is neither an address, nor a path" in unknown.output
    assert "hint: " in unknown.output


@pytest.mark.parametrize(
    ("files", "phrase"),
    [
        pytest.param({"../other-1.0/x.py": ""}, "Invalid sdist was extracted: exactly one directory", id="two-roots"),
        pytest.param({"other/__init__.py": ""}, "Invalid package contents: exactly one package", id="two-packages"),
    ],
)
@pytest.mark.parametrize("words", [[ROW], ["--all"]])
def test_a_rejected_archive_ends_as_it_did(world: World, files: dict[str, str], phrase: str, words: list[str]) -> None:
    """Exit code 1 and Kedro's words; our own command line has 6."""
    members = [a.file(posixpath.normpath(f"demo-1.0/{path}")) for path in files]
    world.write(ROW, a.sdist(*members))
    if words == ["--all"]:
        world.asks_for()
    result = kedro_micropkg(world, "pull", *words)

    assert result.exit_code == 1
    assert phrase in result.output
    assert world.run("pull", ROW).code == (2 if words == ["--all"] else 6)


@pytest.mark.parametrize("line", ["-r other.txt", "--index-url https://h", "./x.whl", "https://h/x.whl"])
def test_a_requirement_that_is_none_ends_as_it_did(world: World, line: str) -> None:
    """Exit code 1 and the library's words; our own command line has 2."""
    world.write("src/shop/utils/__init__.py", '__version__ = "0.2"\n')
    world.write("src/shop/utils/requirements.txt", f"pandas>=1  # why\n# {line}\n{line}\n")
    result = kedro_micropkg(world, "package", "utils")

    assert result.exit_code == 1
    assert result.output.count("InvalidRequirement: ") == 1
    assert world.run("package", "utils").code == 2


def test_package_says_what_it_overwrites(world: World, tmp_path: Path) -> None:
    """The old phrase, where an archive is replaced, and only there."""
    world.write("src/shop/utils/__init__.py", '__version__ = "0.2"\n')
    phrase = f"Package file {tmp_path}/out/utils-0.2.tar.gz will be overwritten!"
    assert phrase not in kedro_micropkg(world, "package", "utils", "-d", f"{tmp_path}/out").output
    assert phrase not in kedro_micropkg(world, "package", "utils", "-d", f"{tmp_path}/out").output
    world.write("src/shop/utils/nodes.py", "")
    assert phrase in kedro_micropkg(world, "package", "utils", "-d", f"{tmp_path}/out").output


def test_package_all_with_an_absolute_destination(world: World, tmp_path: Path) -> None:
    """Kedro allows it, and a person has said it."""
    world.write("src/shop/utils/__init__.py", '__version__ = "0.2"\n')
    world.manifest(f'utils = {{destination = "{tmp_path}/out"}}', home="tool.kedro.micropkg.package")
    result = kedro_micropkg(world, "package", "--all")

    assert result.exit_code == 0, result.output
    assert (tmp_path / "out/utils-0.2.tar.gz").exists()


@pytest.mark.parametrize("what", ["pull", "package"])
def test_nothing_to_do_is_no_error(world: World, what: str) -> None:
    """An empty manifest: Kedro's words, exit code 0."""
    result = kedro_micropkg(world, what, "--all")

    assert result.exit_code == 0
    assert f"Nothing to {what}. Please update the 'pyproject.toml'" in result.output


class Kedro(NamedTuple):
    """One real Kedro, beside which micropkgd is installed as its wheel says, and a new project."""

    bin: Path
    project: Path
    environ: dict[str, str]

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run one command in the project; gives all that was said."""
        return self.run(self.bin / "kedro", *words, code=code)

    def run(self, *words: str | Path, code: int = 0) -> str:
        """Run any program in the project."""
        environ = os.environ | self.environ
        done = subprocess.run(
            words, cwd=self.project, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, server_cache: Path) -> Path:
    """A folder with micropkgd as pip installs it, its entry points with it."""
    folder = tmp_path_factory.mktemp("installed")
    python = environment(server_cache, "kedro>=1,<2", *dependencies()) / "bin/python"
    words = ["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--target"]
    subprocess.run([python, *words, folder, ROOT], check=True, capture_output=True, timeout=300)
    return folder


def dependencies() -> list[str]:
    """What micropkgd asks to be installed with it."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return [str(line) for line in listed]


@pytest.fixture(params=KEDROS)
def kedro(request: pytest.FixtureRequest, server_cache: Path, installed: Path, tmp_path: Path) -> Kedro:
    """A project as `kedro new` makes it, with one archive in it."""
    bin_folder = environment(server_cache, request.param, *dependencies()) / "bin"
    environ = {
        "PYTHONPATH": str(installed),
        "MICROPKGD_CACHE_DIR": str(tmp_path / "cache"),
        "DO_NOT_TRACK": "1",
        "COLUMNS": "200",
    }
    new = ["new", "--name", "shop", "--tools", "none", "--example", "n", "--telemetry", "no"]
    Kedro(bin_folder, tmp_path, environ)(*new)
    made = Kedro(bin_folder, tmp_path / "shop", environ)
    (made.project / "dist").mkdir()
    (made.project / "dist/ds-0.1.tar.gz").write_bytes((SAMPLES / "01-minimal/ds-0.1.tar.gz").read_bytes())
    return made


def test_the_commands_are_back_in_a_real_project(kedro: Kedro) -> None:
    """Pull, find the pipeline's code by Kedro's own Python, package it, and read the phrases."""
    said = kedro("micropkg", "pull", "dist/ds-0.1.tar.gz", "--alias", "fcst", "--destination", "pipelines")
    assert "Micro-package dist/ds-0.1.tar.gz pulled and unpacked as 'fcst'!" in said
    imported = "import sys; sys.path.insert(0, 'src'); from shop.pipelines.fcst import create_pipeline as c; print(c())"
    assert "<function run at" in kedro.run(kedro.bin / "python", "-c", imported)

    said = kedro("micropkg", "package", "pipelines.fcst", "--alias", "back")
    assert "'shop.pipelines.fcst' packaged as 'back'! Location: " in said
    assert (kedro.project / "dist/back-0.1.tar.gz").exists()
    assert "Please specify a package path" in kedro("micropkg", "pull", code=1)


def test_the_manifest_of_a_real_project(kedro: Kedro) -> None:
    """Both `--all` commands, with rows in the table that every Kedro takes."""
    with (kedro.project / "pyproject.toml").open("a") as manifest:
        manifest.write('\n[tool.micropkgd.pull]\n"dist/ds-0.1.tar.gz" = {destination = "pipelines"}\n')
        manifest.write('[tool.micropkgd.package]\n"pipelines.ds" = {alias = "again"}\n')

    assert "Micro-packages pulled and unpacked!" in kedro("micropkg", "pull", "--all")
    assert "Micro-packages packaged!" in kedro("micropkg", "package", "--all")
    assert (kedro.project / "dist/again-0.1.tar.gz").exists()


@pytest.mark.parametrize("kedro", KEDROS[:1], indirect=True)
def test_what_the_real_kedro_pulled_is_adopted(kedro: Kedro) -> None:
    """`migrate` takes over the files of Kedro's own pull, without the plugin, as they are; its requirements too."""
    row = '"dist/ds-0.1.tar.gz" = {alias = "fcst", destination = "pipelines", env = "uat"}\n'
    with (kedro.project / "pyproject.toml").open("a") as manifest:
        manifest.write(f"\n[tool.kedro.micropkg.pull]\n{row}")
    bare = kedro._replace(environ={key: value for key, value in kedro.environ.items() if key != "PYTHONPATH"})
    assert "deprecated" in bare("micropkg", "pull", "--all")
    code = untouched(kedro.project / CODE / "pipeline.py")

    said = kedro.run(kedro.bin / "python", "-m", "micropkgd", "migrate")
    assert "adopted    dist/ds-0.1.tar.gz -> src/shop/pipelines/fcst  0.1" in said
    assert "6 adopted" in said
    assert untouched(kedro.project / CODE / "pipeline.py") == code
    assert (kedro.project / "micropkg.lock").exists()


RUNNER = """
import json, pathlib
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project
from kedro.framework.cli.cli import KedroCLI
metadata = bootstrap_project(pathlib.Path.cwd())
cli = KedroCLI(pathlib.Path.cwd())
result = CliRunner().invoke(cli, ["micropkg", "pull", "dist/ds-0.1.tar.gz"], obj=metadata)
print("RESULT", json.dumps([result.exit_code, result.output]))
"""


def test_invoked_by_a_test_runner(kedro: Kedro) -> None:
    """As Kedro's own tests do: `CliRunner`, with the real `ProjectMetadata` as `obj`."""
    said = kedro.run(kedro.bin / "python", "-c", RUNNER)
    code, output = json.loads(said.partition("RESULT ")[2].splitlines()[0])

    assert code == 0, output
    assert "deprecated" not in output  # Kedro 0.19's own command says so
    assert "Micro-package dist/ds-0.1.tar.gz pulled and unpacked!" in output
    assert (kedro.project / "src/shop/ds/nodes.py").exists()


def test_every_start_of_kedro_stays_cheap(kedro: Kedro) -> None:
    """Other commands do not pay for ours: of micropkgd only the plugin, its errors and words are imported."""
    show = (
        "import sys; from pathlib import Path; from kedro.framework.cli.cli import KedroCLI; KedroCLI(Path.cwd());"
        "print('LOADED', *sorted(name for name in sys.modules if name.startswith('micropkgd')))"
    )
    loaded = kedro.run(kedro.bin / "python", "-c", show).partition("LOADED ")[2].split()

    assert loaded[:4] == ["micropkgd", "micropkgd.annotations", "micropkgd.errors", "micropkgd.kedro_plugin"]
    assert [name for name in loaded[4:] if name.startswith("micropkgd")] == []
