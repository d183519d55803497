"""Put an archive where it belongs: written beside, made durable, renamed, so that it is never seen half.

One file needs no journal: the rename is the commit. A crash leaves the old archive, and beside it a hidden draft that
the next archive in its folder takes away, a day later. Only what `Packing` made is replaced: any other file of that
name, like an archive of `python -m build`, may be somebody's only copy, and is set aside first.
"""

import os
from contextlib import suppress
from stat import S_ISREG

from micropkgd.drafts import draft_name, is_long_ago, may_be_draft
from micropkgd.errors import TreeError, words_of
from micropkgd.model.packaged import Step
from micropkgd.model.tree import Obstacle, RelPath, parents
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.spool import Spool
from micropkgd.sdist.limits import DEFAULT_LIMITS
from micropkgd.sdist.writer import is_written_here
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import Signature
from micropkgd.workspace.observe import signature_of


class PlacedArchive(NamedTuple):
    """What was done, or would be."""

    step: Step
    stands: Signature | None  # of the file that now stands
    aside: str | None = None  # where a file lies now that was not ours


def place_archive(fs: FsOps, path: str, spool: Spool, *, apply: bool) -> PlacedArchive:
    """Write an archive unless it stands there."""
    if os.path.isabs(path):
        folder, name = os.path.split(path)
        return _place_elsewhere(folder, RelPath(name), spool, apply=apply)
    return _place(fs, RelPath(path), spool, apply=apply)


def _place_elsewhere(folder: str, name: RelPath, spool: Spool, *, apply: bool) -> PlacedArchive:
    """A folder outside the project: the person who named it vouches for it, links on the way included."""
    if not apply and not os.path.isdir(folder):
        return PlacedArchive(Step.CREATE, None)
    try:
        os.makedirs(folder, exist_ok=True)
        with FsOps(folder) as elsewhere:
            placed = _place(elsewhere, name, spool, apply=apply)
            return placed._replace(aside=placed.aside and os.path.join(folder, placed.aside))
    except OSError as error:
        raise _refused(error, folder) from error


def _place(fs: FsOps, path: RelPath, spool: Spool, *, apply: bool) -> PlacedArchive:
    """Say what is to be done at the archive's path, and do it unless it is a dry run."""
    found = None if (too_large := _is_too_large(fs, path)) else fs.found(path)
    if isinstance(found, Obstacle):
        raise TreeError(f"{found.what} stands in the way", where=path, hint="move it away and run again")
    step = Step.NONE if found == spool.digest else Step.UPDATE if found or too_large else Step.CREATE
    aside = None
    if step is Step.UPDATE and not _is_ours(fs, path):
        from micropkgd.workspace.transaction.foreign import free_ending

        aside = RelPath(f"{path}{free_ending(fs, path)}")
    if apply and step is not Step.NONE:
        _put(fs, path, spool, aside)
    status = fs.status(path)
    return PlacedArchive(step, None if status is None else signature_of(status), aside)


def _is_too_large(fs: FsOps, path: RelPath) -> bool:
    """Whether a file can be no archive of ours: its size says so, and it is not read to know better."""
    status = fs.status(path)
    return status is not None and S_ISREG(status.st_mode) and status.st_size > DEFAULT_LIMITS.packed


def _is_ours(fs: FsOps, path: RelPath) -> bool:
    """Whether a file can be made again; one that is empty, as `touch` leaves it, holds nothing to keep."""
    status = fs.status(path)
    if status is None or status.st_size > DEFAULT_LIMITS.packed:
        return False
    if status.st_size == 0:
        return True
    with fs.open_file(path) as stream:
        return is_written_here(stream)


def _put(fs: FsOps, path: RelPath, spool: Spool, aside: RelPath | None) -> None:
    """Write the archive beside its path, and rename it over; what somebody else had there goes `aside` first."""
    above = parents(path)
    folder = above[0] if above else None
    draft = _below(folder, draft_name())
    try:
        made = [parent for parent in above if fs.status(parent) is None]
        for parent in reversed(made):
            fs.make_folder(parent)
        _sweep(fs, folder)
        spool.write_to(fs, draft)
        fs.sync_file(draft)
        if aside is not None:
            fs.rename_new(path, aside)
        fs.rename(draft, path)
        for touched in {folder, *(parents(new)[0] if "/" in new else None for new in made)}:
            fs.sync_folder(touched)
    except BaseException as error:
        with suppress(OSError):
            fs.remove_file(draft)
        if isinstance(error, OSError):
            raise _refused(error, path) from error
        raise


def _sweep(fs: FsOps, folder: RelPath | None) -> None:
    """Remove drafts that others left in a folder long ago."""
    for name in filter(may_be_draft, fs.names(folder or RelPath("."))):
        path = _below(folder, name)
        if (status := fs.status(path)) is not None and is_long_ago(status):
            fs.remove_file(path)


def _below(folder: RelPath | None, name: str) -> RelPath:
    return RelPath(name if folder is None else f"{folder}/{name}")


def _refused(error: OSError, where: str) -> TreeError:
    problem = f"the archive cannot be written: {words_of(error)}"
    return TreeError(problem, where=where, hint="see `ls -ld` of its folder, and `df` for free space")
