"""The passes that a command runs, each project on its own."""

import os
from argparse import Namespace
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from micropkgd.cli.logs import Logs
from micropkgd.cli.machine import check_of, pass_by_service
from micropkgd.cli.reach import Reach
from micropkgd.errors import MicropkgError, ShortageError, UsageError
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.reconcile.options import Options
from micropkgd.workspace.memory.settling import settled_outcome
from micropkgd.workspace.root import find_root

if TYPE_CHECKING:
    from micropkgd.reconcile.resolve.fetcher import Fetcher

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


def of_the_machine(error: OSError, where: str = "") -> MicropkgError:
    """No descriptors left, a full or failing disk, or a current folder that leads nowhere, not even as `.`."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return UsageError("the current folder was deleted", hint="go to one that is there, like `cd ~`")
    return ShortageError.of(error, where)
