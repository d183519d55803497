"""A person's work on a merge that lies beside: no pass lays it anew under their hands, and nothing of it is lost."""

from collections.abc import Sequence
from itertools import count

from micropkgd.actions.settle import HeldEntry, held_entry, nothing_joined
from micropkgd.errors import StillHeldError
from micropkgd.model.text_form import form_of, in_form
from micropkgd.model.tree import Found, RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.laid import (
    CONFLICTS,
    LEFT_OVER,
    beside,
    merged_file,
    new_left_over,
    read_laid,
    worked_on,
    write_laid,
)
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.reading import CONTENT
from micropkgd.workspace.trees import make_folders, remove_tree


def mark_opened(root: str, entry: HeldEntry, paths: Sequence[RelPath], lock_timeout: float) -> RelPath | None:
    """Note that somebody is at work on what lies beside: no pass lays it anew under their hands.

    What they made of it before is copied, for a tool may fail while it writes: where, if there is any.
    """
    if entry.hold is None:
        return None
    with hold(root, lock_timeout), FsOps(root) as fs:
        laid = read_laid(fs, entry.hold.label)
        if laid is None or not laid.is_of(entry.hold):
            return None
        if not laid.opened:
            write_laid(fs, entry.hold.label, laid._replace(opened=True))
        work = [path for path, there in worked_on(fs, entry.hold.label, laid).items() if isinstance(there, str)]
        return _copied(fs, entry.hold.label, [path for path in work if path in paths])


def opened_still(root: str, entry: HeldEntry) -> bool:
    """Whether the entry is held as it was, and what lies beside is of that."""
    now = held_entry(root, entry.ref)
    return now.hold is not None and now.laid is not None and entry.hold is not None and now.laid.is_of(entry.hold)


def set_stale_aside(root: str, entry: HeldEntry, paths: Sequence[RelPath], lock_timeout: float) -> RelPath:
    """Set aside what was saved of a merge that something else took the place of, and say where such work lies."""
    label = entry.hold.label if entry.hold is not None else ""
    with hold(root, lock_timeout), FsOps(root) as fs:
        laid, aside = read_laid(fs, label), new_left_over(fs, label)
        known = laid.merged if laid is not None else {}
        for path in paths:
            place, kept = merged_file(label, path), RelPath(f"{aside}/merged/{path}")
            if fs.found(place) not in {None, *known.get(path, ())}:
                make_folders(fs, kept)
                fs.rename(place, kept)
    return RelPath(f"{CONFLICTS}/{LEFT_OVER}")


def save_merged(root: str, entry: HeldEntry, path: RelPath, text: str, known: Found, lock_timeout: float) -> None:
    """Put what a person made of a file in place of its merge, in the form that the file has; `known` is what they saw.

    It lies beside like the merge of anybody else: nothing of it is taken yet. `StillHeldError` where it is not `known`.
    """
    if entry.hold is None:
        raise nothing_joined(entry)
    place, draft = merged_file(entry.hold.label, path), RelPath(f"{beside(entry.hold.label)}/draft")
    with hold(root, lock_timeout), FsOps(root) as fs:
        laid = read_laid(fs, entry.hold.label)
        if laid is None or not laid.is_of(entry.hold) or path not in laid.merged or fs.found(place) != known:
            raise _changed(place)
        form = form_of(fs.read(place, at_most=CONTENT))
        if form is None:
            raise StillHeldError("cannot be edited as a text here", where=place, hint="edit the file there")
        remove_tree(fs, draft)
        fs.write_file(draft, in_form(text.encode(), form))
        fs.exchange(draft, place)
        if fs.found(draft) != known:  # an editor saved it just now
            fs.exchange(draft, place)
            raise _changed(place)
        remove_tree(fs, draft)


def _copied(fs: FsOps, label: str, paths: Sequence[RelPath]) -> RelPath | None:
    """Copy what lies in `merged` into the next folder `before-<number>`, unless the last one has it all."""
    names = (RelPath(f"{beside(label)}/before-{number}") for number in count(1))
    last, folder = None, next(names)
    while fs.status(folder) is not None:
        last, folder = folder, next(names)
    if all(fs.found(merged_file(label, path)) == fs.found(RelPath(f"{last}/{path}")) for path in paths):
        return last if paths else None
    for path in paths:
        copy = RelPath(f"{folder}/{path}")
        make_folders(fs, copy)
        fs.write_file(copy, fs.read(merged_file(label, path)))
    return folder


def _changed(place: RelPath) -> StillHeldError:
    return StillHeldError("was changed since you saw it", where=place, hint="nothing was saved; look at it again")
