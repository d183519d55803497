"""One command at work: the passes it runs, and how it says what came of them."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from micropkgd.cli import output
from micropkgd.cli.lines import plain
from micropkgd.cli.logs import Logs
from micropkgd.cli.machine import check_of, pass_by_service, settings_of
from micropkgd.cli.progress import Downloads
from micropkgd.errors import MicropkgError, ShortageError, UsageError
from micropkgd.model.condition import EXIT_PENDING, Failure, worst
from micropkgd.model.outcome import Outcome
from micropkgd.reconcile.options import Options
from micropkgd.workspace.memory.settling import settled_outcome
from micropkgd.workspace.root import find_root

if TYPE_CHECKING:
    from micropkgd.reconcile.package.publish import Publisher
    from micropkgd.reconcile.resolve.fetcher import Fetcher
    from micropkgd.sources.cache import ArchiveCache
    from micropkgd.sources.gather import Sources

    MakeFetcher = Callable[[str], Fetcher]


def passes(options: Namespace, projects: Iterable[str], wanted: Options) -> list[Outcome]:
    """Run one pass for each project."""
    wanted = wanted._replace(offline=getattr(options, "offline", False))
    return work_on(options, projects, lambda root, make_fetcher: _pass(options, root, wanted, make_fetcher))


def work_on(
    options: Namespace, projects: Iterable[str], work: "Callable[[str, MakeFetcher], Outcome]"
) -> list[Outcome]:
    """Do some work on each project; one that cannot be worked on does not stop the others (promise P7)."""
    logs = logs_of(options)
    outcomes = []
    with ExitStack() as stack:
        reach = Reach(options, stack)
        for project in projects:
            try:
                outcome = work(find_root(project), reach.fetcher)
            except MicropkgError as error:
                outcome = Outcome(project, failure=Failure.of(error))
            except BrokenPipeError:  # of who reads us
                raise
            except OSError as error:
                outcome = Outcome(project, failure=Failure.of(of_the_machine(error, project)))
            if outcome.recovered:
                logs.warning("recovered", project=outcome.root, what="an interrupted pass was finished or taken back")
            if outcome.set_aside:
                logs.warning(
                    "set aside", project=outcome.root, what=f"a journal that is not yours, as {outcome.set_aside}"
                )
            logs.info("pass ended", project=outcome.root, exit_code=outcome.exit_code, pending=outcome.pending)
            outcomes.append(outcome)
    return outcomes


def logs_of(options: Namespace) -> Logs:
    """The log of one command, as its options want it."""
    level = "info" if options.verbose else "error" if options.quiet else "warning"
    return Logs(options.log_format or "console", level=level)


def _pass(options: Namespace, root: str, wanted: Options, make_fetcher: "MakeFetcher") -> Outcome:
    """Take the short way where nothing moved; the loop is imported for the long one only."""
    settled = settled_outcome(root, apply=wanted.apply) if wanted.is_plain else None
    if settled is not None:
        return settled
    served = pass_by_service(options, root, wanted)
    if served is not None:
        return served
    from micropkgd.cli.signals import end_on_sigterm
    from micropkgd.reconcile.cycle import run_pass

    end_on_sigterm()
    return run_pass(root, wanted, make_fetcher, check=check_of(options, logs_of(options)))


class Reach:
    """The cache and the sources of one command, made when the first pass needs them and shared by all."""

    def __init__(self, options: Namespace, stack: ExitStack) -> None:
        self._options = options
        self._stack = stack
        self._shared: tuple[Sources, ArchiveCache] | None = None

    def fetcher(self, root: str) -> "Fetcher":
        """What one project's pass reaches archives with."""
        from micropkgd.reconcile.resolve.fetcher import Fetcher

        sources, cache = self._shared = self._shared or self._make()
        return Fetcher(root, sources, cache, os.environ)

    def publisher(self, root: str) -> "Publisher":
        """What one project's archives are published with."""
        from micropkgd.reconcile.package.publish import Publisher

        sources, _ = self._shared = self._shared or self._make()
        return Publisher(root, sources, os.environ)

    def _make(self) -> "tuple[Sources, ArchiveCache]":
        from micropkgd.sources.cache import ArchiveCache, default_cache_folder
        from micropkgd.sources.gather import Sources

        progress = self._stack.enter_context(Downloads(quiet=self._options.quiet or self._options.json))
        offline = getattr(self._options, "offline", False)  # not an option of every command
        settings = settings_of(self._options)
        if settings is None:
            cache = ArchiveCache(default_cache_folder(os.environ))
            return self._stack.enter_context(Sources(cache, offline=offline, progress=progress)), cache
        from micropkgd.machine.config import allowed_origins, cache_of, pace_of

        cache = cache_of(settings)
        sources = Sources(
            cache,
            offline=offline,
            progress=progress,
            at_once=settings.limits.downloads,
            per_host=settings.limits.downloads_per_host,
            origins=allowed_origins(settings),
            pace=pace_of(settings),
        )
        return self._stack.enter_context(sources), cache


def exit_code_of(outcomes: Sequence[Outcome], *, check: bool = False) -> int:
    """The exit code of a command over these projects; `check` counts what is pending."""
    codes = [outcome.exit_code for outcome in outcomes]
    if check and any(outcome.pending for outcome in outcomes):
        codes.append(EXIT_PENDING)
    return worst(codes)


def say_outcomes(options: Namespace, outcomes: Sequence[Outcome], **also: object) -> None:
    """Say what came of each project, in the form that was asked for; `also` is for the document alone."""
    if options.json:
        from micropkgd.model.outcome_json import outcome_document

        documents = [outcome_document(outcome) for outcome in outcomes]
        say_json(
            options,
            {**also, "projects": documents},
            exit_code=exit_code_of(outcomes, check=getattr(options, "check", False)),
        )
        return
    for outcome in outcomes:
        if len(outcomes) > 1:
            heading = [f"{plain(outcome.root)}:"]
            say(heading) if outcome.failure is None else say_aside(heading)
        if outcome.failure is not None:
            say_problems(outcome)
            continue
        say(output.outcome_lines(outcome, verbose=options.verbose, quiet=options.quiet))
        if outcome.packages:
            from micropkgd.cli.output_package import package_lines

            words = package_lines(
                outcome.packages, verbose=options.verbose, quiet=options.quiet, applied=outcome.applied
            )
            say(words)


def say_problems(outcome: Outcome) -> None:
    """What kept a project from being worked on, or an entry from being shown, goes to stderr."""
    failures = [outcome.failure] if outcome.failure else [entry.failure for entry in outcome.entries if entry.failure]
    for failure in failures:
        say_aside(output.failure_lines(failure))


def say_aside(lines: Iterable[str]) -> None:
    """Print lines that are no data."""
    sys.stderr.writelines(f"{line}\n" for line in lines)


def of_the_machine(error: OSError, where: str = "") -> MicropkgError:
    """No descriptors left, a full or failing disk, or a current folder that leads nowhere, not even as `.`."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return UsageError("the current folder was deleted", hint="go to one that is there, like `cd ~`")
    return ShortageError.of(error, where)


def say_json(options: Namespace, document: dict[str, object], *, exit_code: int) -> None:
    """Print a result as the versioned document of docs/json.md."""
    document = {"schema": output.JSON_SCHEMA, "command": options.command, "exit_code": exit_code, **document}
    say([json.dumps(document, indent=2)])


def say(lines: Iterable[str]) -> None:
    """Print lines of data."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))  # at once: a thousand small writes take a while
    sys.stdout.flush()
