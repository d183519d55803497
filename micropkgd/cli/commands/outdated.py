"""`outdated`: what is newer than the lock; exit 3 where anything is."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.actions import outdated as action
from micropkgd.actions.outdated import VersionComparison
from micropkgd.cli.lines import entries_line, plain, standing_line, version_said
from micropkgd.cli.output import failure_lines
from micropkgd.cli.paths import ask_each, projects_at
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import say_each
from micropkgd.model.outcome import Installed


def outdated(options: Namespace) -> int:
    """Ask every source, and change nothing."""
    with ExitStack() as stack:
        reach = Reach(options, stack)
        found = ask_each(projects_at(options.project), lambda root: action.outdated(root, reach.fetcher))
    return say_each(
        options,
        found,
        lambda found: {"entries": [one.document() for one in found]},
        lambda found: _lines(found, quiet=options.quiet),
        action.exit_code_of,
    )


def _lines(found: Sequence[VersionComparison], *, quiet: bool) -> Iterator[str]:
    for one in found:
        word = "failed" if one.failure is not None else "outdated" if one.is_outdated else "current"
        if quiet and word == "current" and not one.beside:
            continue
        versions = _said(one.locked)
        if one.is_outdated:
            versions = f"{versions or 'not locked'} -> {_said(one.newest)}"
        yield plain(standing_line(word, one.ref, "", versions))
        if one.failure is not None:
            yield from failure_lines(one.failure, indent="  ")
        if one.beside:
            yield plain(f"  note: `{one.beside}` lies beside it, and a path means one archive: {_follow(one)}")
    if not quiet:
        counts = {
            "outdated": sum(one.is_outdated for one in found),
            "failed": sum(one.failure is not None for one in found),
        }
        said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        yield entries_line(len(found), said or ("all current" if found else ""))


def _follow(one: VersionComparison) -> str:
    """How the newest in the folder of an archive is followed."""
    folder = one.ref.rpartition("/")[0] or "."
    name = one.beside.removesuffix(".tar.gz").rpartition("-")[0]
    return f'the row `"{name}" = {{index = "{folder}/"}}` follows the newest'


def _said(installed: Installed | None) -> str:
    return version_said(*installed) if installed is not None else ""
