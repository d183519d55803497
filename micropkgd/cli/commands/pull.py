"""`pull`: place one archive by hand, or every row of the pull tables."""

import shlex
from types import SimpleNamespace as Namespace

from micropkgd.cli.passes import passes, work_on
from micropkgd.cli.paths import from_project, one_project, projects_at, ref_from
from micropkgd.cli.say import exit_code_of, say_outcomes
from micropkgd.cli.streams import aside
from micropkgd.errors import UsageError
from micropkgd.model.condition import Condition
from micropkgd.model.outcome import Outcome
from micropkgd.model.place_names import check_name, parse_destination, parse_env
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import Ref

_OPTIONS = ("alias", "destination", "env", "fs_args")


def pull(options: Namespace) -> int:
    """Pull one ref that no manifest has, or all that the manifest has."""
    given = [name for name in _OPTIONS if getattr(options, name)]
    if options.all and (options.ref or given):
        raise UsageError("--all takes no ref and no options: each row of the manifest has its own")
    if not options.all and not options.ref:
        raise UsageError("name a ref, or say --all", hint="micropkgd pull dist/ds-0.1.tar.gz")
    if options.all:
        outcomes = [one for root in projects_at(options.project) for one in pull_all(options, root)]
        say_outcomes(options, outcomes)
        return exit_code_of(outcomes)
    root = one_project(options.project)
    outcomes = pull_one(options, root)
    say_outcomes(options, outcomes)
    if not options.quiet and all(_is_ready(outcome) for outcome in outcomes):
        aside(f"hint: to have it kept up to date: {_add_line(entry_of(options, root))}\n")
    return exit_code_of(outcomes)


def pull_all(options: Namespace, root: str, requirements_file: str | None = None) -> list[Outcome]:
    """Run one pass: every row of the manifest."""
    from micropkgd.reconcile.options import PassOptions

    wanted = PassOptions(requirements_file=requirements_file, lock_timeout=options.lock_timeout)
    return passes(options, [root], wanted)


def pull_one(options: Namespace, root: str, requirements_file: str | None = None) -> list[Outcome]:
    """Place one archive that the manifest does not ask for."""
    from micropkgd.actions.pull_by_hand import pull_by_hand

    entry = entry_of(options, root)
    return work_on(
        options,
        [root],
        lambda root, make_fetcher: pull_by_hand(
            root, entry, make_fetcher, lock_timeout=options.lock_timeout, requirements_file=requirements_file
        ),
    )


def entry_of(options: Namespace, root: str) -> PullEntry:
    """What the command line asks for, as a row of a manifest would; its paths are those of the working folder."""
    ref = Ref.parse(ref_from(options.ref, root))
    return PullEntry(
        ref=ref,
        alias=check_name(options.alias, "alias") if options.alias else None,
        destination=parse_destination(options.destination) if options.destination else (),
        env=parse_env(options.env) if options.env else None,
        fs_args=from_project(options.fs_args, root) if options.fs_args else None,
    )


def _is_ready(outcome: Outcome) -> bool:
    return bool(outcome.entries) and all(entry.condition is Condition.READY for entry in outcome.entries)


def _add_line(entry: PullEntry) -> str:
    options = {
        "--alias": entry.alias,
        "--destination": "/".join(entry.destination),
        "--env": entry.env,
        "--fs-args": entry.fs_args,
    }
    words = [word for name, value in options.items() if value for word in (name, value)]
    return shlex.join(["micropkgd", "add", entry.ref.text, *words])
