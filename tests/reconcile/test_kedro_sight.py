"""What Kedro would refuse or overlook is told by the pass that writes it, and by `doctor` for as long as it stands."""

import ast
import subprocess
import sys

import pytest

from micropkgd.documents.key_paths import keys_of
from micropkgd.errors import DocumentError
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.kedro.tree_after import TreeAfter
from tests.kit.world import KEDRO, ROW, World

PIPELINE = {
    "__init__.py": "from ds.pipeline import create_pipeline\n",
    "pipeline.py": "def create_pipeline():\n    return 1\n",
}
REGISTRY = (
    "from kedro.framework.project import find_pipelines\n\n\ndef register_pipelines():\n    return find_pipelines()\n"
)
CONFIG = "config/parameters_ds.yml"
HERE = "conf/base/parameters_ds.yml"
TWICE = "both have"


def told(world: World) -> list[str]:
    """What doctor says of Kedro."""
    lines = world.run("doctor").out.splitlines()
    return [line for line in lines if line.split()[1:2] == ["kedro"]]


KEYS = [
    pytest.param("own.yml", "lr: 1\n", "", id="no parameters"),
    pytest.param("parameters.yml", "lr: 1\n", "`lr`", id="the project's own"),
    pytest.param("parameters_other.yml", "lr: {a: 1}\n", "", id="a value beside a mapping"),
    pytest.param("parameters_other.json", '{"model": {"lr": 1}}', "`model.lr`", id="JSON"),
    pytest.param("parameters_other.yaml", "model:\n  size: 1\n", "", id="one mapping in two files"),
    pytest.param("parameters/deep/x.yml", "model: {lr: 2}\n", "`model.lr`", id="in a folder"),
    pytest.param("x/parameters_y.yml", "model: {lr: 2}\n", "`model.lr`", id="deeper"),
    pytest.param("x/parameters_y/z.yml", "model: {lr: 2}\n", "", id="a folder that no pattern reaches"),
    pytest.param("parameters_a.yml", "b: &b {lr: 3}\nmodel:\n  <<: *b\n", "`model.lr`", id="by a merge key"),
    pytest.param("parameters_a.yml", "_shared: 1\n", "", id="underscore"),
    pytest.param("parameters_a.yml", "lr : 1\n", "`lr`", id="a space before the colon"),
    pytest.param("parameters_a.yml", "  lr: 1\n", "`lr`", id="indented"),
    pytest.param("parameters_a.yml", '"lr": 1\n', "`lr`", id="quoted"),
    pytest.param("parameters_a.yml", "? lr\n: 1\n", "`lr`", id="a question mark"),
    pytest.param("parameters_a.yml", "lr: 1\r\n", "`lr`", id="CRLF"),
    pytest.param("parameters_a.yml", "\ufefflr: 1\n", "`lr`", id="a mark"),
    pytest.param(".parameters_a.yml", "lr: 1\n", "", id="hidden"),
    pytest.param("parameters_a.yml", "lr: [\n", "", id="no YAML"),
    pytest.param("parameters_a.yml", "lr: !odd 1\n", "`lr`", id="a tag"),
    pytest.param("../local/parameters_a.yml", "lr: 1\n", "", id="another environment"),
    pytest.param("parameters_a.yml", b"\xff\xfel\x00r\x00", "", id="no UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "keys"), KEYS)
def test_a_key_that_stands_twice_in_one_environment(world: World, name: str, text: str | bytes, keys: str) -> None:
    """As Kedro reads the folder; said once by the pass, and by doctor."""
    world.write(f"conf/base/{name}", text)
    world.publish({CONFIG: "lr: 1\nmodel:\n  lr: 2\n_shared: 1\n"})
    world.asks_for(destination="pipelines")
    said = world.reconcile()

    assert said.code == 0
    assert (TWICE in said.out) == bool(keys)
    assert keys in said.out
    assert (TWICE in "".join(told(world))) == bool(keys)
    assert TWICE not in world.reconcile().out


def test_two_entries_with_one_key(world: World) -> None:
    """Each of them hears of it, also in a dry run; with an environment of its own there is nothing to hear."""
    world.publish({CONFIG: "model: {lr: 1}\n"})
    world.write("dist/two.tar.gz", (world.root / ROW).read_bytes())
    rows = f'"{ROW}" = {{alias = "north"}}\n"dist/two.tar.gz" = {{alias = "south"'
    world.manifest(f"{rows}}}")
    pair = "conf/base/parameters_north.yml and conf/base/parameters_south.yml both have `model.lr`"
    assert world.reconcile("--dry-run").out.count(pair) == 2
    assert world.reconcile().out.count(pair) == 2

    world.manifest(f'{rows}, env = "south"}}')
    assert TWICE not in world.reconcile().out
    assert "trouble" not in "".join(told(world))


def test_a_key_twice_in_one_file(world: World) -> None:
    """OmegaConf refuses the file."""
    world.publish({CONFIG: "lr: 1\nmodel:\n  a: 1\n  a: 2\n"})
    world.asks_for(destination="pipelines")
    assert f"{HERE} has `model.a` twice" in world.reconcile().out


def test_the_catalog_is_looked_at_by_doctor(world: World) -> None:
    """Of a catalog the names at the top count."""
    for name in ("catalog", "catalog_two"):
        world.write(f"conf/base/{name}.yml", f"cars:\n  type: {name}\n_common: 1\n")
    (line,) = told(world)
    assert line.startswith("trouble ")
    assert "conf/base/catalog.yml and conf/base/catalog_two.yml both have `cars`" in line


def test_keys_without_end_are_refused() -> None:
    """Aliases of aliases, each ten times: counted and given up."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(10))}}}" for n in range(1, 9)]
    with pytest.raises(DocumentError, match="more than 100,000 keys"):
        keys_of("\n".join(lines).encode())


ODD = [
    pytest.param("a: 1\n---\nb: 2\n", id="two documents"),
    pytest.param("a: *b\n", id="an alias of nothing"),
    pytest.param(f"a: &a {{{'k' * 1000}: *a}}\n", id="an alias of what it is in"),
    pytest.param(
        "a0: &a0 {}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 110)),
        id="merges of merges",
    ),
]


@pytest.mark.parametrize("text", ODD)
def test_parameters_in_an_odd_form_hinder_no_pass(world: World, text: str) -> None:
    """They may come with an archive: none keeps a processor busy, and Kedro says itself what it does not read."""
    with pytest.raises(DocumentError):
        keys_of(text.encode())
    world.publish({"nodes.py": "x = 1\n", CONFIG: text})
    world.write("conf/base/parameters.yml", text)
    world.asks_for()
    assert world.reconcile().code == 0


def test_what_merges_itself_has_its_own_keys() -> None:
    """No key comes from that."""
    assert keys_of(b"a: &a\n  b: 1\n  <<: *a\n").leaves == {"a.b"}


PLACES = [
    pytest.param({}, REGISTRY, 'looks right below src/shop/pipelines/ alone: `destination = "pipelines"`', id="top"),
    pytest.param({"destination": "pipelines"}, REGISTRY, "", id="found"),
    pytest.param({"destination": "pipelines/nested"}, REGISTRY, "looks right below", id="nested"),
    pytest.param({}, "from shop.ds import create_pipeline\nfind_pipelines\n", "", id="named"),
    pytest.param(
        {}, "def register_pipelines():\n    return {}\n", "pipeline_registry.py does not name it", id="by name"
    ),
    pytest.param({}, "", "", id="no registry"),
]


@pytest.mark.parametrize(("options", "registry", "says"), PLACES)
def test_a_pipeline_that_is_not_found(world: World, options: dict[str, str], registry: str, says: str) -> None:
    """`find_pipelines` looks at one place only."""
    if registry:
        world.write("src/shop/pipeline_registry.py", registry)
    world.publish(PIPELINE)
    world.asks_for(**options)
    said = world.reconcile()

    assert ("has a pipeline" in said.out) == bool(says)
    assert says in said.out
    assert ("has a pipeline" in "".join(told(world))) == bool(says)


def test_what_is_no_pipeline_may_stand_anywhere(world: World) -> None:
    """A library is not looked for by `find_pipelines`."""
    world.write("src/shop/pipeline_registry.py", REGISTRY)
    world.publish({"nodes.py": "# no create_pipeline here\n"})
    world.asks_for()
    assert "note" not in world.reconcile().out


def test_a_pipeline_that_is_not_exposed(world: World) -> None:
    """The package itself must have the name."""
    world.write("src/shop/pipeline_registry.py", REGISTRY)
    world.publish({**PIPELINE, "__init__.py": ""})
    world.asks_for(destination="pipelines")
    assert "`shop.pipelines.ds` does not expose `create_pipeline`" in world.reconcile().out


@pytest.mark.parametrize(("how", "says"), [("", "leaves it out"), ("raise_errors=True", "refuses the project")])
def test_what_is_no_pipeline_below_pipelines(world: World, how: str, says: str) -> None:
    """With `raise_errors=True`, as Kedro 1.7 writes it, one such folder stops every command."""
    world.write("src/shop/pipeline_registry.py", REGISTRY.replace("find_pipelines()", f"find_pipelines({how})"))
    world.publish({"nodes.py": "x = 1\n"})
    world.asks_for(destination="pipelines/common")
    said = world.reconcile().out
    assert f"`shop.pipelines.common` does not expose `create_pipeline`: Kedro's `find_pipelines` {says}" in said
    assert says in "".join(told(world))
    world.asks_for(destination="common")
    assert says not in world.reconcile().out


def test_add_says_where_a_pipeline_belongs(world: World) -> None:
    """And the row that it offers moves it there."""
    world.write("src/shop/pipeline_registry.py", REGISTRY)
    world.publish(PIPELINE)
    assert 'destination = "pipelines"' in world.run("add", ROW).out
    world.asks_for(destination="pipelines")
    assert "looks right below" not in world.reconcile().out
    assert world.has("src/shop/pipelines/ds/pipeline.py")


BROKEN = [
    pytest.param("from .gone import x\n", "shop.pipelines.ds.gone", id="relative module"),
    pytest.param("from .nodes import gone\n", "shop.pipelines.ds.nodes.gone", id="name"),
    pytest.param("from ds.nodes import gone\n", "shop.pipelines.ds.nodes.gone", id="moved name"),
    pytest.param("from . import gone\n", "shop.pipelines.ds.gone", id="submodule"),
    pytest.param("from shop.elsewhere import x\n", "shop.elsewhere", id="the project's"),
    pytest.param("import shop.elsewhere\n", "shop.elsewhere", id="import"),
    pytest.param("from shop import own\n", "", id="there"),
    pytest.param("from .nodes import x, y, Z, f\n", "", id="bound"),
    pytest.param("from .lazy import anything\n", "", id="bound when asked"),
    pytest.param("from .star import anything\n", "", id="bound by a star"),
    pytest.param("from .fast import anything\n", "", id="compiled"),
    pytest.param("from . import nodes\nfrom .nodes import *\n", "", id="star"),
    pytest.param("try:\n    from .gone import x\nexcept ImportError:\n    x = 1\n", "", id="tried"),
    pytest.param("def f():\n    from .gone import x\n", "", id="in a function"),
    pytest.param("import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .gone import x\n", "", id="for types"),
    pytest.param("from elsewhere.gone import x\n", "", id="of others"),
]


@pytest.mark.parametrize(("source", "name"), BROKEN)
def test_an_import_that_leads_nowhere(world: World, source: str, name: str) -> None:
    """Told with file and line."""
    world.write("src/shop/own.py", "")
    files: dict[str, str | bytes] = {
        "part.py": source,
        "nodes.py": "import os as y\nx: int = 1\nclass Z: ...\ndef f(): ...\n",
        "lazy.py": "def __getattr__(name):\n    return 1\n",
        "star.py": "from os import *\n",
        "fast.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
    }
    world.publish(files)
    world.asks_for(destination="pipelines")
    said = world.reconcile()
    place = "src/shop/pipelines/ds/part.py:1: "

    assert ("so this import fails" in said.out) == bool(name)
    assert not name or f"{place}`{name}` is not there" in said.out
    assert ("so this import fails" in "".join(told(world))) == bool(name)


def test_the_projects_own_pipelines_are_looked_at_by_doctor(world: World) -> None:
    """A rename that somebody forgot half of."""
    world.write("src/shop/pipelines/own/__init__.py", "from .pipe import create_pipeline\n")
    (line,) = told(world)
    assert "src/shop/pipelines/own/__init__.py:1: `shop.pipelines.own.pipe` is not there" in line


def test_no_project_of_kedros_is_not_measured_by_it(world: World) -> None:
    """Plain Python projects may have what they like."""
    world.publish({CONFIG: "own: 1\n"})
    world.write(
        "pyproject.toml", f'[tool.micropkgd.project]\npackage = "shop"\n\n[tool.micropkgd.pull]\n"{ROW}" = {{}}\n'
    )
    assert KEDRO not in world.read("pyproject.toml")
    assert TWICE not in world.reconcile().out
    assert told(world) == []


def test_plain_parameters_need_no_parser(world: World) -> None:
    """Their lines tell that no key stands twice: a pass does not pay for importing one."""
    world.publish({CONFIG: "lr: 1\nmodel:\n  depth: 2\ncolumns:\n  - a\n"})
    world.asks_for(destination="pipelines")
    code = "import sys; from micropkgd.cli.run import run; run(['reconcile', '--once']); print('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=world.root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False", done


def test_a_key_of_many_files_is_told_once_for_each(world: World) -> None:
    """Not for each two of them, which a project of some hundred files would feel."""
    for number in range(200):
        world.write(f"conf/base/parameters_{number:03}.yml", "alpha: 1\n")
    said = world.run("doctor")
    told = [line for line in said.out.splitlines() if "both have `alpha`" in line]

    assert len(told) == 199
    assert all(any(f"parameters_{number:03}.yml" in line for line in told) for number in range(200))


def test_a_module_is_looked_for_once_however_often_it_is_imported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that import alike are the rule, and each look may be a call of the system."""
    looks: list[str] = []
    has = TreeAfter.has

    def counted(tree: TreeAfter, path: RelPath) -> bool:
        looks.append(path)
        return has(tree, path)

    monkeypatch.setattr(TreeAfter, "has", counted)
    files: dict[str, str | bytes] = {
        f"m{one}.py": "from ds import m0\nfrom ds.m0 import gone\n" * 9 for one in range(9)
    }
    world.publish({**files, "m0.py": ""})
    world.asks_for(destination="pipelines")
    said = world.reconcile()

    assert "`shop.pipelines.ds.m0.gone` is not there" in said.out
    assert len(looks) == len(set(looks)) > 0


def test_a_file_that_is_pulled_is_parsed_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """To rewrite it: the tree says what it imports. What neither names ours nor has dots is not parsed."""
    alone = {f"alone{number}.py": f"import os\n\nX = os.sep * {number}\n" for number in range(5)}
    beside = {f"beside{number}.py": f"from . import alone{number}\n" for number in range(5)}
    above = {f"above{number}.py": f"import os\nfrom ds import beside{number}\n" for number in range(5)}
    lost, asked = {"lost.py": "from ds import gone\n"}, {"__init__.py": "# asked for `gone`\n"}
    world.publish({**alone, **beside, **above, **lost, **asked})
    world.asks_for(destination="pipelines")
    parsed: list[bytes] = []
    parse = ast.parse

    def counted(code: bytes, mode: str, *, type_comments: bool) -> ast.AST:
        parsed.append(code)
        return parse(code, mode=mode, type_comments=type_comments)

    with monkeypatch.context() as patched:
        patched.setattr(ast, "parse", counted)
        out = world.reconcile().out

    assert sorted(parsed) == sorted(text.encode() for text in (beside | above | lost | asked).values())
    assert "src/shop/pipelines/ds/lost.py:1: `shop.pipelines.ds.gone` is not there" in out
