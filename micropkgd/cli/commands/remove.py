"""`remove`: a row less in the manifest, and the pass that removes its files."""

from argparse import Namespace

from micropkgd.actions.edit_manifest import remove_entry
from micropkgd.actions.naming import match_entry
from micropkgd.cli.passes import passes
from micropkgd.cli.say import exit_code_of, say_outcomes
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.root import find_root
from micropkgd.workspace.transaction import kept


def remove(options: Namespace) -> int:
    """Remove a pull entry and its untouched files."""
    root = find_root(options.project)
    ref, before = match_entry(root, options.ref), kept.ids(root)
    remove_entry(root, ref, options.lock_timeout)
    joins = tuple(kept.ids(root) - before)
    wanted = PassOptions(allow_empty=True, lock_timeout=options.lock_timeout, trigger=f"remove {ref}", joins=joins)
    outcomes = passes(options, [root], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)
