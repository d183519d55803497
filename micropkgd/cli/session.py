"""One command at work: the passes it runs, and how it says what came of them."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from micropkgd.cli import output
from micropkgd.cli.logs import Logs
from micropkgd.cli.progress import Downloads
from micropkgd.errors import MicropkgError
from micropkgd.model.condition import EXIT_PENDING, Outcome, worst
from micropkgd.reconcile.cycle import Options, fail, run_pass
from micropkgd.reconcile.resolve import Fetcher
from micropkgd.sources.cache import ArchiveCache, default_cache_folder
from micropkgd.sources.gather import Sources
from micropkgd.workspace.project import find_root


def passes(options: Namespace, projects: Iterable[str], wanted: Options) -> list[Outcome]:
    """Run one pass for each project; one that cannot be worked on does not stop the others (promise P7)."""
    logs = Logs(options.log_format, verbose=options.verbose, quiet=options.quiet)
    outcomes = []
    with _fetchers(options) as (sources, cache):
        for project in projects:
            try:
                root = find_root(project)
                outcome = run_pass(root, wanted, lambda root: Fetcher(root, sources, cache, os.environ))
            except MicropkgError as error:
                outcome = fail(project, error)
            if outcome.recovered:
                logs.warning("recovered", project=outcome.root, what="an interrupted pass was finished or taken back")
            logs.info("pass ended", project=outcome.root, exit_code=outcome.exit_code, pending=outcome.pending)
            outcomes.append(outcome)
    return outcomes


@contextmanager
def _fetchers(options: Namespace) -> Iterator[tuple[Sources, ArchiveCache]]:
    cache = ArchiveCache(default_cache_folder(os.environ))
    quiet = options.quiet or options.json
    with Downloads(quiet=quiet) as progress, Sources(cache, offline=options.offline, progress=progress) as sources:
        yield sources, cache


def exit_code_of(outcomes: Sequence[Outcome], *, check: bool = False) -> int:
    """The exit code of a command over these projects; `check` counts what is pending."""
    codes = [outcome.exit_code for outcome in outcomes]
    if check and any(outcome.pending for outcome in outcomes):
        codes.append(EXIT_PENDING)
    return worst(codes)


def say_outcomes(options: Namespace, outcomes: Sequence[Outcome]) -> None:
    """Say what came of each project, in the form that was asked for."""
    if options.json:
        documents = [output.outcome_document(outcome) for outcome in outcomes]
        say_json(
            options, {"projects": documents}, exit_code=exit_code_of(outcomes, check=getattr(options, "check", False))
        )
        return
    for outcome in outcomes:
        if outcome.failure is not None:
            say_problems(outcome)
            continue
        if len(outcomes) > 1:
            say([f"{outcome.root}:"])
        say(output.outcome_lines(outcome, verbose=options.verbose, quiet=options.quiet))


def say_problems(outcome: Outcome) -> None:
    """What kept a project from being worked on, or an entry from being shown, goes to stderr."""
    failures = [outcome.failure] if outcome.failure else [entry.failure for entry in outcome.entries if entry.failure]
    for failure in failures:
        sys.stderr.writelines(f"{line}\n" for line in output.failure_lines(failure))


def say_json(options: Namespace, document: dict[str, object], *, exit_code: int) -> None:
    """Print a result as the versioned document of docs/json.md."""
    document = {"schema": output.JSON_SCHEMA, "command": options.command, "exit_code": exit_code, **document}
    say([json.dumps(document, indent=2)])


def say(lines: Iterable[str]) -> None:
    """Print lines of data."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()
