"""`diff`: show what a pass would change, what holds an entry, or what was edited here; and change nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.actions.diff import changes_of, read_files, with_texts_beside
from micropkgd.actions.edits import EditedEntry, edited_entries
from micropkgd.actions.naming import match_entry
from micropkgd.cli import output
from micropkgd.cli.hints import short_names
from micropkgd.cli.lines import plain
from micropkgd.cli.output_diff import held_document, held_lines
from micropkgd.cli.passes import passes
from micropkgd.cli.paths import ask_each, one_project, projects_at
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import exit_code_of, failed_row, say, say_aside, say_json, say_one, say_outcomes, say_problems
from micropkgd.errors import UsageError
from micropkgd.model.condition import Failure, worst
from micropkgd.model.outcome import EntryOutcome, Outcome
from micropkgd.model.plan import Change
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.undisturbed import undisturbed


class _Preview(NamedTuple):
    """What a pass over one project would come to."""

    outcome: Outcome
    changes: Sequence[Change] = ()
    before: Mapping[RelPath, bytes] = {}  # the files as they are
    held: Sequence[EntryOutcome] = ()


def diff(options: Namespace) -> int:
    """Show what a pass would change, or what was edited here."""
    roots = [one_project(options.project)] if options.ref else projects_at(options.project)
    only = match_entry(roots[0], options.ref) if options.ref else None
    if options.edits:
        return _edits(options, roots, only)
    seen = ask_each(roots, lambda root: undisturbed(root, options.lock_timeout, lambda: _preview(options, root, only)))
    found = [_Preview(Outcome(root, failure=one)) if isinstance(one, Failure) else one for root, one in seen]
    outcomes = [one.outcome for one in found]
    if options.json:
        held = [held_document(entry, one.before, one.outcome.contents) for one in found for entry in one.held]
        say_outcomes(options, outcomes, held=held)
        return exit_code_of(outcomes)
    for one in found:
        _say_below(one.outcome.root, [*_lines(one)], several=len(found) > 1)
        if len(found) > 1 and (one.outcome.failure or any(entry.failure for entry in one.outcome.entries)):
            say_aside([plain(f"{one.outcome.root}:")])
        say_problems(one.outcome)
    return exit_code_of(outcomes)


def _preview(options: Namespace, root: str, only: str | None) -> _Preview:
    """What would change, and the files as they are."""
    wanted = PassOptions(
        apply=False, locked=options.locked, frozen=options.frozen, allow_downgrade=options.allow_downgrade
    )
    (outcome,) = passes(options, [root], wanted)
    changes = changes_of(outcome, only)
    before = read_files(root, (change.path for change in changes if change.before))
    held = [with_texts_beside(root, entry) for entry in outcome.entries if _is_held(entry, only)]
    return _Preview(outcome, changes, before, held)


def _is_held(entry: EntryOutcome, only: str | None) -> bool:
    return only in {None, entry.ref} and entry.plan is not None and bool(entry.plan.held)


def _lines(seen: _Preview) -> Iterator[str]:
    """What holds entries, each by itself; then the rest."""
    outcome = seen.outcome
    called = short_names([entry.key for entry in outcome.entries], {one.ref: one.name for one in outcome.entries})
    for entry in seen.held:
        yield from held_lines(entry, called[entry.ref], seen.before, outcome.contents)
    apart = {change.path for entry in seen.held if entry.plan is not None for change in entry.plan.changes}
    shown = [change for change in seen.changes if change.path not in apart]
    yield from output.diff_lines(shown, seen.before, outcome.contents)


def _say_below(root: str, lines: Sequence[str], *, several: bool) -> None:
    """Print lines of data, below their project where there are several."""
    say([plain(f"{root}:"), *lines] if several and lines else lines)


def _edits(options: Namespace, roots: Sequence[str], only: str | None) -> int:
    """What was edited here, as a diff against the installed version."""
    if options.locked or options.frozen or options.allow_downgrade:
        raise UsageError("`--edits` looks at what is installed", hint="leave `--locked`, `--frozen` and the like out")
    with ExitStack() as stack:
        reach = Reach(options, stack)
        found = ask_each(
            roots,
            lambda root: undisturbed(root, options.lock_timeout, lambda: edited_entries(root, reach.fetcher, only)),
        )
    exit_code = worst(code for _, entries in found for code in _codes(entries))
    if options.json:
        rows = [
            failed_row(root, entries)
            if isinstance(entries, Failure)
            else {"project": root, "entries": [_document(entry) for entry in entries]}
            for root, entries in found
        ]
        say_json(options, {"projects": rows}, exit_code=exit_code)
        return exit_code
    for root, entries in found:
        if isinstance(entries, Failure):
            say_one(root, entries)
            continue
        _say_below(root, [line for entry in entries for line in _edit_lines(entry)], several=len(found) > 1)
        say_aside(line for entry in entries if entry.failure for line in output.failure_lines(entry.failure))
    return exit_code


def _codes(entries: Failure | Sequence[EditedEntry]) -> Iterator[int]:
    if isinstance(entries, Failure):
        yield entries.exit_code
        return
    yield from (entry.failure.exit_code for entry in entries if entry.failure is not None)


def _edit_lines(entry: EditedEntry) -> Iterator[str]:
    for edit in entry.edits:
        if edit.is_formatting:
            yield f"# {plain(edit.path)}: formatting only"
        yield from output.text_diff(*edit)


def _document(entry: EditedEntry) -> dict[str, object]:
    from micropkgd.model.outcome_json import failure_document

    return {
        "ref": entry.ref,
        "target": entry.target,
        "version": entry.version,
        "edits": [
            {"path": edit.path, "formatted": edit.is_formatting, "diff": list(output.text_diff(*edit))}
            for edit in entry.edits
        ],
        "failure": failure_document(entry.failure),
    }
