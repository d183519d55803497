"""`add`, `remove` and `resolve`: a person's word on one entry, and the pass that follows it."""

import sys
from argparse import Namespace

from micropkgd.actions.edit_manifest import add_entry, match_entry, remove_entry
from micropkgd.actions.status import require_held
from micropkgd.cli.session import exit_code_of, passes, say_outcomes
from micropkgd.model.choice import Conflict
from micropkgd.model.outcome import Verb
from micropkgd.reconcile.options import Options
from micropkgd.workspace.root import find_root


def add(options: Namespace) -> int:
    """Add a pull entry; one that cannot be installed leaves the manifest as it was."""
    root = find_root(options.project)
    given = {"alias": options.alias, "destination": options.destination, "env": options.env,
             "index": options.index, "fs-args": options.fs_args, "sha256": options.sha256}  # fmt: skip
    undo = add_entry(root, options.ref, {key: value for key, value in given.items() if value}, options.lock_timeout)
    outcomes = passes(options, [root], Options(lock_timeout=options.lock_timeout))
    added = [entry for outcome in outcomes for entry in outcome.entries if entry.ref == options.ref]
    failures = [entry.failure for entry in added if entry.verb is Verb.FAIL and entry.failure is not None]
    if any(not failure.transient for failure in failures):
        undo()
        sys.stderr.write(f"`{options.ref}` was not added: pyproject.toml is as before\n")
    elif failures:
        sys.stderr.write(f"`{options.ref}` was added, and is tried again by the next pass\n")
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)


def remove(options: Namespace) -> int:
    """Remove a pull entry and its untouched files."""
    root = find_root(options.project)
    remove_entry(root, match_entry(root, options.ref), options.lock_timeout)
    outcomes = passes(options, [root], Options(lock_timeout=options.lock_timeout))
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)


def resolve(options: Namespace) -> int:
    """Apply a held entry as the person chose."""
    root = find_root(options.project)
    ref = match_entry(root, options.ref)
    require_held(root, ref)
    wanted = Options(choices={ref: Conflict(options.choice)}, lock_timeout=options.lock_timeout)
    outcomes = passes(options, [root], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)
