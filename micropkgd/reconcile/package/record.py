"""The record of the archives that this machine made: `.micropkgd/builds.json`, never committed, never needed.

A file of its own, since `package` by hand should not pay for reading what is known of a thousand pulled files. The
record may only skip work: without it a module is packaged again, to the same bytes.
"""

import json
import os
from collections.abc import Mapping

from micropkgd.errors import DocumentError
from micropkgd.model.packaged import Archived, LeftOut
from micropkgd.model.tree import Digest, RelPath, parse_digest
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.inputs import Seen
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import Signature
from micropkgd.workspace.reading import DOCUMENT
from micropkgd.workspace.record import replace_record

BUILDS = RelPath(".micropkgd/builds.json")
_SCHEMA = 2


class PublishedState(NamedTuple):
    """What stood at the place where an archive is published, under its name, when that was last looked at."""

    to: str  # the place, as the manifest names it
    file: str
    digest: Digest
    validator: str  # asks whether it is still that; empty where the place says nothing cheaper than its bytes
    checked: float  # when its bytes were last seen; seconds since the epoch
    ours: Digest | None = None  # what this project last published there under this name
    judged: Digest | None = None  # an archive made here that was compared with what stands there
    alike: bool = False  # what came of that: it is the same release, in other words of where it comes from

    def holds(self, digest: Digest) -> bool:
        """Whether an archive made here is the release that stands there."""
        return self.digest == digest or (self.alike and self.judged == digest)


class SentArchive(NamedTuple):
    """An archive that a place took and did not show when it was looked for: it is not sent at every turn."""

    to: str  # the place, as the manifest names it
    file: str
    digest: Digest
    at: float  # when it was sent; seconds since the epoch


class Build(NamedTuple):
    """One archive, what was asked for, and all that was looked at to make it."""

    wish: str
    inputs: Seen
    stands: Signature  # the archive's own
    archived: Archived
    stood: PublishedState | None = None
    sent: SentArchive | None = None

    def stood_at(self, place: str, file: str) -> PublishedState | None:
        """What is known to stand at a place under a name."""
        return self.stood if self.stood is not None and self.stood[:2] == (place, file) else None

    def is_at(self, place: str) -> bool:
        """Whether the archive is known to be published at a place."""
        stood = self.stood_at(place, os.path.basename(self.archived.path))
        return stood is not None and stood.holds(self.archived.digest)


Builds = Mapping[str, Build]


def read_builds(fs: FsOps) -> Builds:
    """The builds by label; none where there is no record or it cannot be read."""
    try:
        document = json.loads(fs.read(BUILDS, at_most=DOCUMENT))
        if document["schema"] != _SCHEMA:
            return {}
        return {str(label): _build(row) for label, row in document["builds"].items()}
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError, DocumentError):
        return {}


def write_builds(fs: FsOps, builds: Builds) -> None:
    """Replace the record in one step; it is not synced, for it can be made again."""
    document = {"schema": _SCHEMA, "builds": {label: builds[label]._asdict() for label in sorted(builds)}}
    replace_record(fs, BUILDS, json.dumps(document, separators=(",", ":")).encode())


def _build(row: dict[str, object]) -> Build:
    inputs, archived = row["inputs"], _list(row["archived"])
    if not isinstance(inputs, dict):
        raise TypeError(inputs)
    seen = {str(path): None if numbers is None else _signature(numbers) for path, numbers in inputs.items()}
    stood, sent = _stood(row.get("stood")), _sent(row.get("sent"))
    return Build(str(row["wish"]), seen, _signature(row["stands"]), _archived(*archived), stood, sent)


def _stood(row: object) -> PublishedState | None:
    if row is None:
        return None
    to, file, digest, validator, checked, *more = _list(row)
    if not isinstance(checked, int | float):
        raise TypeError(row)
    ours, judged, alike = (*more, None, None)[:3]  # a record of 0.2 has the first alone
    own, other = (None if one is None else parse_digest(one) for one in (ours, judged))
    return PublishedState(
        str(to), str(file), parse_digest(digest), str(validator), float(checked), own, other, alike is True
    )


def _sent(row: object) -> SentArchive | None:
    if row is None:
        return None
    to, file, digest, at = _list(row)
    if not isinstance(at, int | float):
        raise TypeError(row)
    return SentArchive(str(to), str(file), parse_digest(digest), float(at))


def _signature(row: object) -> Signature:
    mtime_ns, ctime_ns, size, inode = (number for number in _list(row) if isinstance(number, int))
    return Signature(mtime_ns, ctime_ns, size, inode)


def _archived(
    path: object, name: object, version: object, digest: object, content: object, notes: object, left_out: object
) -> Archived:
    return Archived(
        path=str(path),
        name=str(name),
        version=str(version),
        digest=parse_digest(digest),
        content=parse_digest(content),
        notes=tuple(map(str, _list(notes))),
        left_out=tuple(LeftOut(*map(str, _list(row))) for row in _list(left_out)),
    )


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value
