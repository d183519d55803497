"""The manual page, made from the tree of commands. Pure."""

from collections.abc import Iterator

from micropkgd.cli.command_tree import CommandNode, OptionShape
from micropkgd.cli.examples import examples_of


def manual(tree: CommandNode, end: str) -> Iterator[str]:
    """The page in the macros of man(7); `end` says the exit codes."""
    yield '.\\" made from the parser by `python -m tests.docs.test_commands`'
    yield ".TH MICROPKGD 1"
    yield from (".SH NAME", f"micropkgd \\- {_text(_short(tree.what))}", ".SH SYNOPSIS", ".B micropkgd")
    yield '.RI [ option " ...] " COMMAND " [" argument " ...]"'
    yield from (".SH DESCRIPTION", _text(tree.what), *_options(tree), ".SH COMMANDS")
    for node in tree.inner:
        yield from _command(node)
    yield from (
        ".SH EXIT STATUS",
        _text(" ".join(end.split()).removeprefix("exit codes: ")),
        ".SH SEE ALSO",
        ".BR git (1)",
    )


def _command(node: CommandNode) -> Iterator[str]:
    arguments = " ".join(option.takes for option in node.options if not option.names)
    yield f".SS {_text(' '.join(('micropkgd', *node.words)))}{f' {_text(arguments)}' if arguments else ''}"
    yield f"{_text(node.what[:1].upper() + node.what[1:])}."
    yield from _options(node)
    if len(node.words) == 1:
        for words, what in examples_of(node.words[0]):
            yield from (".PP", f"Example: \\fBmicropkgd {_text(words)}\\fR \\(en {_text(what)}")
    for inner in node.inner:
        yield from _command(inner)


def _options(node: CommandNode) -> Iterator[str]:
    for option in node.options:
        yield from (".TP", _head(option), _text(option.what) or "\\&")


def _head(option: OptionShape) -> str:
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in option.names)
    takes = f"\\fI{_text(option.takes)}\\fR" if option.takes else ""
    return f"{names} {takes}".strip()


def _short(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _text(text: str) -> str:
    """A text of which troff takes nothing for a request."""
    told = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{told}" if told[:1] in {".", "'"} else told
