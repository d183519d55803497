"""Formats what packaging did, as plain lines for people. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from micropkgd.cli.lines import modules_line, plain, standing_line, version_said
from micropkgd.cli.output import failure_lines
from micropkgd.model.condition import Condition
from micropkgd.model.packaged import PackageOutcome, Step

_DONE = {Step.CREATE: "packaged", Step.UPDATE: "repackaged", Step.NONE: "unchanged", Step.FAIL: "failed"}


def package_lines(
    outcomes: Sequence[PackageOutcome],
    *,
    verbose: bool = False,
    quiet: bool = False,
    applied: bool = True,
    places: bool = False,
) -> Iterator[str]:
    """One line an entry, with what needs attention below it, and a line that counts; `places` also of what is there."""
    for outcome in outcomes:
        if quiet and outcome.failure is None and not outcome.told:
            continue
        yield plain(_entry_line(outcome, applied=applied))
        yield from _detail_lines(outcome, verbose=verbose, quiet=quiet, applied=applied, places=places)
    if not quiet:
        yield _summary(outcomes)


def _entry_line(outcome: PackageOutcome, *, applied: bool) -> str:
    step = _step(outcome)
    word = _DONE[step] if applied or step in {Step.NONE, Step.FAIL} else "would package"
    if outcome.condition is Condition.SUSPENDED:
        word = "suspended"
    archived = outcome.archived
    if outcome.failure is not None or archived is None:
        return standing_line(word, outcome.module, "", "")
    return standing_line(word, outcome.module, archived.path, version_said(archived.version, archived.digest))


def _step(outcome: PackageOutcome) -> Step:
    """What is told as done: an archive that stays as it is and could not be published has failed."""
    failed = outcome.failure is not None and outcome.condition is not Condition.SUSPENDED
    return Step.FAIL if failed and outcome.step is Step.NONE else outcome.step


def _detail_lines(outcome: PackageOutcome, *, verbose: bool, quiet: bool, applied: bool, places: bool) -> Iterator[str]:
    archived = outcome.archived
    if outcome.failure is not None and outcome.condition is not Condition.SUSPENDED:
        yield from failure_lines(outcome.failure, indent="  ")
        if archived is not None and outcome.step is Step.FAIL:
            yield plain(f"  kept: {archived.path}, as it was last packaged")
    if archived is not None and outcome.published is not None and (verbose or places or outcome.sent):
        what = version_said(archived.version, outcome.published.digest)
        word = "would publish" if outcome.sent and not applied else "published"
        yield plain(f"  {word}: {what} at {outcome.published.to}")
    if outcome.unreleased and not quiet:
        yield plain(f"  unreleased: {outcome.unreleased}")
    yield from (f"  note: {plain(note)}" for note in outcome.told)
    if archived is not None and outcome.failure is None and (verbose or outcome.step is not Step.NONE):
        yield from (f"  left out: {plain(left.path)} ({left.reason})" for left in archived.left_out)


def _summary(outcomes: Sequence[PackageOutcome]) -> str:
    if not outcomes:
        return "no package entries in pyproject.toml"
    counts = Counter(map(_step, outcomes))
    said = ", ".join(f"{counts[step]} {word}" for step, word in _DONE.items() if counts[step])
    return modules_line(len(outcomes), said)
