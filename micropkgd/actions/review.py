"""Shows what a manifest did, or would do, in this user's name, before it is trusted. Asks no source."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from micropkgd import documents
from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import MicropkgError
from micropkgd.model.manifest import Manifest
from micropkgd.model.pull_entry import PullEntry
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.sources.redaction import origin, redacted
from micropkgd.workspace.project import read_manifest
from micropkgd.workspace.reading import TEXT, read_regular

if TYPE_CHECKING:
    from micropkgd.model.package_entry import PackageEntry


class Review(NamedTuple):
    """One project's wishes."""

    root: str
    pulls_from: tuple[str, ...] = ()  # servers, buckets and folders; "the project itself"
    publishes_to: tuple[str, ...] = ()  # as the manifest has it
    variables: tuple[str, ...] = ()  # of the environment, that its fs-args read
    problem: str = ""  # why it cannot be said


def review(root: str) -> Review:
    """Read a project's manifest and its fs-args, as they are now."""
    try:
        manifest = read_manifest(root)
    except MicropkgError as error:
        return Review(root, problem=str(error))
    return Review(
        root,
        pulls_from=tuple(sorted({_place(entry) for entry in manifest.pulls})),
        publishes_to=tuple(sorted({entry.publish.text for entry in manifest.packages if entry.publish is not None})),
        variables=tuple(sorted(_variables(root, manifest))),
    )


def _place(entry: PullEntry) -> str:
    ref = entry.ref
    if ref.kind is RefKind.INDEX:
        index = entry.index_url or "the index of this machine"
        return redacted(index) if "://" in index else index
    if ref.kind is not RefKind.LOCAL:
        return origin(ref.location)
    outside = os.path.isabs(ref.location) or ".." in ref.location.split("/")
    return os.path.dirname(ref.location) if outside else "the project itself"


def _variables(root: str, manifest: Manifest) -> Iterator[str]:
    entries: Iterable[PullEntry | PackageEntry] = (*manifest.pulls, *manifest.packages)
    for path in sorted({entry.fs_args for entry in entries if entry.fs_args is not None}):
        with suppress(MicropkgError, OSError):
            text = read_regular(os.path.join(root, rel_path(path)), at_most=TEXT)
            yield from documents.variables_of(documents.read_yaml(text))
