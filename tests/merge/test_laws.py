"""What holds of every merge, whatever was merged."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from micropkgd.documents.keys import keys_of, pairs_of
from micropkgd.merge import CollisionError, ThreeVersions, merge_files
from micropkgd.merge.order import merged_order
from micropkgd.merge.spans import LineSpan, block_of, lines_of
from micropkgd.merge.text import merged_lines
from micropkgd.merge.units import UnitKind
from micropkgd.model.plan import MergeWay
from micropkgd.model.tree import RelPath
from tests.kit.places import REPOSITORY

pytestmark = pytest.mark.no_cover

MODULE, YAML = RelPath("nodes.py"), RelPath("parameters.yml")
SOURCES = sorted((REPOSITORY / "micropkgd").rglob("*.py"))

names = st.sampled_from("abcdefgh")
bodies = st.lists(st.sampled_from(["x = 1", "y = 2", "x += y", "return x", "# why"]), min_size=1, max_size=4)


def function(name: str, body: list[str], lead: str) -> str:
    """A definition as a person writes it."""
    lines = [*body, *([] if any(not line.startswith("#") for line in body) else ["return None"])]
    return f"{lead}def {name}(x, y=0):\n" + "".join(f"    {line}\n" for line in lines)


units = st.one_of(
    st.builds(function, names, bodies, st.sampled_from(["", "# Why.\n", "@cached\n"])),
    st.builds("import {}\n".format, names),
    st.builds("from {0} import {1}\n".format, names, names),
    st.builds("{} = {}\n".format, st.sampled_from("ABCD"), st.integers(0, 3)),
    st.builds(
        "class {0}:\n    {1} = {2}\n\n    def m(self):\n        return {2}\n".format,
        st.sampled_from("KLM"),
        names,
        st.integers(0, 3),
    ),
)
modules = st.lists(units, max_size=6)
pairs = st.one_of(
    st.builds("{}: {}\n".format, names, st.integers(0, 3)),
    st.builds("{}:\n  one: {}\n  # why\n  two: {}\n".format, names, st.integers(0, 3), st.integers(0, 3)),
    st.builds("# About it.\n{}: [1, {}]\n".format, names, st.integers(0, 3)),
    st.builds("{}:\n  - {}\n".format, names, st.integers(0, 3)),
)
mappings = st.lists(pairs, max_size=6, unique_by=lambda text: text.removeprefix("# About it.\n")[0])


@st.composite
def edited(draw: st.DrawFn, parts: st.SearchStrategy[list[str]], part: st.SearchStrategy[str]) -> tuple[str, str, str]:
    """A text and what two people made of it: parts put in, taken out, exchanged and moved."""
    base = draw(parts)
    sides = []
    for _ in range(2):
        side = list(base)
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(side)))
            kind = draw(st.sampled_from(["in", "out", "other", "move"]))
            gone = side.pop(at) if kind != "in" and at < len(side) else None
            if kind in {"in", "other"}:
                side.insert(at, draw(part))
            elif kind == "move" and gone is not None:
                side.insert(draw(st.integers(0, len(side))), gone)
        sides.append("\n".join(side))
    return "\n".join(base), sides[0], sides[1]


def merged(path: RelPath, texts: tuple[str, str, str]) -> str | None:
    """The merge as a text."""
    result = merge_files(path, ThreeVersions(*(text.encode() for text in texts)))
    return None if result is None else result.data.decode()


def definitions(source: str) -> Iterator[tuple[str, str]]:
    """Each definition of a module with its code."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, "\n".join(source.split("\n")[node.lineno - 1 : node.end_lineno]) + "\n"


@settings(deadline=None)
@given(edited(modules, units))
def test_every_definition_is_somebodys(texts: tuple[str, str, str]) -> None:
    """Each is the one of base, ours or theirs, or a clean merge of the three by their lines or those of its members."""
    result = merged(MODULE, texts)
    if result is None:
        return
    written = [one for text in texts for one in definitions(text)]
    for name, code in definitions(result):
        known = [text for key, text in written if key == name]
        lines = {line for text in known for line in text.split("\n")}
        assert code in known or set(code.split("\n")) <= lines


@settings(deadline=None)
@given(edited(modules, units))
def test_nothing_that_one_side_made_is_lost(texts: tuple[str, str, str]) -> None:
    """A definition that one side alone added or changed is in the result as that side has it."""
    result = merged(MODULE, texts)
    if result is None:
        return
    base, ours, theirs = ([*definitions(text)] for text in texts)
    found = dict(definitions(result))
    for side, other in ((ours, theirs), (theirs, ours)):
        for name, code in side:
            others = [text for key, text in other if key == name]
            if [key for key, _ in side].count(name) == 1 and others == [text for key, text in base if key == name]:
                assert found[name] == code


@settings(deadline=None)
@given(edited(mappings, pairs))
def test_every_value_is_somebodys(texts: tuple[str, str, str]) -> None:
    """Each key of parameters has the value of one side, and none that one side alone changed is lost."""
    import yaml

    assume(not any(keys_of(text.encode()).doubled for text in texts))  # which of two counts is the order's to say
    result = merged(YAML, texts)
    if result is None:
        return
    base, ours, theirs = (yaml.safe_load(text) or {} for text in texts)
    found = yaml.safe_load(result) or {}
    for key in {*base, *ours, *theirs, *found}:
        versions = ThreeVersions(base.get(key), ours.get(key), theirs.get(key))
        if versions.ours == versions.base:
            assert found.get(key) == versions.theirs
        elif versions.theirs in (versions.base, versions.ours):
            assert found.get(key) == versions.ours
        else:
            inner = [value for value in versions if isinstance(value, dict)]
            assert all(any(one.get(name) == value for one in inner) for name, value in found[key].items())


@pytest.mark.parametrize(("path", "parts", "part"), [(MODULE, modules, units), (YAML, mappings, pairs)])
def test_one_edit_alone_is_taken_as_it_is(
    path: RelPath, parts: st.SearchStrategy[list[str]], part: st.SearchStrategy[str]
) -> None:
    """Where only one side did anything, or both did the same, that is the result."""

    @settings(deadline=None)
    @given(edited(parts, part))
    def law(texts: tuple[str, str, str]) -> None:
        base, ours, _ = texts
        for three in ((base, ours, base), (base, base, ours), (base, ours, ours)):
            result = merged(path, three)
            assert result in (ours, None)

    law()


@settings(deadline=None)
@given(edited(modules, units))
def test_a_merge_is_in_what_comes_of_it(texts: tuple[str, str, str]) -> None:
    """The next pass, for which theirs is the base, finds nothing to merge in the result, and takes what is newer."""
    result = merged(MODULE, texts)
    if result is not None:
        assert merged(MODULE, (texts[2], result, texts[2])) == result


@settings(deadline=None)
@given(*[st.lists(names, unique=True)] * 3)
def test_the_order_has_everything_once(base: list[str], ours: list[str], theirs: list[str]) -> None:
    """Everything that both sides keep or one side adds has one place, behind what it followed there."""
    survivors = [key for key in {*base, *ours, *theirs} if key not in base or (key in ours and key in theirs)]
    orders = ThreeVersions(*([key for key in order if key in survivors] for order in (base, ours, theirs)))
    try:
        row = merged_order(orders)
    except CollisionError:
        return
    assert sorted(row) == sorted(survivors)


@pytest.mark.parametrize("path", SOURCES[::9], ids=lambda path: Path(path).stem)
def test_the_units_of_a_module_are_its_lines(path: Path) -> None:
    """Cut along its statements and put together again a module is what it was, byte by byte."""
    source = path.read_text()
    spans = [
        LineSpan(
            (getattr(node, "decorator_list", None) or [node])[0].lineno - 1,
            node.end_lineno or 0,
            ("name",),
            UnitKind.NAMED,
        )
        for node in ast.parse(source).body
    ]
    lines = lines_of(source)
    block = block_of(lines, 0, len(lines), spans, 0)
    assert "".join(unit.gap + unit.text for unit in block.units) + block.tail == source


@settings(deadline=None)
@given(edited(mappings, pairs))
def test_the_pairs_of_a_mapping_are_found_where_they_stand(texts: tuple[str, str, str]) -> None:
    """Each key stands on the line that is said."""
    found = pairs_of(texts[0])
    assert found is not None
    for pair in found:
        assert texts[0].split("\n")[pair.line].startswith(f"{pair.key}:")


def lines_merge(texts: ThreeVersions[str]) -> str | None:
    """The merge by lines; None where it collides."""
    try:
        return merged_lines(texts)
    except CollisionError:
        return None


Merge = Callable[[ThreeVersions[str]], str | None]


@settings(deadline=None)
@given(st.text("ab\n"), st.text("ab\n"), st.text("ab\n"))
def test_the_end_of_the_last_line_is_no_line(base: str, ours: str, theirs: str) -> None:
    """A text without it merges as with it."""
    texts = ThreeVersions(base, ours, theirs)
    ended = texts.each(lambda text: text if text.endswith("\n") or not text else f"{text}\n")
    one, other = lines_merge(texts), lines_merge(ended)
    assert (one is None) == (other is None)
    assert other is None or one in {other, other.removesuffix("\n")}


modules_of_python = ["abc", "io", "json", "os", "re", "sys"]
modules_of_others = ["numpy", "pandas", "polars", "scipy"]


def sections(found: list[str]) -> str:
    """Imports as ruff and isort have them."""
    runs = [sorted(name for name in found if name in kind) for kind in (modules_of_python, modules_of_others)]
    return "\n".join("".join(f"import {name}\n" for name in run) for run in runs if run)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*modules_of_python, *modules_of_others]), unique=True, min_size=2),
    st.lists(st.sampled_from([*modules_of_python, *modules_of_others]), unique=True, max_size=2),
    st.randoms(use_true_random=False),
)
def test_an_import_finds_its_place_among_sorted_ones(base: list[str], changed: list[str], chance: Random) -> None:
    """What one side imports or does not import any more, and the other sorted, is sorted, and has each import once."""
    ours = [name for name in base if name not in changed]
    for name in changed:
        if name not in base:
            ours.insert(chance.randint(0, len(ours)), name)
    texts = tuple("".join(f"import {name}\n" for name in found) + "\nA = 1\n" for found in (base, ours))
    three = ThreeVersions(*(text.encode() for text in (*texts, f"{sections(base)}\nA = 1\n")))
    clean = merge_files(MODULE, three)
    if clean is None or clean.way is not MergeWay.STRUCTURE:
        return
    result = clean.data.decode()
    found = [line.removeprefix("import ") for line in result.split("\n") if line.startswith("import ")]
    assert sorted(found) == sorted(ours)
    blocks = [block.split("\n") for block in result.split("\n\n")]
    left = [name for name in base if name in ours]
    has_sections = sections(left).count("\n\n") == 1  # of both kinds: else the new one has none to go to
    assert ours == sorted(ours) or not has_sections or all(sorted(block) == block for block in blocks[:-1])
