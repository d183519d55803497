"""Formats `status` for a terminal: short names in columns, local times, and lines no wider than it. Pure."""

from collections.abc import Iterator, Sequence

from micropkgd.cli.ages import moment
from micropkgd.cli.hints import choices, short_names
from micropkgd.cli.lines import drifted_line, left_out_line, unfetched_line
from micropkgd.cli.terminal import fitted
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.standing import LOCAL_EDITS, UNFETCHED
from micropkgd.model.status import EntryStatus, PackageStatus, ProjectStatus
from micropkgd.model.tree import RelPath

_STATE = 9  # columns of the longest state

Row = tuple[EntryStatus | PackageStatus, str, str]  # its name and its version beside it


def table_lines(project: ProjectStatus, width: int, now: float, *, verbose: bool = False) -> Iterator[str]:
    """How a project and its entries stand; `verbose` says refs and targets, too."""
    standing = project.standing
    if standing.message and standing not in project.standings and not _told_below(project):
        yield f"{standing.state:<{_STATE}} the project"
        yield from _why(standing, width, now)
    rows = list(_rows(project))
    columns = [max((len(row[number]) for row in rows), default=0) for number in (1, 2)]
    for one, name, version in rows:
        yield from _line(one.standing.state, (name, version), columns, width)
        yield from _details(one, name, width, now, verbose=verbose)
    if project.interrupted:
        yield from fitted("an interrupted pass waits: run `micropkgd reconcile --once`", width)
    if not rows and standing.state == Condition.READY.value:
        yield "no entries"


def all_lines(
    projects: Sequence[ProjectStatus], width: int, now: float, *, home: str = "", verbose: bool = False
) -> Iterator[str]:
    """The same of many projects, each below its folder and its last pass."""
    for project in projects:
        root = f"~{project.root[len(home) :]}" if home and project.root.startswith(f"{home}/") else project.root
        yield from fitted(f"{project.standing.state:<{_STATE}} {root}", width)
        if project.last_pass is not None:
            last = project.last_pass
            yield from fitted(f"  last pass {moment(last.ended, now)}, {last.trigger}", width)
        if project.running:
            yield from fitted(f"  a pass is under way since {moment(project.running_since, now)}", width)
        yield from (f"  {line}" for line in table_lines(project, width - 2, now, verbose=verbose))


def _told_below(project: ProjectStatus) -> bool:
    own = project.standing
    return any(
        (one.state, one.reason, one.message) == (own.state, own.reason, own.message) for one in project.standings
    )


def _rows(project: ProjectStatus) -> Iterator[Row]:
    called = short_names([EntryKey(entry.ref, RelPath(entry.target)) for entry in project.entries])
    for entry in project.entries:
        waiting = f" -> {entry.waiting}" if entry.waiting else ""
        yield entry, called[entry.ref], f"{entry.version}{waiting}"
    yield from ((package, package.module, package.version) for package in project.packages)


def _line(state: str, cells: tuple[str, str], columns: Sequence[int], width: int) -> Iterator[str]:
    """State, name, version: beside each other where all of it fits, else the version below."""
    name, version = cells
    if _STATE + 1 + columns[0] + 2 + columns[1] <= width:
        yield f"{state:<{_STATE}} {name:<{columns[0]}}  {version}".rstrip()
        return
    yield from fitted(f"{state:<{_STATE}} {name}", width)
    if version:
        yield f"  version {version}"


def _details(one: EntryStatus | PackageStatus, name: str, width: int, now: float, *, verbose: bool) -> Iterator[str]:
    yield from _why(one.standing, width, now)
    if isinstance(one, PackageStatus):
        if verbose and one.path:
            yield from fitted(f"  to {one.path}", width)
        return
    if verbose:
        yield from fitted(f"  from {one.ref}", width)
        yield from fitted(f"  in {one.target}", width)
    if one.signed_by and verbose:
        yield from fitted(f"  signed by {one.signed_by}", width)
    for path in one.drifted:
        yield from fitted(drifted_line(path, formatted=path in one.formatted), width)
    yield from (line for path in one.missing for line in fitted(f"  missing: {path}", width))
    if one.left_out:
        yield from fitted(left_out_line(len(one.left_out)), width)
    if one.standing.reason != UNFETCHED:  # else it says so above
        yield from (line for path in one.unfetched for line in fitted(unfetched_line(path), width))
    if one.choices:
        yield from (line for folder in [one.beside] if folder for line in fitted(f"  laid in {folder}", width))
        for line in choices(name, one.choices, waits=bool(one.waiting)):
            yield from fitted(f"    {line}", width)


def _why(standing: Standing, width: int, now: float) -> Iterator[str]:
    if standing.message and standing.reason != "Drifted":
        yield from fitted(f"  {standing.reason}: {standing.message}", width)
        since = f"since {moment(standing.since, now)}" if standing.since else ""
        again = f"next try {moment(standing.next_try, now)}" if standing.next_try else ""
        if since or again:
            yield from fitted(f"  {', '.join(filter(None, (since, again)))}", width)
        if standing.hint and standing.reason != LOCAL_EDITS:  # the choices follow, a line each
            yield from fitted(f"  hint: {standing.hint}", width)
