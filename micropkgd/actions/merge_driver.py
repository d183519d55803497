"""The lock as git's merge driver: three files, of which the second is to become the merged one (docs/git.md)."""

from micropkgd import documents
from micropkgd.errors import DocumentError, UsageError
from micropkgd.model.lock import Lock
from micropkgd.model.lock_merge import merge_locks
from micropkgd.workspace.project import lock_text
from micropkgd.workspace.reading import LOCK, read_regular


def merge_files(base: str, ours: str, theirs: str) -> tuple[str, ...]:
    """Write the merged lock to `ours`, and give the refs that nobody can choose between.

    Raises `DocumentError` where one of them is not a lock; nothing was written then, and git keeps both sides.
    """
    merged = merge_locks(*(_read(path) for path in (base, ours, theirs)))
    text = lock_text(merged.lock)
    try:
        with open(ours, "wb") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError.unreadable(error, ours) from error
    return merged.contested


def _read(path: str) -> Lock:
    try:
        data = read_regular(path, at_most=LOCK)
    except OSError as error:
        raise UsageError.unreadable(error, path) from error
    try:
        return Lock.from_mapping(documents.read_toml(data)) if data.strip() else Lock()
    except DocumentError as error:
        raise error.at(path) from error
