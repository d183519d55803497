"""`diff`: show what a pass would change, and change nothing."""

from argparse import Namespace

from micropkgd.actions.diff import read_files
from micropkgd.actions.naming import match_entry
from micropkgd.cli import output
from micropkgd.cli.passes import passes
from micropkgd.cli.say import say, say_outcomes, say_problems
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.root import find_root


def diff(options: Namespace) -> int:
    """Show what a pass would change."""
    root = find_root(options.project)
    only = match_entry(root, options.ref) if options.ref else None
    wanted = PassOptions(
        apply=False, locked=options.locked, frozen=options.frozen, allow_downgrade=options.allow_downgrade
    )
    (outcome,) = passes(options, [root], wanted)
    changes = [
        change
        for entry in outcome.entries
        if entry.plan is not None and only in {None, entry.ref}
        for change in entry.plan.changes
        if change.before != change.after
    ]
    changes += outcome.shared if only is None else ()
    if options.json:
        say_outcomes(options, [outcome])
    else:
        before = read_files(root, (change.path for change in changes if change.before))
        say(output.diff_lines(changes, before, outcome.contents))
        say_problems(outcome)
    return outcome.exit_code
