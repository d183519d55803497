"""The short way of the import rewriter: where only addresses of imports change, it finds what the long way finds."""

import ast
from collections.abc import Sequence

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from micropkgd.relocate import Move, Relocation, relocate
from micropkgd.relocate.addresses import address_edits
from micropkgd.relocate.at_top import Imports, imports_at_top
from micropkgd.relocate.changes import changes_of
from micropkgd.relocate.files import module_of
from micropkgd.relocate.imports import ImportingFile, Reader
from micropkgd.relocate.names import Finding, Routes, routes_of
from micropkgd.relocate.rewrite import wanted_in
from micropkgd.relocate.text import Edit, Text
from tests.kit.places import REPOSITORY

OURS = REPOSITORY / "micropkgd"
FILES = sorted(path.relative_to(OURS).as_posix() for path in OURS.rglob("*.py"))


def both_ways(source: bytes, routes: Routes, module: str) -> tuple[list[Edit] | None, Sequence[Edit | Finding]]:
    """What the short way finds, None where it is none, and what the long way does."""
    text = Text.decode(source)
    places, tree = text.places(), text.tree()
    wanted = wanted_in(routes, module, is_package=False)
    reader = Reader(routes, ImportingFile(module, is_package=False))
    edits = address_edits(tree, places, routes, wanted)
    return None if edits is None else [*edits.values()], changes_of(tree, places, reader, wanted)


def routes(package: str, new: str, distribution: str = "ds-kit") -> Routes:
    """A pull of a small package with its tests."""
    modules = {f"{package}{part}" for part in ("", ".nodes", ".sub", ".sub.deep")} | {"tests"}
    moves = (Move(package, new), Move("tests", "tests.pipelines.ds"))
    return routes_of(Relocation(moves, frozenset(modules), frozenset({package, "tests"}), distribution))


ROUTES = [
    routes("ds", "shop.pipelines.ds"),
    routes("ds", "shop.fc", distribution="ds"),
    routes("demo.ds", "ds"),
    routes("json", "shop.json"),  # also a module of the standard library
    routes("importlib_metadata", "shop.meta"),  # followed by name, as it answers for installed packages
]

PLAIN = (
    "import P.nodes as n", "import P as N", "from P.nodes import N", "from P.nodes import (\n  N,\n)",
    "from P import nodes", "from P.nodes import scale", "from P.sub.deep import a, b as c", "from P.nodes import *",
    "from P.nodes import (\n  a,  # why\n  b,\n)", "from P.nodes import a, \\\n  b",
    "from P.sub import deep  # type: x",
    "import os", "from os import path", "from . import nodes", "from .nodes import scale", "x = 1",
    "def f(a):\n  return scale(a)", "'''Text\n\nof two lines.'''",
)  # fmt: skip
ODD = (
    "import P", "import P.nodes", "import P.nodes as n, os", "import P.nodes as n, P.sub as m", "import P . nodes as n",
    "import P.nodes \\\n as n", "from P.gone import x", "from  P.nodes import a", "from\tP.nodes import a",
    "from P . nodes import a", "from P.nodes import(a)", "from P.nodes\\\n import a", "from P.nodes import tests",
    "from .P import nodes", "from .P.nodes import a", "from P.nodes import a; x = '\\x64s.nodes'",
    "x = '\\x64s.nodes'; from P.nodes import a", "from P.nodes import (\n  N); x = '\\x64s.nodes'",
    "x = 1; from P.nodes import a", "'''\n'''; from P.nodes import a", "from P.nodes import a  # of P",
    "'''\nfrom P.nodes import a\n'''", "x = '''\nfrom P.nodes import a\n'''", "x = 'P.nodes'", "x = (P\n.nodes)",
    "def f():\n  from P.nodes import a", "if x:\n  from P import nodes\nelse: from P import sub as nodes",
    "from .. import other", "from ... import shop", "from P.nodes import a; from other import b",
    "from P.nodes import a; import N", "import N", "from N import nodes", "from P import version\nversion(__name__)",
    "from importlib.metadata import version\nversion('ds-kit')", "def f(a):\n  # type: (P.nodes) -> int\n  pass",
    "# of P.nodes", "",
    "def f(a: 'P.nodes'): pass", "x = f'{P.nodes}'", "from tests import a", "from P.nodes import a\f", "\fx = 1",
)  # fmt: skip


def own_root(known: Routes) -> str:
    """The package that moves."""
    return min(known.roots - {"tests"})


def written(text: str, known: Routes) -> bytes:
    """Forms with the names of one move."""
    return f"{text}\n".replace("P", own_root(known)).replace("N", known.arrivals[0].partition(".")[0]).encode()


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Routes]:
    """Statements in any order, mostly such as the short way is for, and the move of a package."""
    known = draw(st.sampled_from(ROUTES))
    forms = draw(st.lists(st.sampled_from(PLAIN) | st.sampled_from((*PLAIN, *ODD)), min_size=1, max_size=6))
    ending = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    return written("\n".join(forms), known).replace(b"\n", ending), known


@given(files())
def test_it_finds_what_the_long_way_finds(file: tuple[bytes, Routes]) -> None:
    """Or leaves the file to it."""
    source, known = file
    short, long = both_ways(source, known, f"{own_root(known)}.sub")
    event("left to the long way" if short is None else "the short way")
    assert short is None or sorted(short) == sorted(long)


@pytest.mark.parametrize(
    "form", [form for form in PLAIN if form.startswith(("from P", "import P")) and form.count("\n") != 1]
)
def test_most_imports_go_the_short_way(form: str) -> None:
    """Else the law would hold for doing nothing."""
    source = f'"""A module."""\nimport os\n\n{form}\n\nx = 1\n'.replace("P", "ds").replace("N", "shop").encode()
    short, _ = both_ways(source, ROUTES[0], "ds.sub")
    assert short is not None
    assert len(short) == 1


@pytest.mark.parametrize("form", ODD)
@pytest.mark.parametrize("known", ROUTES)
def test_what_is_odd_goes_the_long_way_or_needs_nothing(form: str, known: Routes) -> None:
    """Each form by itself."""
    source = written(form, known)
    short, long = both_ways(source, known, f"{own_root(known)}.sub")
    assert short is None or sorted(short) == sorted(long)


def known_and_read(source: bytes, module: str, relocation: Relocation) -> tuple[Imports | None, Imports]:
    """What is said of the imports of a file when it is rewritten, and what its new text says."""
    found = relocate(source, module=module, is_package=False, relocation=relocation)
    return found.imports, imports_at_top(ast.parse(found.source))


@given(files())
def test_what_a_file_imports_need_not_be_read_again(file: tuple[bytes, Routes]) -> None:
    """The tree that was parsed before it was rewritten tells it, where that is plain."""
    source, known = file
    moves = tuple(Move(*move) for move in known.renamed.items() if move[0] in known.roots)
    relocation = Relocation(moves, frozenset(known.renamed), known.homes, known.distribution)
    said, read = known_and_read(source, f"{own_root(known)}.sub", relocation)
    event("not said" if said is None else "said")
    assert said is None or said == read


@pytest.fixture(scope="module")
def own() -> Relocation:
    """A pull of this program into a project."""
    modules = frozenset(module_of(f"micropkgd/{path}")[0] for path in FILES)
    moves = (Move("micropkgd", "shop.pipelines.kit"), Move("tests", "tests.pipelines.kit"))
    return Relocation(moves, modules, frozenset({"micropkgd", "tests"}), "micropkgd")


def test_it_finds_the_same_in_real_code(own: Relocation) -> None:
    """Our own modules; many of them go the short way."""
    short_ones = 0
    for path in FILES:
        source, module = (OURS / path).read_bytes(), module_of(f"micropkgd/{path}")[0]
        short, long = both_ways(source, routes_of(own), module)
        assert short is None or sorted(short) == sorted(long), path
        said, read = known_and_read(source, module, own)
        assert said is None or list(said.items()) == list(read.items()), path
        short_ones += short is not None
    assert short_ones > len(FILES) // 3
