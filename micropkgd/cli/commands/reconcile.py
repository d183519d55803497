"""`reconcile` and `lock`: bring the tree, or the lock alone, up to date."""

from argparse import Namespace

from micropkgd.cli.session import exit_code_of, passes, say_outcomes
from micropkgd.errors import UsageError
from micropkgd.reconcile.options import Options
from micropkgd.workspace.root import find_root


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
        lock_timeout=options.lock_timeout,
    )
    outcomes = passes(options, options.projects or ["."], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes, check=options.check)


def _refuse_for_service(options: Namespace) -> None:
    """Refuse what is a wish for one pass."""
    for wish in ("locked", "frozen", "allow_downgrade", "offline", "json"):
        if getattr(options, wish):
            raise UsageError(
                f"--{wish.replace('_', '-')} is for one pass", hint="add --once, or leave it away to serve"
            )


def lock(options: Namespace) -> int:
    """Resolve, and write the lock alone."""
    from micropkgd.actions.edit_manifest import match_entry
    from micropkgd.workspace.project import read_manifest

    root = find_root(options.project)
    refs = frozenset[str]()
    if options.upgrade is not None:
        entries = read_manifest(root).pulls
        named = [match_entry(root, text) for text in options.upgrade]
        refs = frozenset(named or (entry.ref.text for entry in entries))
    wanted = Options(
        apply=not options.check,
        lock_only=True,
        upgrade=refs,
        allow_downgrade=options.allow_downgrade,
        lock_timeout=options.lock_timeout,
    )
    outcomes = passes(options, [root], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes, check=options.check)
