"""`reconcile`: one pass, or the service."""

import os
from collections.abc import Mapping, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.cli.passes import passes
from micropkgd.cli.paths import in_workspaces
from micropkgd.cli.say import exit_code_of, say_aside, say_outcomes
from micropkgd.errors import UsageError
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import Outcome
from micropkgd.reconcile.options import TRAVELLING, PassOptions
from micropkgd.workspace.root import MANIFEST_NAME, root_around


def reconcile(options: Namespace) -> int:
    """Run one pass over each project, or serve them."""
    if not options.once and not options.dry_run and not options.check:
        _refuse_for_service(options)
        from micropkgd.service.pid1 import step_aside

        step_aside()
        from micropkgd.cli.commands.serve import run_service

        return run_service(options)
    wanted = PassOptions(
        apply=not (options.dry_run or options.check),
        locked=options.locked,
        frozen=options.frozen,
        allow_downgrade=options.allow_downgrade,
        allow_empty=options.allow_empty,
        lock_timeout=options.lock_timeout,
    )
    roots, left_alone = _meant(options)
    if options.shard:
        roots, left_alone = _part(options, roots, left_alone)
    outcomes = passes(options, roots, wanted)
    outcomes += [Outcome(root, failure=doubt) for root, doubt in left_alone.items()]
    say_outcomes(options, outcomes)
    return exit_code_of(outcomes, check=options.check)


def _meant(options: Namespace) -> tuple[Sequence[str], Mapping[str, Failure]]:
    """The projects that are named, by globs, too; else the one around this folder; else those of the config.

    A workspace stands for its projects. And why some of them are left alone that only a glob found.
    """
    named = options.projects or ["."]
    globs = [path for path in options.projects if _is_glob(path)]
    if not globs and (options.projects or root_around(".") is not None):
        return in_workspaces(named), {}
    from micropkgd.cli.machine import settings_of
    from micropkgd.machine.trust import found_by
    from micropkgd.model.settings import Group, Settings

    settings = settings_of(options) or Settings()
    found, doubts = found_by((Group(tuple(globs)),) if globs else settings.groups, settings.trust)
    if globs and not found and not doubts:
        raise UsageError(f"no folder whose {MANIFEST_NAME} speaks of micro-packages is at {', '.join(globs)}")
    literal = in_workspaces([path for path in options.projects if path not in globs])
    return [*literal, *found] or ([] if doubts else ["."]), doubts


def _part(
    options: Namespace, roots: Sequence[str], left_alone: Mapping[str, Failure]
) -> tuple[Sequence[str], Mapping[str, Failure]]:
    """Those of the projects that are in this part; it says how many, for an empty part is no mistake."""
    from micropkgd.machine.shards import Shard

    shard, folder = Shard.parse(options.shard, os.environ), os.getcwd()
    ours = shard.of(roots, folder)
    if not options.quiet:
        say_aside([f"shard {shard.number}/{shard.count}: {len(ours)} of {len(roots)} projects"])
    return ours, {root: left_alone[root] for root in shard.of(left_alone, folder)}


def _is_glob(path: str) -> bool:
    """Whether it was put into quotes for micropkgd to look for; a folder of just that name is meant first."""
    return not set(path).isdisjoint("*?[") and not os.path.isdir(path)


def _refuse_for_service(options: Namespace) -> None:
    """Refuse what is a wish for one pass."""
    for wish in (*TRAVELLING, "json", "summary", "shard"):
        if getattr(options, wish):
            raise UsageError(
                f"--{wish.replace('_', '-')} is for one pass", hint="add --once, or leave it away to serve"
            )
