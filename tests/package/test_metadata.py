"""Name, version and requirements of a package, and where its archive goes: read, never run."""

import tomllib
from pathlib import Path

import pytest

from micropkgd.sdist.metadata import package_name, read_metadata
from tests.kit.packages import CODE, member, module, package, packed
from tests.kit.world import KEDRO, World


def version_of(world: World, init: str) -> str:
    """The version of the archive that comes of a module with this `__init__.py`."""
    module(world, {"__init__.py": init})
    said = package(world)
    return said.out.partition(".tar.gz  ")[2].partition(" ")[0]


def refusal(world: World, *options: str, code: int = 1) -> str:
    """What is said where the module cannot be packaged."""
    said = world.run("package", *(options or ["pipelines.ds"]))
    assert said.code == code, said
    assert not list(world.root.glob("**/*.tar.gz"))
    return said.out + said.err


@pytest.mark.parametrize(
    ("init", "version"),
    [
        pytest.param('__version__ = "0.1"', "0.1", id="plain"),
        pytest.param('__version__: str = "2.1.0"', "2.1.0", id="annotated"),
        pytest.param('VERSION = __version__ = "3"', "3", id="chained"),
        pytest.param("__version__ = 3", "3", id="number"),
        pytest.param('__version__ = "1.0-beta_2+Local.X"', "1.0b2+local.x", id="brought-to-its-normal-form"),
        pytest.param('__version__ = "01.002.0"', "1.2.0", id="leading-zeros"),
        pytest.param('__version__ = "1.0"\n__version__ = "1.1"', "1.1", id="the-last-counts"),
        pytest.param('if 0:\n    print("x")\n__version__ = "1"\nprint(__version__)', "1", id="other-code"),
        pytest.param('def f():\n    __version__ = g()\n\n\n__version__ = "4"', "4", id="a-local-name"),
        pytest.param('# -*- coding: latin-1 -*-\n__version__ = "5"', "5", id="another-encoding"),
    ],
)
def test_the_version_is_read_from_the_syntax_tree(world: World, init: str, version: str) -> None:
    """In each static form, and as PEP 440 spells it."""
    assert version_of(world, init) == version
    assert read_metadata(packed(world, f"dist/ds-{version}.tar.gz")).version == version


@pytest.mark.parametrize(
    "init",
    [
        pytest.param("import os\n__version__ = os.environ['V']", id="computed"),
        pytest.param("import os\nimport v as __version__", id="imported-as"),
        pytest.param('__version__ = "1"\n__version__ += ".dev0"', id="added-to"),
        pytest.param('try:\n    __version__ = "1"\nexcept E:\n    pass', id="conditional"),
        pytest.param('\nfor __version__ in "12":\n    pass', id="loop"),
        pytest.param('import os\n(__version__, x) = "1", 2', id="unpacked"),
        pytest.param("import os\n__version__ = 1.0", id="float"),
        pytest.param("import os\n__version__ = True", id="truth"),
    ],
)
def test_a_version_that_only_running_could_tell_is_an_error(world: World, init: str) -> None:
    """It names file and line, and says how to write it."""
    module(world, {"__init__.py": init})
    said = refusal(world)

    assert f"error: {CODE}/__init__.py:2: `__version__` can only be known by running the code" in said
    assert 'hint: write it as a text: `__version__ = "1.0"`' in said


def test_a_module_that_would_do_harm_when_imported_is_only_read(world: World) -> None:
    """Nothing of the project runs, not even its settings (promise P5)."""
    harm = "import pathlib\npathlib.Path('harm').touch()\n"
    module(world, {"__init__.py": f'{harm}__version__ = "1.0"\n', "/src/shop/settings.py": harm})
    package(world)

    assert not world.has("harm")


def test_without_a_version_of_its_own_the_module_has_the_project_packages(world: World) -> None:
    """First that of the package, then that of `[project]`."""
    module(world, {"__init__.py": ""})
    world.write("pyproject.toml", f'{KEDRO}[project]\nname = "shop"\nversion = "0.7"\n')
    package(world)
    world.write("src/shop/__init__.py", '__version__ = "0.8"\n')
    package(world)

    assert sorted(path.name for path in (world.root / "dist").iterdir()) == ["ds-0.7.tar.gz", "ds-0.8.tar.gz"]


def test_no_version_anywhere_is_an_error(world: World) -> None:
    """The hint says where to write one."""
    module(world, {"__init__.py": ""})

    assert f"error: {CODE}/__init__.py: no version is stated for this module [MPK402]\n  hint: write" in refusal(world)


def test_a_version_that_is_none_is_an_error(world: World) -> None:
    """PEP 440 is checked, with file and line."""
    module(world, {"__init__.py": '\n__version__ = "one"'})

    assert f"error: {CODE}/__init__.py:2: `one` is not a version" in refusal(world)


def test_requirements_become_metadata(world: World) -> None:
    """Canonical, in order, each once, in PKG-INFO and in `[project]` alike."""
    lines = "# whole line\n\npandas>=1.5,<3  # inline\nScikit_Learn[alldeps] == 1.3.*\npandas <3, >=1.5\n  # indented\n"
    module(world, {"requirements.txt": "\ufeff" + lines.replace("\n", "\r\n")})
    package(world)

    wanted = ["pandas<3,>=1.5", "Scikit_Learn[alldeps]==1.3.*"]
    assert [line[15:] for line in member(world, "PKG-INFO").splitlines() if line.startswith("Requires-Dist")] == wanted
    assert tomllib.loads(member(world, "pyproject.toml"))["project"]["dependencies"] == wanted
    assert read_metadata(packed(world)).requirements == tuple(wanted)


def test_what_the_metadata_say_is_read_back(world: World) -> None:
    """Quotes and backslashes of a requirement survive in TOML."""
    wanted = r'mytool @ https://example.com/a\b.zip#sha1=da9234ee ; python_version < "3.13"'
    module(world, {"requirements.txt": wanted})
    package(world)

    stated = tomllib.loads(member(world, "pyproject.toml"))["project"]["dependencies"]
    assert stated == [wanted]
    assert read_metadata(packed(world)).requirements == tuple(stated)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("pandas \\\n    >=2\nnumpy  # why\n".encode("utf-16"), id="utf-16"),
        pytest.param("\ufeffpandas \\\r\n    >=2\r\nnumpy".encode(), id="mark-and-crlf"),
        pytest.param(b"# -*- coding: latin-1 -*-\n# caf\xe9\npandas>=2\nnumpy\n", id="coding"),
    ],
)
def test_requirements_are_read_as_pip_reads_them(world: World, data: bytes) -> None:
    """In its encodings, and over lines that go on."""
    module(world)
    world.write(f"{CODE}/requirements.txt", data)
    package(world)

    assert read_metadata(packed(world)).requirements == ("pandas>=2", "numpy")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("-r more.txt", "write the lines of that file in its place"),
        ("-e ../lib", "whoever pulls it has no checkout of yours"),
        ("--index-url https://pypi.example/simple", "options of pip belong to the project that installs"),
        ("pandas==2.0 \\\n  --hash=sha256:00", "state ranges without hashes"),
        ("./wheels/x-1.0-py3-none-any.whl", "a path is nobody else's"),
        ("pandas=2.0", "write `==` for one version"),
    ],
)
def test_a_bad_requirement_line_comes_with_what_to_write(world: World, line: str, hint: str) -> None:
    """Each kind with its own hint, and the line where it begins."""
    module(world, {"requirements.txt": f"# first\n{line}\n"})
    said = refusal(world, code=2)

    assert f"requirements.txt:2: `{line.partition(' ')[0]}" in said
    assert hint in said


def test_every_bad_requirement_line_is_named(world: World) -> None:
    """File and line of the first, and the lines of the others."""
    module(world, {"requirements.txt": "pandas\n-r more.txt\nnumpy\n./wheel.whl\npkg=1.0\n"})

    said = refusal(world, code=2)
    assert f"error: {CODE}/requirements.txt:2: `-r more.txt` is not a requirement; nor is line 4, 5" in said


def test_the_archive_is_named_in_the_normal_form(world: World) -> None:
    """PEP 625 for the file and its root folder; the package inside keeps its case."""
    module(world)
    package(world, "--alias", "Mixed__Case")
    sdist = packed(world, "dist/mixed_case-1.0.tar.gz")

    assert sdist.root == "mixed_case-1.0"
    assert package_name(sdist) == "Mixed__Case"
    assert "Name: Mixed__Case\n" in member(world, "PKG-INFO", "dist/mixed_case-1.0.tar.gz")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param(["pipelines/ds"], "did you mean `pipelines.ds`?", id="slashes"),
        pytest.param(["src/shop/pipelines/ds"], "did you mean `pipelines.ds`?", id="from-the-project"),
        pytest.param(["./src/shop/pipelines/ds/__init__.py"], "did you mean `pipelines.ds`?", id="file"),
        pytest.param(["src.shop.pipelines.ds"], "did you mean `pipelines.ds`?", id="dots-from-the-project"),
        pytest.param(["a-b"], "`a-b` is not a module path", id="dash"),
        pytest.param(["pipelines."], "`pipelines.` is not a module path", id="trailing-dot"),
        pytest.param(["."], "`.` is not a module path", id="dot"),
        pytest.param(["shop.pipelines.ds"], "did you mean `pipelines.ds`?", id="with-the-package"),
        pytest.param(["ds"], "did you mean `pipelines.ds`?", id="without-pipelines"),
        pytest.param(["pipelines.nix"], "there is no module `shop.pipelines.nix`", id="missing"),
        pytest.param(["single"], "a single file is not a micro-package", id="single-file"),
        pytest.param(["pipelines.bare"], "has no files that could be packaged", id="empty"),
        pytest.param(["pipelines.io"], "is the name of a standard library module", id="standard-library"),
        pytest.param(["pipelines._ds"], "cannot be that of an archive", id="leading-underscore"),
        pytest.param(["pipelines.tests"], "cannot be that of an archive", id="tests"),
        pytest.param(["pipelines.ds", "--alias", "class"], "is a Python keyword", id="keyword"),
        pytest.param(["pipelines.ds", "--alias", "a.b"], "is not a Python name", id="dotted-alias"),
        pytest.param(["pipelines.ds", "--alias", "données"], "cannot be that of an archive", id="not-ascii"),
        pytest.param(["pipelines.ds", "-d", "../out"], "leaves the project", id="outside"),
        pytest.param(["pipelines.ds", "-d", "src/shop/pipelines/ds/dist"], "lies inside the module", id="inside"),
        pytest.param(["pipelines.ds", "-e", "../up"], "leaves the project", id="env-outside"),
        pytest.param(["--all", "pipelines.ds"], "--all takes no module", id="all-and-one"),
        pytest.param([], "name a module, or say --all", id="nothing"),
    ],
)
def test_bad_names_are_refused_with_advice(world: World, options: list[str], problem: str) -> None:
    """Each mistake has a message of its own, and exit code 2."""
    module(world, {"/src/shop/single.py": "", "/src/shop/pipelines/io/__init__.py": "",
                   "/src/shop/pipelines/_ds/__init__.py": "", "/src/shop/pipelines/tests/__init__.py": "",
                   "/src/shop/pipelines/bare/.hidden": ""})  # fmt: skip
    said = world.run("package", *options)

    assert said.code == 2
    assert problem in said.out + said.err


def test_the_destination_is_relative_to_the_project(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to the folder one happens to stand in."""
    module(world)
    monkeypatch.chdir(world.root / CODE)
    package(world, "-d", "some/where/")

    assert world.has("some/where/ds-1.0.tar.gz")


def test_an_absolute_destination_may_be_anywhere(world: World) -> None:
    """A build server puts archives where it wants them."""
    module(world)
    package(world, "-d", str(world.root.parent / "out/deep"))

    assert (world.root.parent / "out/deep/ds-1.0.tar.gz").exists()
    assert "unchanged" in package(world, "-d", str(world.root.parent / "out/deep")).out


class TestOutsideTheProject:
    """A row that names an absolute folder, as Kedro's manifests may."""

    @pytest.fixture
    def out(self, world: World) -> Path:
        """Where the row wants its archive."""
        folder = world.root.parent / "out"
        module(world)
        world.manifest(f'"pipelines.ds" = {{destination = "{folder}"}}', home="tool.micropkgd.package")
        return folder

    @pytest.mark.parametrize("words", [["--all"], ["pipelines.ds"]])
    def test_whoever_runs_the_command_may_mean_it(self, world: World, out: Path, words: list[str]) -> None:
        """They have the manifest before them."""
        said = world.run("package", *words)

        assert said.code == 0, said
        assert (out / "ds-1.0.tar.gz").exists()

    @pytest.mark.parametrize("config", ["", "publish-origins = []", 'publish-origins = ["/elsewhere"]'])
    def test_a_pass_writes_nothing_there(
        self, world: World, out: Path, config: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever reconciles somebody's project writes nothing beside it, unless this machine says so."""
        monkeypatch.setenv("MICROPKGD_CONFIG", str(world.write("micropkgd.toml", config)))
        said = world.reconcile()

        assert said.code == 2
        assert (
            f"error: destination `{out}` lies outside the project, and this machine's config does not name it"
            in said.out
        )
        assert "hint: add it to `publish-origins` of the config, or run `micropkgd package --all` yourself" in said.out
        assert not out.exists()

    @pytest.mark.parametrize("key", ["publish-origins", "allowed-origins"])
    def test_a_pass_writes_where_the_config_says(
        self, world: World, out: Path, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Below a folder that is named; and then it rests."""
        config = world.write("micropkgd.toml", f'{key} = ["{out.parent}"]')
        monkeypatch.setenv("MICROPKGD_CONFIG", str(config))
        world.sync()
        assert (out / "ds-1.0.tar.gz").exists()

        before = world.stamps()
        world.sync()
        assert world.stamps() == before


def test_options_come_before_the_row_of_the_manifest(world: World) -> None:
    """A module with a row of its own is packaged as the row says, unless the command says otherwise."""
    module(world)
    row = '"pipelines.ds" = {alias = "forecast", destination = "out"}'
    world.manifest(row, home="tool.micropkgd.package")
    package(world)
    package(world, "--alias", "other")

    assert sorted(path.name for path in (world.root / "out").iterdir()) == ["forecast-1.0.tar.gz", "other-1.0.tar.gz"]


def test_imports_move_with_the_package(world: World) -> None:
    """Code and tests name the package as it will be, byte for byte the same otherwise."""
    module(world, {
        "nodes.py": "from shop.pipelines.ds.sub import x  # shop.pipelines.ds\r\nimport shop.pipelines.ds.sub as s\r\n",
        "sub.py": "x = 1\n",
        "/tests/pipelines/ds/helper.py": "",
        "/tests/pipelines/ds/test_ds.py": "from tests.pipelines.ds.helper import H\nimport shop.pipelines.ds as d\n",
    })  # fmt: skip
    package(world)

    assert member(world, "ds/nodes.py") == "from ds.sub import x  # shop.pipelines.ds\r\nimport ds.sub as s\r\n"
    assert member(world, "tests/test_ds.py") == "from tests.helper import H\nimport ds as d\n"


LEAVING = {
    "nodes.py": "import os\nfrom shop.utils import io\n",
    "/tests/pipelines/ds/test_ds.py": "from ..other import H\n",
}


def test_imports_that_leave_are_told_with_file_and_line(world: World) -> None:
    """The archive is made, and says so again when nothing changed."""
    module(world, LEAVING)
    for _ in range(2):
        said = package(world)
        assert f"note: {CODE}/nodes.py:2: `from shop.utils import io`: imports a module that does not move" in said.out
        assert "note: tests/pipelines/ds/test_ds.py:1: `from ..other import H`: imports a module" in said.out


def test_imports_that_leave_are_an_error_where_the_policy_says_so(world: World) -> None:
    """No archive is made."""
    module(world, LEAVING)
    world.manifest("", policy='on-dangling-import = "error"')
    said = refusal(world)

    assert f"error: {CODE}/nodes.py:2: 2 imports leave the package" in said
    assert "note: tests/pipelines/ds/test_ds.py:1:" in said


def test_a_kedro_0_18_project_has_its_tests_below_src(world: World) -> None:
    """The old layout is seen, and the archive is the same as from a new one."""
    text = world.read("pyproject.toml").replace("0.19.15", "0.18.14")
    module(world, {"/src/tests/pipelines/ds/test_ds.py": "from tests.pipelines.ds import x\n", "/pyproject.toml": text})
    (world.root / "tests/__init__.py").unlink()
    (world.root / "tests").rmdir()
    package(world)

    assert member(world, "tests/test_ds.py") == "from tests import x\n"


def test_a_module_of_the_projects_name(world: World) -> None:
    """`pipelines.shop` becomes `shop`; what it imports of the old `shop` is told."""
    module(world, {
        "/src/shop/pipelines/shop/__init__.py": '__version__ = "2.0"\nfrom shop.pipelines.shop.a import x\n',
        "/src/shop/pipelines/shop/a.py": "from shop.utils import load\n",
    })  # fmt: skip
    said = world.run("package", "pipelines.shop")

    assert member(world, "shop/__init__.py", "dist/shop-2.0.tar.gz").endswith("from shop.a import x\n")
    assert "src/shop/pipelines/shop/a.py:1: `from shop.utils import load`" in said.out
