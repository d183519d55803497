"""The texts beside a held entry, for a person to compare and to join: `.micropkgd/conflicts/<entry>/`.

`theirs` is the new version, `base` what the held files started from, `merged` what can be merged of both, with markers
around what collides. `laid.json` says which version all that is of, what was laid in `merged` and from which files, and
what was decided so far: so a person's work in `merged` is told from ours, and never written over.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import count

from micropkgd.annotations import Any, Final
from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.choice import Conflict
from micropkgd.model.tree import Digest, Found, RelPath, parse_digest, parse_inventory, rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.reading import DOCUMENT
from micropkgd.workspace.record import replace_record
from micropkgd.workspace.trees import files_below, is_folder

CONFLICTS: Final = RelPath(".micropkgd/conflicts")
LEFT_OVER: Final = "left-over"  # no entry's name: it has a hyphen
RECORD: Final = "laid.json"
_SCHEMA: Final = 1


class Laid(NamedTuple):
    """What the record of one entry says."""

    base: str  # digest of the archive that is installed; empty where none is
    archive: Digest  # of the version that waits
    merged: Mapping[RelPath, tuple[Digest, ...]] = {}  # what we laid: a kill may leave the one before the last
    ours: Mapping[RelPath, Digest] = {}  # the edited files that it was made from
    choices: Mapping[RelPath, Conflict] = {}  # what was decided so far
    seen: Mapping[RelPath, Digest] = {}  # the edited files that it was decided of
    opened: bool = False  # in a merge tool or an editor, which may save any time
    marked: tuple[RelPath, ...] = ()  # of `merged`, what was laid with markers

    def is_of(self, hold: Hold) -> bool:
        """Whether it was laid for this hold."""
        return (self.base, self.archive) == (hold.base, hold.archive)


def beside(label: str) -> RelPath:
    """Where the held version of an entry is laid."""
    return RelPath(f"{CONFLICTS}/{label}")


def merged_file(label: str, path: RelPath) -> RelPath:
    """Where the merge of a file is laid."""
    return RelPath(f"{beside(label)}/merged/{path}")


def new_left_over(fs: FsOps, label: str) -> RelPath:
    """Where a person's work that belongs to no hold any more is set aside, beside what was before."""
    places = (RelPath(f"{CONFLICTS}/{LEFT_OVER}/{label}-{number}") for number in count(1))
    return next(place for place in places if fs.status(place) is None)


def read_laid(fs: FsOps, label: str) -> Laid | None:
    """The record of an entry; None where none can be read."""
    try:
        return _parse(json.loads(fs.read(RelPath(f"{beside(label)}/{RECORD}"), at_most=DOCUMENT)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, DocumentError, TreeError):
        return None


def write_laid(fs: FsOps, label: str, laid: Laid) -> None:
    """Replace the record in one step."""
    document = {"schema": _SCHEMA, **laid._asdict()}
    replace_record(fs, RelPath(f"{beside(label)}/{RECORD}"), json.dumps(document, indent=1).encode())


def worked_on(fs: FsOps, label: str, laid: Laid) -> dict[RelPath, Found]:
    """The files in `merged` that are not as we laid them, with what stands there."""
    found = {path: fs.found(merged_file(label, path)) for path in laid.merged}
    return {path: there for path, there in found.items() if there is not None and there not in laid.merged[path]}


def strangers(fs: FsOps, label: str, laid: Laid) -> list[RelPath]:
    """What else stands in `merged`, as an editor keeps there what is not saved yet; copies of what was are none."""
    folder = RelPath(f"{beside(label)}/merged")
    there = files_below(fs, folder) if is_folder(fs, folder) else ()
    return [path for path in there if path.removeprefix(f"{folder}/") not in laid.merged and not path.endswith("~")]


def begun(fs: FsOps, holds: Mapping[str, Hold]) -> frozenset[str]:
    """The refs of the held entries that somebody has begun to settle: for the version that lies beside."""
    return frozenset(ref for ref, hold in holds.items() if _is_begun(fs, hold))


def _is_begun(fs: FsOps, hold: Hold) -> bool:
    laid = read_laid(fs, hold.label)
    if laid is None or not laid.is_of(hold):
        return False
    return laid.opened or bool(laid.choices) or bool(worked_on(fs, hold.label, laid))


def _parse(document: Mapping[str, Any]) -> Laid:
    if document["schema"] != _SCHEMA:
        raise DocumentError("laid by another version")
    return Laid(
        base=str(document["base"]),
        archive=parse_digest(document["archive"]),
        merged={rel_path(path): _digests(row) for path, row in document["merged"].items()},
        ours=parse_inventory(document["ours"]),
        choices={rel_path(path): Conflict(choice) for path, choice in document["choices"].items()},
        seen=parse_inventory(document.get("seen", {})),
        opened=document.get("opened") is True,
        marked=tuple(rel_path(path) for path in document.get("marked", ())),
    )


def _digests(row: Iterable[object]) -> tuple[Digest, ...]:
    return tuple(map(parse_digest, row))
