"""What is read as a plain document is what the standard library's parser reads, and the rest is left to that."""

import subprocess
import sys
import time
import tomllib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micropkgd.documents.plain import read_plain
from tests.kit.toml_texts import texts as others
from tests.kit.world import World

KEYS = st.sampled_from(
    ["a", "b", "c-d", '"a"', "'a'", '"x y"', '""', "1", "true", "a.b", '"a.b"', '"ä"', 'a."b"', '"\\t"', "é", "a b"]
)
TEXTS = st.sampled_from(
    [
        '"t"',
        "'t'",
        '""',
        "''",
        '"""',
        "'''",
        '"a#b"',
        "'\\'",
        '"\\n"',
        '"ü"',
        '"a',
        '"\t"',
        '"\x7f"',
        '"]"',
        '"}"',
        '","',
        '"="',
        '"""x"""',
    ]
)
SPACES = st.sampled_from(["", "", " ", "  ", "\t", "\r"])
GAPS = st.sampled_from(["", " ", "\n", "\n  ", " # c\n", "\n[", "\t"])
NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "01",
        "-1",
        "+1",
        "1_0",
        "12",
        "1.0",
        "0x1",
        "1e3",
        "2024-01-01",
        "9" * 18,
        "9" * 19,
        "true",
        "false",
        "True",
    ]
)


@st.composite
def arrays(draw: st.DrawFn) -> str:
    """An array of texts or numbers, more or less well written."""
    items = draw(st.lists(st.one_of(TEXTS, TEXTS, NUMBERS), max_size=3))
    inner = "".join(f"{draw(GAPS)}{item}{draw(GAPS)}{draw(st.sampled_from([',', ',', '']))}" for item in items)
    return f"[{inner}{draw(GAPS)}]"


@st.composite
def inline(draw: st.DrawFn) -> str:
    """An inline table, more or less well written."""
    values = st.one_of(TEXTS, NUMBERS, arrays())
    pairs = draw(st.lists(st.tuples(KEYS, values), max_size=3))
    inner = draw(st.sampled_from([", ", ",", " , ", ",\n"])).join(
        f"{key}{draw(SPACES)}= {value}" for key, value in pairs
    )
    return f"{{{draw(SPACES)}{inner}{draw(st.sampled_from(['', ' ', ',', ', ']))}}}"


@st.composite
def lines(draw: st.DrawFn) -> str:
    """One statement, or something like it."""
    kind = draw(st.sampled_from(["pair", "pair", "quoted", "header", "rows", "comment", "blank", "odd"]))
    key, value = draw(KEYS), draw(st.one_of(TEXTS, NUMBERS, arrays(), inline()))
    path = ".".join(draw(st.lists(KEYS, min_size=1, max_size=3)))
    said = {
        "pair": f"{draw(SPACES)}{key}{draw(SPACES)}={draw(SPACES)}{value}{draw(SPACES)}",
        "quoted": f'"{draw(st.text("abc/._", max_size=3))}" = "{draw(st.text("abc:", max_size=3))}"',
        "header": f"{draw(SPACES)}[{path}]{draw(SPACES)}",
        "rows": f"[[{path}]]",
        "comment": f"# {draw(st.sampled_from(['x', '[a]', 'a = 1', chr(7), 'ü']))}",
        "blank": draw(SPACES),
        "odd": draw(
            st.sampled_from(["a", "= 1", "[", "]", "[]", "[a", "[[a]", "[a]]", "<<<<<<< x", "a = ", "\ufeff", "[a] b"])
        ),
    }[kind]
    return said + draw(st.sampled_from(["", "", "", " # c"]))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A document that may be plain, or TOML, or neither."""
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    return end.join(draw(st.lists(lines(), max_size=8))) + draw(st.sampled_from(["", end, end * 2]))


@settings(max_examples=400, deadline=None)
@given(texts())
def test_what_is_taken_is_read_as_by_the_standard_library(text: str) -> None:
    """Or declined: also where it is not TOML, so that its errors are told as ever."""
    found = read_plain(text)
    try:
        wanted = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert found is None, text
    else:
        assert found is None or repr(found) == repr(wanted), text


@settings(max_examples=60, deadline=None)
@given(others())
def test_nor_are_other_documents_misread(text: str) -> None:
    """Those of the laws of editing, with all that TOML has."""
    found = read_plain(text)

    assert found is None or repr(found) == repr(tomllib.loads(text))


PLAIN = [
    "",
    "\n# only a comment",
    'a = "b"\r\n[c]\r\n"d" = 1\r\n',
    "[a.b]\nx = 'y' # z\n\n[a.c]\n[a.c.d]\n",
    '[[a]]\nx = 1\n[a.b]\n"k" = "v"\n"l" = "w"\n\n[[a]]\n[a.b]\n"k" = "v"\n',
    'x = [\n    "a", # one\n    \'b\',\n]\ny = {alias = "b", "keep deleted" = ["a"], z = true}\n',
    f"x = {10**17}\ny = false\nz = {{}}\n",
]
"""What may not be declined, or nothing is gained."""

DECLINED = [
    "x = 1.5", "x = 2024-01-01", "x = -1", 'x = "\\n"', 'x = """a"""', "x = [1]", "x = {a = {}}", "a.b = 1", "[ a ]",
    "x = 1_0", "[a.b]\n[a]", "x = 0xff", "x\t= 1",
]  # fmt: skip
"""TOML that is left to the standard library."""

WRONG = [
    "a = 1\na = 2", '"a" = "1"\n"a" = "2"', "[a]\n[a]", "[a]\n[[a]]", "[[a]]\n[a]", "a = []\n[[a]]", "a = {}\n[a.b]",
    "a = 1\n[a]", "[a]\nb = 1\n[a.b]", "a = {b = 1, b = 2}", "a = {b = 1,}", "a", "[a] b = 1", "[[a]", "[a]]",
    "a = 01", "a = \x07", "# \x07", "a = 1\rb = 2", 'a = "b', 'a = "b" c = "d"', "\ufeffa = 1",
    '"a" = "b"\n\n\n= 1', '"a" = "b"\nx"c" = "d"\n', "<<<<<<< ours",
]  # fmt: skip
"""What is no TOML, and told as such by the standard library."""


@pytest.mark.parametrize("text", PLAIN)
def test_plain_documents_are_taken(text: str) -> None:
    """With all that locks and most manifests have."""
    assert read_plain(text) == tomllib.loads(text)


@pytest.mark.parametrize("text", DECLINED)
def test_other_toml_is_declined(text: str) -> None:
    """As a whole."""
    tomllib.loads(text)
    assert read_plain(f'[before]\n"a" = "b"\n\n[here]\n{text}\n') is None


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_declined(text: str) -> None:
    """Its error is told by who knows line and column."""
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    assert read_plain(text) is None


HOSTILE: dict[str, Callable[[int], str]] = {
    "brackets": lambda size: "[" * size,
    "headers of one name": lambda size: "".join(f"[a.b{one}]\n" for one in range(size // 8)),
    "rows and tables": lambda size: "".join(f"[t{one}]\n[[a]]\n[a.b]\n" for one in range(size // 16)),
    "an open array": lambda size: "x = [" + '"a",' * (size // 4),
    "an array of comments": lambda size: "x = [" + "#\n" * (size // 2),
    "spaces": lambda size: "x = [" + " " * size + "1",
    "spaces behind": lambda size: "x = 1" + " " * size + "y",
    "an open inline table": lambda size: "x = {" + "a = 1, " * (size // 7),
    "quotes": lambda size: '"a" = "b"\n' + '"' * size,
    "an open text": lambda size: '"a" = "' + "b" * size,
    "digits": lambda size: "x = " + "9" * size,
    "dots": lambda size: "[" + "a." * (size // 2) + "a]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_takes_longer_than_its_length(name: str) -> None:
    """Four times the text takes about four times the time, whatever it is."""

    def spent(size: int) -> float:
        text, found = HOSTILE[name](size), []
        for _ in range(3):
            began = time.process_time()
            read_plain(text)
            found.append(time.process_time() - began)
        return min(found)

    assert spent(400_000) < 8 * max(spent(100_000), 0.002)


def test_the_projects_own_documents_need_no_parser(world: World) -> None:
    """A lock that we wrote and a manifest with plain rows load nothing of the standard library's parser."""
    world.publish({"a.py": "x = 1\n"})
    world.asks_for(alias="e")
    world.sync()
    program = (
        "import sys\nfrom micropkgd.workspace.project import read_project\n"
        "read_project('.')\nprint('tomllib' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=world.root, capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False"
