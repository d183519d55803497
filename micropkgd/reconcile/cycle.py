"""One pass: observe, resolve, render, plan, commit, package, report (design.md section 5).

A pass reads everything again, whatever triggered it. It is synchronous and has one writer, the transaction; where a
person's save races it, the commit is taken back, that entry is left out, and the rest is planned again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from micropkgd.model.outcome import Outcome
from micropkgd.reconcile.carry_out import carry_out
from micropkgd.reconcile.conflicts import lay_beside
from micropkgd.reconcile.desired import current_blocks, desire
from micropkgd.reconcile.modes import check_lock, follow_of, frozen
from micropkgd.reconcile.options import Options
from micropkgd.reconcile.propose import Proposal, Proposer
from micropkgd.reconcile.remember import remember, with_since
from micropkgd.reconcile.report import depended_on, leave_record, outcome_of
from micropkgd.reconcile.resolve import Fetcher, Resolution
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.hold import hold
from micropkgd.workspace.observe import wait_for_git
from micropkgd.workspace.project import Project, read_project, with_requirements_file
from micropkgd.workspace.settled import watch
from micropkgd.workspace.state import State, read_state
from micropkgd.workspace.transaction import recover

if TYPE_CHECKING:
    from micropkgd.reconcile.package.publish import Publisher

GIT_PATIENCE = 10.0  # seconds


def run_pass(
    root: str, options: Options, make_fetcher: Callable[[str], Fetcher], *, fsops: Callable[[str], FsOps] = FsOps
) -> Outcome:
    """Bring one project into line with its manifest and lock; do nothing if it already is.

    What is wrong with one entry is in its outcome. Raises `MicropkgError` where the project as a whole cannot be
    worked on; nothing was changed then.
    """
    with fsops(root) as fs, _held(root, options):
        recovered = options.apply and recover(fs) is not None
        if options.apply:
            wait_for_git(root, GIT_PATIENCE)
        project, state = _observe(root, options), read_state(fs)
        watched = watch(root, *depended_on(project))
        fetcher = fetcher_for(project, make_fetcher)._replace(allow_downgrade=options.allow_downgrade)
        resolutions = _resolve(project, state, fetcher, options)
        desired = desire(project, fetcher, resolutions, frozen=options.frozen)
        proposer = Proposer(fs, project, state, fetcher, options.choices)
        make = proposer.relock if options.lock_only else proposer.propose
        proposal = carry_out(proposer, make, desired) if options.apply else make(desired, {})
        outcome = with_since(outcome_of(root, proposal, recovered=recovered, applied=options.apply), state)
        outcome = _package(fs, project, proposal, outcome, options, fetcher)
        if options.apply:
            try:
                lay_beside(fs, proposal)
                state = remember(fs, project, state, proposal, outcome, resolutions)
                if options.is_plain:
                    leave_record(fs, project, proposal, watched, state.hashes, outcome)
            except OSError as error:
                raise refused_by_disk(error) from error
        return outcome


@contextmanager
def _held(root: str, options: Options) -> Iterator[None]:
    """Only a pass that may write needs the project for itself."""
    if not options.apply:
        yield
        return
    with hold(root, options.lock_timeout):
        yield


def _observe(root: str, options: Options) -> Project:
    """Read the project as the options want it seen."""
    project = with_requirements_file(read_project(root), options.requirements_file)
    if options.locked:
        check_lock(project)
    return frozen(project) if options.frozen else project


def fetcher_for(project: Project, make_fetcher: Callable[[str], Fetcher]) -> Fetcher:
    """What reaches archives for a project, by its own policy."""
    policy = project.manifest.policy
    return make_fetcher(project.root)._replace(
        protocols=policy.protocols,
        mirrors=policy.mirrors,
        requires_python=project.manifest.project.requires_python,
    )


def _resolve(project: Project, state: State, fetcher: Fetcher, options: Options) -> Sequence[Resolution]:
    """Find the archive that answers each entry."""
    blocks = current_blocks(project)
    entries = [(entry, blocks[entry.ref.text]) for entry in project.manifest.pulls]
    return fetcher.resolve(entries, state.known, follow_of(project, options))


def _package(
    fs: FsOps, project: Project, proposal: Proposal, outcome: Outcome, options: Options, fetcher: Fetcher
) -> Outcome:
    """Pack the project's own modules that changed; the packer is imported where there is one to pack."""
    entries = project.manifest.packages
    if not entries or options.lock_only:
        return outcome
    from micropkgd.reconcile.package.entries import package_entries

    def make_publisher(root: str) -> "Publisher":
        from micropkgd.reconcile.package.publish import Publisher

        return Publisher(root, fetcher.sources, fetcher.environ)

    project = project._replace(lock=proposal.lock)
    done = package_entries(fs, project, entries, apply=options.apply, make_publisher=make_publisher)
    return outcome._replace(packages=done)
