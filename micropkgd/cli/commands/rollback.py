"""`rollback`: take the last commits back."""

from argparse import Namespace

from micropkgd.actions.rollback import roll_back
from micropkgd.cli.passes import work_on
from micropkgd.cli.say import exit_code_of, say_outcomes


def rollback(options: Namespace) -> int:
    """Take back the last commit, or all since one."""
    outcomes = work_on(
        options,
        [options.project],
        lambda root, _: roll_back(root, options.ref, options.to, options.lock_timeout),
    )
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)
