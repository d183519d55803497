"""Texts made from the parser: help texts and the manual. `python -m tests.docs.test_commands` writes them."""

import os
import sys
from collections.abc import Iterator
from textwrap import wrap

import pytest

from micropkgd.cli.command_tree import CommandNode, tree_of
from micropkgd.cli.explanations import EXPLANATIONS
from micropkgd.cli.manual import manual
from micropkgd.cli.parser import EXIT_CODES, make_parser
from micropkgd.model.failure_codes import CODES
from tests.kit.places import REPOSITORY

PAGE = REPOSITORY / "docs" / "commands.md"
MANUAL = REPOSITORY / "micropkgd" / "man" / "micropkgd.1"
ERRORS = REPOSITORY / "docs" / "errors.md"
ERRORS_HEAD = """\
# Errors

Every error ends with a code, `[MPK104]`, and has it as `code` in JSON, beside the word `reason`. Both stay the same
whatever the words of the message become. `micropkgd explain MPK104` says what stands here. The first digit says who
can help: 1 whoever asked, 2 the network or a server, 3 whoever published, 4 whoever owns the tree or the code,
5 whoever must choose, 6 whoever owns the machine.
"""
HOW = "after a change of the command line: python -m tests.docs.test_commands"
HEAD = """\
# Commands

What `micropkgd --help` and `micropkgd COMMAND --help` say; `man micropkgd` says the same. What scripts may rely on:
[exit codes and JSON](./json.md). On a terminal `status` is short and has colours; `NO_COLOR` puts them out.
"""


def page() -> str:
    """The page as it should be, for a terminal of 100 columns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "COLUMNS", "100")
        return "\n".join([HEAD, *parts(tree_of(make_parser()))])


def parts(node: CommandNode) -> Iterator[str]:
    """A heading and a help text for a command, and for each action of it."""
    parser = make_parser(node.words)
    for word in node.words:
        parser = next(one.choices[word] for one in parser.arguments() if isinstance(one.choices, dict))
    yield f"{'#' * max(len(node.words) + 1, 2)} `{' '.join(('micropkgd', *node.words))}`\n"
    yield f"```text\n{parser.format_help().rstrip()}\n```\n"
    for inner in node.inner:
        yield from parts(inner)


def errors() -> str:
    """The page of the codes, each under a heading of its own."""
    parts = [ERRORS_HEAD]
    for reason, code in CODES.items():
        means, to_do = EXPLANATIONS[reason]
        lines = [
            *wrap(means, 120, break_on_hyphens=False),
            "",
            *wrap(f"What to do: {to_do}", 120, break_on_hyphens=False),
        ]
        parts.append("\n".join([f"## {code} {reason}", "", *lines, ""]))
    return "\n".join(parts)


def pages() -> dict[str, str]:
    """Each file as it should be."""
    lines = manual(tree_of(make_parser()), EXIT_CODES)
    return {str(ERRORS): errors(), str(PAGE): page(), str(MANUAL): "".join(f"{line}\n" for line in lines)}


def test_they_are_what_the_parser_says() -> None:
    """Every command, and every action of one."""
    for path, text in pages().items():
        with open(path, encoding="utf-8") as stream:
            assert stream.read() == text, HOW


def main() -> int:
    """Write them."""
    for path, text in pages().items():
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
