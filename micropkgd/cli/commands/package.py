"""`package`: turn modules of the project into archives."""

from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.cli.output_package import package_lines
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import say_json, say_words
from micropkgd.errors import UsageError
from micropkgd.model.condition import worst
from micropkgd.reconcile.package.entries import run_package
from micropkgd.reconcile.package.jobs import PackageRequest
from micropkgd.workspace.root import find_root


def package(options: Namespace) -> int:
    """Package one module, or every row of the package table."""
    root = find_root(options.project)
    with ExitStack() as stack:
        reach = Reach(options, stack)
        outcomes = run_package(
            root, _wanted(options), lock_timeout=options.lock_timeout, make_publisher=reach.publisher
        )
    exit_code = worst(outcome.exit_code for outcome in outcomes)
    if options.json:
        from micropkgd.model.outcome_json import package_document

        rows = [package_document(outcome) for outcome in outcomes]
        say_json(options, {"projects": [{"project": root, "packages": rows}]}, exit_code=exit_code)
    else:
        say_words(package_lines(outcomes, verbose=options.verbose, quiet=options.quiet))
    return exit_code


def _wanted(options: Namespace) -> PackageRequest:
    given = [options.alias, options.destination, options.env]
    if options.all and (options.module or any(given)):
        raise UsageError("--all takes no module and no options: each row of the manifest has its own")
    if not options.all and not options.module:
        raise UsageError("name a module, or say --all", hint="micropkgd package pipelines.features")
    return PackageRequest(options.module, *given)
