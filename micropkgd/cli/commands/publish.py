"""`publish`: put the archives of modules where their rows say, whatever `publish-when` says of it."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.cli.commands.package import documents_of, exit_code_of
from micropkgd.cli.output_package import package_lines
from micropkgd.cli.paths import ask_each, one_project, projects_at
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import say_each
from micropkgd.model.packaged import PackageOutcome
from micropkgd.reconcile.package.entries import run_publish
from micropkgd.reconcile.package.jobs import row_for


def publish(options: Namespace) -> int:
    """Package and publish these modules, or all that have a place."""
    applied = not options.dry_run
    roots = [one_project(options.project)] if options.modules else projects_at(options.project)
    with ExitStack() as stack:
        reach = Reach(options, stack)

        def published(root: str) -> tuple[PackageOutcome, ...]:
            return run_publish(root, options.modules, reach.publisher, apply=applied, lock_timeout=options.lock_timeout)

        found = ask_each(roots, published)
    several = len(found) > 1 and any(outcomes for _, outcomes in found)  # who releases nothing says nothing
    return say_each(
        options,
        found,
        lambda outcomes: {"applied": applied, **documents_of(outcomes)},
        lambda outcomes: _lines(options, outcomes, several=several),
        exit_code_of,
    )


def _lines(options: Namespace, outcomes: Sequence[PackageOutcome], *, several: bool) -> Iterable[str]:
    if not outcomes:
        return [] if several else ["no package entry has a `publish`", f"hint: {row_for('pipelines.features')}"]
    told = not options.quiet  # where each stands, also what was there before
    return package_lines(
        outcomes, verbose=options.verbose, quiet=options.quiet, applied=not options.dry_run, places=told
    )
