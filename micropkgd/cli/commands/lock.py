"""`lock`: bring the lock up to date, and leave the tree as it is."""

from types import SimpleNamespace as Namespace

from micropkgd.cli.passes import passes
from micropkgd.cli.paths import ask_each, one_project, projects_at
from micropkgd.cli.say import exit_code_of, say_aside, say_outcomes
from micropkgd.reconcile.options import PassOptions


def lock(options: Namespace) -> int:
    """Resolve, and write the lock alone; or merge three locks for git."""
    if options.merge_driver is not None:
        return _merge(*options.merge_driver)
    from micropkgd.actions.naming import match_entry
    from micropkgd.model.condition import Failure
    from micropkgd.workspace.project import read_manifest

    roots = [one_project(options.project)] if options.upgrade else projects_at(options.project)
    refs = frozenset[str]()
    if options.upgrade:
        refs = frozenset(match_entry(roots[0], text) for text in options.upgrade)
    elif options.upgrade is not None:
        manifests = (manifest for _, manifest in ask_each(roots, read_manifest) if not isinstance(manifest, Failure))
        refs = frozenset(entry.ref.text for manifest in manifests for entry in manifest.pulls)
    wanted = PassOptions(
        apply=not options.check,
        lock_only=True,
        upgrade=refs,
        allow_downgrade=options.allow_downgrade,
        allow_empty=options.allow_empty,
        lock_timeout=options.lock_timeout,
    )
    outcomes = passes(options, roots, wanted)
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes, check=options.check)


def _merge(base: str, ours: str, theirs: str) -> int:
    """What git asks a merge driver for: 0 where the lock is merged, 1 where somebody must look."""
    from micropkgd.actions.merge_driver import merge_files

    contested = merge_files(base, ours, theirs)
    say_aside(f"both sides locked `{ref}` to other bytes of one version: run `micropkgd lock`" for ref in contested)
    return int(bool(contested))
