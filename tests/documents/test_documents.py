"""Text and mappings: errors with their place, options files that do no harm, lines for messages."""

import pytest

from micropkgd.documents import interpolate, read_toml, read_yaml
from micropkgd.documents.statements import line_of
from micropkgd.errors import DocumentError
from tests.kit.canaries import CANARY, look


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a = \n", "line 1, column 5"),
        (b"a = 1\n<<<<<<< HEAD\n", "line 2 is a git conflict marker"),
        (b"a = 1\n>>>>>>> other\n", "line 2 is a git conflict marker"),
        (b"a = '\xff'", "not UTF-8: byte 5 is 0xff"),
        (b"a = " + b"9" * 5000, "too long"),
    ],
)
def test_toml_that_cannot_be_read(data: bytes, words: str) -> None:
    """The message has the place."""
    with pytest.raises(DocumentError, match=words):
        read_toml(data)


def test_toml_with_a_byte_order_mark() -> None:
    """Some editors write one."""
    assert read_toml(b"\xef\xbb\xbfa = 1\r\n") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "invalid YAML"),
        ("- a", "expected a mapping"),
        ("1: a", "expected a mapping"),
        ("a: &x 1\nb: *x", "line 2: YAML aliases are not allowed"),
        ("a: !!python/object/apply:os.system [id]", "line 1: YAML tags are not allowed"),
        ("a:\n  !b {c: d}", "line 2: YAML tags are not allowed"),
        ("a: 2024-13-45", "a date or number"),
        ("a: 2024-01-01T99:99:99Z", "a date or number"),
        ("a: 0x_", "a date or number"),
        ("a: " + "9" * 5000, "a date or number"),
        ("a: " + "[" * 20 + "]" * 20, "nested deeper than"),
        ("a: " + "x" * 70000, "too many"),
    ],
)
def test_yaml_that_is_refused(text: str, words: str) -> None:
    """Tags, aliases, depth and size that an options file has no use for."""
    with pytest.raises(DocumentError, match=words):
        read_yaml(text.encode())


@pytest.mark.parametrize("value", ["!{}", "!!{} x", "!<{}> x", "*{}", "%{}", "|{}", '"{}', "{}: c"])
def test_no_message_tells_a_value(value: str) -> None:
    """What was not put into quotes may be a password all the same."""
    with pytest.raises(DocumentError) as caught:
        read_yaml(f"secret: {value.replace('{}', CANARY)}".encode())

    look(f"{caught.value} {caught.value.hint}", "the message")


def test_an_empty_yaml_is_an_empty_mapping() -> None:
    """A file with nothing but comments has no options."""
    assert read_yaml(b"# nothing\n") == {}


def test_variables_are_replaced_in_every_text() -> None:
    """Both spellings, defaults, and deep inside; other values stay."""
    options = {"a": ["${ONE}/${oc.env:TWO}"], "b": {"c": "${oc.env:NONE,given}"}, "d": 3, "e": "$ONE ${x.y}"}

    assert interpolate(options, {"ONE": "1", "TWO": "2"}) == {
        "a": ["1/2"],
        "b": {"c": "given"},
        "d": 3,
        "e": "$ONE ${x.y}",
    }


def test_a_variable_that_is_not_set_is_an_error() -> None:
    """An empty password is never sent in place of a missing one."""
    with pytest.raises(DocumentError, match="`GONE` is not set"):
        interpolate("${GONE}", {})


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("tool", "kedro"), 2),
        (("tool", "kedro", "package_name"), 3),
        (("tool", "kedro", "absent"), 2),
        (("tool", "x", "a.tar.gz"), 6),
        (("tool", "x", "a.tar.gz", "alias"), 6),
        (("tool", "x", "b"), 7),
        (("nowhere",), None),
    ],
)
def test_the_line_of_a_key(path: tuple[str, ...], line: int | None) -> None:
    """The deepest part of an address that has a line of its own."""
    text = '# c\n[tool.kedro]\npackage_name = "p"\n# x = 1\n[tool.x]  # y\n"a.tar.gz" = {alias = 1}\n\'b\'= 2\n'

    assert line_of(text, path) == line


def test_the_line_of_a_key_in_an_inline_table() -> None:
    """Also of one whose rows stand on several lines, and never one in a text."""
    text = 'x = """\n[tool.x]\n"""\ntool.x = {"a" = {k = [\n1]}, b.c = 1}\n[tool.x.d]\n'

    assert line_of(text, ("tool", "x")) == 4
    assert line_of(text, ("tool", "x", "b", "c")) == 5
    assert line_of(text, ("tool", "x", "d")) == 6


def test_a_conflict_marker_in_a_text_is_a_text() -> None:
    """Only what is not TOML has a merge that is not finished."""
    assert read_toml(b'a = """\n<<<<<<< HEAD\n"""') == {"a": "<<<<<<< HEAD\n"}
