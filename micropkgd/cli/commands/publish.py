"""`publish`: put the archives of modules where their rows say, whatever `publish-when` says of it."""

from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.cli.output_package import package_lines
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import say_json, say_words
from micropkgd.model.condition import worst
from micropkgd.reconcile.package.entries import run_publish
from micropkgd.reconcile.package.jobs import row_for
from micropkgd.workspace.root import find_root


def publish(options: Namespace) -> int:
    """Package and publish these modules, or all that have a place."""
    root = find_root(options.project)
    applied = not options.dry_run
    with ExitStack() as stack:
        reach = Reach(options, stack)
        outcomes = run_publish(root, options.modules, reach.publisher, apply=applied, lock_timeout=options.lock_timeout)
    exit_code = worst(outcome.exit_code for outcome in outcomes)
    if options.json:
        from micropkgd.model.outcome_json import package_document

        rows = [package_document(outcome) for outcome in outcomes]
        say_json(options, {"projects": [{"project": root, "applied": applied, "packages": rows}]}, exit_code=exit_code)
    elif not outcomes:
        say_words(["no package entry has a `publish`", f"hint: {row_for('pipelines.features')}"])
    else:
        told = not options.quiet  # where each stands, also what was there before
        say_words(
            package_lines(outcomes, verbose=options.verbose, quiet=options.quiet, applied=applied, places=told)
        )  # fmt: skip
    return exit_code
