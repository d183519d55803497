"""A person's word on a held entry, before the pass that carries it out: which files it is about, and what they become.

What was decided earlier of single files counts until the entry is applied; a word without files is for all that are not
decided yet. Of what a person joined in `merged` only what has no marker left, and parses, is taken.
"""

from collections.abc import Mapping, Sequence

from micropkgd.actions.naming import named_among
from micropkgd.documents.syntax import fault_in
from micropkgd.errors import StillHeldError, UsageError
from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.lock import Block
from micropkgd.model.text_form import form_of, in_form
from micropkgd.model.tree import LEFT_OUT, Found, Obstacle, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.marked import markers_in
from micropkgd.reconcile.resolve.blocks import current_blocks
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.laid import (
    Laid,
    beside,
    merged_file,
    read_laid,
)
from micropkgd.workspace.memory.state import Hold, read_state
from micropkgd.workspace.observe import see
from micropkgd.workspace.project import read_project
from micropkgd.workspace.reading import CONTENT

_MANY = 5  # names in one message


class HeldEntry(NamedTuple):
    """What is known of an entry that somebody settles."""

    ref: str
    block: Block | None
    hold: Hold | None  # None: it is not held, and its edits may be taken back all the same
    laid: Laid | None  # what lies beside for this hold
    drifted: tuple[RelPath, ...]  # the files that differ from the lock

    @property
    def contested(self) -> tuple[RelPath, ...]:
        """The files that ask for a decision, decided or not."""
        if self.hold is None:
            return self.drifted
        return tuple(sorted({*self.hold.paths, *(self.laid.choices if self.laid is not None else ())}))


def held_entry(root: str, ref: str) -> HeldEntry:
    """Look at an entry that a person wants to settle."""
    with FsOps(root) as fs:
        state, project = read_state(fs), read_project(root)
        block = current_blocks(project).get(ref)
        found = see(fs, root, block.files, state.hashes).found if block is not None else {}
        hold = state.holds.get(ref)
        laid = read_laid(fs, hold.label) if hold is not None else None
    files = block.files if block is not None else {}
    drifted = tuple(path for path, digest in files.items() if found[path] not in {digest, LEFT_OUT})
    return HeldEntry(ref, block, hold, laid if laid is not None and hold and laid.is_of(hold) else None, drifted)


def found_of(root: str, paths: Sequence[RelPath]) -> Mapping[RelPath, Found]:
    """What stands at these paths now."""
    with FsOps(root) as fs:
        return see(fs, root, paths, read_state(fs).hashes).found


def named_files(entry: HeldEntry, names: Sequence[str], root: str, below: str) -> tuple[RelPath, ...]:
    """The contested files that a person names: from the project, from the folder `below` it, or whole folders."""
    chosen: dict[RelPath, None] = {}
    for name in names:
        found = named_among(entry.contested, name, root, below)
        if not found:
            several = ", ".join(entry.contested[:_MANY]) + (", ..." if len(entry.contested) > _MANY else "")
            raise UsageError(f"`{name}` is not among the files to decide", hint=f"these are: {several or 'none'}")
        chosen |= dict.fromkeys(found)
    return tuple(chosen)


def decide(root: str, entry: HeldEntry, choice: Conflict, paths: Sequence[RelPath]) -> Decision:
    """What becomes of the files: `paths`, or else all that are not decided yet. Raises where that cannot be done."""
    with FsOps(root) as fs:
        before = decided_before(fs, entry)
        if paths:
            decision = Decision(None, {**before, **dict.fromkeys(paths, choice)})
        elif choice is Conflict.JOINED:
            open_ones = [path for path in entry.contested if path not in before and _is_laid(fs, entry, path)]
            if not open_ones:
                raise nothing_joined(entry)
            decision = Decision(None, {**before, **dict.fromkeys(open_ones, choice)})
        else:
            decision = Decision(choice, before)
        joined = [path for path, each in decision.paths.items() if each is Conflict.JOINED]
        return decision._replace(texts={path: _joined(fs, entry, path) for path in joined})


def problems_in(root: str, entry: HeldEntry, paths: Sequence[RelPath]) -> dict[RelPath, StillHeldError | None]:
    """What is still wrong with each of the files that lie in `merged`."""
    found: dict[RelPath, StillHeldError | None] = dict.fromkeys(paths)
    with FsOps(root) as fs:
        for path in paths:
            try:
                _joined(fs, entry, path)
            except StillHeldError as error:
                found[path] = error
    return found


def mergeable(root: str, entry: HeldEntry, paths: Sequence[RelPath]) -> tuple[RelPath, ...]:
    """The files, of `paths` or of all that are not decided yet, of which a merge lies beside."""
    with FsOps(root) as fs:
        before = decided_before(fs, entry)
        wanted = paths or [path for path in entry.contested if path not in before]
        found = tuple(path for path in wanted if _is_laid(fs, entry, path))
    if not found:
        raise nothing_joined(entry)
    return found


def decided_before(fs: FsOps, entry: HeldEntry) -> Mapping[RelPath, Conflict]:
    """What was decided before; of a file that was edited since, to be replaced, nothing was."""
    if entry.laid is None:
        return {}
    laid = entry.laid
    stale = {path for path, digest in laid.seen.items() if fs.found(path) != digest}
    return {
        path: choice
        for path, choice in laid.choices.items()
        if choice is Conflict.KEEP or path not in stale
    }  # fmt: skip


def _is_laid(fs: FsOps, entry: HeldEntry, path: RelPath) -> bool:
    return entry.hold is not None and fs.status(merged_file(entry.hold.label, path)) is not None


def nothing_joined(entry: HeldEntry) -> UsageError:
    """What is wrong where no merge lies beside that could be taken."""
    where = beside(f"{entry.hold.label}/merged") if entry.hold is not None else "merged"
    return UsageError(
        f"no merge of a file to decide lies in {where}", hint="decide with `--keep` or `--take`; see `micropkgd diff`"
    )


def _joined(fs: FsOps, entry: HeldEntry, path: RelPath) -> bytes:
    """What a person made of both sides of a file, if it can be taken."""
    hold, laid = entry.hold, entry.laid
    if hold is None or laid is None or path not in laid.merged:
        raise UsageError(f"no merge of {path} lies beside", hint="decide with `--keep` or `--take`")
    place = merged_file(hold.label, path)
    found = fs.found(place)
    if not isinstance(found, str):
        what = found.what if isinstance(found, Obstacle) else "nothing"
        hint = "remove it, and the next pass lays the merge again" if found else "the next pass lays the merge again"
        raise StillHeldError(f"{what} stands there in place of the merge", where=place, hint=hint)
    data = _in_its_form(fs.read(place, at_most=CONTENT), _read(fs, path), place)
    sides = (_read(fs, RelPath(f"{beside(hold.label)}/{side}/{path}")) for side in ("base", "theirs"))
    lines = markers_in(data, *sides, _read(fs, path))
    if lines:
        several = ", ".join(map(str, lines))
        problem = f"markers are left, in line{'s' if len(lines) > 1 else ''} {several}"
        raise StillHeldError(problem, where=place, hint="join both sides there, take the markers out, and say it again")
    if fault := fault_in(path, data):
        raise StillHeldError(f"cannot be parsed: {fault}", where=place, hint="mend it there, and say it again")
    if laid.ours.get(path) not in {None, fs.found(path)}:
        problem = f"{path} was edited since this merge of it was laid"
        hint = "take that edit back there, or remove this merge: the next pass lays it again"
        raise StillHeldError(problem, where=place, hint=hint)
    return data


def _in_its_form(data: bytes, ours: bytes | None, place: RelPath) -> bytes:
    """What a person made, as the file is written here: an editor may have made other line ends of it."""
    if b"\0" in data:
        raise StillHeldError(
            "has null bytes, as UTF-16 has", where=place, hint="save it as UTF-8 there, and say it again"
        )
    form = form_of(ours) if ours is not None else None
    return data if form is None or form_of(data) is None else in_form(data, form)


def _read(fs: FsOps, path: RelPath) -> bytes | None:
    return fs.read(path) if isinstance(fs.found(path), str) else None
