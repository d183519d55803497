"""Laws of the import rewriter, over files made from a grammar of import forms in a small known tree.

The file under test is a module of the package that moves. Each statement it is made of notes in `SEEN` which module it
got hold of, so the strongest law needs no model of the rewriter: before and after the move the file sees the same.
"""

import ast
import importlib
import importlib.abc
import importlib.machinery
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import resolve_name
from types import ModuleType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from micropkgd.relocate import Move, Relocation, relocate

pytestmark = pytest.mark.no_cover

PARTS = ("", ".nodes", ".sub", ".sub.deep")
PACKAGES = frozenset({"", ".sub"})
OLD = "demo.pipelines.ds"


def relocation(old: str, new: str) -> Relocation:
    """A move of the small package alone."""
    return Relocation((Move(old, new),), frozenset(old + part for part in PARTS), frozenset({old.partition(".")[0]}))


def moved(source: str, old: str, new: str, part: str = ".sub") -> str:
    """The file after a move that leaves nothing to tell."""
    found = relocate(source.encode(), module=old + part, is_package=part in PACKAGES, relocation=relocation(old, new))
    assert [finding for finding in found.findings if finding.kind != "mention"] == []
    return found.source.decode()


NAMES = st.sampled_from(["nodes", "sub", "sub.deep"])
SPACES = st.sampled_from(["", " ", "\t"])


@st.composite
def keeping_forms(draw: st.DrawFn) -> str:
    """An import of a module below the package that a move and the way back restore byte for byte."""
    name = draw(NAMES)
    parent, _, last = f"{OLD}.{name}".rpartition(".")
    gap = draw(st.sampled_from([" ", "  ", " \\\n ", "\t"]))
    return draw(
        st.sampled_from(
            [
                f"import{gap}{parent}.{last}{gap}as{gap}x; note(x)",
                f"import {OLD}.{name}; note({OLD}.{name})",
                f"import {OLD}.{name}, sys as y; note((lambda q: {OLD}.{name})(1))",
                f"import {OLD}.{name}; note([{OLD}.{name} for demo in [1] for y in [2]][0] if 0 else {OLD}.{name})",
                f'import {OLD}.{name}; note(f"{{{OLD}.{name}.WHO}}")',
                f"from{gap}{parent}{gap}import{gap}{last}; note({last})",
                f"from {parent} import ( # why\n  {last}{gap}as x, # {OLD}\n); note(x)",
                f"from {parent}.{last} import WHO as z; note(z)",
                "from . import __name__ as q, deep; note(deep)",
                "from .deep import WHO as z; note(z)",
                f"note('{OLD}.{name}')",
            ]
        )
    )


def other_forms() -> st.SearchStrategy[str]:
    """Imports whose meaning comes back though their spelling need not."""
    return st.sampled_from(
        [
            f"import {OLD}; note({OLD})",
            f"import {OLD} as x; note(x)",
            "from demo.pipelines import ds; note(ds)",
            "from demo.pipelines import ds as x, ds as y; note(x); note(y)",
            "from demo.pipelines import (ds,  # why\n ); note(ds)",
            "import demo.pipelines as pl; note(pl.ds.nodes)",
            "from demo import pipelines as pl; note(pl.ds.nodes)",
            f"import demo; note({OLD}.nodes)",
            "from ... import ds; note(ds)",
            "from ...ds import nodes; note(nodes)",
            "from ....pipelines.ds.sub import deep as x; note(x)",
            f"import importlib; note(importlib.import_module('{OLD}.nodes'))",
        ]
    )


WRAPPERS = [
    "{}",
    "def f():\n{}\nf()",
    "def f(a=0, *b, **c):\n{}\nf()",
    "if True:\n{}\nelse:\n  pass",
    "try:\n{}\nexcept ImportError as e:\n  raise\nfinally:\n  pass",
    "class C:\n{}",
    "match 1:\n  case 1:\n{}",
    "with open(__name__) if 0 else nothing:\n{}",
    "for i in [1]:\n{}",
]


def wrapped(wrapper: str, body: str) -> str:
    """A body within a block."""
    return wrapper.format(body if wrapper == "{}" else textwrap.indent(body, "    "))


def blocks(forms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One import form, at most two blocks deep."""
    wrapper = st.sampled_from(WRAPPERS)
    # A lambda or a comprehension does not see what the body of a class binds: such a file would not run at all.
    return st.builds(lambda outer, inner, form: wrapped(outer, wrapped(inner, form)), wrapper, wrapper, forms).filter(
        lambda block: not ("class C" in block and ("lambda" in block or " for demo" in block))
    )


def files(forms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Some blocks, each in a function of its own, as one local name has one meaning in a file that works."""

    def joined(found: Sequence[str]) -> str:
        return "\n".join(f"def g{i}():\n{textwrap.indent(text, '  ')}" for i, text in enumerate(found)) + "\n"

    return st.lists(blocks(forms), min_size=1, max_size=4).map(joined)


KEEPING = files(keeping_forms())
ANY = files(keeping_forms() | other_forms())


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports from a mapping of names to sources, and from nowhere else for the top names in it."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name not in self.sources:
            return None
        package = any(other.startswith(f"{name}.") for other in self.sources)
        return importlib.machinery.ModuleSpec(name, self, is_package=package)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.sources[module.__name__], module.__name__, "exec"), module.__dict__)


@contextmanager
def importable(sources: Mapping[str, str]) -> Iterator[None]:
    """A tree of modules for a while."""
    finder = _Finder(sources)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in sources:
            sys.modules.pop(name, None)


PRELUDE = """
import contextlib
nothing, WHO, SEEN = contextlib.nullcontext(), {who!r}, []
def note(item): SEEN.append(getattr(item, "WHO", item))
"""


def seen(source: str, root: str) -> list[object]:
    """What the file notes when it is the module `sub` of the package at `root`."""
    parents = root.split(".")[:-1]
    sources = {".".join(parents[: size + 1]): "" for size in range(len(parents))}
    sources |= {root + part: PRELUDE.format(who=part) for part in PARTS}
    sources[f"{root}.sub"] += source
    with importable(sources):
        # As in a project, where something has imported the whole package before a function is called.
        file = [importlib.import_module(root + part) for part in PARTS][PARTS.index(".sub")]
        for name in sorted(name for name in vars(file) if name[:-1] == "g"):
            getattr(file, name)()
        return list(file.SEEN)


class TestWayBack:
    """Packaging and pulling back to the same place gives the same file."""

    @given(KEEPING)
    def test_forms_that_keep_their_shape_come_back_byte_for_byte(self, source: str) -> None:
        """Dotted, aliased and from-imports of modules below the package, in any block and layout."""
        assert moved(moved(source, OLD, "ds"), "ds", OLD) == source

    @given(ANY)
    def test_second_way_back_changes_nothing_more(self, source: str) -> None:
        """What the first round trip has respelt stays as it is from then on."""
        once = moved(moved(source, OLD, "ds"), "ds", OLD)
        assert moved(moved(once, OLD, "ds"), "ds", OLD) == once


class TestMeaning:
    """The file gets hold of the same modules, wherever the package is."""

    @given(ANY)
    def test_packaged_file_sees_what_it_saw(self, source: str) -> None:
        """Run before and after packaging, under another name."""
        assert seen(moved(source, OLD, "forecast"), "forecast") == seen(source, OLD) != []

    @given(ANY)
    def test_pulled_file_sees_what_it_saw(self, source: str) -> None:
        """Run before and after pulling, under another name and deep in another project."""
        archived = moved(source, OLD, "ds")
        new = "shop.pipelines.eu.fcst"
        assert seen(moved(archived, "ds", new), new) == seen(archived, "ds")

    @given(ANY)
    def test_every_import_resolves_to_the_moved_module(self, source: str) -> None:
        """Read statically, import by import: no module is lost, none of the old project is left."""
        after = moved(source, OLD, "shop.ds")
        assert _resolved(after, "shop.ds") == {name.replace(OLD, "shop.ds") for name in _resolved(source, OLD)}


ONE_SCOPE = (
    "import P", "import P.nodes", "import P.sub.deep", "import P as x", "import P.nodes as x",
    "import sys, P.nodes as T",
    "import P.nodes, sys", "from P import nodes", "from P import sub", "from P import nodes as T", "from P import *",
    "T = None", "N = 1", "nodes = 3", "del T", "note(P)", "note(P.nodes)", "note((P).nodes)", "note(nodes)",
    "note(sub)",
    "note(N)", "note(x)", "note(f'P.nodes {P.nodes.WHO}')", "note(f'{P.nodes.WHO} {P.sub.WHO!r:>9}')",
    "note(f'{P.nodes.WHO=}'[-5:])", "[note(T) for T in [1]]", "(lambda N: note(P.nodes))(1)",
    "try:\n  import P.nodes\nexcept ImportError:\n  T = None", "class C:\n  import P.nodes\n  note(P.nodes)",
    "def h(T): note(T)\nh(1)", "def h(N): note(P.nodes)\nh(1)", "def h(): note(P.sub)\nh()",
    "def h():\n  import P.sub.deep\n  note(P.sub.deep)\nh()", "def h():\n  global T\n  import P.nodes\nh()",
    "def h():\n  global T\n  import P\nh()", "def h():\n  global N\n  N = 3\nh()",
    "def h():\n  import P.nodes\n  N = 4\n  note(P.nodes)\nh()",
    "def h():\n  T = 0\n  def k():\n    nonlocal T\n    import P.nodes\n  k()\n  note(P)\nh()",
    "def h():\n  import P.nodes\n  def k(): return P.nodes\n  note(k())\nh()",
)  # fmt: skip
"""Statements that get into each other's way: P the package, T the name its imports bind, N the one they will bind."""

PLACES = [
    ("ds", "shop.pipelines.ds"),
    ("ds", "shop.fc"),
    ("ds", "ds.ds"),
    (OLD, "ds"),
    (OLD, "fc"),
    ("demo.demo", "demo"),
]


def last_words(source: str, root: str) -> tuple[list[object], str]:
    """What a file notes at its own level, up to where it ends, and the exception it ends with."""
    parents = root.split(".")[:-1]
    sources = {".".join(parents[: size + 1]): "" for size in range(len(parents))}
    sources |= {root + part: PRELUDE.format(who=part) for part in PARTS}
    found: list[object] = []
    with importable(sources):
        for part in PARTS:
            importlib.import_module(root + part)
        names = {"__name__": f"{root}.user", "note": lambda item: found.append(getattr(item, "WHO", item))}
        try:
            exec(compile(source, "user", "exec"), names)
        except Exception as error:  # noqa: BLE001 - whatever the file ends with, it must end with it in both places
            return found, type(error).__name__
    return found, ""


class TestRightOrTold:
    """Statements of one scope, whatever they do to each other's names: the file means the same, or it is told."""

    @given(st.sampled_from(PLACES), st.lists(st.sampled_from(ONE_SCOPE), min_size=1, max_size=5))
    def test_file_sees_what_it_saw_or_a_finding_is_told(self, places: tuple[str, str], forms: Sequence[str]) -> None:
        """A pulled file is right always; a packaged one may have bound what can be bound no more, and is told."""
        old, new = places
        words = {"P": old, "T": old.partition(".")[0], "N": new.partition(".")[0]}
        source = "\n".join(re.sub(r"\b[PTN]\b", lambda word: words[word[0]], form) for form in forms) + "\n"
        before = last_words(source, old)
        assume(before[1] == "")
        modules = frozenset(old + part for part in (*PARTS, ".user"))
        moves = Relocation((Move(old, new),), modules, frozenset({words["T"]}))
        after = relocate(source.encode(), module=f"{old}.user", is_package=False, relocation=moves)
        told = [finding for finding in after.findings if finding.kind != "mention"]

        assert last_words(after.source.decode(), new) == before or (told and "." in old)


class TestShape:
    """A result is a file like the one before."""

    @given(ANY)
    def test_result_parses_and_keeps_its_statements(self, source: str) -> None:
        """No statement comes, goes or changes its place."""
        before, after = ast.parse(source), ast.parse(moved(source, OLD, "ds"))
        assert _kinds(before) == _kinds(after)

    @given(ANY)
    def test_bound_names_stay_but_for_the_top_names(self, source: str) -> None:
        """Only `demo` may go and the new top name come; a package above goes where the package itself is bound."""
        before, after = _bound(source), _bound(moved(source, OLD, "fcst"))
        assert before - after <= {"demo", "pl"}
        assert after - before <= {"fcst"}

    @given(ANY)
    def test_modules_that_do_not_occur_change_nothing(self, source: str) -> None:
        """A relocation of other packages, or of no modules, gives the same bytes."""
        other = relocation("elsewhere.ds", "ds")
        empty = Relocation((Move(OLD, "ds"),), frozenset(), frozenset())
        for each in (other, empty):
            found = relocate(source.encode(), module="elsewhere.ds.nodes", is_package=False, relocation=each)
            assert found.source == source.encode()

    @given(ANY)
    def test_own_place_as_target_settles_at_once(self, source: str) -> None:
        """A second relocation of a package to where it is changes nothing more."""
        once = moved(source, OLD, OLD)
        assert moved(once, OLD, OLD) == once


class TestBytes:
    """Line ends, mark, encoding and a missing end are the author's."""

    @pytest.mark.parametrize("newline", [pytest.param("\r\n", id="crlf"), pytest.param("\r", id="cr")])
    @given(source=ANY)
    def test_line_ends_make_no_difference(self, newline: str, source: str) -> None:
        """Rewriting and changing line ends may be done in either order."""
        other = relocate(
            source.replace("\n", newline).encode(),
            module=f"{OLD}.sub",
            is_package=True,
            relocation=relocation(OLD, "ds"),
        )
        assert other.source == moved(source, OLD, "ds").replace("\n", newline).encode()

    @given(
        ANY, st.sampled_from(["utf-8-sig", "latin-1", "cp1252", "iso8859-15", "utf-8"]), st.text("éüß ø", max_size=5)
    )
    def test_encoding_makes_no_difference(self, source: str, encoding: str, text: str) -> None:
        """Letters before an import on its line move it by another number of bytes in each encoding."""
        head = "" if encoding == "utf-8-sig" else f"# coding: {encoding}\n"
        whole = head + f"X = '{text}'; import {OLD}.nodes as n; Y = '{text}', n\n" + source.rstrip("\n")
        found = relocate(whole.encode(encoding), module=f"{OLD}.sub", is_package=True, relocation=relocation(OLD, "ds"))
        assert found.source == moved(whole, OLD, "ds").encode(encoding)


def _resolved(source: str, root: str) -> set[str]:
    """The modules below the package that the imports of a file name; the package itself may be reached from above."""
    package = f"{root}.sub"
    modules = {root + part for part in PARTS if part}
    named = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            named |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return named & modules


def _kinds(tree: ast.Module) -> list[str]:
    """The kinds of statement, breadth first; the two kinds of import are one."""
    found = (type(node).__name__ for node in ast.walk(tree) if isinstance(node, ast.stmt))
    return ["Import" if kind == "ImportFrom" else kind for kind in found]


def _bound(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    imported = {node.asname or node.name.partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
    return imported | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
