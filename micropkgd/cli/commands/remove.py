"""`remove`: a row less in the manifest, and the pass that removes its files."""

from types import SimpleNamespace as Namespace

from micropkgd.actions.edit_manifest import remove_entry, without_entry
from micropkgd.actions.naming import match_entry
from micropkgd.cli.passes import passes
from micropkgd.cli.paths import one_project
from micropkgd.cli.say import exit_code_of, say_outcomes
from micropkgd.cli.streams import aside
from micropkgd.model.choice import Conflict, Decision
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.root import MANIFEST_NAME
from micropkgd.workspace.transaction import kept


def remove(options: Namespace) -> int:
    """Remove a pull entry and its untouched files; of its local edits somebody must say what becomes."""
    root = one_project(options.project)
    ref, before = match_entry(root, options.ref), kept.ids(root)
    wanted = PassOptions(
        allow_empty=True,
        choices={ref: Decision(Conflict(options.choice))} if options.choice else {},
        lock_timeout=options.lock_timeout,
        trigger=f"remove {ref}{f' --{options.choice}' if options.choice else ''}",
    )
    if options.dry_run:
        aside(f"the row of `{ref}` would leave {MANIFEST_NAME}\n")
        wanted = wanted._replace(apply=False, manifest=without_entry(root, ref).after)
    else:
        remove_entry(root, ref, options.lock_timeout)
        wanted = wanted._replace(joins=tuple(kept.ids(root) - before))
    outcomes = passes(options, [root], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes)
