"""The place where an archive is published, and which refs are answered from there. Pure.

Rule: the text decides the kind, as with refs: a bucket's folder, a folder on disk, or the simple address of an index.
"""

import re

from micropkgd.errors import DocumentError
from micropkgd.model.index import archive_in, folder_of, index_kind, names_file
from micropkgd.model.ref import Ref, RefKind, names_server
from micropkgd.named_tuples import NamedTuple

_SIMPLE = r"/\+?simple/$"
_KINDS = frozenset({RefKind.LOCAL, RefKind.S3, RefKind.GCS, RefKind.INDEX})
_WAYS = "`s3://bucket/folder/`, `gs://bucket/folder/`, a folder, or an index like `https://host/simple/`"


ArchiveFolder = tuple[RefKind, str]
"""A folder of archives: what answers there, and its address, as two texts that name it are compared."""


class PublishTarget(NamedTuple):
    """One place for archives. Build it with `parse`, which checks."""

    text: str  # as the manifest says it
    kind: RefKind
    folder: str  # with a slash at its end

    @classmethod
    def parse(cls, text: str) -> "PublishTarget":
        """Say what a text names; `DocumentError` where nothing can be published there."""
        if names_file(text):
            above = f"{text.rstrip('/').rpartition('/')[0] or '.'}/"
            hint = f"name the folder, `{above}`: the archive is `NAME-VERSION.tar.gz` there, whatever its version"
            raise DocumentError(f"`{text}` names a file, and `publish` says where archives are put", hint=hint)
        folder, nowhere = folder_of(text), f"`{text}` is not a place to publish at"
        if folder.endswith(":/"):  # a scheme and no more
            raise DocumentError(nowhere, hint=f"write {_WAYS}")
        probe = Ref.parse(f"{folder}x.tar.gz")
        kind = RefKind.INDEX if probe.kind is RefKind.HTTP and re.search(_SIMPLE, folder) else probe.kind
        odd = kind is not RefKind.LOCAL and ("?" in text or "#" in text)
        if kind not in _KINDS or odd or (kind is RefKind.INDEX and not names_server(folder)):
            raise DocumentError(nowhere, hint=f"write {_WAYS}")
        return cls(text, kind, folder)

    def ref(self, file: str, name: str, version: str) -> Ref:
        """What an archive can be asked for by, once it is there."""
        return Ref.parse(f"{name}=={version}" if self.kind is RefKind.INDEX else f"{self.folder}{file}")

    @property
    def upload_url(self) -> str:
        """Of an index, where archives are sent: by convention the address above its pages."""
        return re.sub(_SIMPLE, "/", self.folder)

    @property
    def places(self) -> tuple[ArchiveFolder, ...]:
        """What it is called by refs that are answered from here."""
        return (
            (self.kind, self.folder),
            (self.kind, _folder(archive_in(self.folder, "x.tar.gz"))),
        )


def places_of(ref: Ref, index_url: str | None) -> tuple[ArchiveFolder, ...]:
    """Where a ref is answered from: one of `PublishTarget.places`, where that is published by the project itself."""
    if ref.kind is not RefKind.INDEX:
        return ((ref.kind, _folder(ref)),)
    if index_url is None:
        return ()
    kind = index_kind(index_url)
    return ((kind, folder_of(index_url)), (kind, _folder(archive_in(index_url, "x.tar.gz"))))


def name_in(ref: Ref) -> str:
    """The name of the archive that a ref names, as far as its text tells."""
    if ref.kind is RefKind.INDEX:
        return re.split(r"[^A-Za-z0-9._-]", ref.location)[0]
    return _unpinned(ref.location).rpartition("/")[2].removesuffix(".tar.gz").rpartition("-")[0]


def _unpinned(location: str) -> str:
    return location.partition("?versionId=")[0].partition("#")[0]


def _folder(ref: Ref) -> str:
    """The folder that a ref names a file of, without a slash at its end."""
    folder = _unpinned(ref.location).rpartition("/")[0].replace("gcs://", "gs://")
    return "/".join(part for part in folder.split("/") if part != ".")
