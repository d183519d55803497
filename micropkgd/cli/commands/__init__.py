"""What each command does, a module for those that belong together; only the one that was asked for is imported."""

from importlib import import_module
from typing import TYPE_CHECKING

from micropkgd.cli.parser import COMMANDS

if TYPE_CHECKING:
    from argparse import Namespace


def execute(options: "Namespace") -> int:
    """Run the command that was asked for, and give its exit code."""
    home = import_module(f"micropkgd.cli.commands.{COMMANDS[options.command].home}")
    exit_code: int = getattr(home, options.command)(options)
    return exit_code
