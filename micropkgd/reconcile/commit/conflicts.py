"""The held new version, laid beside for a person to compare and to join: `.micropkgd/conflicts/<entry>/`.

Never inside the package, where Python would import it, and no marker ever stands in the tree. What a person has changed
in `merged` is never made anew, and where a hold ends without it, it is set aside.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.contents import digests_of, pieces_of
from micropkgd.model.plan import ChangeKind
from micropkgd.model.text_form import same_texts
from micropkgd.model.tree import Digest, Found, RelPath, digest_of
from micropkgd.reconcile.plan.beside import Beside
from micropkgd.reconcile.plan.holds import new_hold
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.laid import (
    CONFLICTS,
    LEFT_OVER,
    RECORD,
    Laid,
    beside,
    merged_file,
    new_left_over,
    read_laid,
    strangers,
    worked_on,
    write_laid,
)
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.trees import files_below, is_folder, make_folders, refuse_obstacle, remove_tree

if TYPE_CHECKING:
    from micropkgd.reconcile.plan.planned import Planned, Proposal

_BY_HAND: Final = "by-hand"  # no entry's name: it has a hyphen


def lay_beside(fs: FsOps, proposal: "Proposal", holds: Iterable[Hold], choices: Mapping[str, Decision]) -> None:
    """Make the conflicts folder hold exactly what belongs to the entries that are held, and what was decided of them.

    Of `holds` that stand since an earlier pass what lies beside stays, too.
    """
    held, holds = {}, list(holds)
    for entry in proposal.entries:
        hold, rendering = new_hold(entry.desired, entry.plan) if entry.hold is None else None, entry.desired.rendering
        if hold is not None and rendering is not None:
            held[hold.label] = (entry, hold, rendering.files)
    for name in fs.names(CONFLICTS):
        if name not in {*held, *(hold.label for hold in holds), _BY_HAND, LEFT_OVER}:
            _clear(fs, name)
    for entry, hold, theirs in held.values():
        _lay(fs, hold, theirs, entry.beside)
        if chosen := choices.get(entry.desired.ref, Decision()).paths:
            _note(fs, entry, hold.label, chosen)


def lay_one_beside(fs: FsOps, entry: "Planned") -> RelPath | None:
    """Lay the new version of an entry that was pulled by hand beside, and say where; None where it is not held."""
    rendering = entry.desired.rendering
    if rendering is None:
        return None
    folder = beside(f"{_BY_HAND}/{rendering.place.requirements_label}")
    if entry.plan is None or not entry.plan.held:
        remove_tree(fs, folder)
        return None
    _fill(fs, folder, rendering.files)
    return folder


def _note(fs: FsOps, entry: "Planned", label: str, chosen: Mapping[RelPath, Conflict]) -> None:
    """Remember what was decided, and of which edits."""
    laid, changes = read_laid(fs, label), entry.plan.changes if entry.plan is not None else ()
    held = {change.path for change in changes if change.kind is ChangeKind.HOLD}
    chosen = {path: choice for path, choice in chosen.items() if path not in held}  # merged, and it collides: undecided
    if laid is not None:
        seen = {path: before for _, path, before, *_ in changes if path in chosen and before is not None}
        noted = laid._replace(choices={**laid.choices, **chosen}, seen={**laid.seen, **seen})
        if noted != laid:
            write_laid(fs, label, noted)


def _lay(fs: FsOps, hold: Hold, theirs: Mapping[RelPath, bytes], texts: Beside) -> None:
    """Lay one entry, its record before the rest: a kill in between leaves nothing that looks like a person's work."""
    refuse_obstacle(fs, CONFLICTS)
    folder, before = beside(hold.label), read_laid(fs, hold.label)
    if before is None or not before.is_of(hold):
        _clear(fs, hold.label)
        before = Laid(hold.base, hold.archive)
    busy = worked_on(fs, hold.label, before)
    laid = _record(before, texts, busy)
    if laid != before:
        make_folders(fs, RelPath(f"{folder}/{RECORD}"))
        write_laid(fs, hold.label, laid)
    _fill(fs, RelPath(f"{folder}/theirs"), theirs)
    _fill(fs, RelPath(f"{folder}/base"), texts.base)
    for path, text in texts.merged.items():
        if path not in busy:
            _put(fs, hold.label, path, text, laid.merged[path])


def _record(before: Laid, texts: Beside, busy: Mapping[RelPath, Found]) -> Laid:
    """What the record says once these texts are laid; of files that a person is at work on it stays as it is."""
    merged, ours = dict(before.merged), dict(before.ours)
    for path, text in texts.merged.items():
        digest = digest_of(text)
        if path in busy:
            continue
        if digest not in merged.get(path, ()):
            merged[path] = (*merged.get(path, ())[-1:], digest)
        if path in texts.ours:
            ours[path] = texts.ours[path]
    return before._replace(merged=merged, ours=ours, marked=texts.marked)


def _clear(fs: FsOps, label: str) -> None:
    """Take away what lies beside an entry; what a person made there, and the tree has not, is set aside."""
    folder, laid = beside(label), read_laid(fs, label)
    if laid is None:
        is_work = is_folder(fs, RelPath(f"{folder}/merged"))  # nobody can tell whose it is
    else:
        work = worked_on(fs, label, laid).items()
        is_work = any(not _is_in_tree(fs, label, path, there) for path, there in work) or bool(
            strangers(fs, label, laid)
        )
    if is_work:
        place = new_left_over(fs, label)
        make_folders(fs, place)
        fs.rename(folder, place)
    for name in fs.names(folder):
        if name != RECORD:  # which goes last, so that a kill leaves nothing that cannot be told
            remove_tree(fs, RelPath(f"{folder}/{name}"))
    remove_tree(fs, folder)


def _is_in_tree(fs: FsOps, label: str, path: RelPath, there: Found) -> bool:
    """Whether the file has what a person made of its merge, in whatever form."""
    found = fs.found(path)
    return found == there or (isinstance(there, str) and found in set(same_texts(fs.read(merged_file(label, path)))))


def _put(fs: FsOps, label: str, path: RelPath, text: bytes, known: Collection[Digest]) -> None:
    """Lay one merge where nothing of a person's stands, also where they save it just now."""
    place, draft = merged_file(label, path), RelPath(f"{beside(label)}/draft")
    found, digest = fs.found(place), digest_of(text)
    if found == digest:
        return
    make_folders(fs, place)
    remove_tree(fs, draft)
    fs.write_file(draft, text)
    if found is None:
        with suppress(FileExistsError):
            fs.rename_new(draft, place)
        return
    fs.exchange(draft, place)
    if fs.found(draft) not in known:
        fs.exchange(draft, place)
    remove_tree(fs, draft)


def _fill(fs: FsOps, folder: RelPath, files: Mapping[RelPath, bytes]) -> None:
    """Make a folder hold exactly these files."""
    for path in list(files_below(fs, folder)) if is_folder(fs, folder) else ():
        if path.removeprefix(f"{folder}/") not in files:
            fs.remove_file(path)
    _write(fs, folder, files)


def _write(fs: FsOps, folder: RelPath, files: Mapping[RelPath, bytes]) -> None:
    for name, digest in digests_of(files).items():
        path = RelPath(f"{folder}/{name}")
        found = fs.found(path)
        if found == digest:
            continue
        if found is not None:
            fs.remove_file(path)
        make_folders(fs, path)
        fs.write_pieces(path, pieces_of(files, name))
