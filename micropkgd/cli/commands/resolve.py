"""`resolve`: a person's word on what becomes of a held entry."""

from argparse import Namespace

from micropkgd.actions.naming import match_entry
from micropkgd.actions.status import require_choice
from micropkgd.cli.passes import passes
from micropkgd.cli.say import exit_code_of, say_outcomes
from micropkgd.model.choice import Conflict
from micropkgd.reconcile.options import Options
from micropkgd.workspace.root import find_root


def resolve(options: Namespace) -> int:
    """Apply a held entry as the person chose."""
    root = find_root(options.project)
    ref = match_entry(root, options.ref, leaving=True)
    choice = Conflict(options.choice)
    require_choice(root, ref, choice)
    wanted = Options(
        apply=not options.dry_run,
        choices={ref: choice},
        lock_timeout=options.lock_timeout,
        trigger=f"resolve {ref} --{choice.value}",
    )
    outcomes = passes(options, [root], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)
