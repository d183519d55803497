"""Adding and removing one row: how the result looks, for each way in which a table can be written."""

import tomllib
from collections.abc import Callable

import pytest

from micropkgd.documents import edits
from micropkgd.documents.edits import add_row, remove_row
from micropkgd.documents.rows import with_rows
from micropkgd.errors import DocumentError

TABLE = ("tool", "micropkgd", "pull")
NEW = '"a.b" = {alias = "q"}'

FORMS = [
    pytest.param("", f"[tool.micropkgd.pull]\n{NEW}\n", id="empty"),
    pytest.param("# c\n", f"# c\n\n[tool.micropkgd.pull]\n{NEW}\n", id="comment"),
    pytest.param("a = 1", f"a = 1\n\n[tool.micropkgd.pull]\n{NEW}", id="no last line end"),
    pytest.param("a = 1\r\nb = 2", f"a = 1\r\nb = 2\r\n\r\n[tool.micropkgd.pull]\r\n{NEW}", id="crlf"),
    pytest.param(
        "[tool.micropkgd.pull]\nx = {} # c\n\n[z]\n",
        f"[tool.micropkgd.pull]\nx = {{}} # c\n{NEW}\n\n[z]\n",
        id="header",
    ),
    pytest.param(
        "[tool.micropkgd.pull]\n  x = {}\n\n# z\n[z]\n",
        f"[tool.micropkgd.pull]\n  x = {{}}\n  {NEW}\n\n# z\n[z]\n",
        id="indented",
    ),
    pytest.param(
        "[tool.micropkgd.pull]\n# ours\n\n[z]\n", f"[tool.micropkgd.pull]\n# ours\n{NEW}\n\n[z]\n", id="comment below"
    ),
    pytest.param(
        "[tool.micropkgd]\nprune = true\n\n# z\n[z]\n",
        f"[tool.micropkgd]\nprune = true\n\n[tool.micropkgd.pull]\n{NEW}\n\n# z\n[z]\n",
        id="beside policy",
    ),
    pytest.param("[tool.micropkgd]\n[z]\n", f"[tool.micropkgd]\n[tool.micropkgd.pull]\n{NEW}\n[z]\n", id="tight"),
    pytest.param(
        '[tool]\nkedro.package_name = "x"\nmicropkgd.update = "follow"\nblack.line-length = 88\n',
        '[tool]\nkedro.package_name = "x"\nmicropkgd.update = "follow"\nblack.line-length = 88\n'
        f"\n[tool.micropkgd.pull]\n{NEW}\n",
        id="dotted policy",
    ),
    pytest.param(
        '[tool]\n  micropkgd . pull."x" = {}  # c\nruff.x = 1\n',
        f'[tool]\n  micropkgd . pull."x" = {{}}  # c\n  micropkgd . pull.{NEW}\nruff.x = 1\n',
        id="dotted rows",
    ),
    pytest.param(
        '[tool.micropkgd.pull."x"]\nalias = "b"\n\n# z\n[z]\n',
        '[tool.micropkgd.pull."x"]\nalias = "b"\n\n[tool.micropkgd.pull."a.b"]\nalias = "q"\n\n# z\n[z]\n',
        id="a header a row",
    ),
    pytest.param("tool.micropkgd.pull = {}\n", f"tool.micropkgd.pull = {{{NEW}}}\n", id="inline"),
    pytest.param(
        "[tool]\nmicropkgd = { prune = true }\n",
        f"[tool]\nmicropkgd = {{ prune = true, pull.{NEW} }}\n",
        id="inline policy",
    ),
    pytest.param(
        "[tool.kedro]\nx = 1\n[project]\n[tool.ruff]\n[tool.ruff.lint.isort]\n[tool.ruff.lint]\n[[tool.uv.index]]\n"
        "[tool.ruff.lint.per-file-ignores]\n",
        "[tool.kedro]\nx = 1\n[project]\n[tool.ruff]\n[tool.ruff.lint.isort]\n[tool.ruff.lint]\n[[tool.uv.index]]\n"
        f"[tool.ruff.lint.per-file-ignores]\n\n[tool.micropkgd.pull]\n{NEW}\n",
        id="out of order",
    ),
]


@pytest.mark.parametrize(("text", "result"), FORMS)
def test_adding_a_row(text: str, result: str) -> None:
    """The row is written as its table is, and the table is made where it is missing; all else stays."""
    assert add_row(text, TABLE, "a.b", {"alias": "q"}) == result


@pytest.mark.parametrize(("text", "result"), FORMS)
def test_a_row_that_is_added_and_removed_leaves_the_text(text: str, result: str) -> None:
    """The two edits are each other's inverse."""
    assert remove_row(result, TABLE, "a.b") == text


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param(
            'x = 1\n\n[tool.micropkgd.pull."a.b"]\nalias = "q"\n\n# black is for the shop\n[tool.black]\n',
            "x = 1\n\n# black is for the shop\n[tool.black]\n",
            id="comment of the next table",
        ),
        pytest.param(
            '# pulled\n[tool.micropkgd.pull]\n"a.b" = {}\n', "# pulled\n[tool.micropkgd.pull]\n", id="comment above"
        ),
        pytest.param(
            '[tool.micropkgd.pull]\n"a.b" = {}\n# "old" = {}\n\n[z]\n',
            '[tool.micropkgd.pull]\n# "old" = {}\n\n[z]\n',
            id="row that is commented out",
        ),
        pytest.param('[tool.micropkgd.pull] # p\n"a.b" = {}\n', "[tool.micropkgd.pull] # p\n", id="commented header"),
        pytest.param('[tool.micropkgd.pull]\n"a.b" = {}\n# z\n[z]\n', "# z\n[z]\n", id="next comment, tight"),
        pytest.param(
            '[tool.micropkgd.pull]\n# one\n"a.b".alias = "q" # two\n"x" = {}\n# three\n"a.b".env = """\n[x]"""\n',
            '[tool.micropkgd.pull]\n# one\n"x" = {}\n# three\n',
            id="row in parts",
        ),
        pytest.param(
            "x = {}\ntool.micropkgd.pull = {y = {}, 'a.b' = {}}\n",
            "x = {}\ntool.micropkgd.pull = {y = {}}\n",
            id="inline, last",
        ),
        pytest.param(
            "tool = {micropkgd.pull = {'a.b'.env = 'e', 'a.b'.alias = 'a', y = {}}}",
            "tool = {micropkgd.pull = {y = {}}}",
            id="inline, first, in parts",
        ),
        pytest.param("tool.micropkgd.pull = { 'a.b' = {} }", "tool.micropkgd.pull = {  }", id="inline, only"),
    ],
)
def test_removing_a_row(text: str, result: str) -> None:
    """What others say stays, and so does a header that somebody commented."""
    assert remove_row(text, TABLE, "a.b") == result


def test_texts_are_escaped() -> None:
    """Whatever a ref or an option has in it is read back."""
    odd = 'é"\\\n\x7f\u2028#'

    assert tomllib.loads(add_row("", TABLE, odd, {"alias": odd}))["tool"]["micropkgd"]["pull"] == {odd: {"alias": odd}}


FAULTS: dict[str, Callable[[str], str]] = {
    "a comment is lost": lambda text: text.replace("# c", ""),
    "a value is another": lambda text: text.replace("1", "2"),
    "no TOML": lambda text: f"[{text}",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_edit_that_did_harm_is_refused(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A fault of ours is found when the text is read back, and a person is told what to write."""
    monkeypatch.setattr(edits, "with_rows", lambda *arguments: FAULTS[fault](with_rows(*arguments)))
    with pytest.raises(DocumentError, match="cannot be edited safely") as caught:
        add_row("a = 1 # c\n", TABLE, "a.b", {"alias": "q"})

    assert caught.value.hint == f"add this below [tool.micropkgd.pull] by hand: {NEW}"
