"""`completion`: a script by which a shell completes commands, options and what they take."""

from types import SimpleNamespace as Namespace

from micropkgd.cli.command_tree import tree_of
from micropkgd.cli.completions import SHELLS
from micropkgd.cli.parser import make_parser
from micropkgd.cli.say import say


def completion(options: Namespace) -> int:
    """Print the script of one shell."""
    say(SHELLS[options.shell](tree_of(make_parser())))
    return 0
