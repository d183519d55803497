"""Formats `status` for people. Pure."""

from collections.abc import Iterator, Mapping

from micropkgd.cli.hints import choices, short_names
from micropkgd.cli.lines import drifted_line, left_out_line, unfetched_line
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.standing import LOCAL_EDITS, UNFETCHED
from micropkgd.model.status import ProjectStatus
from micropkgd.model.tree import Digest, RelPath, short


def status_lines(project: ProjectStatus) -> Iterator[str]:
    """How a project and its entries stand."""
    if project.standing.message and not any(_same(project.standing, standing) for standing in project.standings):
        state, (why, *hint) = project.standing.state, _why(project.standing)  # it is about the project as a whole
        yield f"{state:<9} {why.lstrip()}"
        yield from hint
    called: Mapping[str, str] = {}
    if any(entry.standing.reason == LOCAL_EDITS for entry in project.entries):
        called = short_names([EntryKey(entry.ref, RelPath(entry.target)) for entry in project.entries])
    for entry in project.entries:
        what = f"  {entry.version} ({short(Digest(entry.archive))})" if entry.archive else ""
        place = f" -> {entry.target}" if entry.target else ""
        waiting = f"  waiting: {entry.waiting}" if entry.waiting else ""
        yield f"{entry.standing.state:<9} {entry.ref}{place}{what}{waiting}"
        yield from _why(entry.standing)
        if entry.signed_by:
            yield f"  signed by {entry.signed_by}"
        yield from (drifted_line(path, formatted=path in entry.formatted) for path in entry.drifted)
        yield from (f"  missing: {path}" for path in entry.missing)
        if entry.left_out:
            yield left_out_line(len(entry.left_out))
        if entry.standing.reason != UNFETCHED:  # else it says so above
            yield from map(unfetched_line, entry.unfetched)
        if entry.choices:
            yield from (f"  laid in {folder}" for folder in [entry.beside] if folder)
            lines = choices(called[entry.ref], entry.choices, waits=bool(entry.waiting))
            yield from (f"    {line}" for line in lines)
    for package in project.packages:
        what = f" -> {package.path}  {package.version}" if package.path else ""
        yield f"{package.standing.state:<9} {package.module}{what}"
        yield from _why(package.standing)
    if project.interrupted:
        yield "an interrupted pass waits to be finished: run `micropkgd reconcile --once`"
    if not project.entries and not project.packages and project.standing.state == Condition.READY.value:
        yield "no entries"


def _same(one: Standing, other: Standing) -> bool:
    return (one.state, one.reason, one.message) == (other.state, other.reason, other.message)


def _why(standing: Standing) -> Iterator[str]:
    if standing.message and standing.reason != "Drifted":
        since = f", since {standing.since}" if standing.since else ""
        again = f", next try {standing.next_try}" if standing.next_try else ""
        yield f"  {standing.reason}: {standing.message}{since}{again}"
        if standing.hint and standing.reason != LOCAL_EDITS:  # the choices follow, a line each
            yield f"  hint: {standing.hint}"
