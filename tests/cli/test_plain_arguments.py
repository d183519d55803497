"""Plain command lines mean what argparse takes them for; what it refuses, or does not take for plain, is left to it."""

import shlex
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micropkgd.cli.command_parser import CommandParser
from micropkgd.cli.examples import example_lines
from micropkgd.cli.parser import COMMANDS, make_parser, parse
from micropkgd.cli.plain_arguments import NotPlainError, PlainCommand

VALUES = ["dist/ds.tar.gz", "a b", "json", "markdown", "pylock", "bash", "5", "5.5", "nan", "", "-", "--", "-1", "- x",
          "--json=x", "-qv", "-q", "--js", "-dx", "--version", "-h", "@x", "x=y"]  # fmt: skip
ACTIONS = {"config", "token", "cache", "service"}


def options_of(name: str) -> list[str]:
    """All options of a command."""
    parser = make_parser([name])
    (commands,) = (each for each in parser.arguments() if each.dest == "command")
    assert isinstance(commands.choices, dict)
    command = commands.choices[name]
    assert isinstance(command, CommandParser)
    return [option for argument in command.arguments() for option in argument.option_strings]


OPTIONS = {name: options_of(name) for name in COMMANDS}


def read_plainly(words: list[str]) -> dict[str, object] | None:
    """What the words ask for, unless they are left to argparse."""
    try:
        COMMANDS[words[0]].define(command := PlainCommand())
        return {"command": words[0], **command.read(words[1:])}
    except NotPlainError:
        return None


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Right and wrong ones."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    words = st.sampled_from(OPTIONS[name]) | st.sampled_from(VALUES)
    return [name, *draw(st.lists(words, max_size=7))]


@given(words=command_lines())
@example(["resolve", "x", "--keep", "y"])  # a word behind an option
@example(["resolve", "x", "y", "--keep", "--take"])  # two that exclude each other
@example(["resolve", "x"])  # none of which one must be
@example(["lock", "--upgrade", "x"])
@example(["pull", "a", "b"])
@example(["export"])
@example(["health", "--ready", "--started"])
@example(["trust", "--list", "--list"])
@example(["patch", "--exclude", "a", "--exclude", "b"])
def test_what_is_read_plainly_is_what_argparse_reads(words: list[str]) -> None:
    """In every value; nothing that it refuses is read."""
    plain = read_plainly(words)
    if plain is not None:
        assert plain == vars(make_parser(words).parse_args(words, SimpleNamespace()))


@pytest.mark.parametrize("words", [line for _, line in example_lines()])
def test_what_people_write_is_plain(words: str) -> None:
    """Every example of the help, but for commands that have actions, and options with many values."""
    asked = shlex.split(words.partition(" > ")[0])
    left = ACTIONS | {"--exclude", "--upgrade", "--merge-driver", "--help", "--version"}
    assert (read_plainly(asked) is not None) == (not left & {*asked})
    assert vars(parse(asked)) == vars(make_parser(asked).parse_args(asked, SimpleNamespace()))
