"""Shows a held entry to a person who decides: the contested files, and of one of them the texts of all sides.

Whoever decides says what they saw (`seen`): where anything of it is otherwise by then, they have to look again. What is
too large for a page, binary or in another encoding is told and not shown. Looks, and changes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from micropkgd.actions.settle import HeldEntry, decided_before, held_entry, problems_in
from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError, StillHeldError, UsageError
from micropkgd.model.choice import Conflict
from micropkgd.model.text_diff import text_diff
from micropkgd.model.text_form import form_of, plain
from micropkgd.model.tree import Found, Obstacle, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.laid import beside, merged_file
from micropkgd.workspace.memory.state import read_state
from micropkgd.workspace.observe import see

LARGEST: Final = 256 * 1024  # bytes of a text that is shown, and may be sent back
MOST: Final = 300  # files that are named

_SIDES: Final = ("base", "ours", "theirs", "merged")


class HeldSide(NamedTuple):
    """One file as one side has it."""

    size: int | None  # bytes; None: there is none
    text: str | None = None  # with LF; None where it is not shown
    why: str = ""  # it is not shown
    data: bytes | None = None

    def document(self) -> dict[str, object]:
        """For programs."""
        return {"size": self.size, "text": self.text, "why": self.why}


class HeldFile(NamedTuple):
    """One contested file."""

    path: RelPath
    there: str  # what stands in the tree: "file", "nothing", or what is in the way
    upstream: bool  # whether the new version has it
    choice: Conflict | None  # what was decided of it so far
    choices: tuple[Conflict, ...]  # what can be
    seen: str

    def document(self) -> dict[str, object]:
        """For programs."""
        return self._asdict()


class HeldSight(NamedTuple):
    """What a person sees of an entry that waits for them."""

    entry: HeldEntry
    found: Mapping[RelPath, Found]
    merged: Mapping[RelPath, Found]
    files: tuple[HeldFile, ...]
    seen: str

    def seen_of(self, paths: Sequence[RelPath]) -> str:
        """What was seen of some files, or of all."""
        rows = {file.path: file.seen for file in self.files}
        if len(paths) == 1:
            return rows.get(paths[0], "")
        return _mark([rows.get(path, "") for path in paths]) if paths else self.seen

    def document(self) -> dict[str, object]:
        """For programs; of very many files the first."""
        hold, block = self.entry.hold, self.entry.block
        return {
            "ref": self.entry.ref,
            "target": block.target if block is not None else "",
            "version": block.version if block is not None else "",
            "waiting": hold.version if hold is not None else "",
            "held": hold is not None,
            "step_back": hold is not None and bool(hold.step_back),
            "folder": beside(hold.label) if hold is not None else "",
            "seen": self.seen,
            "files": [file.document() for file in self.files[:MOST]],
            "more": max(0, len(self.files) - MOST),
        }


class HeldTexts(NamedTuple):
    """One contested file with its texts."""

    file: HeldFile
    sides: Mapping[str, HeldSide]
    edits: tuple[str, ...]  # base and ours, as a diff
    upstream: tuple[str, ...]  # base and theirs
    problem: str  # why the merge cannot be taken as it is
    editable: bool  # whether the merge can be edited as a text

    def document(self) -> dict[str, object]:
        """For programs."""
        rows = {name: side.document() for name, side in self.sides.items()}
        return {**self._asdict(), "file": self.file.document(), "sides": rows}


def held_sight(root: str, ref: str) -> HeldSight:
    """Look at an entry that is held, or edited. `StillHeldError` where the lock has moved on from what was held."""
    entry = held_entry(root, ref)
    hold, block = entry.hold, entry.block
    if hold is not None and hold.base != (block.archive if block is not None else ""):
        problem = "the lock was changed since the pass that held this"
        raise StillHeldError(problem, where=ref, hint="let a pass look at it first: reconcile")
    with FsOps(root) as fs:
        found = see(fs, root, entry.contested, read_state(fs).hashes).found
        decided = decided_before(fs, entry)
        merged = {path: fs.found(merged_file(hold.label, path)) for path in entry.contested} if hold is not None else {}
        files = tuple(_file(fs, entry, path, found[path], merged.get(path), decided) for path in entry.contested)
    whole = _mark([*_versions(entry), *(file.seen for file in files)])
    return HeldSight(entry, found, merged, files, whole)


def held_texts(root: str, sight: HeldSight, path: RelPath) -> HeldTexts:
    """The texts of one contested file. `UsageError` where it is none."""
    file = next((each for each in sight.files if each.path == path), None)
    if file is None:
        raise UsageError(f"`{path}` is not among the files to decide", hint="look at the entry again")
    with FsOps(root) as fs:
        sides = {name: _side(fs, place) for name, place in _places(sight.entry, path).items()}
    joined = Conflict.JOINED in file.choices and sides["merged"].data is not None  # a large one is parsed when taken
    problem = problems_in(root, sight.entry, [path])[path] if joined else None
    return HeldTexts(
        file,
        sides,
        _diff(path, sides["base"], sides["ours"]),
        _diff(path, sides["base"], sides["theirs"]),
        str(problem.problem) if problem is not None else "",
        sides["merged"].text is not None and form_of(sides["merged"].data or b"") is not None,
    )


def _versions(entry: HeldEntry) -> list[str]:
    hold, block = entry.hold, entry.block
    return [block.archive if block is not None else "", hold.archive if hold is not None else ""]


def _file(
    fs: FsOps, entry: HeldEntry, path: RelPath, found: Found, merged: Found, decided: Mapping[RelPath, Conflict]
) -> HeldFile:
    upstream = entry.hold is not None and fs.status(_places(entry, path)["theirs"]) is not None
    choices = [Conflict.KEEP] if entry.hold is not None else []
    choices += [Conflict.TAKE, *([Conflict.JOINED] if isinstance(merged, str) and _was_laid(entry, path) else [])]
    choice = decided.get(path)
    seen = _mark([*_versions(entry), path, _word(found), _word(merged), choice.value if choice is not None else ""])
    there = "file" if isinstance(found, str) else found.what if found is not None else "nothing"
    return HeldFile(path, there, upstream, choice, tuple(choices), seen)


def _was_laid(entry: HeldEntry, path: RelPath) -> bool:
    """Whether a merge of it lies beside that is ours, or was: what somebody else put there is no answer."""
    return entry.laid is not None and path in entry.laid.merged


def _word(found: Found) -> str:
    return found.what if isinstance(found, Obstacle) else found or ""


def _mark(words: Sequence[str]) -> str:
    """One word that stands for all of these."""
    return sha256(json.dumps(words).encode()).hexdigest()[:32]


def _places(entry: HeldEntry, path: RelPath) -> dict[str, RelPath]:
    """Where each side of a file lies."""
    if entry.hold is None:
        return {"ours": path}
    folder = beside(entry.hold.label)
    return {side: path if side == "ours" else RelPath(f"{folder}/{side}/{path}") for side in _SIDES}


def _side(fs: FsOps, place: RelPath) -> HeldSide:
    """One side of a held file, as far as it can be shown as a text."""
    status = fs.status(place)
    if status is None:
        return HeldSide(None)
    try:
        data = fs.read(place, at_most=LARGEST) if status.st_size <= LARGEST else None
    except (OSError, MicropkgError):
        return HeldSide(status.st_size, why="something else than a file that can be read")
    if data is None:
        return HeldSide(status.st_size, why=f"{status.st_size:,} bytes are too large to show here")
    if b"\0" in data:
        return HeldSide(len(data), why="binary")
    try:
        return HeldSide(len(data), plain(data).decode(), data=data)
    except UnicodeDecodeError:
        return HeldSide(len(data), why="not a text in UTF-8")


def _diff(path: RelPath, old: HeldSide, new: HeldSide) -> tuple[str, ...]:
    """A unified diff of two sides; none where one of them cannot be shown."""
    shown = [side.text.encode() if side.text is not None else None for side in (old, new)]
    if any(side.size is not None and side.text is None for side in (old, new)) or shown == [None, None]:
        return ()
    return tuple(text_diff(path, shown[0], shown[1]))
