"""What each command does, a module for those that belong together; only the one that was asked for is imported."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

_HOMES = {
    "reconcile": "reconcile",
    "lock": "reconcile",
    "add": "edit",
    "remove": "edit",
    "resolve": "edit",
    "history": "history",
    "rollback": "history",
    "status": "look",
    "diff": "look",
    "verify": "look",
    "package": "package",
    "pull": "pull",
    "migrate": "migrate",
    "doctor": "doctor",
    "cache": "cache",
}


def execute(options: "Namespace") -> int:
    """Run the command that was asked for, and give its exit code."""
    home = import_module(f"micropkgd.cli.commands.{_HOMES[options.command]}")
    exit_code: int = getattr(home, options.command)(options)
    return exit_code
