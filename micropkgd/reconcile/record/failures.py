"""Keeps failures: an entry whose source failed goes on to fail until it is asked again and answers.

A pass that a saved file led to asks nobody, so it can neither find that a source is back nor that what it last gave out
can be used after all. What it installs is what is locked; how the entry stands is what is known.
"""

import os
from collections.abc import Sequence

from micropkgd.model.condition import Failure
from micropkgd.model.outcome import EntryOutcome, Outcome
from micropkgd.reconcile.options import Following
from micropkgd.reconcile.resolve.fetcher import Follow, Resolution
from micropkgd.reconcile.this_pass import Pass
from micropkgd.workspace.memory.settled import signature
from micropkgd.workspace.memory.state import Failing, State
from micropkgd.workspace.project import Project

_OUT_OF_STEP = 3  # exit code: manifest and lock disagree, whatever the source says


def with_last_failures(this: Pass, outcome: Outcome, resolutions: Sequence[Resolution]) -> Outcome:
    """Say of each entry whose source was not asked how it failed when it last was."""
    answers = dict(zip((entry.ref.text for entry in this.project.manifest.pulls), resolutions, strict=True))
    entries = (
        entry._replace(last_failure=_last_failure(this, entry, answers[entry.ref])) if entry.ref in answers else entry
        for entry in outcome.entries
    )
    return outcome._replace(entries=tuple(entries))


def failing_after(this: Pass, outcome: Outcome, resolutions: Sequence[Resolution]) -> dict[str, Failing]:
    """What to remember of the entries that failed, by ref."""
    came_to = {entry.ref: entry for entry in outcome.entries}
    failing = {}
    for entry, resolution in zip(this.project.manifest.pulls, resolutions, strict=True):
        ref, came = entry.ref.text, came_to.get(entry.ref.text)
        if not _was_asked(this, ref, resolution):
            if ref in this.state.failing and not _is_over(this.state.failing[ref], resolution):
                failing[ref] = this.state.failing[ref]
        elif came is not None and (failure := came.failure or resolution.unanswered) is not None and not failure.held:
            of_source = resolution.failure is not None or resolution.unanswered is not None
            failing[ref] = _remembered(failure, fs_args_now(this.project, entry.fs_args), of_source=of_source)
    return failing


def asked_again(project: Project, state: State) -> frozenset[str]:
    """The refs that failed, and whose fs-args file was written since: that may be what was wrong."""
    return frozenset(
        entry.ref.text
        for entry in project.manifest.pulls
        if (known := state.failing.get(entry.ref.text)) is not None
        and known.fs_args != fs_args_now(project, entry.fs_args)
    )


def out_of_reach(state: State) -> frozenset[str]:
    """The refs whose source did not answer when it was last asked, and may answer now."""
    return frozenset(ref for ref, known in state.failing.items() if known.of_source and known.transient)


def fs_args_now(project: Project, path: str | None) -> str:
    """How an fs-args file stands."""
    found = signature(os.stat, os.path.join(project.root, path)) if path is not None else None
    return "" if found is None else "-".join(map(str, found))


def _last_failure(this: Pass, entry: EntryOutcome, resolution: Resolution) -> Failure | None:
    known = this.state.failing.get(entry.ref)
    if entry.failure is not None:
        return None
    if resolution.unanswered is not None:
        failure = resolution.unanswered
    elif known is None or _was_asked(this, entry.ref, resolution) or _is_over(known, resolution):
        return None
    else:
        failure = Failure(known.exit_code, known.reason, known.problem, known.hint, transient=known.transient)
    # Who said to ask nobody knows that nobody was asked.
    return failure if this.options.following is Following.NOTHING else failure._replace(exit_code=0)


def _was_asked(this: Pass, ref: str, resolution: Resolution) -> bool:
    """Whether the pass looked at what the source has, or tried to."""
    if (failure := resolution.failure) is not None:
        return not failure.suspended and failure.exit_code != _OUT_OF_STEP
    return this.follow[ref] is Follow.REFS or resolution.asked or resolution.unanswered is not None


def _is_over(known: Failing, resolution: Resolution) -> bool:
    """Whether a place on this machine that could not be read can be again, though it has nothing new."""
    return known.of_source and resolution.answered


def _remembered(failure: Failure, fs_args: str, *, of_source: bool) -> Failing:
    code, reason, problem, hint, transient, _ = failure
    return Failing(code, reason, problem, hint, transient, of_source, fs_args)
