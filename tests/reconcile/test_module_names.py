"""Names of modules in strings and data, seen in a project: the pulled code works, or the pull has said why not."""

import subprocess
import sys

import pytest

from tests.kit.packages import inside
from tests.kit.world import World

FC = "src/shop/pipelines/fc"
LOOKS = """\
import pkgutil
import sys
from importlib.resources import files, read_text

A = (files("ds") / "data/x.json").read_text()
B = pkgutil.get_data("ds", "data/x.json")
C = read_text("ds", "nodes.py")
NAMES = [sys.modules["ds." + name].X for name in ("nodes",)]
"""


def pulled(world: World, files: dict[str, str], policy: str = "") -> str:
    """Pull them under another name to another place; what the pass said."""
    world.publish({"nodes.py": "X = 1\n", "data/x.json": "{}", **files})
    world.asks_for(alias="fc", destination="pipelines", policy=policy)
    said = world.reconcile()
    assert said.code == 0, said
    return said.out


def imports(world: World, module: str) -> str:
    """What Python says of importing a module of the project."""
    command = [sys.executable, "-c", f"import shop.pipelines.fc.nodes, {module}"]
    return subprocess.run(
        command, cwd=world.root / "src", capture_output=True, text=True, timeout=60, check=False
    ).stderr


def test_package_data_is_found_after_a_pull(world: World) -> None:
    """Resources and loaded modules are asked for under the new name, and nothing is left to tell."""
    said = pulled(world, {"looks.py": LOOKS})

    assert imports(world, "shop.pipelines.fc.looks") == ""
    assert "note:" not in said


@pytest.mark.parametrize(
    ("path", "text", "line", "name"),
    [
        ("fast.pyx", "# c\nfrom ds.nodes cimport f\n", 2, "ds.nodes"),
        ("fast.pxd", "cimport ds\n", 1, "ds"),
        ("note.ipynb", '{"source": [\n "from ds.nodes import X\\n"]}', 2, "ds.nodes"),
        ("setup.cfg", "[mypy-ds.nodes]\n", 1, "ds.nodes"),
        ("catalog.yml", "a:\n  type: ds.nodes.Table\n", 2, "ds.nodes"),
        ("x.toml", 'f = "ds.nodes:run"\n', 1, "ds.nodes"),
        ("x.json", '{"class": "ds.nodes.X"}', 1, "ds.nodes"),
        ("run.py", 'run(["-m", "ds.nodes"])\n', 1, "ds.nodes"),
    ],
)
def test_name_in_a_file_is_told(world: World, path: str, text: str, line: int, name: str) -> None:
    """With its line, and with its new name; the file comes as it is."""
    said = pulled(world, {path: text})

    new = name.replace("ds", "shop.pipelines.fc", 1)
    assert f"note: {FC}/{path}:{line}: `{name}`: text that names a moved module, left as it is: now `{new}`" in said
    assert world.read(f"{FC}/{path}") == text


@pytest.mark.parametrize(
    ("path", "text"),
    [("x.yml", "ds:\n  path: data/ds.nodes.csv\n"), ("README.md", "Use ds.nodes.\n"), ("x.csv", "ds.nodes\n")],
)
def test_words_and_prose_are_not_told(world: World, path: str, text: str) -> None:
    """A key that is called like the package, a file name, a page for readers."""
    assert "note:" not in pulled(world, {path: text})


def test_a_name_that_comes_again_is_one_note(world: World) -> None:
    """One for all of a file, with the lines: a table of modules does not bury the rest."""
    said = pulled(world, {"x.py": 'X = "ds.nodes"\n' * 8 + 'X = "ds"\n'})

    assert said.count("note:") == 1
    assert f"{FC}/x.py:1: `ds.nodes`" in said
    assert "(also on line 2, 3, 4, 5, 6 and 3 more)" in said


def test_names_in_text_do_not_count_as_dangling(world: World) -> None:
    """`on-dangling-import = "error"` is about imports."""
    said = pulled(world, {"x.py": 'X = "ds.nodes"\n'}, policy='on-dangling-import = "error"')

    assert "1 installed" in said


def test_installed_package_is_told(world: World) -> None:
    """What asks for its own version as installed cannot be imported, and the pull says so."""
    said = pulled(world, {"__init__.py": "from importlib.metadata import version\n\n__version__ = version(__name__)\n"})

    assert f"{FC}/__init__.py:3: `__name__`: asks for an installed package, which code that was pulled is not" in said
    assert "PackageNotFoundError" in imports(world, "shop.pipelines.fc")


def test_package_tells_of_names_in_data(world: World) -> None:
    """The same on the way into an archive."""
    world.write("src/shop/fe/__init__.py", '__version__ = "1.0"\n')
    world.write("src/shop/fe/nodes.py", "")
    world.write("src/shop/fe/x.cfg", "[mypy-shop.fe.nodes]\n")
    world.write("src/shop/fe/y.py", "import runpy\nrunpy.run_module('shop.fe.nodes')\nX = 'shop.fe.nodes'\n")
    said = world.run("package", "fe")

    notes = [line for line in said.out.splitlines() if "note:" in line]
    assert [note.partition("`: ")[0] for note in notes] == [
        "  note: src/shop/fe/x.cfg:1: `shop.fe.nodes",
        "  note: src/shop/fe/y.py:3: `shop.fe.nodes",
    ]


class TestParameters:
    """`rewrite-parameters`, in a project."""

    TEXT = "fc:\n  _target_: ds.nodes.X  # which\n"
    NEW = TEXT.replace("ds.nodes", "shop.pipelines.fc.nodes")
    PLACE = "conf/base/parameters_fc.yml"

    def test_pull_tells_of_them(self, world: World) -> None:
        """And of what would rewrite them."""
        said = pulled(world, {"config/parameters_ds.yml": self.TEXT})

        assert f"note: {self.PLACE}:2: `ds.nodes`: text that names a moved module" in said
        assert "`rewrite-parameters = true` rewrites" in said
        assert world.read(self.PLACE) == self.TEXT

    def test_policy_rewrites_them_there_and_back(self, world: World) -> None:
        """As an update when it is set later; and a package of the pulled module has what was pulled."""
        pulled(world, {"config/parameters_ds.yml": self.TEXT})
        world.asks_for(alias="fc", destination="pipelines", policy="rewrite-parameters = true")
        assert "note:" not in world.reconcile().out
        assert world.read(self.PLACE) == self.NEW

        assert world.run("package", "pipelines.fc").code == 0
        members = inside(world, "dist/ds-1.0.tar.gz")
        assert members["ds/config/parameters_ds.yml"].decode() == self.TEXT
        assert members["ds/nodes.py"] == b"X = 1\n"

    def test_package_is_made_anew_when_the_policy_changes(self, world: World) -> None:
        """What was made under the old policy is not taken for the answer."""
        pulled(world, {"config/parameters_ds.yml": self.TEXT}, policy="rewrite-parameters = true")
        world.run("package", "pipelines.fc")
        world.asks_for(alias="fc", destination="pipelines")
        world.write(self.PLACE, self.NEW)
        world.run("package", "pipelines.fc")
        members = inside(world, "dist/ds-1.0.tar.gz")

        assert members["ds/config/parameters_ds.yml"].decode() == self.NEW

    def test_pull_by_hand_obeys_the_policy(self, world: World) -> None:
        """It is the project's, whoever pulls."""
        world.publish({"config/parameters_ds.yml": self.TEXT, "nodes.py": ""})
        world.manifest("", policy="rewrite-parameters = true")
        assert world.run("pull", "dist/ds.tar.gz", "--alias", "fc", "-d", "pipelines").code == 0

        assert world.read(self.PLACE) == self.NEW
