"""The laws of editing TOML: what holds whatever the layout, over texts of every shape that TOML allows."""

import tomllib
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from micropkgd.documents.edits import add_row, remove_row
from micropkgd.documents.moves import move_table
from micropkgd.documents.statements import comments_in, pairs_below, statements_of
from tests.kit.toml_texts import texts

pytestmark = pytest.mark.no_cover

OLD, NEW = ("tool", "kedro", "micropkg"), ("tool", "micropkgd")
HOMES = ((*OLD, "pull"), (*NEW, "pull"), (*NEW, "package"))
MANY = settings(max_examples=500, deadline=None)


def says(text: str) -> dict[str, Any]:
    """What a text says, with the empty tables left out that a header may have made."""
    return without_empty(tomllib.loads(text))


def without_empty(table: dict[str, Any]) -> dict[str, Any]:
    """A mapping without the empty tables on the way to ours."""
    for path in (OLD, OLD[:-1], NEW):
        if table_at(table, path) == {}:
            table_at(table, path[:-1]).pop(path[-1], None)
    return table


def table_at(document: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The table at an address, or an empty one."""
    for part in path:
        document = document.get(part, {})
    return document


class TestStatements:
    """The scan finds every line, and every value where tomllib reads it."""

    @given(texts())
    @MANY
    def test_nothing_is_skipped(self, text: str) -> None:
        """All statements together are the text."""
        assert "".join(text[one.start : one.end] for one in statements_of(text)) == text

    @given(texts())
    @MANY
    def test_it_says_what_tomllib_says(self, text: str) -> None:
        """Each value, read alone, is the one at its address."""
        document = tomllib.loads(text)
        for one in statements_of(text):
            for address, pair in pairs_below(one):
                found: Any = document
                for part in address:
                    found = found[0][part] if isinstance(found, list) else found[part]
                value = tomllib.loads(f"x = {text[pair.start : pair.end]}")["x"]
                assert value == found or isinstance(found, dict)


class TestAdding:
    """A row more, and nothing else."""

    @given(texts(), st.sampled_from(HOMES), st.sampled_from(({}, {"alias": "b"}, {"alias": "b", "env": 'q"\\\x7f'})))
    @MANY
    def test_one_row_is_added(self, text: str, table: tuple[str, ...], options: dict[str, str]) -> None:
        """The text says what it said, and the row; taking out what is new gives the text before."""
        wanted = tomllib.loads(text)
        here = wanted
        for part in table:
            here = here.setdefault(part, {})
        here["new/é.tar.gz"] = options
        added = add_row(text, table, "new/é.tar.gz", options)
        start = next((at for at, pair in enumerate(zip(text, added, strict=False)) if pair[0] != pair[1]), len(text))
        end = start + len(added) - len(text)

        assert tomllib.loads(added) == wanted
        assert added[:start] + added[end:] == text

    @given(texts(), st.sampled_from(HOMES))
    @MANY
    def test_removing_it_again_gives_the_text(self, text: str, table: tuple[str, ...]) -> None:
        """Byte for byte, unless the table stood there without a row."""
        assume(table_at(tomllib.loads(text), table) or table[-1] not in table_at(tomllib.loads(text), table[:-1]))

        assert remove_row(add_row(text, table, "new", {}), table, "new") == text


class TestRemoving:
    """A row less, and nothing else."""

    @given(texts(), st.data())
    @MANY
    def test_one_row_goes(self, text: str, data: st.DataObject) -> None:
        """The text says all else; every line that is left stood there, in this order."""
        homes = [home for home in HOMES if table_at(tomllib.loads(text), home)]
        assume(homes)
        table = data.draw(st.sampled_from(homes))
        wanted = tomllib.loads(text)
        key = data.draw(st.sampled_from([*table_at(wanted, table)]))
        del table_at(wanted, table)[key]
        removed = remove_row(text, table, key)
        emptied = not table_at(wanted, table)
        if emptied and table[-1] not in table_at(tomllib.loads(removed), table[:-1]):
            del table_at(wanted, table[:-1])[table[-1]]

        assert says(removed) == without_empty(wanted)
        before = iter(text)
        assert all(character in before for character in removed)

    @given(texts(), st.data())
    @MANY
    def test_comments_of_others_stay(self, text: str, data: st.DataObject) -> None:
        """Whatever is said outside the row."""
        assume(key_and_home := [(home, key) for home in HOMES for key in table_at(tomllib.loads(text), home)])
        table, key = data.draw(st.sampled_from(key_and_home))
        kept: list[str] = []
        for one in statements_of(text):
            within = any(address[: len(table) + 1] == (*table, key) for address, _ in pairs_below(one))
            if one.says and one.path[: len(table) + 1] != (*table, key):
                kept += comments_in(text[one.pair.end if one.pair and within else one.start : one.end])
        left = comments_in(remove_row(text, table, key))

        assert all(left.count(note) >= kept.count(note) for note in kept)


class TestMoving:
    """The rows of one table below another name."""

    @given(texts())
    @MANY
    def test_all_rows_move(self, text: str) -> None:
        """Below the new table is what was below the old one; all else, and every comment, is there."""
        document = tomllib.loads(text)
        old, new = table_at(document, OLD), table_at(document, NEW)
        assume("micropkg" in table_at(document, OLD[:-1]))
        assume(not any(new.get(part, {}).keys() & old.get(part, {}).keys() for part in ("pull", "package")))
        moved = move_table(text, OLD, NEW)
        del document["tool"]["kedro"]["micropkg"]
        for part, rows in old.items():
            document["tool"].setdefault("micropkgd", {}).setdefault(part, {}).update(rows)

        assert says(moved) == without_empty(document)
        assert sorted(comments_in(moved)) == sorted(comments_in(text))
