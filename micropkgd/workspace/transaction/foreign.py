"""Sets aside a foreign journal that stands in our way, with its files; nobody ever acts on it.

Nothing of it is deleted. A project restored from a backup may hold a person's only copy among the staged files.
"""

from itertools import count

from micropkgd.model.tree import RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.transaction.journal import FOLDER, JOURNAL
from micropkgd.workspace.transaction.kept import TXN

_ASIDE = ".foreign"


def set_foreign_aside(fs: FsOps) -> RelPath:
    """Move the journal and everything staged out of the way, and say where the journal is now.

    The staged files go first: a crash in between may leave a journal without them, but none of them to be swept.
    """
    ending = free_ending(fs, TXN, JOURNAL)
    if fs.status(TXN):
        fs.rename(TXN, RelPath(f"{TXN}{ending}"))
    aside = RelPath(f"{JOURNAL}{ending}")
    fs.rename(JOURNAL, aside)
    fs.sync_folder(FOLDER)
    return aside


def free_ending(fs: FsOps, *paths: RelPath) -> str:
    """What to add to the names of what is set aside, so that nothing set aside before is replaced."""
    endings = (_ASIDE if number == 1 else f"{_ASIDE}.{number}" for number in count(1))
    return next(each for each in endings if not any(fs.status(RelPath(f"{path}{each}")) for path in paths))


def found_aside(fs: FsOps) -> list[RelPath]:
    """The journals that were set aside and still lie there."""
    names = (name for name in fs.names(FOLDER) if f"{FOLDER}/{name}".startswith(f"{JOURNAL}{_ASIDE}"))
    return [RelPath(f"{FOLDER}/{name}") for name in names]
