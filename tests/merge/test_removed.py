"""What one side removed and the other only moved, in whatever it stands, does not come back; nor is it there twice."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from micropkgd.merge import ThreeVersions, merge_files
from micropkgd.model.tree import RelPath

Write = Callable[[Sequence[str]], str]


def lines(each: str, before: str = "", after: str = "") -> Write:
    """Things that have lines of their own, between others."""
    return lambda items: before + "".join(each.format(item) for item in items) + after


def row(before: str, each: str, after: str, between: str = ", ") -> Write:
    """Things on one line, or without an end for the last one."""
    return lambda items: before + between.join(each.format(item) for item in items) + after


def indented(write: Write, above: str, by: str = "    ") -> Write:
    """The same within something."""
    return lambda items: above + "".join(f"{by}{line}" for line in write(items).splitlines(keepends=True))


SIGNATURE = lines("    {},\n", "def f(\n", "):\n    return 1\n")
BODY = "def f():\n"
WRITTEN: Mapping[str, tuple[str, tuple[Write, ...]]] = {
    "parameters": ("a.py", (SIGNATURE, row("def f(\n    ", "{}", "\n):\n    return 1\n", ",\n    "))),
    "parameters with defaults": (
        "a.py",
        (lines("    {}=1,\n", "def f(\n", "):\n    return 1\n"), row("def f(", "{}=1", "):\n    return 1\n")),
    ),
    "parameters of a method": ("a.py", (indented(SIGNATURE, "class K:\n"),)),
    "__all__": ("a.py", (lines('    "{}",\n', "__all__ = [\n", "]\n"), row("__all__ = [", "'{}'", "]\n"))),
    "names of an import": ("a.py", (lines("    {},\n", "from x import (\n", ")\n"), row("from x import ", "{}", "\n"))),
    "names of an import in a function": ("a.py", (indented(lines("    {},\n", "from x import (\n", ")\n"), BODY),)),
    "imports": ("a.py", (lines("import {}\n"), lines("from x import {}\n"))),
    "keys": ("a.py", (lines('    "{}": 1,\n', "X = {\n", "}\n"), row("X = {", "'{}': 1", "}\n"))),
    "keys in a function": ("a.py", (indented(lines('    "{}": 1,\n', "X = {\n", "}\n"), BODY),)),
    "keywords": ("a.py", (lines("    {}=1,\n", "X = f(\n", ")\n"), row("X = f(", "{}=1", ")\n"))),
    "a set": ("a.py", (lines('    "{}",\n', "X = {\n", "}\n"),)),
    "a list": ("a.py", (lines('    "{}",\n', "X = [\n", "]\n"), row("X = [", '"{}"', "]\n"))),
    "a list in a function": ("a.py", (indented(lines('    "{}",\n', "X = [\n", "]\n"), BODY),)),
    "arguments": ("a.py", (lines("    {},\n", "f(\n", ")\n"), row("f(", "{}", ")\n"))),
    "bases": ("a.py", (lines("    {},\n", "class K(\n", "):\n    x = 1\n"), row("class K(", "{}", "):\n    x = 1\n"))),
    "nodes": (
        "a.py",
        (indented(lines('    node(func=do, inputs="x", outputs="{}"),\n', "return pipeline([\n", "])\n"), BODY),),
    ),
    "decorators": ("a.py", (lines("@{}\n", "", "def f():\n    return 1\n"),)),
    "statements": ("a.py", (lines("    {}()\n", BODY), lines("        {}()\n", f"{BODY}    with x:\n"))),
    "statements of the module": ("a.py", (lines("{}()\n"), lines("    {}()\n", "if x:\n"))),
    "names": ("a.py", (lines("{} = 1\n"), lines("    {} = 1\n", "if x:\n"))),
    "functions": ("a.py", (lines("def {}(a):\n    return a\n\n\n"), lines("@g\ndef {}(a):\n    return a\n\n\n"))),
    "methods": ("a.py", (lines("    def {}(self, a):\n        return a\n\n", "class K:\n"),)),
    "fields": ("a.py", (lines("    {}: int\n", "class K:\n"), lines("    {}: int = 1\n", "class K:\n"))),
    "cases": ("a.py", (lines("        case '{}':\n            return 1\n", f"{BODY}    match x:\n"),)),
    "comments": ("a.py", (lines("# {}\n", "", "X = 1\n"),)),
    "a docstring": ("a.py", (lines("{}\n", '"""X.\n\n', '"""\n'),)),
    "keys of YAML": ("a.yml", (lines("{}: 1\n"), lines("{}: 1  # why\n"))),
    "inner keys of YAML": ("a.yml", (lines("  {}: 1\n", "k:\n"), lines("    {}: 1\n", "k:\n"))),
    "mappings of YAML": ("a.yml", (lines("{}:\n  a: 1\n  b: 2\n"),)),
    "a list of YAML": ("a.yml", (lines("  - {}\n", "k:\n"), lines("- {}\n", "k:\n"), row("k: [", "{}", "]\n"))),
    "a list of mappings": ("a.yml", (lines("  - name: {}\n    a: 1\n", "k:\n"),)),
    "a flow list of YAML": ("a.yml", (lines("  {},\n", "k: [\n", "]\n"), row("k: [", "{}", "]\n"))),
    "a flow mapping of YAML": ("a.yml", (lines("  {}: 1,\n", "k: {\n", "}\n"), row("k: {", "{}: 1", "}\n"))),
    "a text of YAML": ("a.yml", (lines("  {}\n", "k: |\n"),)),
    "keys of JSON": ("a.json", (row("{\n  ", '"{}": 1', "\n}\n", ",\n  "), row("{", '"{}": 1', "}\n"))),
    "a list of JSON": ("a.json", (row('{"k": [\n  ', '"{}"', "\n]}\n", ",\n  "), row('{"k": [', '"{}"', "]}\n"))),
    "keys of TOML": ("a.toml", (lines("{} = 1\n"), lines("{} = 1 # why\n"))),
    "keys of a table": ("a.toml", (lines("{} = 1\n", "[k]\n"),)),
    "tables": ("a.toml", (lines("[{}]\nx = 1\n\n"),)),
    "tables in a row": ("a.toml", (lines('[[k]]\nx = "{}"\n\n'),)),
    "an array of TOML": ("a.toml", (lines('  "{}",\n', "k = [\n", "]\n"), row("k = [", '"{}"', "]\n"))),
    "options": ("setup.cfg", (lines("{} = 1\n", "[k]\n"),)),
    "lines of an option": ("setup.cfg", (lines("    {}\n", "[k]\nx =\n"),)),
    "sections": ("setup.cfg", (lines("[{}]\nx = 1\n\n"),)),
    "a text": ("a.md", (lines("- {}\n", "# What\n\n"), lines("  - {}\n", "# What\n\n"))),
    "requirements": ("requirements.txt", (lines("{}\n"), lines("{}  # why\n"))),
}
NAMES = [f"{letter}{letter}{letter}" for letter in "abcdefghj"]
MORE = ["uuu", "vvv", "www"]


@st.composite
def edited(draw: st.DrawFn) -> ThreeVersions[list[str]]:
    """Things, and what two people made of them: some taken out, some put in, some moved; each as often as it was."""
    base = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=4))
    sides = []
    for more in (MORE[:1], MORE[1:]):
        side = [name for name in base if name not in draw(st.lists(st.sampled_from(base), max_size=2))]
        for name in draw(st.lists(st.sampled_from([*base, *more]), unique=True, max_size=2)):
            if name in side or name not in base:
                side = [one for one in side if one != name]
                side.insert(draw(st.integers(0, len(side))), name)
        sides.append(side)
    return ThreeVersions(base, *sides)


def _tripled(letters: list[str]) -> list[str]:
    return [letter * 3 for letter in letters]


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_one_side_removed_stays_away(kind: str) -> None:
    """Wherever the other side has it now, however it lays it out; and what both sides moved stands there once."""
    path, ways = WRITTEN[kind]

    @settings(deadline=None, max_examples=20)
    @given(edited(), st.lists(st.sampled_from(ways), min_size=3, max_size=3), st.booleans())
    @example(ThreeVersions(list("abcdefgh"), list("acdefgh"), list("acdefbgh")).each(_tripled), [ways[0]] * 3, True)
    @example(ThreeVersions(list("abcdefgh"), list("abcdegh"), list("afbcdegh")).each(_tripled), [ways[0]] * 3, False)
    def law(items: ThreeVersions[list[str]], layouts: list[Write], structure: bool) -> None:
        texts = [write(names).encode() for write, names in zip(layouts, items, strict=True)]
        merged = merge_files(RelPath(path), ThreeVersions(*texts), structure=structure)
        if merged is not None:
            found = Counter(re.findall(r"\b([a-w])\1\1\b", merged.data.decode()))
            base, ours, theirs = items
            left = [name for name in [*base, *MORE] if name in ours and (name in theirs or name not in base)]
            left += [name for name in theirs if name not in base]
            assert found == Counter(name[0] for name in left), repr([text.decode() for text in (*texts, merged.data)])

    law()


def json_texts(base: object, without: object, moved: object) -> tuple[str, str, str]:
    """As people lay them out."""
    texts = [json.dumps(one, indent=2) + "\n" for one in (base, without, moved)]
    return texts[0], texts[1], texts[2]


def deeper(text: str) -> str:
    """The same, indented."""
    return "".join(f"    {line}" for line in text.splitlines(keepends=True))


F, G = 'def f(data):\n    first = data["a"]\n    return first + 1\n', "def g(data):\n    return data\n"
A, B = "a:\n  x: 1\n  y: 2\n", "b:\n  z: 3\n"
ELSEWHERE: Mapping[str, tuple[str, str, str, str]] = {  # base, one side without it, the other with it elsewhere
    "a function renamed": ("a.py", f"{F}\n\n{G}", G, f"{F.replace('f(', 'h(')}\n\n{G}"),
    "a function renamed and moved": ("a.py", f"{F}\n\n{G}", G, f"{G}\n\n{F.replace('f(', 'h(')}"),
    "a function under a condition": ("a.py", f"{F}\n\n{G}", G, f"{G}\n\nif x:\n{deeper(F)}"),
    "a function into a class": ("a.py", f"{F}\n\n{G}", G, f"{G}\n\nclass K:\n{deeper(F)}"),
    "a method to another class": (
        "a.py",
        f"class K:\n    x = 1\n\n    def f(self):\n        return self.x\n\n\nclass L:\n    x = 1\n\n{deeper(G)}",
        f"class K:\n    x = 1\n\n\nclass L:\n    x = 1\n\n{deeper(G)}",
        f"class K:\n    x = 1\n\n\nclass L:\n    x = 1\n\n{deeper(G)}\n    def f(self):\n        return self.x\n",
    ),
    "a class renamed": (
        "a.py",
        f"class K:\n    x: int\n    y: str\n\n\n{G}",
        G,
        f"class L:\n    x: int\n    y: str\n\n\n{G}",
    ),
    "a key of YAML renamed": ("a.yml", A + B, B, B + A.replace("a:", "c:")),
    "a key of YAML into another": ("a.yml", A + B, B, f"{B}  a:\n    x: 1\n    y: 2\n"),
    "an inner key of YAML into another": (
        "a.yml",
        A + B,
        A.replace("  y: 2\n", "") + B,
        A.replace("  y: 2\n", "") + B + "  y: 2\n",
    ),
    "an object of JSON renamed": (
        "a.json",
        *json_texts({"a": {"x": 1, "y": 2}, "b": 3}, {"b": 3}, {"b": 3, "c": {"x": 1, "y": 2}}),
    ),
    "a key of JSON into another": (
        "a.json",
        *json_texts({"a": {"x": 1, "y": 2}, "b": {}}, {"a": {"x": 1}, "b": {}}, {"a": {"x": 1}, "b": {"y": 2}}),
    ),
    "a table renamed": (
        "a.toml",
        "[a]\nx = 1\ny = 2\n\n[b]\nz = 3\n",
        "[b]\nz = 3\n",
        "[b]\nz = 3\n\n[c]\nx = 1\ny = 2\n",
    ),
    "a key to another table": (
        "a.toml",
        "[a]\nx = 1\ny = 2\n\n[b]\nz = 3\n",
        "[a]\nx = 1\n\n[b]\nz = 3\n",
        "[a]\nx = 1\n\n[b]\nz = 3\ny = 2\n",
    ),
    "a section renamed": (
        "a.ini",
        "[a]\nx = 1\ny = 2\n\n[b]\nz = 3\n",
        "[b]\nz = 3\n",
        "[b]\nz = 3\n\n[c]\nx = 1\ny = 2\n",
    ),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_what_one_side_removed_does_not_come_back_under_another_name(kind: str) -> None:
    """It is a question, however it is joined, as is the same the other way round."""
    path, base, without, moved = ELSEWHERE[kind]
    for ours, theirs in ((without, moved), (moved, without)):
        for structure in (False, True):
            texts = ThreeVersions(base, ours, theirs).each(str.encode)
            merged = merge_files(RelPath(path), texts, structure=structure)
            assert merged is None, merged.data.decode()
