"""How projects and their entries stand, as said by `status`, the control API and the log."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from micropkgd.errors import DocumentError
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.tree import RelPath

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


def _document(status: EntryStatus | PackageStatus) -> dict[str, object]:
    return {**status._asdict(), "standing": status.standing._asdict()}
