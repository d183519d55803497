"""How projects and their entries stand, as said by `status`, the control API and the log."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from micropkgd.errors import DocumentError
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.tree import Digest, RelPath, short

_WORST_FIRST: Final = (
    Condition.STALLED,
    Condition.HELD,
    Condition.STALE,
    Condition.RETRYING,
    Condition.PENDING,
    Condition.SUSPENDED,
    Condition.READY,
)


class EntryStatus(NamedTuple):
    """How one pull entry stands."""

    ref: str
    target: str
    version: str
    archive: str
    standing: Standing
    drifted: tuple[RelPath, ...] = ()  # files that hold a local edit
    waiting: str = ""  # the version that is there and not installed


class PackageStatus(NamedTuple):
    """How one package entry stands."""

    module: str
    path: str  # of the archive; empty where there is none
    version: str
    standing: Standing


class PassStatus(NamedTuple):
    """The last pass of a project."""

    id: str
    trigger: str
    ended: str  # ISO 8601, UTC
    seconds: float
    exit_code: int


class ProjectStatus(NamedTuple):
    """How one project stands."""

    root: str
    standing: Standing
    entries: tuple[EntryStatus, ...] = ()
    packages: tuple[PackageStatus, ...] = ()
    interrupted: bool = False  # a journal waits for the next pass
    running: bool = False  # a pass is under way
    watching: str = ""  # "events", "scans", or empty where nobody watches
    last_pass: PassStatus | None = None
    next_pass: str = ""  # ISO 8601, UTC; empty where none is planned

    def lines(self) -> Iterator[str]:
        """For people."""
        known = [entry.standing for entry in self.entries] + [package.standing for package in self.packages]
        if self.standing.message and not any(_same(self.standing, standing) for standing in known):
            state, (why,) = self.standing.state, _why(self.standing)  # it is about the project as a whole
            yield f"{state:<9} {why.lstrip()}"
        for entry in self.entries:
            what = f"  {entry.version} ({short(Digest(entry.archive))})" if entry.archive else ""
            place = f" -> {entry.target}" if entry.target else ""
            waiting = f"  waiting: {entry.waiting}" if entry.waiting else ""
            yield f"{entry.standing.state:<9} {entry.ref}{place}{what}{waiting}"
            yield from _why(entry.standing)
            yield from (f"  drifted: {path} (your edit is kept)" for path in entry.drifted)
        for package in self.packages:
            what = f" -> {package.path}  {package.version}" if package.path else ""
            yield f"{package.standing.state:<9} {package.module}{what}"
            yield from _why(package.standing)
        if self.interrupted:
            yield "an interrupted pass waits to be finished: run `micropkgd reconcile --once`"
        if not self.entries and not self.packages and self.standing.state == Condition.READY.value:
            yield "no entries"

    def document(self) -> dict[str, object]:
        """For programs; keys are only ever added (docs/json.md)."""
        return {
            "project": self.root,
            "standing": self.standing._asdict(),
            "interrupted": self.interrupted,
            "running": self.running,
            "watching": self.watching or None,
            "last_pass": self.last_pass._asdict() if self.last_pass else None,
            "next_pass": self.next_pass or None,
            "entries": [_document(entry) for entry in self.entries],
            "packages": [_document(package) for package in self.packages],
        }


def read_status(row: Mapping[str, Any]) -> ProjectStatus:
    """The status that a document tells of; `DocumentError` where it is none."""
    try:
        last = row["last_pass"]
        return ProjectStatus(
            root=str(row["project"]),
            standing=Standing(**row["standing"]),
            entries=tuple(
                EntryStatus(**{**one, "standing": Standing(**one["standing"]), "drifted": tuple(one["drifted"])})
                for one in row["entries"]
            ),
            packages=tuple(
                PackageStatus(**{**one, "standing": Standing(**one["standing"])}) for one in row["packages"]
            ),
            interrupted=bool(row["interrupted"]),
            running=bool(row["running"]),
            watching=str(row["watching"] or ""),
            last_pass=PassStatus(**last) if last else None,
            next_pass=str(row["next_pass"] or ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DocumentError(f"not the status of a project: {error!r}") from error


def worst_standing(standings: Iterable[Standing]) -> Standing:
    """The one that speaks for all: the first of the worst; in sync where there are none."""
    found = sorted(standings, key=lambda standing: _WORST_FIRST.index(Condition(standing.state)))
    return found[0] if found else Standing(Condition.READY.value, "InSync", "", "")


def _same(one: Standing, other: Standing) -> bool:
    return (one.state, one.reason, one.message) == (other.state, other.reason, other.message)


def _why(standing: Standing) -> Iterator[str]:
    if standing.message and standing.reason != "Drifted":
        since = f", since {standing.since}" if standing.since else ""
        again = f", next try {standing.next_try}" if standing.next_try else ""
        yield f"  {standing.reason}: {standing.message}{since}{again}"


def _document(status: EntryStatus | PackageStatus) -> dict[str, object]:
    return {**status._asdict(), "standing": status.standing._asdict()}
