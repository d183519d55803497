"""The command line as a tree of values, for what is made from it: completions, manual pages."""

from argparse import SUPPRESS, Action

from micropkgd.annotations import Final
from micropkgd.cli.command_parser import CommandParser
from micropkgd.model.failure_codes import CODES
from micropkgd.named_tuples import NamedTuple

CODE: Final = "CODE"  # an argument that takes the code of an error, or its word


class OptionShape(NamedTuple):
    """One option, or one argument that has no name."""

    names: tuple[str, ...]  # `-q`, `--quiet`; none of an argument
    takes: str  # what follows it: `FILE`, `SECONDS`; empty where nothing does
    choices: tuple[str, ...]
    what: str


class CommandNode(NamedTuple):
    """A command, an action of one, or the program."""

    words: tuple[str, ...]  # ("service", "install")
    what: str
    options: tuple[OptionShape, ...]
    inner: tuple["CommandNode", ...] = ()


def tree_of(parser: CommandParser, words: tuple[str, ...] = (), what: str = "") -> CommandNode:
    """The tree below a parser."""
    options, inner = [], []
    for action in parser.arguments():
        if isinstance(action.choices, dict):
            helps = {name: text for name, text in parser.helps().items() if name in action.choices}
            inner += [tree_of(below, (*words, name), helps[name]) for name, below in action.choices.items()]
        else:
            options.append(_shape(action))
    return CommandNode(words, what or parser.description or "", tuple(options), tuple(inner))


def _shape(action: Action) -> OptionShape:
    names = tuple(action.option_strings)
    choices = tuple(map(str, action.choices or ((*CODES.values(), *CODES) if action.metavar == CODE else ())))
    takes = action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar or ())
    if action.nargs == 0:
        takes = ""
    elif not takes:
        takes = f"{{{','.join(choices)}}}" if choices else action.dest.upper()
    what = action.help if action.help and action.help is not SUPPRESS else ""
    return OptionShape(names, takes, choices, what % {"default": action.default} if "%(" in what else what)
