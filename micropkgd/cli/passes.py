"""The passes that a command runs, each project on its own."""

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.cli.logs import Logs
from micropkgd.cli.machine import check_of, pass_by_service
from micropkgd.cli.reach import Reach
from micropkgd.errors import MicropkgError, ShortageError, UsageError
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.workspace.root import find_root

if TYPE_CHECKING:
    from micropkgd.reconcile.options import PassOptions
    from micropkgd.reconcile.resolve.fetcher import Fetcher

    MakeFetcher = Callable[[str], Fetcher]


def passes(options: Namespace, projects: Iterable[str], wanted: "PassOptions") -> list[Outcome]:
    """Run one pass for each project."""
    wanted = wanted._replace(offline=getattr(options, "offline", False))
    return _work_on(
        options, projects, lambda root, make_fetcher: _pass(options, root, wanted, make_fetcher), goes_on=wanted.apply
    )


def work_on(
    options: Namespace, projects: Iterable[str], work: "Callable[[str, MakeFetcher], Outcome]"
) -> list[Outcome]:
    """Do some work on each project; one that cannot be worked on does not stop the others (promise P7)."""
    return _work_on(options, projects, work)


def _work_on(
    options: Namespace,
    projects: Iterable[str],
    work: "Callable[[str, MakeFetcher], Outcome]",
    *,
    goes_on: bool = False,
) -> list[Outcome]:
    """`goes_on`: no project waits for what is slow; at the end each is worked on again for what came meanwhile."""
    with ExitStack() as stack:
        reach = Reach(options, stack, goes_on=goes_on)
        outcomes = [_worked_on(project, reach, work) for project in projects]
        for number, outcome in enumerate(outcomes):
            while outcome.downloading and reach.wait_for_late():
                outcome = outcome.and_then(_worked_on(outcome.root, reach, work))  # noqa: PLW2901 - it goes on
            outcomes[number] = outcome
    logs = logs_of(options)
    for outcome in outcomes:
        _log(logs, outcome)
    return outcomes


def _worked_on(project: str, reach: Reach, work: "Callable[[str, MakeFetcher], Outcome]") -> Outcome:
    try:
        return work(find_root(project), reach.fetcher)
    except MicropkgError as error:
        return Outcome(project, failure=Failure.of(error))
    except BrokenPipeError:  # of who reads us
        raise
    except OSError as error:
        return Outcome(project, failure=Failure.of(of_the_machine(error, project)))


def _log(logs: Logs, outcome: Outcome) -> None:
    if outcome.recovered:
        logs.warning("recovered", project=outcome.root, what="an interrupted pass was finished or taken back")
    if outcome.set_aside:
        logs.warning("set aside", project=outcome.root, what=f"a journal that is not yours, as {outcome.set_aside}")
    logs.info("pass ended", project=outcome.root, exit_code=outcome.exit_code, pending=outcome.pending)


def logs_of(options: Namespace) -> Logs:
    """The log of one command, as its options want it."""
    level = "info" if options.verbose else "error" if options.quiet else "warning"
    return Logs(options.log_format or "console", level=level)


def _pass(options: Namespace, root: str, wanted: "PassOptions", make_fetcher: "MakeFetcher") -> Outcome:
    """Take the short way where nothing moved; the loop is imported for the long one only."""
    from micropkgd.workspace.memory.settling import settled_outcome

    settled = None
    if wanted.may_settle:
        settled = settled_outcome(root, apply=wanted.apply, lock_only=wanted.lock_only)
    if settled is not None and not settled.asking:
        return settled.outcome
    served = pass_by_service(options, root, wanted)
    if served is not None:
        return served
    if settled is not None:
        from micropkgd.reconcile.news import seek_news

        sought = seek_news(settled, wanted, make_fetcher)
        if sought.outcome is not None:
            return sought.outcome
        make_fetcher = sought.telling(make_fetcher)
    from micropkgd.cli.signals import end_on_sigterm
    from micropkgd.reconcile.cycle import run_pass

    end_on_sigterm()
    if not wanted.apply:
        from micropkgd.reconcile.undisturbed import undisturbed

        return undisturbed(root, wanted.lock_timeout, lambda: run_pass(root, wanted, make_fetcher))
    return run_pass(root, wanted, make_fetcher, check=check_of(options, logs_of(options)))


def of_the_machine(error: OSError, where: str = "") -> MicropkgError:
    """No descriptors left, a full or failing disk, or a current folder that leads nowhere, not even as `.`."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return UsageError("the current folder was deleted", hint="go to one that is there, like `cd ~`")
    return ShortageError.of(error, where)
