"""Items of an array put in and taken out: how the result looks, and the laws of it over texts of every shape."""

import tomllib
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from micropkgd.documents.lists import add_items, remove_item
from micropkgd.documents.statements import comments_in
from tests.kit.toml_texts import texts

PATH = ("projects",)
ROW = ("tool", "micropkgd", "pull", "a.gz")
MANY = settings(max_examples=300, deadline=None)

BESIDE = [
    pytest.param("", 'projects = ["n"]\n', id="empty"),
    pytest.param("# c\n", '# c\nprojects = ["n"]\n', id="comment"),
    pytest.param('every = "5m"  # c\n\n[limits]\n', 'every = "5m"  # c\nprojects = ["n"]\n\n[limits]\n', id="keys"),
    pytest.param("# top\n\n# c\n[limits]\n", '# top\n\nprojects = ["n"]\n\n# c\n[limits]\n', id="header"),
    pytest.param("projects = []  # c\n", 'projects = ["n"]  # c\n', id="no item"),
    pytest.param('projects = ["a", "b"]\n', 'projects = ["a", "b", "n"]\n', id="one line"),
    pytest.param('projects = ["a",]\n', 'projects = ["a", "n",]\n', id="one line, comma"),
    pytest.param('projects = [\n  "a",\n  "b",\n]\n', 'projects = [\n  "a",\n  "b",\n  "n",\n]\n', id="lines"),
    pytest.param('projects = [\n  "a", # c\n]\n', 'projects = [\n  "a", # c\n  "n",\n]\n', id="comment behind"),
    pytest.param('projects = [\n  "a" # c\n]\n', 'projects = [\n  "a", # c\n  "n"\n]\n', id="no last comma"),
    pytest.param(
        'projects = [\r\n  "a",\r\n  # "b",\r\n]\r\n',
        'projects = [\r\n  "a",\r\n  "n",\r\n  # "b",\r\n]\r\n',
        id="crlf",
    ),
    pytest.param('projects = [\n  "a"\n  , ]\n', 'projects = [\n  "a", "n"\n  , ]\n', id="comma below"),
]


@pytest.mark.parametrize(("text", "longer"), BESIDE)
def test_an_item_is_written_as_the_others_are(text: str, longer: str) -> None:
    """Comments, layout and line ends stay."""
    assert add_items(text, PATH, ["n"]) == longer


@pytest.mark.parametrize(("text", "longer"), [row for row in BESIDE if "projects = [" in str(row.values[0])])
def test_taking_it_out_again_gives_the_text(text: str, longer: str) -> None:
    """But for a comma, which an array that got longer may keep."""
    left = remove_item(longer, PATH, "n")

    assert left.replace(",", "") == text.replace(",", "")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param('projects = ["n", "b"]\n', 'projects = ["b"]\n', id="first"),
        pytest.param('projects = ["a", "n"]\n', 'projects = ["a"]\n', id="last"),
        pytest.param('projects = ["a", "n", "b"]\n', 'projects = ["a", "b"]\n', id="middle"),
        pytest.param('projects = ["n"]\n', "projects = []\n", id="only"),
        pytest.param('projects = ["n", "b", "n"]\n', 'projects = ["b"]\n', id="twice"),
        pytest.param('projects = [\n  "n",  # c\n  "b",\n]\n', 'projects = [\n  "b",\n]\n', id="its line"),
        pytest.param('projects = [\n  # c\n  "n",\n]\n', "projects = [\n  # c\n]\n", id="comment above"),
        pytest.param('projects = [\'n\', """b"""]\n', 'projects = ["""b"""]\n', id="other quotes"),
    ],
)
def test_an_item_goes_with_its_comma(text: str, left: str) -> None:
    """A line that says nothing else goes whole."""
    assert remove_item(text, PATH, "n") == left


@pytest.mark.parametrize(
    "row",
    [
        '[tool.micropkgd.pull]\n"a.gz" = {}\n',
        '[tool.micropkgd.pull]\n"a.gz" = { alias = "b" }  # c\n',
        '[tool.micropkgd.pull."a.gz"]\nalias = "b"\n',
        '[tool.micropkgd.pull."a.gz"]\n',
        '[tool.micropkgd.pull]\n"a.gz".alias = "b"\n',
        'tool.micropkgd.pull = {"a.gz" = {}}\n',
        '[tool.micropkgd.pull]\n"a.gz" = { keep-deleted = ["a"] }\n',
    ],
)
def test_an_option_of_a_row_is_written_as_the_row_is(row: str) -> None:
    """Under its header, with dotted keys or in an inline table."""
    wanted: Any = tomllib.loads(row)
    entry = wanted["tool"]["micropkgd"]["pull"]["a.gz"]
    entry["keep-deleted"] = [*entry.get("keep-deleted", []), "x/y.py", 'q"']
    added = add_items(row, (*ROW, "keep-deleted"), ["x/y.py", 'q"'])

    assert tomllib.loads(added) == wanted
    assert comments_in(added) == comments_in(row)


class TestLaws:
    """Whatever the rest of the text is."""

    @given(texts(), st.lists(st.sampled_from(["n", "# x", 'q"', "]"]), min_size=1, max_size=3))
    @MANY
    def test_items_come_and_go(self, text: str, items: list[str]) -> None:
        """Added at the end and taken out again; no comment is lost."""
        document: Any = tomllib.loads(text)
        assume("line-length" not in document)
        added = add_items(text, ("line-length",), items)
        assert tomllib.loads(added) == {**document, "line-length": items}
        assert comments_in(added) == comments_in(text)
        left = added
        for item in items:
            left = remove_item(left, ("line-length",), item)
        assert tomllib.loads(left) == {**document, "line-length": []}
