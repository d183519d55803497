"""`add`: a new row of the manifest, and the pass that installs it."""

import sys
from argparse import Namespace

from micropkgd.actions.edit_manifest import add_entry
from micropkgd.cli.passes import passes
from micropkgd.cli.say import exit_code_of, say_outcomes
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
