"""Imports of a package that moves: every case of the behaviour table, packaged and then pulled, and what is told."""

import gc
import warnings

import pytest

from micropkgd.errors import CodeError
from micropkgd.relocate import Finding, Move, Relocated, Relocation, relocate

P = "demo.pipelines.data_science"
Q = "shop.pipelines.data_science"
CODE = ("", ".nodes", ".sub", ".sub.deep")
TESTS = ("", ".helper", ".test_nodes")


def relocation(code: Move, tests: Move, *homes: str) -> Relocation:
    """A move of one small package and its tests."""
    modules = {code.old + name for name in CODE} | {tests.old + name for name in TESTS}
    return Relocation((code, tests), frozenset(modules), frozenset(homes))


def package(name: str = "data_science", new: str = "data_science") -> Relocation:
    """From the project `demo` into an archive."""
    code, tests = Move(f"demo.pipelines.{name}", new), Move(f"tests.pipelines.{name}", "tests")
    return relocation(code, tests, "demo", "tests")


def pull(name: str = "data_science", new: str = "data_science") -> Relocation:
    """From an archive into the project `shop`."""
    code, tests = Move(name, f"shop.pipelines.{new}"), Move("tests", f"tests.pipelines.{new}")
    return relocation(code, tests, name, "tests")


def packaged(source: str, below: str = ".nodes", *, to: str = "data_science", root: str = P) -> Relocated:
    """One file, packaged; what is said of its imports is held by `test_addresses`."""
    return relocate(source.encode(), module=root + below, is_package=below == "", relocation=package(new=to))._replace(
        imports=None
    )


def pulled(source: str, below: str = ".nodes", *, to: str = "data_science", root: str = "data_science") -> Relocated:
    """One file, pulled."""
    return relocate(source.encode(), module=root + below, is_package=below == "", relocation=pull(new=to))._replace(
        imports=None
    )


def told(result: Relocated) -> list[tuple[int, str, str]]:
    """Findings without their reason."""
    return [(finding.line, finding.kind, finding.text) for finding in result.findings]


ABSOLUTE = [
    pytest.param(
        f"import {P}\n{P}.sub\n",
        "import data_science\ndata_science.sub\n",
        "from shop.pipelines import data_science\ndata_science.sub\n",
        id="a01",
    ),
    pytest.param(
        f"import {P}.sub.deep\nimport {P}.nodes\n{P}.sub.deep.f({P}.nodes.g)\n",
        "import data_science.sub.deep\nimport data_science.nodes\ndata_science.sub.deep.f(data_science.nodes.g)\n",
        f"import {Q}.sub.deep\nimport {Q}.nodes\n{Q}.sub.deep.f({Q}.nodes.g)\n",
        id="a02-a30",
    ),
    pytest.param(
        f"import {P}.sub.deep as d, os\n",
        "import data_science.sub.deep as d, os\n",
        f"import {Q}.sub.deep as d, os\n",
        id="a03-d05",
    ),
    pytest.param(
        f"from {P}.sub.deep import f\n",
        "from data_science.sub.deep import f\n",
        f"from {Q}.sub.deep import f\n",
        id="a04",
    ),
    pytest.param(f"from {P} import sub as s2\n", "from data_science import sub as s2\n", None, id="a05"),
    pytest.param(f"from {P} import sub, nodes\n", "from data_science import sub, nodes\n", None, id="a06-d14"),
    pytest.param(
        "from demo.pipelines import data_science\n\n\nX = data_science.x\n",
        "import data_science\n\n\nX = data_science.x\n",
        "from shop.pipelines import data_science\n\n\nX = data_science.x\n",
        id="a07-a27",
    ),
    pytest.param(
        "from demo.pipelines import data_science as ds\n",
        "import data_science as ds\n",
        f"import {Q} as ds\n",
        id="a08",
    ),
    pytest.param(
        "import demo.pipelines as pl\npl.data_science.sub.f()\n",
        "import data_science\ndata_science.sub.f()\n",
        "from shop.pipelines import data_science\ndata_science.sub.f()\n",
        id="a10",
    ),
    pytest.param(
        f"import demo\n{P}.sub.f()\n",
        "import data_science\ndata_science.sub.f()\n",
        "from shop.pipelines import data_science\ndata_science.sub.f()\n",
        id="a11",
    ),
    pytest.param(
        "from demo import pipelines\npipelines.data_science.sub.f()\n",
        "import data_science\ndata_science.sub.f()\n",
        "from shop.pipelines import data_science\ndata_science.sub.f()\n",
        id="a12",
    ),
    pytest.param(f"from {P}.sub.deep import *\n", "from data_science.sub.deep import *\n", None, id="a13"),
    pytest.param(
        f"import os, {P}.sub.deep, sys\n",
        "import os, data_science.sub.deep, sys\n",
        f"import os, {Q}.sub.deep, sys\n",
        id="a14",
    ),
    pytest.param(
        f"import os, {P}\n",
        "import os, data_science\n",
        f"import os, {Q} as data_science\n",
        id="a14-root",
    ),
    pytest.param(
        f"from {P}.sub.deep import (  # why\n    f,  # first\n    g,\n)\n",
        "from data_science.sub.deep import (  # why\n    f,  # first\n    g,\n)\n",
        f"from {Q}.sub.deep import (  # why\n    f,  # first\n    g,\n)\n",
        id="a15",
    ),
    pytest.param(
        f"from {P}.sub import deep  # noqa: F401 {P}\n",
        f"from data_science.sub import deep  # noqa: F401 {P}\n",
        f"from {Q}.sub import deep  # noqa: F401 {P}\n",
        id="a16",
    ),
    pytest.param(
        f"import os; from {P}.sub import deep; X = deep.f()\n",
        "import os; from data_science.sub import deep; X = deep.f()\n",
        f"import os; from {Q}.sub import deep; X = deep.f()\n",
        id="a17",
    ),
    pytest.param(
        f"from {P}.sub \\\n    import deep, \\\n    other\n",
        "from data_science.sub \\\n    import deep, \\\n    other\n",
        f"from {Q}.sub \\\n    import deep, \\\n    other\n",
        id="a18",
    ),
    pytest.param(f"X = 1\nfrom {P} import sub\n", "X = 1\nfrom data_science import sub\n", None, id="a31"),
]

PLACED = [
    pytest.param(
        f"def f():\n    import {P}.sub.deep as d\n    from {P}.sub.deep import f\n    import {P}.nodes\n"
        f"    return {P}.nodes.g\n",
        "def f():\n    import data_science.sub.deep as d\n    from data_science.sub.deep import f\n"
        "    import data_science.nodes\n    return data_science.nodes.g\n",
        None,
        id="a19-d08-r12-function",
    ),
    pytest.param(
        f"class C:\n    import {P}.sub.deep as d\n\n    def m(self):\n"
        "        from demo.pipelines import data_science\n",
        "class C:\n    import data_science.sub.deep as d\n\n    def m(self):\n        import data_science\n",
        None,
        id="d09-d10-class",
    ),
    pytest.param(
        "if TYPE_CHECKING:\n    from demo.pipelines import data_science\n",
        "if TYPE_CHECKING:\n    import data_science\n",
        "if TYPE_CHECKING:\n    from shop.pipelines import data_science\n",
        id="a20-type-checking",
    ),
    pytest.param(
        f'\n\nimport {P}.sub.deep\ndef f(x: "{P}.sub.deep.Foo", y: "list[{P}.sub.deep.Foo]"): ...\n',
        "\n\nimport data_science.sub.deep\n"
        'def f(x: "data_science.sub.deep.Foo", y: "list[data_science.sub.deep.Foo]"): ...\n',
        f'\n\nimport {Q}.sub.deep\ndef f(x: "{Q}.sub.deep.Foo", y: "list[{Q}.sub.deep.Foo]"): ...\n',
        id="a20-d16-string-annotation",
    ),
    pytest.param(
        f'x: Optional["{P}.sub.Foo"] = None\n', 'x: Optional["data_science.sub.Foo"] = None\n', None, id="d16-unbound"
    ),
    pytest.param(
        f"try:\n    from {P} import sub\nexcept ImportError:\n    from {P} import nodes\n",
        "try:\n    from data_science import sub\nexcept ImportError:\n    from data_science import nodes\n",
        None,
        id="a21-try",
    ),
    pytest.param(
        f"match x:\n    case 1:\n        from {P} import sub\n",
        "match x:\n    case 1:\n        from data_science import sub\n",
        None,
        id="d15-match",
    ),
    pytest.param(
        f"try:\n    pass\nexcept E:\n    pass\nelse:\n    import {P}.sub as y\nwith z:\n    import {P}.nodes as n\n",
        "try:\n    pass\nexcept E:\n    pass\nelse:\n    import data_science.sub as y\n"
        "with z:\n    import data_science.nodes as n\n",
        None,
        id="d17-else-with",
    ),
    pytest.param(
        f'import {P}.sub\nx: {P}.sub.Foo = f"{{{P}.sub.a!r}} {{{P}.sub.b:>{{{P}.sub.w}}}} data_science"\n',
        'import data_science.sub\nx: data_science.sub.Foo = f"{data_science.sub.a!r}'
        ' {data_science.sub.b:>{data_science.sub.w}} data_science"\n',
        None,
        id="d16-f-string",
    ),
    pytest.param(
        f'import_module("{P}.sub"), __import__("{P}", None, None, ["x"]), import_module(".sub", package="{P}")\n',
        'import_module("data_science.sub"), __import__("data_science", None, None, ["x"]),'
        ' import_module(".sub", package="data_science")\n',
        f'import_module("{Q}.sub"), __import__("{Q}", None, None, ["x"]), import_module(".sub", package="{Q}")\n',
        id="a22",
    ),
    pytest.param(
        f"@mock.patch('{P}.nodes.run')\ndef test(m): patch.dict('''{P}.nodes.CONF''', a=1)\n",
        "@mock.patch('data_science.nodes.run')\ndef test(m): patch.dict('''data_science.nodes.CONF''', a=1)\n",
        None,
        id="t06",
    ),
    pytest.param(
        'from demo.pipelines import data_science\n__all__ = ["data_science"]\n',
        'import data_science\n__all__ = ["data_science"]\n',
        'from shop.pipelines import data_science\n__all__ = ["data_science"]\n',
        id="a28",
    ),
    pytest.param("from demo.pipelines import data_science\n", "import data_science\n", None, id="a29"),
]

RELATIVE = [
    pytest.param(
        "from .. import data_science\n",
        "import data_science\n",
        "from shop.pipelines import data_science\n",
        id="r04",
    ),
    pytest.param(
        "from ..data_science.sub import deep\n",
        "from data_science.sub import deep\n",
        f"from {Q}.sub import deep\n",
        id="r05",
    ),
    pytest.param(
        "from ...pipelines.data_science.sub import deep\n",
        "from data_science.sub import deep\n",
        f"from {Q}.sub import deep\n",
        id="r10-b05",
    ),
    pytest.param(
        "from..data_science.sub import(deep)\n",
        "from data_science.sub import(deep)\n",
        f"from {Q}.sub import(deep)\n",
        id="written-tight",
    ),
    pytest.param(
        "from ... import pipelines\npipelines.data_science.sub\n",
        "import data_science\ndata_science.sub\n",
        "from shop.pipelines import data_science\ndata_science.sub\n",
        id="package-above",
    ),
]


class TestTable:
    """Packaging gives what the table wants, and pulling that puts it under the new project."""

    @pytest.mark.parametrize(("source", "wanted", "back"), ABSOLUTE + PLACED)
    def test_import_of_moved_module_is_rewritten(self, source: str, wanted: str, back: str | None) -> None:
        """Nothing but the names of moved modules changes, in either direction, and nothing is told."""
        assert packaged(source) == Relocated(wanted.encode(), ())
        assert pulled(wanted) == Relocated((back or source.replace("demo", "shop")).encode(), ())

    @pytest.mark.parametrize(("source", "wanted", "back"), RELATIVE)
    def test_relative_import_that_comes_back_in_becomes_absolute(self, source: str, wanted: str, back: str) -> None:
        """Dots that lead out of the package would count from another place after the move."""
        assert packaged(source, "") == Relocated(wanted.encode(), ())
        assert pulled(wanted, "") == Relocated(back.encode(), ())

    @pytest.mark.parametrize(
        ("source", "below"),
        [
            pytest.param("from . import sub\nfrom .sub.deep import f\n", "", id="r01-r03"),
            pytest.param("from .. import nodes\nfrom ..nodes import run\nfrom . import x\n", ".sub.deep", id="b01-b03"),
            pytest.param("from .data_science import demo\n", ".nodes", id="own-module-of-that-name"),
        ],
    )
    def test_relative_import_that_stays_inside_is_unchanged(self, source: str, below: str) -> None:
        """The package moves as a whole, so its inner distances stay."""
        assert packaged(source, below) == Relocated(source.encode(), ())
        assert pulled(source, below) == Relocated(source.encode(), ())

    def test_relative_import_between_moved_tests_is_unchanged(self) -> None:
        """Case t04."""
        source = "from .helper import H\n"
        assert packaged(source, ".test_nodes", root="tests.pipelines.data_science") == Relocated(source.encode(), ())

    def test_relative_import_moves_to_another_parent(self) -> None:
        """Where the package gets a new parent the name stays and only the dots are replaced."""
        found = relocate(
            b"from ..import data_science\n", module=P, is_package=True, relocation=package(new="eu.data_science")
        )
        assert found == Relocated(b"from eu import data_science\n", ())

    def test_relative_import_in_subpackage_climbs_out_and_in(self) -> None:
        """Case b05: what counts is where the dots of this very file lead."""
        found = relocate(
            b"from ...data_science import nodes\n", module=f"{P}.sub", is_package=True, relocation=package()
        )
        assert found == Relocated(b"from data_science import nodes\n", ())

    @pytest.mark.parametrize(
        ("source", "wanted"),
        [
            pytest.param(
                "from tests.pipelines.data_science.helper import H\nimport tests.pipelines.data_science.helper as hh\n",
                "from tests.helper import H\nimport tests.helper as hh\n",
                id="moved-helper",
            ),
            pytest.param(
                "import tests.pipelines.data_science.helper\ntests.pipelines.data_science.helper.H()\n",
                "import tests.helper\ntests.helper.H()\n",
                id="dotted-use",
            ),
            pytest.param(f"import {P} as ds\nfrom {P} import nodes\n", None, id="code"),
        ],
    )
    def test_imports_of_tests_follow_the_tests(self, source: str, wanted: str | None) -> None:
        """Tests and code of one package come back to where they were."""
        there = packaged(source, ".test_nodes", root="tests.pipelines.data_science")
        assert wanted is None or there == Relocated(wanted.encode(), ())
        back = pulled(there.source.decode(), ".test_nodes", root="tests")
        assert back == Relocated(source.replace("demo", "shop").encode(), ())

    @pytest.mark.parametrize(
        ("source", "wanted"),
        [
            pytest.param("from demo.pipelines import data_science\n", "import forecast as data_science\n", id="a07"),
            pytest.param("from demo.pipelines import data_science as d\n", "import forecast as d\n", id="a08"),
            pytest.param(f"import {P}.sub\n{P}.sub.f()\n", "import forecast.sub\nforecast.sub.f()\n", id="a01"),
            pytest.param("from .. import data_science\n", "import forecast as data_science\n", id="r04"),
        ],
    )
    def test_alias_keeps_the_name_that_the_file_uses(self, source: str, wanted: str) -> None:
        """With an alias the module has another name, the file does not notice."""
        assert packaged(source, "", to="forecast") == Relocated(wanted.encode(), ())

    @pytest.mark.parametrize(
        ("source", "wanted"),
        [
            pytest.param("import data_science\n", "from shop.pipelines import fcst as data_science\n", id="alone"),
            pytest.param("import data_science as d\n", "import shop.pipelines.fcst as d\n", id="renamed"),
            pytest.param(
                "import os, data_science, sys\n",
                "import os, shop.pipelines.fcst as data_science, sys\n",
                id="in-a-list",
            ),
            pytest.param(
                "import data_science\nimport data_science.sub\nf(data_science, data_science.sub)\n",
                "import shop.pipelines.fcst\nimport shop.pipelines.fcst.sub\n"
                "f(shop.pipelines.fcst, shop.pipelines.fcst.sub)\n",
                id="with-a-submodule",
            ),
        ],
    )
    def test_pulled_root_import_binds_the_same_name(self, source: str, wanted: str) -> None:
        """`import ds` becomes a from-import, unless a dotted import in the same scope makes the uses change anyway."""
        assert pulled(source, to="fcst") == Relocated(wanted.encode(), ())


class TestLeftAlone:
    """What is not the name of a moved module is not touched."""

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param(f'"""About {P}."""\n# import {P}.sub\n', id="a23-a24"),
            pytest.param('X = {"data_science": "data_science.sub"}\ndata_science = f(data_science=1)\n', id="a25-a26"),
            pytest.param('import math as data_science\nX = f"data_science {data_science.pi}"\n', id="d01"),
            pytest.param("import ds_extra, data_science_extra\nfrom data_science2 import x\n", id="o04"),
        ],
    )
    def test_text_that_only_looks_like_the_name_stays(self, source: str) -> None:
        """Strings, comments, keywords and names that share a prefix belong to the author."""
        assert packaged(source, to="forecast") == Relocated(source.encode(), ())
        assert pulled(source, to="fcst").source == source.encode()

    def test_dotted_use_of_a_local_name_stays(self) -> None:
        """A parameter, a comprehension variable and a class member of the same name are other things."""
        source = (
            f"import {P}.sub\n\ndef f(demo):\n    return demo.pipelines.data_science\n"
            "X = [demo.pipelines.data_science for demo in xs]\nY = lambda demo: demo.pipelines.data_science\n"
            "class C:\n    demo = 1\n    z = demo.pipelines.data_science\n"
        )
        assert packaged(source) == Relocated(source.replace(f"{P}.sub", "data_science.sub").encode(), ())

    def test_every_kind_of_scope_is_told_from_the_module(self) -> None:
        """Decorators, bases, defaults, annotations and nested loops see the import unless a name of theirs hides it."""
        form = (
            "import {0}.sub\n\n@x({0}.sub)\nclass C({0}.sub.B):\n"
            "    y: Annotated[{0}.sub.T, {0}.sub.M] = f()({0}.sub).demo\n"
            "Z = {{demo: k for demo in {0}.sub for k in demo.pipelines.data_science}}\n"
            "def g(a={0}.sub, *b: {0}.sub): return lambda demo, c={0}.sub: demo.pipelines.data_science\n"
        )
        assert packaged(form.format(P)) == Relocated(form.format("data_science").encode(), ())

    def test_method_sees_the_module_not_the_class(self) -> None:
        """The body of a class is no scope for its methods."""
        source = f"import {P}.sub\nclass C:\n    demo = 1\n    def m(self):\n        return {P}.sub\n"
        assert packaged(source) == Relocated(source.replace(P, "data_science").encode(), ())

    def test_file_without_any_of_our_words_is_not_even_parsed(self) -> None:
        """A file that nothing is rewritten in may hold what this Python cannot parse."""
        assert packaged("from . import x\nprint 'old'\n").source == b"from . import x\nprint 'old'\n"


NAMED = [
    pytest.param('import_module(r"P.sub")', id="raw"),
    pytest.param(
        'import_module("P." + x), import_module(f"P.{x}"), __import__("P.%s" % x, 1, 2, 3)', id="put-together"
    ),
    pytest.param("from importlib.resources import files, read_text as r\nfiles('P'); r('P.sub', 'x')", id="resources"),
    pytest.param("from importlib import resources\nresources.open_text(package='P', x=1)", id="resources-module"),
    pytest.param(
        "try: from importlib.resources import path\nexcept E: from importlib_resources import path\npath('P')",
        id="backport",
    ),
    pytest.param("import pkgutil\npkgutil.get_data('P.sub', 'x'); pkgutil.resolve_name('P.sub:run')", id="pkgutil"),
    pytest.param("import pkg_resources as p\np.resource_filename('P', 'x')", id="pkg_resources"),
    pytest.param(
        "sys.modules['P.sub'], sys.modules['P.' + x], 'P' in sys.modules, sys.modules.pop('P.sub', None)", id="modules"
    ),
    pytest.param(
        "patch.dict('sys.modules', {'P.sub': 1})\nmonkeypatch.setitem(sys.modules, 'P', x)\n"
        "monkeypatch.delitem(sys.modules, 'P.sub')",
        id="patched-modules",
    ),
    pytest.param("runpy.run_module('P.sub', run_name='__main__')", id="runpy"),
    pytest.param("pytest_plugins = 'P.sub'", id="plugin"),
    pytest.param("pytest_plugins: list[str] = ['P.sub', 'x', \"P.nodes\"]", id="plugins"),
    pytest.param("pytest.importorskip('P.sub')\npytest.register_assert_rewrite('P.sub', 'P.nodes')", id="pytest"),
    pytest.param(
        "logging.getLogger('P'); self.assertLogs('P.nodes.x', level=1); caplog.set_level(1, logger='P')", id="loggers"
    ),
    pytest.param("T = 'P.nodes.run'\n@patch(T)\ndef f():\n  with mock.patch(T): pass", id="constant"),
    pytest.param(
        "M: Final = 'P'\ndef f(): return import_module(f'{M}.{x}'), patch(M + '.nodes')", id="constant-put-on"
    ),
    pytest.param("load_obj('P.nodes.run'), load_obj('run', 'P.nodes')", id="kedro"),
]


class TestStrings:
    """A string is a module's name where what takes it says so, and is told wherever else it has one."""

    @pytest.mark.parametrize("source", NAMED)
    def test_name_of_a_module_is_rewritten(self, source: str) -> None:
        """In both directions, and nothing is told."""
        there = source.replace("P", "forecast")
        assert packaged(source.replace("P", P), to="forecast") == Relocated(there.encode(), ())
        back = source.replace("P", "shop.pipelines.fcst")
        assert pulled(source.replace("P", "data_science"), to="fcst") == Relocated(back.encode(), ())

    @pytest.mark.parametrize(
        ("source", "line", "text"),
        [
            pytest.param('files("P.sub")', 1, "P.sub", id="function-of-somebody"),
            pytest.param('X = {\n"P.nodes": 1}', 2, "P.nodes", id="key"),
            pytest.param('X = "see P.nodes.run for more"', 1, "P.nodes", id="in-a-sentence"),
            pytest.param('X = """\n\nfrom P.sub import x\n"""', 3, "P.sub", id="code"),
            pytest.param('X = "a\\nimport P.sub"', 1, "P.sub", id="escaped-line-end"),
            pytest.param('x: Literal["P.nodes"]', 1, "P.nodes", id="literal-annotation"),
            pytest.param('x: Annotated[int, "P.nodes"]', 1, "P.nodes", id="annotated"),
            pytest.param('X = f"P.nodes {x}"', 1, "P.nodes", id="f-string"),
            pytest.param('run([python, "-m", "P.sub"])', 1, "P.sub", id="argument"),
        ],
    )
    def test_name_of_a_module_in_text_is_told(self, source: str, line: int, text: str) -> None:
        """And left, as nobody can say what it is for."""
        for found, name in (
            (packaged(source.replace("P", P)), P),
            (pulled(source.replace("P", "data_science")), "data_science"),
        ):
            assert (found.source.decode(), told(found)) == (
                source.replace("P", name),
                [(line, "mention", text.replace("P", name))],
            )

    @pytest.mark.parametrize(
        ("source", "count"),
        [
            pytest.param('X = "data_science"', 1, id="whole-string"),
            pytest.param('X = "data_science.run", "data_science:run", "data_science.*"', 3, id="what-is-in-it"),
            pytest.param('X = "from data_science import x"', 1, id="import"),
            pytest.param('X = "our data_science is great", "data_science.csv", "x/data_science.sub"', 0, id="a-word"),
            pytest.param('__all__ = ["data_science"]\n__all__ += ["data_science"]', 0, id="exports"),
            pytest.param(
                '"""data_science.sub"""\ndef f():\n  "data_science.nodes"  # data_science.sub', 0, id="docstring"
            ),
            pytest.param('open("tests"), f("tests/x.py")', 0, id="tests"),
        ],
    )
    def test_package_of_one_word_is_told_from_words(self, source: str, count: int) -> None:
        """A string that is the name and nothing more may mean the package; a word in a sentence does not."""
        found = pulled(source)
        assert (found.source.decode(), [finding.kind for finding in found.findings]) == (source, ["mention"] * count)

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param("T = 'P.nodes'\npatch(T)\nprint(T)\n", id="used-otherwise"),
            pytest.param("T = 'P'\nimport_module(T + x)\n", id="may-go-on"),
            pytest.param("T = 'P' '.nodes'\npatch(T)\n", id="in-two-pieces"),
        ],
    )
    def test_constant_that_may_mean_something_else_is_told(self, source: str) -> None:
        """Only where every use takes a module's name the constant changes."""
        found = packaged(source.replace("P", P))
        assert (found.source.decode(), [finding[:2] for finding in told(found)]) == (
            source.replace("P", P),
            [(1, "dynamic")],
        )

    def test_constant_that_is_bound_twice_is_told(self) -> None:
        """Which of two it is nobody knows before it runs."""
        source = f"T = '{P}.nodes'\nT = x or '{P}.sub'\npatch(T)\n"
        found = packaged(source)
        assert (found.source.decode(), [kind for _, kind, _ in told(found)]) == (source, ["mention"] * 2)

    def test_logger_that_stays_behind_is_nobodys_loss(self) -> None:
        """Its name is a label: nothing breaks without it."""
        assert packaged("logging.getLogger('demo.other')\n").findings == ()

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param("from importlib.metadata import version\nV = version('Data.Science')\n", id="its-name"),
            pytest.param("import importlib.metadata as m\nV = m.version(__name__)\n", id="own-name"),
            pytest.param("import pkg_resources\npkg_resources.get_distribution('data_science').version\n", id="old"),
        ],
    )
    def test_asking_for_the_installed_package_is_told(self, source: str) -> None:
        """A pulled package is not installed: the call raises where it is made."""
        relocation = pull()._replace(distribution="Data.Science")
        found = relocate(source.encode(), module="data_science", is_package=True, relocation=relocation)
        assert (found.source.decode(), [finding[:2] for finding in told(found)]) == (source, [(2, "dynamic")])


COMMENTS = [
    pytest.param("x = []  # type: List[P.sub.Foo]  # why", id="assignment"),
    pytest.param("for x in y:  # type: P.sub.Foo\n  pass", id="loop"),
    pytest.param("with x as y:  #type:P.sub.Foo\n  pass", id="with"),
    pytest.param("def f(a,  # type: P.sub.A\n      b):\n  # type: (...) -> P.sub.B\n  pass", id="function"),
    pytest.param("def f(a, b):\n  # type: (P.sub.A, int) -> P.sub.B\n  pass", id="signature"),
]


class TestTypeComments:
    """A type comment is code, as a string annotation is."""

    @pytest.mark.parametrize("source", COMMENTS)
    @pytest.mark.parametrize("head", ["", "import P.sub\n"])
    def test_names_in_type_comments_follow(self, source: str, head: str) -> None:
        """Whether an import binds the name or nothing does."""
        source = f"{head}{source}\n"
        assert packaged(source.replace("P", P)) == Relocated(source.replace("P", "data_science").encode(), ())

    def test_name_that_stays_bound_stays(self) -> None:
        """`import ds` goes on binding `ds`."""
        found = pulled("import data_science\nx = 1  # type: data_science.sub.Foo\n")
        assert found.source == b"from shop.pipelines import data_science\nx = 1  # type: data_science.sub.Foo\n"

    @pytest.mark.parametrize("comment", ["# type: ignore", "# type: (broken", "# type: int  # data_science.sub"])
    def test_other_comments_stay(self, comment: str) -> None:
        """They stop nothing."""
        source = f"from data_science import x\ny = f(x)  {comment}\n"
        assert pulled(source).source.decode() == source.replace(
            "data_science import", "shop.pipelines.data_science import"
        )


class TestStandardLibrary:
    """A package called `io` does not capture the standard library."""

    IO = Relocation((Move("io", "shop.io"),), frozenset({"io", "io.nodes"}), frozenset({"io", "tests"}))

    def moved(self, source: str) -> Relocated:
        """One file of the package `io`, pulled."""
        return relocate(source.encode(), module="io.nodes", is_package=False, relocation=self.IO)._replace(imports=None)

    @pytest.mark.parametrize("source", ["import io", "import io as _io", "from io import StringIO", "from io import *"])
    def test_standard_library_wins_and_it_is_told(self, source: str) -> None:
        """What may be either is left, and told."""
        found = self.moved(source)
        assert (found.source.decode(), told(found)) == (source, [(1, "ambiguous", source)])

    @pytest.mark.parametrize(
        ("source", "wanted"),
        [
            pytest.param("import io.nodes\nio.nodes.f()", "import shop.io.nodes\nshop.io.nodes.f()", id="dotted"),
            pytest.param("from io import (nodes,)", "from shop.io import (nodes,)", id="module"),
            pytest.param("from io.nodes import f", "from shop.io.nodes import f", id="from-module"),
        ],
    )
    def test_module_of_ours_is_ours(self, source: str, wanted: str) -> None:
        """Only names that resolve in the list of modules are rewritten."""
        assert self.moved(source) == Relocated(wanted.encode(), ())

    def test_both_in_one_statement_part(self) -> None:
        """The module of ours moves, the class of the standard library stays."""
        found = self.moved("from io import nodes, StringIO")
        assert found.source == b"from shop.io import nodes; from io import StringIO"
        assert told(found) == [(1, "ambiguous", "from io import StringIO")]

    def test_uses_are_told_apart(self) -> None:
        """Of `io.nodes` and `io.StringIO` one moves."""
        found = self.moved("import io\nimport io.nodes\nio.StringIO(io.nodes.X)\n")
        assert found.source == b"import io\nimport shop.io.nodes\nio.StringIO(shop.io.nodes.X)\n"

    def test_string_of_that_name_is_told(self) -> None:
        """Which of the two a string means cannot be known either."""
        assert told(self.moved("import_module('io')")) == [(1, "ambiguous", "'io'")]

    def test_packaging_under_such_a_name_is_told(self) -> None:
        """After the move two modules answer to the import, and a stranger's package with an alias is no better."""
        assert told(packaged("import io\nfrom io import X\n", to="io")) == [
            (1, "ambiguous", "import io"),
            (2, "ambiguous", "from io import X"),
        ]
        assert told(packaged("import requests.auth\n", to="requests")) == [(1, "ambiguous", "import requests.auth")]


class TestFindings:
    """What leads out of the package, or cannot be seen, is told with its line."""

    @pytest.mark.parametrize(
        ("source", "line"),
        [
            pytest.param("from ..other import nodes", 1, id="r06"),
            pytest.param("from ...utils import io as i, o", 1, id="r07"),
            pytest.param("from ..... import data_science", 1, id="past-the-top"),
            pytest.param("from demo.utils.io import load", 1, id="o01"),
            pytest.param("import demo.pipelines.other.nodes as on", 1, id="o02-o03"),
            pytest.param("import demo.pipelines.data_science2", 1, id="o04"),
            pytest.param("from demo.pipelines.data_science.gone import x", 1, id="no-such-module"),
            pytest.param("from tests.shared import S2", 1, id="tests"),
            pytest.param("from demo.pipelines import *", 1, id="star"),
            pytest.param("import demo.pipelines as pl", 1, id="a10-unused"),
            pytest.param("from demo import pipelines", 1, id="a12-unused"),
        ],
    )
    def test_import_that_leaves_is_kept_and_told(self, source: str, line: int) -> None:
        """The tool cannot know what the author wants instead."""
        found = packaged(f"{source}\n", "")
        assert (found.source.decode(), told(found)) == (f"{source}\n", [(line, "leaves", source)])

    def test_relative_import_that_leaves_is_told_wherever_it_leads(self) -> None:
        """What is relative to a moved file moves with it, be its top a home or not."""
        nowhere = package()._replace(homes=frozenset())
        found = relocate(b"from ..other import x\n", module=P, is_package=True, relocation=nowhere)
        assert told(found) == [(1, "leaves", "from ..other import x")]

    def test_relative_import_that_leaves_a_pulled_package_is_told(self) -> None:
        """After the pull it would silently mean the consumer's own module."""
        assert told(pulled("\nfrom ..other import nodes\n")) == [(2, "leaves", "from ..other import nodes")]

    def test_unrelated_package_of_the_new_name_is_told(self) -> None:
        """Case o05: the import stays, but in the archive the name is taken."""
        found = packaged("import data_science.sub\n")
        assert (found.source, told(found)) == (
            b"import data_science.sub\n",
            [(1, "ambiguous", "import data_science.sub")],
        )

    def test_same_name_as_the_project(self) -> None:
        """Project `demo`, module `pipelines.demo`: what moves moves, what leaves is told, also on the way back."""
        there = Relocation(
            (Move("demo.pipelines.demo", "demo"),), frozenset({"demo.pipelines.demo.nodes"}), frozenset({"demo"})
        )
        back = Relocation((Move("demo", "shop.pipelines.demo"),), frozenset({"demo.nodes"}), frozenset({"demo"}))
        source = (
            b"import demo.pipelines.demo.nodes\nimport demo.utils.io\ndemo.pipelines.demo.nodes.f(demo.utils.io.load)\n"
        )
        first = relocate(source, module="demo.pipelines.demo.nodes", is_package=False, relocation=there)
        assert first.source == b"import demo.nodes\nimport demo.utils.io\ndemo.nodes.f(demo.utils.io.load)\n"
        second = relocate(first.source, module="demo.nodes", is_package=False, relocation=back)
        assert second.source == source.replace(b"demo.pipelines.demo", b"shop.pipelines.demo")
        assert told(first) == told(second) == [(2, "leaves", "import demo.utils.io")]

    @pytest.mark.parametrize(
        ("source", "wanted"),
        [
            pytest.param(
                "from demo.pipelines import data_science, other as o",
                "import data_science; from demo.pipelines import other as o",
                id="a09-r11",
            ),
            pytest.param(
                "from demo.pipelines import (  # why\n    other as o,  # that\n    data_science as d,\n)  # end",
                "import data_science as d; from demo.pipelines import other as o  # why  # that  # end",
                id="comments-in-brackets",
            ),
        ],
    )
    def test_mixed_import_is_split_on_its_line(self, source: str, wanted: str) -> None:
        """The moved name is rewritten, the rest stays and is told."""
        found = packaged(source)
        assert (found.source.decode(), told(found)) == (
            wanted,
            [(1, "leaves", "from demo.pipelines import other as o")],
        )

    def test_package_above_that_is_needed_otherwise_is_kept_beside(self) -> None:
        """Cases a10 to a12 where a part of the uses does not move."""
        found = packaged("import os, demo.pipelines as pl\npl.data_science.f(pl.other)\n")
        assert found.source == b"import os, data_science, demo.pipelines as pl\ndata_science.f(pl.other)\n"
        assert told(found) == [(1, "leaves", "import demo.pipelines as pl")]

    def test_use_that_loses_its_import_is_told(self) -> None:
        """`demo.version` worked only because another import bound `demo`."""
        found = packaged(f"import {P}.sub\n\ndemo.version({P}.sub)\n")
        assert (found.source, told(found)) == (
            b"import data_science.sub\n\ndemo.version(data_science.sub)\n",
            [(3, "leaves", "demo.version")],
        )

    @pytest.mark.parametrize(
        ("source", "kind"),
        [
            pytest.param('import_module(f"demo.pipelines.{x}")', "dynamic", id="f-string"),
            pytest.param('import_module("demo." + x)', "dynamic", id="sum"),
            pytest.param(f'import_module("{P}" + x)', "dynamic", id="sum-that-may-go-on"),
            pytest.param(f'import_module(".".join(["{P}", x]))', "dynamic", id="call"),
            pytest.param(f'import_module("{P}" ".sub")', "dynamic", id="two-pieces"),
            pytest.param('import_module("demo.utils.io")', "leaves", id="leaves"),
            pytest.param('patch("tests.shared.run")', "leaves", id="patch-leaves"),
        ],
    )
    def test_string_that_cannot_be_rewritten_is_told(self, source: str, kind: str) -> None:
        """Only a plain literal with the exact name is edited."""
        found = packaged(source)
        assert found.source.decode() == source
        assert [(finding.line, finding.kind) for finding in found.findings] == [(1, kind)]

    def test_import_function_returns_another_top_package(self) -> None:
        """`__import__` without a fromlist is rewritten, but its value changes."""
        assert told(packaged(f'__import__("{P}")\n')) == [(1, "dynamic", f"__import__('{P}')")]

    def test_finding_says_why(self) -> None:
        """A finding is complete: line, text, reason, kind."""
        reason = "imports a module that does not move along"
        assert packaged("from demo import x\n").findings == (Finding(1, "from demo import x", reason, "leaves"),)


class TestNeverDamages:
    """Where two readings are possible the file stays as it is, loudly."""

    @pytest.mark.parametrize(
        "rest",
        [
            pytest.param("demo = None", id="old-name-assigned"),
            pytest.param("for demo in x: pass", id="old-name-in-loop"),
            pytest.param("def f():\n    global demo\n    demo = 1", id="old-name-from-a-function"),
            pytest.param("x = [(demo := y) for y in z]", id="old-name-by-walrus"),
            pytest.param("try: pass\nexcept E as demo: pass", id="old-name-of-an-error"),
            pytest.param("match x:\n    case {**demo}: pass", id="old-name-captured"),
            pytest.param("data_science = 1", id="new-name-assigned"),
            pytest.param("from . import data_science", id="new-name-imported"),
            pytest.param("print(data_science)", id="new-name-from-nowhere"),
        ],
    )
    def test_name_with_two_meanings_is_left_and_told(self, rest: str) -> None:
        """An import that binds such a name is not rewritten, nor are its uses."""
        found = packaged(f"import {P}.sub\n{P}.sub\n{rest}\n")
        assert found.source.decode() == f"import {P}.sub\n{P}.sub\n{rest}\n"
        assert told(found) == [(1, "ambiguous", f"import {P}.sub")]

    @pytest.mark.parametrize(
        "rest",
        [
            pytest.param("def f(data_science):\n    return P.sub", id="new-name-shadowed"),
            pytest.param("x = y\n(demo  # why\n .pipelines.data_science)", id="use-with-a-comment"),
        ],
    )
    def test_use_that_cannot_be_respelt_leaves_the_import(self, rest: str) -> None:
        """Rewritten by half, the file would be worse than before: each is told."""
        found = packaged(source := f"import P.sub\nX = P.sub\n{rest}\n".replace("P", P))
        assert (found.source.decode(), [(line, kind) for line, kind, _ in told(found)]) == (
            source,
            [(1, "ambiguous"), (4, "ambiguous")],
        )

    @pytest.mark.parametrize(
        "rest",
        [
            pytest.param("ds = None", id="name-assigned"),
            pytest.param("shop = 1", id="new-name-assigned"),
            pytest.param("print(shop)", id="new-name-from-nowhere"),
            pytest.param("def f(shop):\n    return ds.sub", id="new-name-shadowed"),
            pytest.param("print(f'{ds.sub=}')", id="f-string-that-prints-its-code"),
        ],
    )
    def test_pulled_package_goes_on_under_its_own_name(self, rest: str) -> None:
        """Where no use can be respelt none needs to be: the import binds what it has always bound."""
        rest = rest.replace("ds", "data_science")
        found = pulled(f"import data_science.sub\n{rest}\n", to="fc")
        both = "import shop.pipelines.fc.sub as data_science, shop.pipelines.fc as data_science"
        assert found.source.decode() == f"{both}\n{rest}\n"
        assert {finding.kind for finding in found.findings} <= {"mention"}

    @pytest.mark.parametrize("word", ["global", "nonlocal"])
    def test_import_that_binds_a_name_of_another_scope(self, word: str) -> None:
        """Nobody can follow its uses: on a pull the name stays bound, on packaging it is told."""
        form = f"def f():\n  {{0}} = 1\n  def g():\n    {word} {{0}}\n    import {{1}}.sub\n"
        found = packaged(source := form.format("demo", P))
        assert (found.source.decode(), told(found)) == (source, [(5, "ambiguous", f"import {P}.sub")])
        form = form.format("data_science", "{}")
        assert pulled(form.format("data_science"), to="fc").source.decode() == form.replace(
            "import {}.sub", "import shop.pipelines.fc.sub as data_science, shop.pipelines.fc as data_science"
        )

    def test_code_in_an_f_string_is_told_from_its_text(self) -> None:
        """The code is respelt, the text is left and told."""
        source = f'import {P}.sub\nX = f"{P}.sub: {{{P}.sub}}" f"{{{P}.sub!r:>{{ {P}.nodes }}}}{{d[\'{P}.sub\']}}"\n'
        found = packaged(source)
        assert found.source.decode() == (
            f'import data_science.sub\nX = f"{P}.sub: {{data_science.sub}}"'
            f" f\"{{data_science.sub!r:>{{ data_science.nodes }}}}{{d['{P}.sub']}}\"\n"
        )
        assert told(found) == [(2, "mention", f"{P}.sub")] * 2

    def test_use_in_many_pieces_is_respelt(self) -> None:
        """Brackets inside the dotted name go, line breaks are not in the way."""
        found = packaged(
            f"import {P}.sub\nX = (demo.pipelines).data_science.sub\nY = (demo\n  .pipelines.data_science\n  .sub)\n"
        )
        assert found == Relocated(b"import data_science.sub\nX = data_science.sub\nY = (data_science\n  .sub)\n", ())

    def test_string_annotation_with_a_prefix_is_told(self) -> None:
        """Letters of a string with a prefix need not be the letters of the name."""
        found = packaged(f'x: r"{P}.sub.Foo"\n')
        assert (found.source.decode(), told(found)) == (f'x: r"{P}.sub.Foo"\n', [(1, "dynamic", f"{P}.sub.Foo")])

    def test_uses_of_a_package_whose_name_goes_on_are_kept(self) -> None:
        """Of two names where one begins with the other, one moves."""
        source = "import demo.pipelines.data_science2 as d\nimport {0}.sub\n{0}.sub(demo.pipelines.data_science2)\n"
        found = packaged(source.format(P))
        assert found.source.decode() == source.format("data_science")

    def test_name_that_an_inner_function_binds_anew_is_left_and_told(self) -> None:
        """`nonlocal` binds the name of the function around."""
        source = (
            f"def f():\n    import {P}.sub\n    def g():\n        nonlocal demo\n        demo = 1\n    return {P}.sub\n"
        )
        found = packaged(source)
        assert (found.source.decode(), told(found)) == (source, [(2, "ambiguous", f"import {P}.sub")])

    def test_imports_in_two_functions_are_two_scopes(self) -> None:
        """What one function binds is nothing to the other."""
        one = f"def f():\n    import {P}.sub\n    return {P}.sub\n"
        other = "def g():\n    demo = data_science = 1\n    return demo.pipelines.data_science\n"
        assert packaged(one + other) == Relocated((one.replace(P, "data_science") + other).encode(), ())


BYTES = [
    pytest.param(b"import P.sub\r\nP.sub\r\n", id="crlf"),
    pytest.param(b"import P.sub\rP.sub\r", id="cr"),
    pytest.param(b"\xef\xbb\xbfimport P.sub; P.sub", id="bom-without-final-newline"),
    pytest.param(b"# coding: latin-1\nX = '\xe9'; import P.sub\nf('\xe9', P.sub)  # \xfc\n", id="latin-1"),
    pytest.param(b"\xef\xbb\xbf# coding: utf-8\nX = '\xc3\xa9'; import P.sub; f('\xc3\xa9', P.sub)\n", id="utf-8"),
    pytest.param(b"\x0cif x:\n\timport P.sub \t# tab\n\x0c\n\tP.sub\n", id="tabs-and-form-feeds"),
]


class TestBytes:
    """Encoding, line ends and everything outside an edit stay as they are."""

    @pytest.mark.parametrize("source", BYTES)
    def test_bytes_around_the_edit_are_kept(self, source: bytes) -> None:
        """The only difference is the name."""
        found = relocate(source.replace(b"P", P.encode()), module=P, is_package=True, relocation=package())
        assert found.source == source.replace(b"P", b"data_science")

    @pytest.mark.parametrize(
        ("source", "line"),
        [
            pytest.param(b"import demo\n\ndef f(:\n", 3, id="syntax"),
            pytest.param(b"import demo\nX = '\xff'\n", 2, id="not-utf-8"),
            pytest.param(b"# coding: nonsense\nimport demo\n", 1, id="unknown-encoding"),
            pytest.param(b"# coding: ascii\nimport demo # \xe9\n", 1, id="not-in-the-encoding"),
            pytest.param(b"import demo\0\n", 1, id="null"),
            pytest.param(b"import demo\nX = " + b"(" * 500 + b")" * 500, 2, id="brackets-too-deep"),
            pytest.param(b"import demo\nX = " + b"-" * 100000 + b"1", 1, id="signs-too-deep"),
            pytest.param(b"import demo\nX = demo" + b" + demo" * 2000, 1, id="sum-too-long"),
        ],
    )
    def test_file_that_cannot_be_read_is_an_error_with_its_line(self, source: bytes, line: int) -> None:
        """The author must mend it; the caller adds the file."""
        with pytest.raises(CodeError, match=rf"^line {line} "):
            relocate(source, module=P, is_package=True, relocation=package())

    def test_encoding_that_has_two_ways_to_say_a_thing_is_an_error(self) -> None:
        """Bytes outside an edit would change, if only to others of the same meaning."""
        source = b"# coding: iso2022_jp\nimport demo.pipelines.data_science.sub as s  # \x1b(B\n"
        with pytest.raises(CodeError, match="would change other bytes"):
            relocate(source, module=P, is_package=True, relocation=package())

    def test_name_that_the_encoding_cannot_spell_is_an_error(self) -> None:
        """Rather an error than a file that Python cannot read."""
        with pytest.raises(CodeError, match="cannot spell"):
            relocate(
                b"# coding: latin-1\nimport demo.pipelines.data_science.sub as s\n",
                module=P,
                is_package=True,
                relocation=package(new="прогноз"),
            )

    def test_parsing_leaves_no_trace_in_the_process(self) -> None:
        """No warning of the parsed file gets out, and the collector runs again."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert packaged(f'import {P}.sub\nX = "\\d"\n').findings == ()
        assert gc.isenabled()
