"""What holds of merges of TOML, JSON and INI files, whatever was merged: each value is somebody's."""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micropkgd.merge import ThreeVersions, merge_files
from micropkgd.model.plan import MergeWay
from micropkgd.model.tree import RelPath

names = st.sampled_from("abcde")
scalars = st.one_of(st.integers(0, 3), st.sampled_from(["x", "y, z", "}"]), st.booleans(), st.lists(names, max_size=3))
inner = st.dictionaries(names, scalars, max_size=4)
documents = st.dictionaries(names, st.one_of(scalars, inner), max_size=5)


def in_json(document: Mapping[str, Any]) -> str:
    """As `json.dumps` lays it out."""
    return json.dumps(document, indent=2) + "\n"


def in_one_line(document: Mapping[str, Any]) -> str:
    """As an interface gives it."""
    return json.dumps(document)


def in_toml(document: Mapping[str, Any]) -> str:
    """Keys, and then tables."""
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in document.items() if not isinstance(value, dict))
    tables = (
        f"\n[{key}]\n" + "".join(f"{name} = {json.dumps(one)}\n" for name, one in value.items())
        for key, value in document.items()
        if isinstance(value, dict)
    )
    return keys + "".join(tables)


@st.composite
def edited(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A document and what two people made of it."""
    base = draw(documents)
    return base, draw(changed(base)), draw(changed(base))


@st.composite
def changed(draw: st.DrawFn, base: Mapping[str, Any]) -> dict[str, Any]:
    """The document with some of its keys, of any depth, put in, taken out and exchanged."""
    side = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
    for _ in range(draw(st.integers(0, 3))):
        within = [side, *(value for value in side.values() if isinstance(value, dict))]
        table = draw(st.sampled_from(within))
        key = draw(names)
        if draw(st.booleans()):
            table[key] = draw(scalars)
        else:
            table.pop(key, None)
    return side


@pytest.mark.parametrize(
    ("path", "write", "read"),
    [
        ("settings.json", in_json, json.loads),
        ("settings.json", in_one_line, json.loads),
        ("settings.toml", in_toml, tomllib.loads),
    ],
    ids=["json", "json on a line", "toml"],
)
def test_every_value_is_somebodys(path: str, write: Any, read: Any) -> None:
    """What one side alone changed is as that side has it, also where a table or an object came or went."""
    seen: set[MergeWay] = set()

    @settings(deadline=None, max_examples=300)
    @given(edited())
    def law(versions: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> None:
        base, ours, theirs = versions
        texts = ThreeVersions(*(write(one).encode() for one in versions))
        result = merge_files(RelPath(path), texts)
        if result is None:
            return
        seen.add(result.way)
        check(read(result.data.decode()), base, ours, theirs)

    law()
    assert MergeWay.STRUCTURE in seen


ABSENT = object()


def check(found: Any, base: Any, ours: Any, theirs: Any) -> None:
    """One value, or all of a table."""
    if said(ours) == said(base):
        assert said(found) == said(theirs)
    elif said(theirs) in (said(base), said(ours)):
        assert said(found) == said(ours)
    elif isinstance(found, list):
        assert {said(one) for one in found} <= {said(one) for one in [*ours, *theirs]}
    else:
        assert isinstance(found, dict)
        tables = [one if isinstance(one, dict) else {} for one in (found, base, ours, theirs)]
        for key in {key for table in tables for key in table}:
            check(*(table.get(key, ABSENT) for table in tables))


def said(value: Any) -> str:
    """A value, with the kind of each number; the order of keys is nobody's edit."""
    return repr(sorted(value.items())) if isinstance(value, dict) and value else repr(value)


@pytest.mark.parametrize("path", ["settings.toml", "setup.cfg"])
def test_no_key_lands_in_a_table_that_the_other_side_began(path: str) -> None:
    """Its lines merge cleanly, and say something else than either side did."""
    base = "[a]\nx = 1\ny = 2\nz = 3\nu = 4\n"
    files = ThreeVersions(base, base + "n = 7\n", base.replace("y = 2", "[b]\ny = 2")).each(str.encode)

    assert merge_files(RelPath(path), files, structure=False) is None
