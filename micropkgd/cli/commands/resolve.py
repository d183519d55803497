"""`resolve`: a person's word on what becomes of a held entry."""

import os
from argparse import Namespace
from collections.abc import Sequence

from micropkgd.actions.keep_deleted import held_deletions, keep_deleted
from micropkgd.actions.naming import match_entry
from micropkgd.actions.settle import decide, held_entry, named_files
from micropkgd.actions.status import require_choice
from micropkgd.cli.passes import passes
from micropkgd.cli.say import exit_code_of, say_outcomes
from micropkgd.cli.streams import aside
from micropkgd.model.choice import Conflict
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.root import find_root
from micropkgd.workspace.transaction import kept


def resolve(options: Namespace) -> int:
    """Apply a held entry as the person chose, once all that holds it is decided."""
    root = find_root(options.project)
    ref = match_entry(root, options.ref, leaving=True)
    if options.edit:
        from micropkgd.cli.commands.join import join

        return join(options, root, ref)
    choice = Conflict(options.choice)
    require_choice(root, ref, choice)
    entry = held_entry(root, ref)
    paths = named_files(entry, options.paths, root, os.getcwd())
    decision = decide(root, entry, choice, paths)
    before = kept.ids(root)
    if choice is Conflict.KEEP:
        _keep_deletions(options, root, ref, paths)
    wanted = PassOptions(
        apply=not options.dry_run,
        choices={ref: decision},
        lock_timeout=options.lock_timeout,
        trigger=f"resolve {' '.join((ref, *paths))} --{choice.value}",
        joins=tuple(kept.ids(root) - before),
    )
    outcomes = passes(options, [root], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)


def _keep_deletions(options: Namespace, root: str, ref: str, paths: Sequence[RelPath]) -> None:
    """Write it down where a file was deleted that the new version has: the next pass would restore it."""
    gone = [path for path in held_deletions(root, ref) if not paths or path in paths]
    if gone and not options.dry_run:
        keep_deleted(root, ref, gone, options.lock_timeout)
    for path in gone:
        aside(f'`keep-deleted` of its row {"would name" if options.dry_run else "names"} "{path}"\n')
