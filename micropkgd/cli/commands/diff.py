"""`diff`: show what a pass would change, what holds an entry, or what was edited here; and change nothing."""

from collections.abc import Mapping
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
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import say, say_aside, say_json, say_outcomes, say_problems
from micropkgd.errors import UsageError
from micropkgd.model.condition import worst
from micropkgd.model.outcome import EntryOutcome, Outcome
from micropkgd.model.plan import Change
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.undisturbed import undisturbed
from micropkgd.workspace.root import find_root


def diff(options: Namespace) -> int:
    """Show what a pass would change, or what was edited here."""
    root = find_root(options.project)
    only = match_entry(root, options.ref) if options.ref else None
    if options.edits:
        return _edits(options, root, only)
    wanted = PassOptions(
        apply=False, locked=options.locked, frozen=options.frozen, allow_downgrade=options.allow_downgrade
    )
    outcome, changes, before = undisturbed(root, options.lock_timeout, lambda: _seen(options, root, only, wanted))
    held = [with_texts_beside(root, entry) for entry in outcome.entries if _is_held(entry, only)]
    if options.json:
        documents = [held_document(entry, before, outcome.contents) for entry in held]
        say_outcomes(options, [outcome], held=documents)
    else:
        called = short_names([entry.key for entry in outcome.entries], {one.ref: one.name for one in outcome.entries})
        for entry in held:
            say(held_lines(entry, called[entry.ref], before, outcome.contents))
        apart = {change.path for entry in held if entry.plan is not None for change in entry.plan.changes}
        shown = [change for change in changes if change.path not in apart]
        say(output.diff_lines(shown, before, outcome.contents))
        say_problems(outcome)
    return outcome.exit_code


def _is_held(entry: EntryOutcome, only: str | None) -> bool:
    return only in {None, entry.ref} and entry.plan is not None and bool(entry.plan.held)


def _seen(
    options: Namespace, root: str, only: str | None, wanted: PassOptions
) -> tuple[Outcome, list[Change], Mapping[RelPath, bytes]]:
    """What would change, and the files as they are."""
    (outcome,) = passes(options, [root], wanted)
    changes = changes_of(outcome, only)
    return outcome, changes, read_files(root, (change.path for change in changes if change.before))


def _edits(options: Namespace, root: str, only: str | None) -> int:
    """What was edited here, as a diff against the installed version."""
    if options.locked or options.frozen or options.allow_downgrade:
        raise UsageError("`--edits` looks at what is installed", hint="leave `--locked`, `--frozen` and the like out")
    with ExitStack() as stack:
        reach = Reach(options, stack)
        entries = undisturbed(root, options.lock_timeout, lambda: edited_entries(root, reach.fetcher, only))
    exit_code = worst(entry.failure.exit_code for entry in entries if entry.failure is not None)
    if options.json:
        rows = [_document(entry) for entry in entries]
        say_json(options, {"projects": [{"project": root, "entries": rows}]}, exit_code=exit_code)
        return exit_code
    for entry in entries:
        for edit in entry.edits:
            if edit.is_formatting:
                say([f"# {plain(edit.path)}: formatting only"])
            say(output.text_diff(*edit))
        if entry.failure is not None:
            say_aside(output.failure_lines(entry.failure))
    return exit_code


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
