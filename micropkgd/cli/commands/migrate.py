"""`migrate`: from Kedro's table to our own, and the first pass, which adopts what Kedro has pulled."""

from types import SimpleNamespace as Namespace

from micropkgd.actions.migrate import Migration, plan_migration
from micropkgd.cli import output
from micropkgd.cli.passes import passes
from micropkgd.cli.paths import one_project
from micropkgd.cli.say import exit_code_of, say, say_json, say_outcomes, say_words
from micropkgd.model.plan import Change, ChangeKind
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.root import MANIFEST_NAME


def migrate(options: Namespace) -> int:
    """Move the manifest, and reconcile."""
    root = one_project(options.project)
    migration = plan_migration(root)
    moved = list(migration.rows) if migration else []
    if migration is None or options.dry_run:
        diff = _diff(migration) if migration else []
        if options.json:
            say_json(options, {"moved": moved, "diff": diff, "projects": []}, exit_code=0)
        else:
            say(diff or ["nothing to migrate: there is no [tool.kedro.micropkg] in pyproject.toml"])
        return 0
    migration.apply(options.lock_timeout)
    if not options.json and not options.quiet:
        rows = f"{len(moved)} {'row' if len(moved) == 1 else 'rows'}"
        say_words([f"moved {rows} from [tool.kedro.micropkg] to [tool.micropkgd]"])
    outcomes = passes(options, [root], PassOptions(lock_timeout=options.lock_timeout))
    say_outcomes(options, outcomes, moved=moved, diff=_diff(migration))
    return exit_code_of(outcomes)


def _diff(migration: Migration) -> list[str]:
    path = RelPath(MANIFEST_NAME)
    before, after = digest_of(migration.before), digest_of(migration.after)
    change = Change(ChangeKind.UPDATE, path, before, after, "migrated")
    return list(output.diff_lines([change], {path: migration.before}, {after: migration.after}))
