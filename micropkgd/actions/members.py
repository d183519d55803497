"""The projects of a workspace: several packages in one repository, which uv, rye or hatch are told of.

Rule: a pass goes over who publishes before who pulls from there, so that one round is enough.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from micropkgd import documents
from micropkgd.actions.folder_search import FolderSearch
from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.errors import MicropkgError
from micropkgd.model.fields import Table
from micropkgd.model.index import archive_in
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import RefKind
from micropkgd.workspace.project import read_document, read_manifest
from micropkgd.workspace.root import MANIFEST_NAME

if TYPE_CHECKING:
    from micropkgd.model.manifest import Manifest
    from micropkgd.model.package_entry import PackageEntry

_WORKSPACES: Final = ("uv", "rye", "hatch")


def members_of(root: str) -> list[str]:
    """The folders of a workspace's projects, sorted, its own root left out; none where it is no workspace."""
    try:
        document = documents.read_toml(read_document(root, MANIFEST_NAME))
    except (MicropkgError, OSError):
        return []
    return sorted({path for table in _tables(document) for path in _members(root, table)})


def speaking_members(root: str) -> list[str]:
    """Those of a workspace's projects whose manifests speak of micro-packages, in the order of a pass."""
    return in_order([member for member in members_of(root) if b"micropkg" in read_document(member, MANIFEST_NAME)])


def in_order(roots: Sequence[str]) -> list[str]:
    """The projects with each behind those it pulls from; as they were where nobody does, or all from each other."""
    behind = _behind(roots)
    ordered: dict[str, None] = {}
    seen = set[str]()
    for root in roots:
        waiting = [(root, iter(behind[root]))] if root not in seen else []
        seen.add(root)
        while waiting:
            one, others = waiting[-1]
            other = next((other for other in others if other not in seen), None)
            if other is None:
                ordered[one] = None
                waiting.pop()
            else:
                seen.add(other)
                waiting.append((other, iter(behind[other])))
    return [*ordered]


def _behind(roots: Sequence[str]) -> dict[str, list[str]]:
    """Whom each project pulls from, of those that stand with it."""
    manifests: dict[str, Manifest] = {}
    for root in roots:
        with suppress(MicropkgError, OSError):
            manifests[root] = read_manifest(root)
    released: dict[str, list[str]] = {}
    for root, manifest in manifests.items():
        for place in dict.fromkeys(_released_to(root, manifest.packages)):
            released.setdefault(place, []).append(root)
    found: dict[str, list[str]] = {root: [] for root in roots}
    for root, manifest in manifests.items():
        places = set(_pulled_from(root, manifest.pulls))
        found[root] = sorted({other for place in places for other in released.get(place, ()) if other != root})
    return found


def _pulled_from(root: str, pulls: Iterable[PullEntry]) -> Iterator[str]:
    """The folders on disk that a project's archives come from."""
    for pull in pulls:
        if pull.kind is RefKind.LOCAL:
            ref = archive_in(pull.index_url, "x.tar.gz") if pull.index_url is not None else pull.ref
            yield os.path.dirname(_real(root, ref.location))


def _released_to(root: str, packages: "Iterable[PackageEntry]") -> Iterator[str]:
    """The folders on disk that a project's archives go to."""
    for package in packages:
        yield _real(root, package.destination)
        if package.publish is not None and package.publish.kind is RefKind.LOCAL:
            yield _real(root, package.publish.folder)


def _real(root: str, path: str) -> str:
    return os.path.realpath(os.path.join(root, path))


def _tables(document: Table) -> Iterator[Table]:
    tools = document.get("tool")
    for name in _WORKSPACES:
        tool = tools.get(name) if isinstance(tools, Mapping) else None
        workspace = tool.get("workspace") if isinstance(tool, Mapping) else None
        if isinstance(workspace, Mapping):
            yield workspace


def _members(root: str, workspace: Table) -> Iterator[str]:
    search = FolderSearch(root)
    left_out = {path for pattern in _texts(workspace, "exclude") for path in search.found(pattern)}
    for pattern in _texts(workspace, "members"):
        for path in search.found(pattern):
            if path not in left_out and os.path.isfile(os.path.join(path, MANIFEST_NAME)):
                yield path


def _texts(table: Table, key: str) -> Iterator[str]:
    value = table.get(key)
    return (one for one in (value if isinstance(value, list) else ()) if isinstance(one, str))
