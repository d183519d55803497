"""Where the version of a module may be stated: followed as far as the source shows it, and never run."""

import json
import runpy

import pytest

from tests.kit.packages import CODE, module
from tests.kit.world import World

PACKAGE = "src/shop/__init__.py"
KEDRO = (
    '[tool.kedro]\npackage_name = "shop"\nproject_name = "shop"\nkedro_init_version = "0.19.15"\nsource_dir = "src"\n'
)
NAMED = '[project]\nname = "Shop"\nversion = "1.0"\n'
DYNAMIC = '[project]\nname = "shop"\ndynamic = ["version"]\n'


def made(world: World) -> str:
    """The version of the archive that comes of the module."""
    said = world.run("package", "pipelines.ds", "--json")
    (found,) = json.loads(said.out)["projects"]
    (row,) = found["packages"]
    assert said.code == 0, row
    return str(row["archive"]["version"])


def refusal(world: World) -> str:
    """What is said where no version is certain."""
    said = world.run("package", "pipelines.ds")
    assert said.code == 1, said
    return said.out


INSTALLED = {
    "function": 'from importlib.metadata import version\n\n__version__ = version("shop")',
    "module": 'import importlib.metadata\n__version__ = importlib.metadata.version("shop")',
    "part": 'from importlib import metadata\n__version__ = metadata.version("shop")',
    "alias": 'from importlib.metadata import version as _v\n__version__: str = _v("SHOP")',
    "package": "import importlib.metadata as m\n__version__ = m.version(__package__)",
    "name": "from importlib_metadata import version\n__version__ = version(__name__)",
    "bound": 'from importlib.metadata import version\nDIST = "shop"\n__version__ = version(DIST)',
    "old": 'import pkg_resources\n__version__ = pkg_resources.get_distribution("shop").version',
    "distribution": 'from importlib.metadata import distribution\n__version__ = distribution("shop").version',
    "tried": (
        "from importlib.metadata import PackageNotFoundError, version\n\ntry:\n    __version__ = version('shop')\n"
        "except PackageNotFoundError:\n    __version__ = '0+unknown'"
    ),
}


@pytest.mark.parametrize("init", INSTALLED.values(), ids=INSTALLED)
def test_what_the_installed_project_would_say(world: World, init: str) -> None:
    """It is the version of `[project]`, the single source that people are told to have."""
    module(world, {"__init__.py": "", f"/{PACKAGE}": init + "\n", "/pyproject.toml": KEDRO + NAMED})
    assert made(world) == "1.0"


@pytest.mark.parametrize("name", ["pandas", "shopper"])
def test_what_another_distribution_would_say_is_unknown(world: World, name: str) -> None:
    """It depends on the machine."""
    init = f'from importlib.metadata import version\n__version__ = version("{name}")\n'
    module(world, {"__init__.py": "", f"/{PACKAGE}": init, "/pyproject.toml": KEDRO + NAMED})
    assert f"{PACKAGE}:2: `__version__` is what `{name}` says when it is installed" in refusal(world)


def test_a_module_is_not_the_installed_project(world: World) -> None:
    """`__name__` is another one there."""
    init = "from importlib.metadata import version\n__version__ = version(__name__)\n"
    module(world, {"__init__.py": init, "/pyproject.toml": KEDRO + NAMED})
    assert f"{CODE}/__init__.py:2: `__version__` can only be known" in refusal(world)


WRITTEN = {
    "name": 'VERSION = "1.2"\n__version__ = VERSION',
    "chain": 'A = "1.2"\nB = A\n__version__ = B',
    "f-string": 'MAJOR, MINOR = 0, 0\nmajor = 1\nminor = "2"\n__version__ = f"{major}.{minor}"',
    "sum": '__version__ = "1" + ".2"',
    "joined": '__version__ = ".".join(["1", "2"])',
    "numbers": 'version_info = (1, 2)\n__version__ = ".".join(map(str, version_info))',
    "beside": 'from pathlib import Path\n__version__ = (Path(__file__).parent / "VERSION").read_text().strip()',
    "resolved": (
        "import pathlib\nHERE = pathlib.Path(__file__).resolve().parent\n"
        '__version__ = HERE.joinpath("data", "../VERSION").read_text(encoding="utf-8").rstrip()'
    ),
    "with-name": 'from pathlib import Path\n__version__ = Path(__file__).with_name("VERSION").read_text().strip()',
    "os-path": (
        "import os\nHERE = os.path.dirname(os.path.abspath(__file__))\n"
        "__version__ = open(os.path.join(HERE, 'VERSION')).read().strip()"
    ),
    "parents": "from pathlib import Path\n__version__ = (Path(__file__).parents[0] / 'VERSION').open().read().strip()",
    "bytes": (
        "from pathlib import Path\n__version__ = Path(__file__).with_name('VERSION').read_bytes().decode().strip()"
    ),
}


@pytest.mark.parametrize("init", WRITTEN.values(), ids=WRITTEN)
def test_a_text_that_the_source_puts_together(world: World, init: str) -> None:
    """It is what running the file gives."""
    module(world, {"__init__.py": init + "\n", "VERSION": "1.2\n", "data/x": ""})
    assert made(world) == runpy.run_path(str(world.root / CODE / "__init__.py"))["__version__"] == "1.2"


LED = {
    "relative": (PACKAGE, "from ._version import __version__", {"src/shop/_version.py": '__version__ = "3.1"'}),
    "absolute": (PACKAGE, "from shop.about import v as __version__", {"src/shop/about.py": 'v = "3.1"'}),
    "folder": (PACKAGE, "from .about import __version__", {"src/shop/about/__init__.py": '__version__ = "3.1"'}),
    "up": (f"{CODE}/__init__.py", "from shop import __version__", {PACKAGE: '__version__ = "3.1"'}),
    "dots": (f"{CODE}/__init__.py", "from ... import __version__", {PACKAGE: '__version__ = "3.1"'}),
    "twice": (
        PACKAGE, "from .a import __version__",
        {"src/shop/a.py": "from .b import __version__", "src/shop/b.py": "__version__ = '3.1'"},
    ),
    "generated": (
        PACKAGE, "try:\n    from ._version import version as __version__\nexcept ImportError:\n    __version__ = '0'",
        {"src/shop/_version.py": "__version__ = version = '3.1'\n"},
    ),
    "resource": (
        PACKAGE,
        "from importlib.resources import files\n__version__ = (files(__package__) / 'VERSION').read_text().strip()",
        {"src/shop/VERSION": "3.1"},
    ),
    "pkgutil": (
        PACKAGE, "import pkgutil\n__version__ = pkgutil.get_data(__package__, 'VERSION').decode().strip()",
        {"src/shop/VERSION": "3.1"},
    ),
    "above": (
        PACKAGE,
        "from pathlib import Path\n__version__ = (Path(__file__).parent.parent.parent / 'VERSION').read_text().strip()",
        {"VERSION": "3.1\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "source", "files"), LED.values(), ids=LED)
def test_where_another_file_states_it(world: World, path: str, source: str, files: dict[str, str]) -> None:
    """Followed through the project's own files; a pass sees it when one of them changes."""
    module(world, {"__init__.py": "", f"/{path}": source + "\n"})
    for name, text in files.items():
        world.write(name, text)
    assert made(world) == "3.1"
    changed = list(files)[-1]
    world.write(changed, files[changed].replace("3.1", "3.2"))
    assert made(world) == "3.2"


NOWHERE = {
    "circle": (PACKAGE, "from .a import __version__", {"src/shop/a.py": "from . import __version__"}, "in a circle"),
    "missing": (PACKAGE, "from ._version import __version__", {}, "comes from `_version`, which does not state it"),
    "stranger": (PACKAGE, "from pandas import __version__", {}, "comes from `pandas`"),
    "outside": (
        PACKAGE, "from pathlib import Path\n__version__ = (Path(__file__).parents[9] / 'VERSION').read_text()", {},
        "is the text of VERSION, which does not say a version",
    ),
    "absolute": (
        PACKAGE, "from pathlib import Path\n__version__ = Path('/etc/hostname').read_text()", {}, "only be known",
    ),
    "two-lines": (
        PACKAGE, "from pathlib import Path\n__version__ = (Path(__file__).parent / 'V').read_text()",
        {"src/shop/V": "1.0\n2.0\n"}, "does not say a version",
    ),
    "itself": (PACKAGE, "a = b\nb = a\n__version__ = a", {}, "only be known"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "source", "files", "problem"), NOWHERE.values(), ids=NOWHERE)
def test_where_nothing_certain_is_found(
    world: World, path: str, source: str, files: dict[str, str], problem: str
) -> None:
    """An error with file, line and reason, and never a guess."""
    module(world, {"__init__.py": "", f"/{path}": source + "\n"})
    for name, text in files.items():
        world.write(name, text)
    said = refusal(world)
    assert problem in said
    assert not world.has("dist")


BACKENDS = {
    "setuptools-attr": (
        '[tool.setuptools.dynamic]\nversion = {attr = "shop.about.v"}\n',
        {"src/shop/about.py": 'v = "2.0"'},
    ),
    "setuptools-file": ('[tool.setuptools.dynamic]\nversion = {file = "VERSION"}\n', {"VERSION": "2.0\n"}),
    "setuptools-files": ('[tool.setuptools.dynamic]\nversion = {file = ["src/V"]}\n', {"src/V": "2.0\n"}),
    "setuptools-root": ('[tool.setuptools.dynamic]\nversion = {attr = "about.v"}\n', {"about.py": 'v = "2.0"'}),
    "hatch": ('[tool.hatch.version]\npath = "src/shop/about.py"\n', {"src/shop/about.py": '__version__ = "2.0"'}),
    "hatch-name": ('[tool.hatch.version]\npath = "src/shop/about.py"\n', {"src/shop/about.py": 'VERSION = "2.0"'}),
    "hatch-text": ('[tool.hatch.version]\npath = "V"\n', {"V": "# x\nVERSION = 'v2.0'\n"}),
    "hatch-code": ('[tool.hatch.version]\nsource = "code"\npath = "v.py"\n', {"v.py": '__version__ = "2.0"'}),
    "pdm": ('[tool.pdm.version]\nsource = "file"\npath = "src/shop/v.py"\n', {"src/shop/v.py": "__version__ = '2.0'"}),
    "poetry": ('[tool.poetry]\nname = "shop"\nversion = "2.0"\n', {}),
    "setup-cfg": ("", {"setup.cfg": "[metadata]\nversion = 2.0\n"}),
    "setup-cfg-attr": (
        "",
        {"setup.cfg": "[metadata]\nversion = attr: shop.about.v\n", "src/shop/about.py": 'v = "2.0"'},
    ),
    "setup-cfg-file": ("", {"setup.cfg": "[metadata]\nversion = file: VERSION\n", "VERSION": "2.0"}),
}


@pytest.mark.parametrize("asking", [True, False], ids=["asked", "unasked"])
@pytest.mark.parametrize(("table", "files"), BACKENDS.values(), ids=BACKENDS)
def test_what_the_build_backend_is_told(world: World, table: str, files: dict[str, str], *, asking: bool) -> None:
    """`dynamic` leads to where a table says, whether the package asks for it or says nothing."""
    init = 'from importlib.metadata import version\n__version__ = version("shop")\n' if asking else ""
    module(world, {"__init__.py": "", f"/{PACKAGE}": init, "/pyproject.toml": KEDRO + DYNAMIC + table})
    for name, text in files.items():
        world.write(name, text)
    assert made(world) == "2.0"


OPEN = {
    "scm": "[tool.setuptools_scm]\n",
    "hatch-vcs": '[tool.hatch.version]\nsource = "vcs"\n',
    "hatch-pattern": '[tool.hatch.version]\npath = "V"\npattern = "(a*)*b"\n',
    "hatch-outside": '[tool.hatch.version]\npath = "../V"\n',
    "attr-of-itself": '[tool.setuptools.dynamic]\nversion = {attr = "shop.__version__"}\n',
    "odd": "[tool.setuptools.dynamic]\nversion = {file = 7}\n[tool.hatch]\nversion = 1\n",
}


@pytest.mark.parametrize("table", OPEN.values(), ids=OPEN)
def test_a_version_that_only_a_build_could_tell_is_an_error(world: World, table: str) -> None:
    """The state of a repository, a pattern to search with, a place outside, a circle."""
    init = 'from importlib.metadata import version\n__version__ = version("shop")\n'
    module(world, {"__init__.py": "", f"/{PACKAGE}": init, "/pyproject.toml": KEDRO + DYNAMIC + table})
    world.write("V", "VERSION = '1'\n")
    said = refusal(world)
    assert f"{PACKAGE}:2: `__version__` is what `shop` says when it is installed" in said or "in a circle" in said
