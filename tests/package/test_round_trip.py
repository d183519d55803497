"""There and back: what was packaged and pulled is the source again, and what was pulled packages to the same."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.model.layout import Layout
from micropkgd.model.parameters import renamed
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.package.build import Builder
from micropkgd.reconcile.package.inputs import Input, PackagedModule
from micropkgd.reconcile.package.names import belongs
from micropkgd.reconcile.plan.render import render
from micropkgd.sdist.metadata import read_metadata
from micropkgd.sdist.reader import read_sdist
from micropkgd.sdist.writer import Packing
from tests.kit.packages import packed
from tests.kit.world import SAMPLES, World
from tests.package.test_samples import ALL, Sample, files

Tree = Mapping[str, bytes]

LAYOUT = Layout("demo", "src", "tests", "conf", "base", RelPath("requirements.in"), RelPath("requirements.txt"))
PLACE = LAYOUT.place(("pipelines",), "ds", None)
CODE, TESTS, CONF = PLACE.code, PLACE.tests, PLACE.conf
# `import ds` and `import ds.sub` bind one name and are respelled together, so a file has the one or the other.
ITSELF = ["from demo.pipelines import ds", "from demo.pipelines import ds as me"]
DOTTED = [
    "import demo.pipelines.ds.{}", "import os, demo.pipelines.ds.{} as n",
    "def f():\n    import demo.pipelines.ds.{} as g",
]  # fmt: skip
IMPORTS = [
    "from demo.pipelines.ds import {}", "import demo.pipelines.ds.{} as m", "from demo.pipelines.ds.{} import x",
    "from tests.pipelines.ds.{} import x", "import tests.pipelines.ds.{} as t", "from demo.other import {}",
    "from .{} import x", "x = 'demo.pipelines.ds.{}'",
]  # fmt: skip

names = st.sampled_from(["ds", "kids", "io", "forecast", "deep", "sub"])


def lines(forms: list[str]) -> st.SearchStrategy[bytes]:
    """Source text of some of these statements."""
    line = st.tuples(st.sampled_from(forms), names).map(lambda pair: f"{pair[0].format(pair[1])}\n")
    return st.lists(line, max_size=5).map(lambda found: "".join(found).encode())


code = lines(ITSELF + IMPORTS) | lines(DOTTED + IMPORTS)
data = st.binary(max_size=40)
package_names = st.sampled_from(["ds", "kids", "parameters", "parameters_ds", "parameters_kids"])


@st.composite
def paths(draw: st.DrawFn, folder: str, words: st.SearchStrategy[str], suffix: str) -> str:
    """A file at most two folders below one."""
    return "/".join([folder, *draw(st.lists(words, max_size=2)), draw(words) + suffix])


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A module with code, data, tests and parameters."""
    tree = {f"{CODE}/__init__.py": draw(code)}
    tree |= draw(st.dictionaries(paths(CODE, names, ".py"), code, max_size=4))
    tree |= draw(st.dictionaries(paths(CODE, names, ".csv"), data, max_size=2))
    tree |= draw(st.dictionaries(paths(TESTS, names, ".py"), code, max_size=3))
    return tree | draw(st.dictionaries(paths(CONF, package_names, ".yml"), data, max_size=3))


def travelling(tree: Tree, name: str) -> dict[RelPath, str]:
    """The files that travel, by their member in the archive of a package of this name."""
    found = {}
    for path in tree:
        config, test, inner = (path.removeprefix(f"{folder}/") for folder in (CONF, TESTS, CODE))
        if config == path:
            found[RelPath(path)] = f"{name}/{inner}" if test == path else f"tests/{test}"
        elif belongs(config, "ds"):
            found[RelPath(path)] = f"{name}/config/{renamed(config, 'ds', name)}"
    return found


def there_and_back(tree: Tree, name: str) -> dict[RelPath, bytes]:
    """Package a tree as `name`, and pull it again as `ds`."""
    subject = PackagedModule(PLACE, "ds", name)
    found = travelling(tree, name).items()
    inputs = [Input(path, member, executable=False, size=len(tree[path])) for path, member in found]
    builder = Builder(subject, inputs, lambda file: [tree[file.path]], pulled={})
    archive = b"".join(Packing(f"{name}-1.0").pack(builder.parts("1.0", ())))
    entry = PullEntry(Ref.parse("dist/x.tar.gz"), alias=None if name == "ds" else "ds", destination=("pipelines",))
    return dict(render(read_sdist(archive), entry, LAYOUT).files)


def meaning(source: bytes) -> bytes:
    """The same code with one spelling for the two ways of importing the package itself."""
    named = re.sub(rb"from demo\.pipelines import ds as (\w+)", rb"import demo.pipelines.ds as \1", source)
    return re.sub(rb"from demo\.pipelines import ds$", rb"import demo.pipelines.ds as ds", named, flags=re.MULTILINE)


class TestThereAndBack:
    """Pulling what was packaged gives back the source."""

    @given(trees(), st.sampled_from(["ds", "fcst"]))
    def test_every_file_that_travels_comes_back(self, tree: Tree, name: str) -> None:
        """Under the name it had, and meaning the same; of tests without an `__init__.py` an empty one is made."""
        wanted = {path: meaning(tree[path]) for path in travelling(tree, name)}
        if any(path.startswith(f"{TESTS}/") for path in wanted):
            wanted.setdefault(RelPath(f"{TESTS}/__init__.py"), b"")

        assert {path: meaning(data) for path, data in there_and_back(tree, name).items()} == wanted


@pytest.mark.parametrize("alias", ["", "fcst"], ids=["name", "alias"])
@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.sdist.partition("/")[0])
def test_what_was_pulled_packages_to_the_same(world: World, sample: Sample, alias: str) -> None:
    """Under the name it came with, with its version, requirements and parameters: a fix can be sent back."""
    world.copy_sample(sample.sdist, "pulled.tar.gz")
    world.asks_for("pulled.tar.gz", destination="pipelines", env="uat", **({"alias": alias} if alias else {}))
    world.sync()
    original = read_sdist((SAMPLES / sample.sdist).read_bytes())
    name = read_metadata(original).name
    said = world.run("package", f"pipelines.{alias or name}")

    assert said.code == 0, said
    again = packed(world, f"dist/{sample.sdist.partition('/')[2]}")
    assert files(again) == files(original)
    assert read_metadata(again) == read_metadata(original)


def test_a_fix_made_downstream_is_in_the_archive_that_is_sent_back(world: World) -> None:
    """The edited file is the only one that differs."""
    world.copy_sample("01-minimal/ds-0.1.tar.gz", "pulled.tar.gz")
    world.asks_for("pulled.tar.gz", alias="fcst")
    world.sync()
    world.write("src/shop/fcst/nodes.py", "from shop.fcst import pipeline\n")
    assert world.run("package", "fcst").code == 0

    before, after = files(packed(world, "pulled.tar.gz")), files(packed(world, "dist/ds-0.1.tar.gz"))
    assert {path: data for path, data in after.items() if before[path] != data} == {
        "ds/nodes.py": b"from ds import pipeline\n"
    }  # fmt: skip
