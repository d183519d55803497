"""`package`: turn modules of the project into archives."""

from collections.abc import Sequence
from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.cli.output_package import package_lines
from micropkgd.cli.paths import ask_each, one_project, projects_at
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import say_each
from micropkgd.errors import UsageError
from micropkgd.model.condition import worst
from micropkgd.model.packaged import PackageOutcome
from micropkgd.reconcile.package.entries import run_package
from micropkgd.reconcile.package.jobs import PackageRequest


def package(options: Namespace) -> int:
    """Package one module, or every row of the package table."""
    wanted = _wanted(options)
    roots = projects_at(options.project) if options.all else [one_project(options.project)]
    with ExitStack() as stack:
        reach = Reach(options, stack)

        def packaged(root: str) -> tuple[PackageOutcome, ...]:
            return run_package(root, wanted, lock_timeout=options.lock_timeout, make_publisher=reach.publisher)

        found = ask_each(roots, packaged)
    return say_each(
        options,
        found,
        documents_of,
        lambda outcomes: package_lines(outcomes, verbose=options.verbose, quiet=options.quiet),
        exit_code_of,
    )


def documents_of(outcomes: Sequence[PackageOutcome]) -> dict[str, object]:
    """What programs are told of the modules of one project."""
    from micropkgd.model.outcome_json import package_document

    return {"packages": [package_document(outcome) for outcome in outcomes]}


def exit_code_of(outcomes: Sequence[PackageOutcome]) -> int:
    """The exit code of these modules."""
    return worst(outcome.exit_code for outcome in outcomes)


def _wanted(options: Namespace) -> PackageRequest:
    given = [options.alias, options.destination, options.env]
    if options.all and (options.module or any(given)):
        raise UsageError("--all takes no module and no options: each row of the manifest has its own")
    if not options.all and not options.module:
        raise UsageError("name a module, or say --all", hint="micropkgd package pipelines.features")
    return PackageRequest(options.module, *given)
