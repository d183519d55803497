"""The edits of an entry as a patch for the repository where its module lives; nothing of either is changed."""

from collections.abc import Callable, Sequence

from micropkgd.actions.entry_edits import ALL, ChosenPaths, EntryEdits, entry_edits, is_edited
from micropkgd.actions.homeward import HomeChange, homeward
from micropkgd.actions.naming import match_entry
from micropkgd.errors import ArchiveError, DocumentError, StillHeldError, UsageError
from micropkgd.model.condition import Failure
from micropkgd.model.lock import Block
from micropkgd.model.module_origin import TABLE, ModuleOrigin, read_module_origin
from micropkgd.model.publish import name_in
from micropkgd.model.pull_entry import PullEntry
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.marked import markers_in
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.reconcile.resolve.fetcher import Fetcher, fetcher_for
from micropkgd.sdist.metadata import own_table
from micropkgd.sdist.reader import Sdist
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project, read_project


class EntryPatch(NamedTuple):
    """What an entry's edits come to where its module lives."""

    ref: str
    name: str
    version: str
    archive: str
    target: str
    origin: ModuleOrigin | None
    changes: tuple[HomeChange, ...]
    notes: tuple[str, ...]


def entry_patch(
    root: str,
    text: str | None,
    make_fetcher: Callable[[str], Fetcher],
    *,
    chosen: ChosenPaths = ALL,
    as_archived: bool = False,
) -> EntryPatch | Failure | None:
    """The patch of the chosen edits of one entry; of the one that has some where none is named, None where none has.

    `as_archived` leaves aside what the archive says of its origin. A failure says why the archive cannot be had.
    """
    only = match_entry(root, text) if text is not None else None
    project = read_project(root)
    with FsOps(root) as fs:
        entry, block = _named(fs, project, only)
        if entry is None or block is None:
            return None
        found = entry_edits(
            fs, project, entry, block, fetcher_for(project.root, project.manifest, make_fetcher), chosen
        )
    if isinstance(found, Failure):
        return found
    _refuse_markers(found)
    origin = None if as_archived else _origin(found.sdist, entry)
    return _patch(found, block, origin, as_archived=as_archived)


def _refuse_markers(edits: EntryEdits) -> None:
    """`StillHeldError` where git has left both sides in an edited file: its markers are nobody's edit."""
    for one in edits.edited:
        lines = markers_in(one.after, one.before) if one.after is not None else ()
        if len(lines) > 1:
            several = ", ".join(map(str, lines))
            hint = "finish the merge, then run again; PATHs, or `--exclude`, take the other edits"
            raise StillHeldError(f"markers of a merge are in lines {several}", where=one.path, hint=hint)


def _named(fs: FsOps, project: Project, only: str | None) -> tuple[PullEntry | None, Block | None]:
    """The entry that is meant."""
    installed = [(entry, _block_of(project, entry)) for entry in project.manifest.pulls]
    if only is not None:
        entry, block = next(pair for pair in installed if pair[0].ref.text == only)
        if block is None:
            raise UsageError(f"`{only}` is not installed, so it has no edits", hint="see `micropkgd status`")
        return entry, block
    edited = [(entry, block) for entry, block in installed if block and is_edited(fs, project, entry, block)]
    if len(edited) > 1:
        refs = ", ".join(entry.ref.text for entry, _ in edited)
        raise UsageError(f"{len(edited)} entries have edits, and each has a home of its own", hint=f"name one: {refs}")
    return edited[0] if edited else (None, None)


def _block_of(project: Project, entry: PullEntry) -> Block | None:
    """What the lock has of an entry: of a ref that is new in the manifest, the one that stands in its place."""
    found = current_blocks(project)[entry.ref.text]
    if found is not None:
        return found
    asked = {other.ref.text for other in project.manifest.pulls}
    leaf = entry.alias or name_in(entry.ref)
    code = project.layout.place(entry.destination, leaf, None).code if leaf.isidentifier() else None
    return next((block for block in project.lock.blocks if block.target == code and block.ref not in asked), None)


def _origin(sdist: Sdist, entry: PullEntry) -> ModuleOrigin | None:
    """What an archive says of where it comes from; `ArchiveError` where that leads out of a repository."""
    table = own_table(sdist, TABLE)
    if table is None:
        return None
    try:
        return read_module_origin(table)
    except DocumentError as error:
        hint = f"`micropkgd patch --as-archived {entry.ref.text}` leaves it aside"
        raise ArchiveError(
            "bad-metadata", f"[{'.'.join(TABLE)}]: {error}", where="pyproject.toml", hint=hint
        ) from error


def _patch(edits: EntryEdits, block: Block, origin: ModuleOrigin | None, *, as_archived: bool) -> EntryPatch:
    home = homeward(edits, origin)
    notes: Sequence[str] = (*home.notes, *edits.notes)
    if origin is None and home.changes:
        name = edits.module.name
        said = "as asked" if as_archived else "for the archive does not say where its module lives"
        where = f"`git apply --directory=FOLDER`, with the folder there that has `{name}`, puts them right"
        notes = (f"paths and names are those in the archive, {said}: {where}", *notes)
    version = edits.version
    return EntryPatch(
        block.ref, block.name, version.version, version.archive, version.target, origin, home.changes, tuple(notes)
    )
