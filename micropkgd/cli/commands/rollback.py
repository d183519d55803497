"""`rollback`: take the last commits back."""

from types import SimpleNamespace as Namespace

from micropkgd.actions.rollback import roll_back
from micropkgd.cli.passes import work_on
from micropkgd.cli.paths import one_project
from micropkgd.cli.say import exit_code_of, say_outcomes


def rollback(options: Namespace) -> int:
    """Take back what the last command did, or all since a commit."""
    outcomes = work_on(
        options,
        [one_project(options.project)],
        lambda root, _: roll_back(root, options.ref, options.to, options.lock_timeout, apply=not options.dry_run),
    )
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)
