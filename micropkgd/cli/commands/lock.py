"""`lock`: bring the lock up to date, and leave the tree as it is."""

from types import SimpleNamespace as Namespace

from micropkgd.cli.passes import passes
from micropkgd.cli.say import exit_code_of, say_aside, say_outcomes
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.root import find_root


def lock(options: Namespace) -> int:
    """Resolve, and write the lock alone; or merge three locks for git."""
    if options.merge_driver is not None:
        return _merge(*options.merge_driver)
    from micropkgd.actions.naming import match_entry
    from micropkgd.workspace.project import read_manifest

    root = find_root(options.project)
    refs = frozenset[str]()
    if options.upgrade is not None:
        entries = read_manifest(root).pulls
        named = [match_entry(root, text) for text in options.upgrade]
        refs = frozenset(named or (entry.ref.text for entry in entries))
    wanted = PassOptions(
        apply=not options.check,
        lock_only=True,
        upgrade=refs,
        allow_downgrade=options.allow_downgrade,
        allow_empty=options.allow_empty,
        lock_timeout=options.lock_timeout,
    )
    outcomes = passes(options, [root], wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes, check=options.check)


def _merge(base: str, ours: str, theirs: str) -> int:
    """What git asks a merge driver for: 0 where the lock is merged, 1 where somebody must look."""
    from micropkgd.actions.merge_driver import merge_files

    contested = merge_files(base, ours, theirs)
    say_aside(f"both sides locked `{ref}` to other bytes of one version: run `micropkgd lock`" for ref in contested)
    return int(bool(contested))
