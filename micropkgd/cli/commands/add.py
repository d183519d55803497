"""`add`: a new row of the manifest, and the pass that installs it."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.actions.edit_manifest import Added, add_entry, with_entry
from micropkgd.cli.passes import passes
from micropkgd.cli.paths import one_project, ref_from
from micropkgd.cli.say import exit_code_of, say_outcomes
from micropkgd.cli.streams import aside
from micropkgd.errors import MicropkgError, UsageError
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome, Verb
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.project import read_project
from micropkgd.workspace.root import MANIFEST_NAME


def add(options: Namespace) -> int:
    """Add a pull entry; one that cannot be installed leaves the manifest as it was, whatever the reason."""
    root = one_project(options.project)
    if options.ref is None:
        _ask(options, root)
    options.ref = ref_from(options.ref, root)
    given = {"alias": options.alias, "destination": options.destination, "env": options.env,
             "index": options.index, "fs-args": options.fs_args, "sha256": options.sha256}  # fmt: skip
    row = {key: value for key, value in given.items() if value}
    if options.dry_run:
        return _show(options, root, row)
    added = add_entry(root, options.ref, row, options.lock_timeout)
    try:
        wanted = PassOptions(lock_timeout=options.lock_timeout, trigger=f"add {options.ref}", joins=added.commits)
        outcomes = passes(options, [root], wanted)
    except BaseException:
        _take_back(added, options.lock_timeout)
        raise
    failures = [*_failures(outcomes, options.ref)]
    if any(outcome.failure for outcome in outcomes) or any(not failure.transient for failure in failures):
        _take_back(added, options.lock_timeout)
    elif failures:
        aside(f"`{options.ref}` was added, and is tried again by the next pass\n")
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)


def _show(options: Namespace, root: str, row: Mapping[str, str]) -> int:
    """Say what would be done, and write nothing."""
    edit = with_entry(root, options.ref, row)
    aside(f"a row for `{options.ref}` would be added to {MANIFEST_NAME}\n")
    outcomes = passes(options, [root], PassOptions(apply=False, manifest=edit.after, lock_timeout=options.lock_timeout))
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)


def _ask(options: Namespace, root: str) -> None:
    """Ask for the row, where somebody is at a terminal."""
    from micropkgd.cli.ask import ask, on_terminal

    if not on_terminal():
        raise UsageError("which archive is to be added?", hint="name it: `micropkgd add REF`")
    folder = read_project(root).layout.package_folder
    while not options.ref:
        options.ref = ask("path, address or requirement of the archive")
    options.destination = options.destination or ask(f"folder below {folder}, like pipelines (empty: none)")
    options.alias = options.alias or ask("name here (empty: its own)")


def _failures(outcomes: Sequence[Outcome], ref: str) -> list[Failure]:
    """What befell the new entry itself; those of others are no reason against it."""
    entries = [entry for outcome in outcomes for entry in outcome.entries if entry.ref == ref]
    return [entry.failure for entry in entries if entry.verb is Verb.FAIL and entry.failure is not None]


def _take_back(added: Added, lock_timeout: float) -> None:
    try:
        done = added.take_back(lock_timeout)
    except (MicropkgError, OSError) as error:
        aside(f"the row of `{added.ref}` could not be taken out of pyproject.toml again: {error}\n")
        return
    said = "was not added: pyproject.toml is as before" if done else "was added before the pass failed"
    aside(f"`{added.ref}` {said}\n")
