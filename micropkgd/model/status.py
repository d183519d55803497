"""The status of projects and their entries, as `status`, the control API and the log report it."""

from collections.abc import Iterable, Mapping, Sequence

from micropkgd.annotations import Any, Final
from micropkgd.errors import DocumentError
from micropkgd.model.collision import HeldQuestion
from micropkgd.model.condition import Condition, Standing
from micropkgd.model.standing import LOCAL_EDITS, aged, in_sync, in_tree, project_standing, urgency
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple

_AT_REST: Final = frozenset({Condition.READY.value, Condition.SUSPENDED.value})


class EntryStatus(NamedTuple):
    """How one pull entry stands."""

    ref: str
    target: str
    version: str
    archive: str
    standing: Standing
    drifted: tuple[RelPath, ...] = ()  # files that hold a local edit
    waiting: str = ""  # the version that is there and not installed
    index_url: str = ""  # that a requirement is looked up in, where the project names one
    missing: tuple[RelPath, ...] = ()  # files that are locked and not in the tree
    formatted: tuple[RelPath, ...] = ()  # of the drifted ones, those that a formatter made, as far as that is known
    signed_by: str = ""  # as the lock says; empty where nobody asks for signatures
    left_out: tuple[RelPath, ...] = ()  # files that git leaves out of this checkout
    choices: tuple[str, ...] = ()  # what `resolve` can be told of it, where local edits hold it
    beside: str = ""  # the folder in which its texts lie then
    unfetched: tuple[RelPath, ...] = ()  # files in whose place a pointer of Git LFS stands

    def in_tree(
        self,
        drifted: Iterable[RelPath],
        missing: Iterable[RelPath],
        formatted: Iterable[RelPath] = (),
        left_out: Iterable[RelPath] = (),
        unfetched: Iterable[RelPath] = (),
    ) -> "EntryStatus":
        """The same with what the tree shows now; what is not there is not ready."""
        status = self._replace(drifted=tuple(drifted), missing=tuple(missing), formatted=tuple(formatted))
        status = status._replace(left_out=tuple(left_out), unfetched=tuple(unfetched))
        if status.standing.state != Condition.READY.value:
            return status
        return status._replace(standing=in_tree(status.standing, status.drifted, status.missing, status.unfetched))

    def asked(self, question: HeldQuestion) -> "EntryStatus":
        """The same with what is asked of a person, where local edits hold it."""
        if self.standing.reason != LOCAL_EDITS:
            return self
        return self._replace(choices=question.ways, beside=question.folder)


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
    running_since: str = ""  # ISO 8601, UTC; empty where none is
    watching: str = ""  # "events", "scans", or empty where nobody watches
    last_pass: PassStatus | None = None
    next_pass: str = ""  # ISO 8601, UTC; empty where none is planned

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Of its entries, pulled and packaged."""
        return (*(one.standing for one in self.entries), *(one.standing for one in self.packages))

    def document(self) -> dict[str, object]:
        """For programs; keys are only ever added (docs/json.md)."""
        return {
            "project": self.root,
            "standing": self.standing._asdict(),
            "interrupted": self.interrupted,
            "running": self.running,
            "running_since": self.running_since or None,
            "watching": self.watching or None,
            "last_pass": self.last_pass._asdict() if self.last_pass else None,
            "next_pass": self.next_pass or None,
            "entries": [_document(entry) for entry in self.entries],
            "packages": [_document(package) for package in self.packages],
        }


def by_need(projects: Iterable[ProjectStatus]) -> list[ProjectStatus]:
    """Those that somebody must look at first in front, each kind by its folder."""
    return sorted(projects, key=lambda one: (urgency(one.standing), one.root))


def in_need(project: ProjectStatus) -> ProjectStatus | None:
    """Of a project what is not as it should be; None where all is, or is left alone because somebody asked for it."""
    entries = tuple(one for one in project.entries if one.standing.state not in _AT_REST or one.missing)
    packages = tuple(one for one in project.packages if one.standing.state not in _AT_REST)
    if entries or packages or project.standing.state not in _AT_REST:
        return project._replace(entries=entries, packages=packages)
    return project if project.interrupted else None


def read_status(row: Mapping[str, Any]) -> ProjectStatus:
    """The status that a document tells of, without what a newer one says besides; `DocumentError` where it is none."""
    try:
        last = row["last_pass"]
        return ProjectStatus(
            root=str(row["project"]),
            standing=_standing(row["standing"]),
            entries=tuple(_entry(one) for one in row["entries"]),
            packages=tuple(_package(one) for one in row["packages"]),
            interrupted=bool(row["interrupted"]),
            running=bool(row["running"]),
            running_since=str(row.get("running_since") or ""),
            watching=str(row["watching"] or ""),
            last_pass=PassStatus(**_known(PassStatus, last)) if last else None,
            next_pass=str(row["next_pass"] or ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DocumentError(f"not the status of a project: {error!r}") from error


def status_of(
    root: str, entries: Sequence[EntryStatus], packages: Sequence[PackageStatus], stale_before: str
) -> ProjectStatus:
    """How a project with these entries stands; what began to fail before that moment makes its entry stale."""
    pulled = tuple(entry._replace(standing=aged(entry.standing, stale_before)) for entry in entries)
    packed = tuple(package._replace(standing=aged(package.standing, stale_before)) for package in packages)
    status = ProjectStatus(root, in_sync(""), pulled, packed)
    return status._replace(standing=project_standing(status.standings))


def _entry(row: Mapping[str, Any]) -> EntryStatus:
    lists = {
        key: tuple(row.get(key, ())) for key in ("drifted", "missing", "formatted", "left_out", "choices", "unfetched")
    }
    return EntryStatus(**{**_known(EntryStatus, row), **lists, "standing": _standing(row["standing"])})


def _package(row: Mapping[str, Any]) -> PackageStatus:
    return PackageStatus(**{**_known(PackageStatus, row), "standing": _standing(row["standing"])})


def _standing(row: Mapping[str, Any]) -> Standing:
    return Standing(**_known(Standing, row))


def _known(kind: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    return {field: row[field] for field in kind._fields if field in row}


def _document(status: EntryStatus | PackageStatus) -> dict[str, object]:
    return {**status._asdict(), "standing": status.standing._asdict()}
