"""`diff`: show what a pass would change, and change nothing."""

from argparse import Namespace
from collections.abc import Mapping

from micropkgd.actions.diff import read_files
from micropkgd.actions.naming import match_entry
from micropkgd.cli import output
from micropkgd.cli.passes import passes
from micropkgd.cli.say import say, say_outcomes, say_problems
from micropkgd.model.outcome import Outcome
from micropkgd.model.plan import Change
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.undisturbed import undisturbed
from micropkgd.workspace.root import find_root


def diff(options: Namespace) -> int:
    """Show what a pass would change."""
    root = find_root(options.project)
    only = match_entry(root, options.ref) if options.ref else None
    wanted = PassOptions(
        apply=False, locked=options.locked, frozen=options.frozen, allow_downgrade=options.allow_downgrade
    )
    outcome, changes, before = undisturbed(root, options.lock_timeout, lambda: _seen(options, root, only, wanted))
    if options.json:
        say_outcomes(options, [outcome])
    else:
        say(output.diff_lines(changes, before, outcome.contents))
        say_problems(outcome)
    return outcome.exit_code


def _seen(
    options: Namespace, root: str, only: str | None, wanted: PassOptions
) -> tuple[Outcome, list[Change], Mapping[RelPath, bytes]]:
    """What would change, and the files as they are."""
    (outcome,) = passes(options, [root], wanted)
    changes = [
        change
        for entry in outcome.entries
        if entry.plan is not None and only in {None, entry.ref}
        for change in entry.plan.changes
        if change.before != change.after
    ]
    changes += outcome.shared if only is None else ()
    return outcome, changes, read_files(root, (change.path for change in changes if change.before))
