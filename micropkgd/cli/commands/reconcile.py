"""`reconcile`: one pass, or the service."""

from argparse import Namespace

from micropkgd.cli.passes import passes
from micropkgd.cli.say import exit_code_of, say_outcomes
from micropkgd.errors import UsageError
from micropkgd.reconcile.options import TRAVELLING, Options


def reconcile(options: Namespace) -> int:
    """Run one pass over each project, or serve them."""
    if not options.once and not options.dry_run and not options.check:
        _refuse_for_service(options)
        from micropkgd.service.pid1 import step_aside

        step_aside()
        from micropkgd.cli.commands.serve import run_service

        return run_service(options)
    wanted = Options(
        apply=not (options.dry_run or options.check),
        locked=options.locked,
        frozen=options.frozen,
        allow_downgrade=options.allow_downgrade,
        allow_empty=options.allow_empty,
        lock_timeout=options.lock_timeout,
    )
    outcomes = passes(options, options.projects or ["."], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes, check=options.check)


def _refuse_for_service(options: Namespace) -> None:
    """Refuse what is a wish for one pass."""
    for wish in (*TRAVELLING, "json"):
        if getattr(options, wish):
            raise UsageError(
                f"--{wish.replace('_', '-')} is for one pass", hint="add --once, or leave it away to serve"
            )
