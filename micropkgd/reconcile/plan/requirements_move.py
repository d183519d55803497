"""The move of requirement lines from where the lock says they stand to where the policy wants them by now.

From file to file the blocks of entries move as people left them. Out of a group, which is ours, and into one, the
lines that the lock has are taken away here and asked for there; what a person wrote into a block stays in its file.
Where they cannot move, every entry that asks for lines fails, and all of them stay where they are.
"""

from collections.abc import Iterable, Mapping, Sequence

from micropkgd import documents
from micropkgd.documents.edits import edited
from micropkgd.documents.lists import set_items, text_at
from micropkgd.errors import DocumentError, TreeError
from micropkgd.model import requirements
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block, Lock
from micropkgd.model.requirements_place import RequirementsPlace
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.requirements_file import (
    REASON,
    Asking,
    Lines,
    RequirementsFileError,
    as_one,
    change_of,
    label_of,
)
from micropkgd.reconcile.plan.requirements_group import GROUPS, NOTE, group_change, group_in, version_told
from micropkgd.reconcile.plan.requirements_leftovers import with_leftovers
from micropkgd.reconcile.plan.requirements_source import RequirementsText, read_source
from micropkgd.reconcile.plan.whole_file import WrittenChange, bytes_of, written
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project


class Leaving(NamedTuple):
    """What leaves a place, and what stays there."""

    place: RequirementsPlace
    data: bytes  # of the whole file
    rest: bytes  # the same without the lines of entries, and with those of people
    text: RequirementsText | None = None  # of a file; None of the manifest
    lines: Mapping[str, Lines] = {}  # of entries in a file, by their labels
    stands: frozenset[object] = frozenset()  # every line that is there for an entry


def leaving(fs: FsOps, project: Project) -> Leaving | None:
    """What is to move; None where lines stand where they should, or nothing of an entry is left where they stood."""
    place, layout = project.lock.place, project.layout
    if not project.lock.requires or place == layout.requirements_place:
        return None
    try:
        return _of_group(fs, place) if place.group else _of_file(fs, project)
    except (DocumentError, TreeError) as error:
        wrong = TreeError(error.problem, where=error.where or place.path, hint=error.hint)
        waiting = _waiting((block.ref, block, block) for block in project.lock.blocks)
        raise RequirementsFileError(wrong, waiting) from error


def is_left(fs: FsOps, project: Project) -> bool:
    """Whether lines stand elsewhere than they should, as far as anybody can tell."""
    try:
        return leaving(fs, project) is not None
    except RequirementsFileError:
        return True


def _of_group(fs: FsOps, place: RequirementsPlace) -> Leaving | None:
    data = bytes_of(fs, place.path) or b""
    name, stands = group_in(documents.read_toml(data), place.group)
    if not stands or NOTE not in text_at(documents.decode(data), (GROUPS, name)):
        return None
    rest = edited(data, lambda text: set_items(text, (GROUPS, name), [], NOTE))
    return Leaving(place, data, rest, stands=frozenset(stands))


def _of_file(fs: FsOps, project: Project) -> Leaving | None:
    source = read_source(fs, project.layout._replace(requirements=project.lock.place.path))
    found = source.found
    if found is None:
        return None
    source = source._replace(text=with_leftovers(fs, project.layout, source.text, project.lock.blocks))
    blocks = requirements.blocks_of(source.text)
    lines: dict[str, Lines] = {}
    for version in (version for block in project.lock.blocks for version in block.versions):
        label = label_of(version.target, blocks, project.layout)
        if label in blocks:
            lines[label] = lines.get(label, frozenset()) | frozenset(version.requirements)
    rest = source.mark + requirements.update(source.text, lines, {}).encode()
    stands = frozenset(line for label in lines for line in blocks[label])
    return Leaving(project.lock.place, found, rest, source, lines, stands) if lines else None


def move(fs: FsOps, layout: Layout, lock: Lock, asking: Sequence[Asking], left: Leaving) -> tuple[WrittenChange, ...]:
    """The changes of both places."""
    try:
        if layout.requirements_group:
            return _into_group(fs, layout, lock, asking, left)
        source = as_one(fs, layout, read_source(fs, layout), asking)
        if left.text is not None and not source.hashed:
            return _from_file_to_file(layout, asking, source, left, left.text)
        source = _with_text(source, left, left.rest.decode("utf-8-sig"))
        anew = [_anew(one, left) for one in asking]
        return (*_change(left, left.rest), *change_of(source, layout, anew))
    except (DocumentError, TreeError) as error:
        wrong = TreeError(error.problem, where=error.where or layout.requirements, hint=error.hint)
        raise RequirementsFileError(wrong, _waiting((one.ref, one.before, one.after) for one in asking)) from error


def _anew(one: Asking, left: Leaving) -> Asking:
    """What an entry asks of a place that has nothing of it: the lines of the version that the tree has, or gets."""
    after = one.after
    if after is not None and one.stays:
        after = after.as_of(version_told(after, left.stands))
    return Asking(one.ref, None, after)


def _into_group(
    fs: FsOps, layout: Layout, lock: Lock, asking: Sequence[Asking], left: Leaving
) -> tuple[WrittenChange, ...]:
    if left.place.path != layout.requirements:
        return (*_change(left, left.rest), *group_change(fs, layout, lock, asking))
    filled = group_change(fs, layout, lock, asking, left.rest)
    return _change(left, filled[0].data if filled else left.rest)


def _from_file_to_file(
    layout: Layout, asking: Sequence[Asking], source: RequirementsText, left: Leaving, old: RequirementsText
) -> tuple[WrittenChange, ...]:
    """The blocks move as they stand; what changes in this pass is then changed in them."""
    rest, blocks = requirements.taken_out(old.text, left.lines)
    source = _with_text(source, left, rest)
    source = source._replace(text=requirements.put_in(source.text, blocks))
    changing = [one for one in asking if not one.stays]
    return (*_change(left, old.mark + rest.encode()), *change_of(source, layout, changing, as_moved=True))


def _with_text(source: RequirementsText, left: Leaving, rest: str) -> RequirementsText:
    """The file that lines come to; one that is made from where they stood begins with what stays there."""
    return source._replace(text=rest) if source.path == left.place.path else source


def _change(left: Leaving, after: bytes) -> tuple[WrittenChange, ...]:
    return (written(left.place.path, left.data, after, REASON),) if after != left.data else ()


def _waiting(asking: Iterable[tuple[str, Block | None, Block | None]]) -> dict[str, Sequence[str]]:
    """What each entry waits for that has lines or asks for some, by ref."""
    return {
        ref: sorted(after.requirements) if after is not None else ()
        for ref, before, after in asking
        if any(block is not None and block.requires for block in (before, after))
    }
