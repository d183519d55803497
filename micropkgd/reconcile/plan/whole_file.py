"""A file with several owners as a pass sees it: its bytes, looked at once, and the change that replaces them."""

from collections.abc import Iterable

from micropkgd.errors import TreeError
from micropkgd.model.plan import Change, ChangeKind
from micropkgd.model.tree import Digest, Obstacle, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.reading import TEXT


class WrittenChange(NamedTuple):
    """A change, and the bytes it writes."""

    change: Change
    data: bytes


def bytes_of(fs: FsOps, path: RelPath, *, at_most: int = TEXT) -> bytes | None:
    """The bytes of a file; None where there is none, `TreeError` where something else stands there."""
    found = fs.found(path)
    if isinstance(found, Obstacle):
        raise TreeError(f"{found.what} stands in the way", where=path, hint="move it away and run again")
    try:
        return None if found is None else fs.read(path, at_most=at_most)
    except FileNotFoundError:  # somebody took it away between the two looks
        return None
    except OSError as error:
        raise TreeError.unreadable(error, path) from error


def written(path: RelPath, found: bytes | None, data: bytes, reason: str) -> WrittenChange:
    """The step from what was found to other bytes.

    What a change is made from is also what it may replace: a save after that one look refuses the commit.
    """
    kind, before = (ChangeKind.CREATE, None) if found is None else (ChangeKind.UPDATE, digest_of(found))
    return WrittenChange(Change(kind, path, before, digest_of(data), reason), data)


def contents_of(changes: Iterable[WrittenChange]) -> dict[Digest, bytes]:
    """The bytes that changes write, by digest."""
    return {one.change.after: one.data for one in changes if one.change.after is not None}
