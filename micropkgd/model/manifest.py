"""The manifest: what the owner asks for, as values (docs/formats.md).

Reads plain mappings, never text, so that it is tested with literals. Every error names the table and the key it is
about; `documents.statements.line_of` turns that address into a line.
"""

from collections.abc import Iterable

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.entry_key import MOST_ENTRIES
from micropkgd.model.fields import ManifestError, Table, TablePath, table_at
from micropkgd.model.policy import Policy
from micropkgd.model.project_tables import KEDRO_PACKAGE, KEDRO_PULL, OWN_PACKAGE, OWN_PULL, ProjectTables
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.model.package_entry import PackageEntry
    from micropkgd.model.pull_entry import PullEntry


class Manifest(NamedTuple):
    """Everything one `pyproject.toml` asks of micropkgd."""

    project: ProjectTables
    pulls: "tuple[PullEntry, ...]"
    packages: "tuple[PackageEntry, ...]"
    policy: Policy

    @classmethod
    def from_mapping(cls, document: Table) -> "Manifest":
        """Check a whole `pyproject.toml`; `ManifestError` names the first fault."""
        project = ProjectTables.from_mapping(document)
        policy = Policy.from_mapping(document)
        pulls = _pull_entries(document, policy)
        _refuse_below_twice(pulls, project)
        packages = _package_entries(document)
        if any(entry.publish is not None for entry in packages):
            from micropkgd.model.pulled_again import refuse_pulled_again

            refuse_pulled_again(pulls, packages)
        return cls(project, pulls, packages, policy)


def _pull_entries(document: Table, policy: Policy) -> "tuple[PullEntry, ...]":
    """The rows of the pull tables; what reads them is imported where there are any."""
    rows = _rows(document, KEDRO_PULL, OWN_PULL)
    if not rows:
        return ()
    from micropkgd.model.pull_entry import PullEntry

    entries = tuple(PullEntry.of_row(key, row, home, policy) for home, key, row in rows)
    _refuse_twice((entry.ref.text, entry.home) for entry in entries)
    return entries


def _package_entries(document: Table) -> "tuple[PackageEntry, ...]":
    """The rows of the package tables; what reads them is imported where there are any."""
    rows = _rows(document, KEDRO_PACKAGE, OWN_PACKAGE)
    if not rows:
        return ()
    from micropkgd.model.package_entry import PackageEntry

    entries = tuple(PackageEntry.of_row(key, row, home) for home, key, row in rows)
    _refuse_twice((entry.module, entry.home) for entry in entries)
    return entries


def _rows(document: Table, *homes: TablePath) -> list[tuple[TablePath, str, object]]:
    """The rows of two tables that mean the same: the table, the key and what stands there."""
    rows = [(home, key, row) for home in homes for key, row in (table_at(document, home) or {}).items()]
    if len(rows) > MOST_ENTRIES:
        largest = max(homes, key=lambda home: len(table_at(document, home) or ()))
        problem = f"{len(rows):,} rows are more than the {MOST_ENTRIES:,} that one project may have"
        raise ManifestError(problem, largest, hint="split the project")
    return rows


def _refuse_twice(rows: Iterable[tuple[str, TablePath]]) -> None:
    seen: dict[str, TablePath] = {}
    for key, home in rows:
        if key in seen:
            raise ManifestError(
                f"`{key}` is asked for twice, in [{'.'.join(seen[key])}] and in [{'.'.join(home)}]",
                (*home, key),
                other=(*seen[key], key),
                hint="keep one of the two rows",
            )
        seen[key] = home


def _refuse_below_twice(pulls: "Iterable[PullEntry]", project: ProjectTables) -> None:
    """A destination is below the package folder, an env below the config folder: neither names that once more."""
    package = tuple(project.package.split("."))
    conf = project.conf_dir or "conf"
    for pull in pulls:
        if pull.env is not None and f"{pull.env}/".startswith(f"{conf}/"):
            inner = pull.env.removeprefix(conf).strip("/")
            raise ManifestError(
                f"env `{pull.env}` names the config folder, below which it is anyway",
                (*pull.home, pull.ref.text, "env"),
                hint=f"write `{inner}`" if inner else "leave it out",
            )
    for pull in pulls:
        for above in ((*project.source_dir.split("/"), *package), package):
            if pull.destination[: len(above)] == above:
                rest = "/".join(pull.destination[len(above) :])
                raise ManifestError(
                    f"destination `{'/'.join(pull.destination)}` names the package folder, below which it is anyway",
                    (*pull.home, pull.ref.text, "destination"),
                    hint=f"write `{rest}`" if rest else "leave it out",
                )
