"""What holds of merges within functions and between brackets: nothing is lost, doubled, or put in another order."""

import ast
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from micropkgd.merge import ThreeVersions, merge_files
from micropkgd.model.plan import MergeWay
from micropkgd.model.tree import RelPath

MODULE, YAML = RelPath("nodes.py"), RelPath("parameters.yml")
STATEMENTS = (
    "a = 1",
    "a = 2",
    "b = a",
    "c = [a,\n     b]",
    'r["x"] = 1',
    'r["y"] = a',
    'r["y"] = r["x"]',
    'r["z"] = len(r)',
    'other["x"] = 7',
    'log("one")',
    'log("two")',
    "log(len(r))",
    "# Why.",
    "if a:\n    log(a)\n    b = 3",
    "if a:\n    log(a)\n    b = 4\nelse:\n    c = 5",
    "for d in [1, 2]:\n    log(d)\n    a = d",
    "for d in [1, 2]:\n    log(d)\n    b = d",
    "try:\n    a = 6\nexcept ValueError:\n    b = 7\nfinally:\n    log(b)",
)


@st.composite
def three(draw: st.DrawFn, part: st.SearchStrategy[str], least: int = 0) -> ThreeVersions[list[str]]:
    """Some parts in a row, and what two people made of them."""
    base = draw(st.lists(part, min_size=least, max_size=6, unique=True))
    sides = []
    for _ in range(2):
        side = list(base)
        for _ in range(draw(st.integers(1, 2))):
            at = draw(st.integers(0, len(side)))
            kind = draw(st.sampled_from(["in", "in", "out", "other"]))
            if kind != "in" and at < len(side):
                side.pop(at)
            if kind != "out":
                side.insert(at, draw(part))
        sides.append(side)
    return ThreeVersions(base, *sides)


def function(statements: list[str]) -> str:
    """They run one after the other, in a function."""
    lines = [f"    {line}\n" for statement in statements for line in statement.split("\n")]
    return "def f(a, b, c, r, other, log):\n" + "".join(lines) + "    return a, b, c, r\n"


def merged(path: RelPath, texts: ThreeVersions[str]) -> str | None:
    """The merge as a text."""
    result = merge_files(path, texts.each(str.encode))
    return None if result is None else result.data.decode()


def by_structure(texts: ThreeVersions[str]) -> str | None:
    """The merge where the lines collide."""
    result = merge_files(MODULE, texts.each(str.encode))
    return None if result is None or result.way is MergeWay.TEXT else result.data.decode()


def done(source: str) -> object:
    """What a function does."""
    found: dict[str, object] = {}
    exec(source, found)  # of this test alone
    said: list[object] = []
    table: dict[str, object] = {"x": 0}
    try:
        given = found["f"](1, 2, 3, table, table, said.append)  # type: ignore[operator]
    except KeyError as error:
        given = str(error)
    return given, said


def steps(source: str) -> list[str]:
    """The statements of a function, in their order."""
    (node,) = ast.parse(source).body
    return [ast.dump(one) for one in node.body]  # type: ignore[attr-defined]


@settings(deadline=None, max_examples=300)
@given(three(st.sampled_from(STATEMENTS)))
@example(ThreeVersions(["a = 1"], ["a = 1", 'r["x"] = 1'], ["a = 1", 'r["z"] = len(r)']))
@example(ThreeVersions(["a = 1"], ["a = 1", 'r["x"] = 1'], ["a = 1", 'other["x"] = 7']))
@example(ThreeVersions(["a = 1"], ["a = 1", 'log("one")'], ["a = 1", "log(len(r))"]))
@example(ThreeVersions(["a = 1"], ["a = 1", "b = a"], ["a = 2"]))
def test_it_makes_no_difference_who_is_who(versions: ThreeVersions[list[str]]) -> None:
    """What both added at one place does the same in either order, by running it."""
    base, ours, theirs = versions.each(function)
    one, other = by_structure(ThreeVersions(base, ours, theirs)), by_structure(ThreeVersions(base, theirs, ours))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert done(one) == done(other)


@settings(deadline=None, max_examples=300)
@given(three(st.sampled_from(STATEMENTS)))
def test_each_side_keeps_its_order(versions: ThreeVersions[list[str]]) -> None:
    """What a side has and the other did not take out or change stands in the result, once, in that side's order."""
    texts = versions.each(function)
    result = by_structure(texts)
    if result is None:
        return
    found = steps(result)
    base, ours, theirs = texts.each(steps)
    for side, other in ((ours, theirs), (theirs, ours)):
        kept = [one for one in side if one in other or one not in base]
        inner = iter(found)
        assert all(one in inner for one in kept if found.count(one) == side.count(one))
        assert all(one in found for one in kept if one in other)
    assert all(found.count(one) <= max(ours.count(one), theirs.count(one)) for one in found)


LAYOUTS = ("{0}{1}{2}", "{0}\n    {1},\n{2}", "{0}\n    {3},\n{2}")


def bracketed(items: list[str], opening: str, closing: str, layout: str) -> str:
    """Items in brackets: on one line, on a line of their own, on a line each."""
    return layout.format(opening, ", ".join(items), closing, ",\n    ".join(items)) + "\n"


pairs = st.builds("{}={}".format, st.sampled_from("abcdef"), st.sampled_from(["1", "2", "[3, 4]", "'t'"]))


@settings(deadline=None, max_examples=300)
@given(three(pairs, least=1), st.tuples(*[st.sampled_from(LAYOUTS)] * 3), st.booleans())
def test_what_is_known_by_a_name(
    versions: ThreeVersions[list[str]], layouts: tuple[str, str, str], is_call: bool
) -> None:
    """Each keyword of a call, and each key of a dict, is as the side has it that changed it, and stands there once."""
    if any(len({one[0] for one in side}) < len(side) or not side for side in versions):
        return
    opening, closing = ("V = dict(", ")") if is_call else ("V = {", "}")
    sides = versions if is_call else versions.each(lambda side: [f'"{one[0]}": {one[2:]}' for one in side])
    texts = ThreeVersions(
        *(bracketed(side, opening, closing, layout) for side, layout in zip(sides, layouts, strict=True))
    )
    result = by_structure(texts)
    if result is None:
        return
    base, ours, theirs, found = (dict(told(text)) for text in (*texts, result))
    assert len(list(told(result))) == len(found)
    for key in {*base, *ours, *theirs, *found}:
        if ours.get(key) == base.get(key):
            assert found.get(key) == theirs.get(key)
        elif theirs.get(key) in (base.get(key), ours.get(key)):
            assert found.get(key) == ours.get(key)
        else:
            assert "[" in str(found[key])


def told(source: str) -> Iterator[tuple[str, object]]:
    """The names and values between the brackets."""
    value = ast.parse(source).body[0].value  # type: ignore[attr-defined]
    if isinstance(value, ast.Call):
        yield from ((str(one.arg), ast.literal_eval(one.value)) for one in value.keywords)
    else:
        yield from zip(map(ast.literal_eval, value.keys), map(ast.literal_eval, value.values), strict=True)


def is_moved(versions: ThreeVersions[list[str]]) -> bool:
    """Whether a side has what was there in another order."""
    base = versions.base
    return any([one for one in side if one in base] != [one for one in base if one in side] for side in versions)


texts_of_a_list = st.sampled_from([f'"{name}"' for name in "abcdefgh"])


@settings(deadline=None, max_examples=300)
@given(three(texts_of_a_list, least=1), st.tuples(*[st.sampled_from(LAYOUTS)] * 3))
def test_a_list_keeps_its_order(versions: ThreeVersions[list[str]], layouts: tuple[str, str, str]) -> None:
    """What both left has its order, what one added stands beside what it stood beside, and nothing is doubled."""
    if any(len(set(side)) < len(side) or not side for side in versions) or is_moved(versions):
        return
    texts = ThreeVersions(
        *(bracketed(side, "V = [", "]", layout) for side, layout in zip(versions, layouts, strict=True))
    )
    result = merged(MODULE, texts)
    if result is None:
        return
    base, ours, theirs, found = (ast.literal_eval(text.removeprefix("V = ")) for text in (*texts, result))
    assert sorted(found) == sorted(
        {one for one in {*ours, *theirs} if one not in base or (one in ours and one in theirs)}
    )
    for side in (ours, theirs):
        kept = [one for one in side if one in found]
        assert [one for one in found if one in side] == kept


@settings(deadline=None, max_examples=200)
@given(
    three(st.sampled_from(["alpha", "beta", "gamma", "name: one\nuse: 1", "name: two\nuse: 1", "name: two\nuse: 2"]))
)
def test_a_list_of_yaml_keeps_its_order(versions: ThreeVersions[list[str]]) -> None:
    """The same of YAML, with mappings among the items."""
    import yaml

    def listed(items: list[str]) -> str:
        return "v:\n" + "".join("  - " + item.replace("\n", "\n    ") + "\n" for item in items) + "w: 1\n"

    def names(text: str) -> list[str]:
        return [one if isinstance(one, str) else one["name"] for one in yaml.safe_load(text)["v"] or ()]

    texts = versions.each(listed)
    if any(len(set(names(text))) < len(names(text)) for text in texts) or is_moved(texts.each(names)):
        return
    result = merged(YAML, texts)
    if result is None:
        return
    base, ours, theirs, found = map(names, (*texts, result))
    assert sorted(found) == sorted(
        {one for one in {*ours, *theirs} if one not in base or (one in ours and one in theirs)}
    )
    for side in (ours, theirs):
        assert [one for one in found if one in side] == [one for one in side if one in found]


@pytest.mark.parametrize(
    ("brackets", "items", "new"),
    [
        pytest.param("f()", ["a=1", "b=2"], ("new=3", "new=4"), id="keyword"),
        pytest.param("V=[]", ['"a"', '"b"'], ('"new"', '"new"'), id="text"),
        pytest.param("V={}", ["1: 1", "2: 2"], ("3: 3", "3: 4"), id="key"),
        pytest.param("V=[]", ["a(name='a')", "b()"], ("c(name='new')", "d(name='new')"), id="name"),
    ],
)
def test_what_both_added_at_two_places_is_not_there_twice(
    brackets: str, items: list[str], new: tuple[str, str]
) -> None:
    """Lines that are clean as such would have it there twice."""
    first, *_, last = items

    def text(inner: list[str]) -> bytes:
        return f"{brackets[:-1]}\n{''.join(f'    {item},{chr(10)}' for item in inner)}{brackets[-1]}\n".encode()

    versions = ThreeVersions([first, last], [first, last, new[0]], [new[1], first, last])
    result = merge_files(MODULE, versions.each(text))
    assert result is None or result.data.count(new[0].partition("'")[2].encode()) == 1
