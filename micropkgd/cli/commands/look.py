"""`status`, `diff` and `verify`: look, and change nothing."""

from argparse import Namespace

from micropkgd.actions.diff import read_files
from micropkgd.actions.edit_manifest import match_entry
from micropkgd.actions.verify import verify_files
from micropkgd.cli import output
from micropkgd.cli.lines import plain
from micropkgd.cli.session import passes, say, say_json, say_outcomes, say_problems
from micropkgd.reconcile.options import Options
from micropkgd.workspace.root import find_root


def diff(options: Namespace) -> int:
    """Show what a pass would change."""
    root = find_root(options.project)
    only = match_entry(root, options.ref) if options.ref else None
    wanted = Options(apply=False, locked=options.locked, frozen=options.frozen, allow_downgrade=options.allow_downgrade)
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


def status(options: Namespace) -> int:
    """Say how each entry stands: as the running service knows it, else as the last pass left it."""
    from micropkgd.cli.commands.standing import say_status

    say_status(options)
    return 0


def verify(options: Namespace) -> int:
    """Compare every installed file with the lock."""
    report = verify_files(find_root(options.project))
    if options.json:
        say_json(options, {"projects": [report.document()]}, exit_code=report.exit_code)
    else:
        say(plain(line) for line in report.lines())
    return report.exit_code
