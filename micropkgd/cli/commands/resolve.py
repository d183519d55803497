"""`resolve`: a person's word on what becomes of a held entry."""

from types import SimpleNamespace as Namespace

from micropkgd.actions.naming import held_entry, match_entry
from micropkgd.actions.resolving import changed_meanwhile, resolving
from micropkgd.cli.lines import plain
from micropkgd.cli.passes import passes
from micropkgd.cli.paths import one_project
from micropkgd.cli.say import exit_code_of, say_aside, say_outcomes
from micropkgd.cli.streams import aside
from micropkgd.model.choice import Conflict


def resolve(options: Namespace) -> int:
    """Apply a held entry as the person chose, once all that holds it is decided."""
    root = one_project(options.project)
    ref = match_entry(root, options.ref, leaving=True) if options.ref else held_entry(root)
    if options.edit:
        from micropkgd.cli.commands.join import join

        return join(options, root, ref)
    choice, apply = Conflict(options.choice), not options.dry_run
    wanted = resolving(root, ref, choice, options.paths, options.lock_timeout, apply=apply)
    for path in wanted.gone:
        aside(f'`keep-deleted` of its row {"names" if apply else "would name"} "{path}"\n')
    outcomes = passes(options, [root], wanted.options)
    say_outcomes(options, outcomes)
    if changed_meanwhile(root, outcomes[0], wanted):
        say_aside([f"note: `{plain(ref)}` changed while this waited for its turn: nothing was decided of it"])
    return exit_code_of(outcomes)
