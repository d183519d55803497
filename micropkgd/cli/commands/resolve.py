"""`resolve`: a person's word on what becomes of a held entry."""

from argparse import Namespace

from micropkgd.actions.keep_deleted import held_deletions, keep_deleted
from micropkgd.actions.naming import match_entry
from micropkgd.actions.status import require_choice
from micropkgd.cli.passes import passes
from micropkgd.cli.say import exit_code_of, say_outcomes
from micropkgd.cli.streams import aside
from micropkgd.model.choice import Conflict, Decision
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.root import find_root
from micropkgd.workspace.transaction import kept


def resolve(options: Namespace) -> int:
    """Apply a held entry as the person chose."""
    root = find_root(options.project)
    ref = match_entry(root, options.ref, leaving=True)
    choice = Conflict(options.choice)
    require_choice(root, ref, choice)
    before = kept.ids(root)
    if choice is Conflict.KEEP:
        _keep_deletions(options, root, ref)
    wanted = PassOptions(
        apply=not options.dry_run,
        choices={ref: Decision(choice)},
        lock_timeout=options.lock_timeout,
        trigger=f"resolve {ref} --{choice.value}",
        joins=tuple(kept.ids(root) - before),
    )
    outcomes = passes(options, [root], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)


def _keep_deletions(options: Namespace, root: str, ref: str) -> None:
    """Write it down where a file was deleted that the new version has: the next pass would restore it."""
    gone = held_deletions(root, ref)
    if gone and not options.dry_run:
        keep_deleted(root, ref, gone, options.lock_timeout)
    for path in gone:
        aside(f'`keep-deleted` of its row {"would name" if options.dry_run else "names"} "{path}"\n')
