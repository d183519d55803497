"""TOML documents as people write them: every way to write a table, in any order, with comments, indents and spaces.

A document is a mapping first, and then it is written: each table under a header, with dotted keys, in an inline table
or in parts; sections are shuffled. What is not TOML after all (a table that was opened twice) is written another way.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

Table = dict[str, Any]
Path = tuple[str, ...]
T = TypeVar("T")

REFS = ("dist/ds.tar.gz", "s3://team/x-0.1.tar.gz", "reporting>=1,<2", "a.b", 'it"s')
_NAMES = ("alias", "line-length", "x", "per-file-ignores", "2024", "tests/*", "a.b", "", "é\u2028ü", "# no", "[x]", "'",
          'q"q')  # fmt: skip
_TEXTS = ("", "shop", "a # b", "[tool.micropkgd.pull]", "x = 1", 'say "no"', "two\nlines\n", "é\u2028", "}", "'''",
          '""x', "\\")  # fmt: skip
_VALUES: tuple[Any, ...] = (*_TEXTS, 1, -7, True, 0.5, float("inf"), [], ["]", ["# x"]], [1, [2.5, "a"], "b"])
_COMMENTS = ("# why", "#[tool.micropkgd.pull]", '# it\'s "so" ] }')


def texts() -> st.SearchStrategy[str]:
    """Valid texts, each with a table of Kedro's and, mostly, tables of ours."""
    return st.integers(0, 2**32).map(text_of)


def text_of(seed: int) -> str:
    """The text of a number."""
    random = Random(seed)
    while True:
        text = _Writer(random).text(_document(random))
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        return text


def _document(random: Random) -> Table:
    ours: Table = {"prune": True} if random.random() < 0.5 else {}
    kedro: Table = {"package_name": "shop"}
    tool: Table = {"kedro": kedro, "ruff": _leaves(random), "uv": {"sources": _leaves(random)}}
    if random.random() < 0.7:
        kedro["micropkg"] = {part: _rows(random) for part in _parts(random)}
    ours |= {part: _rows(random) for part in _parts(random)}
    if ours or random.random() < 0.2:
        tool["micropkgd"] = ours
    return {"project": _leaves(random), "tool": dict(random.sample([*tool.items()], len(tool)))}


def _parts(random: Random) -> list[str]:
    return random.choice([["pull"], ["pull"], ["package", "pull"], ["package"], []])


def _rows(random: Random) -> Table:
    return {ref: _options(random) for ref in random.sample(REFS, random.choice((0, 1, 2, 2, 3)))}


def _options(random: Random) -> Table:
    options = {"alias": "b", "env": 'q"', "keep-deleted": ["a", "b # c"]}
    return {key: options[key] for key in random.sample([*options], random.choice((0, 0, 1, 2)))}


def _leaves(random: Random) -> Table:
    return {name: random.choice(_VALUES) for name in random.sample(_NAMES, random.choice((0, 1, 2, 3)))}


class _Section(NamedTuple):
    """A header and the lines below it; the first section has none."""

    path: Path
    lines: list[str]


class _Writer:
    """One way of writing: chance decides at every step."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.sections = [_Section((), [])]

    def text(self, document: Table) -> str:
        self._write(document, (), self.sections[0])
        first, *others = self.sections
        if self.random.random() < 0.5:
            self.random.shuffle(others)
        lines = [line for section in (first, *others) for line in self._lines(section)]
        if self.random.random() < 0.3:
            lines += ["[[tool.index]]", 'url = "x"', "[tool.index.sub]", "[[tool.index]]"]
        text = "\n".join(lines) + self._one_of("\n", "\n", "", "\n\n", "\n# the end")
        multiline = '"""' in text or "'''" in text
        return text if multiline or self.random.random() < 0.7 else text.replace("\n", "\r\n")

    def _write(self, table: Mapping[str, Any], path: Path, here: _Section) -> None:
        for key, value in table.items():
            address = (*path, key)
            way = self._one_of("header", "header", "dotted", "inline") if isinstance(value, dict) else "value"
            if way == "header":
                self.sections.append(_Section(address, []))
                self._write(value, address, self.sections[-1])
            elif way == "dotted" and value:
                self._write(value, address, here)
            else:
                here.lines.append(f"{self._dotted(address[len(here.path) :])} = {self._value(value)}{self._comment()}")

    def _lines(self, section: _Section) -> Iterator[str]:
        yield from self._apart("# about it")
        if section.path:
            space = self._one_of("", "", " ")
            yield f"[{space}{self._dotted(section.path)}{space}]{self._comment()}"
        indent = self._one_of("", "", "  ", "\t")
        for line in section.lines:
            yield from self._apart(f"{indent}{self._one_of(*_COMMENTS)}")
            yield f"{indent}{line}"
        yield from self._apart("# at its end")

    def _apart(self, comment: str) -> list[str]:
        return self._one_of([], [], [""], [comment], [comment, ""], ["", comment])

    def _value(self, value: object) -> str:
        if isinstance(value, dict):
            space = self._one_of("", " ")
            return f"{{{space}{', '.join(self._inline(value, ()))}{space}}}"
        if isinstance(value, list):
            between = self._one_of(", ", ",\n  ", ", # each ] \n  ")
            return f"[{between.join(map(self._value, value))}]"
        if isinstance(value, str):
            return self._text(value)
        return json.dumps(value) if isinstance(value, (bool, int)) else str(value)

    def _inline(self, table: Mapping[str, Any], path: Path) -> Iterator[str]:
        for key, value in table.items():
            if isinstance(value, dict) and value and self.random.random() < 0.4:
                yield from self._inline(value, (*path, key))
            else:
                yield f"{self._dotted((*path, key))} = {self._value(value)}"

    def _text(self, value: str) -> str:
        ways = [json.dumps(value, ensure_ascii=False)]
        if "'" not in value:
            ways += [f"'''\n{value}'''"] if value else []
            ways += [f"'{value}'"] if "\n" not in value else []
        if "\\" not in value and '"""' not in value:
            ways.append(f'"""{value}"""')
        return self.random.choice(ways)

    def _comment(self) -> str:
        return self._one_of("", "", "", f"  {self._one_of(*_COMMENTS)}")

    def _dotted(self, path: Path) -> str:
        return self._one_of(".", ".", ".", " . ").join(map(self._key, path))

    def _key(self, part: str) -> str:
        ways = [json.dumps(part, ensure_ascii=False)]
        ways += [f"'{part}'"] if "'" not in part else []
        ways += [part] * 6 if re.fullmatch("[A-Za-z0-9_-]+", part) else []
        return self.random.choice(ways)

    def _one_of(self, *ways: T) -> T:
        return self.random.choice(ways)
