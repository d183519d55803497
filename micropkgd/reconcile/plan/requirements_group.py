"""The dependency group (PEP 735) of `pyproject.toml` that has what entries ask for, in place of a requirements file.

The group is ours as a whole: a function of the lock, whatever stood there. So one that somebody else wrote, told by
lines that no entry asks for and no note of ours, is not taken over.
"""

from collections.abc import Collection, Mapping, Sequence

from micropkgd import documents
from micropkgd.annotations import Final
from micropkgd.documents.edits import edited
from micropkgd.documents.lists import set_items, text_at
from micropkgd.errors import DocumentError, TreeError
from micropkgd.model.distribution_name import same_name
from micropkgd.model.entry_key import EntryKey
from micropkgd.model.layout import Layout
from micropkgd.model.lock import Block, Lock, Version
from micropkgd.reconcile.plan.requirements_file import REASON, Asking, RequirementsFileError
from micropkgd.reconcile.plan.whole_file import WrittenChange, bytes_of, written
from micropkgd.workspace.fsops import FsOps

GROUPS: Final = "dependency-groups"

NOTE: Final = "written by micropkgd, from micropkg.lock"
"""What tells the group that is ours."""


def group_change(
    fs: FsOps, layout: Layout, lock: Lock, asking: Sequence[Asking], text: bytes | None = None
) -> tuple[WrittenChange, ...]:
    """The change of `pyproject.toml` (or of `text`) that brings the group to what a lock asks for."""
    installed = {one.after.key for one in asking if one.after is not None and not one.stays}
    try:
        data = text if text is not None else bytes_of(fs, layout.requirements) or b""
        document = documents.read_toml(data)
        name, stands = group_in(document, layout.requirements_group)
        lines = (line for block in lock.blocks for line in _lines_of(block, installed, frozenset(stands)))
        wanted = sorted({*lines})
        if set(stands) == set(wanted):
            return ()
        _refuse_foreign(data, name, [line for line in stands if line not in {*wanted, *_known(asking)}])
        after = edited(data, lambda text: set_items(text, (GROUPS, name), wanted, NOTE))
    except (DocumentError, TreeError) as error:
        waiting = _waiting(asking)
        if not waiting:  # nobody's lines change: it stays as it is, and `doctor` tells of it
            return ()
        wrong = TreeError(error.problem, where=error.where or layout.requirements, hint=error.hint)
        raise RequirementsFileError(wrong, waiting) from error
    return (written(layout.requirements, data, after, REASON),)


def _lines_of(block: Block, installed: Collection[EntryKey], stands: Collection[object]) -> Collection[str]:
    """The lines of the version in the tree."""
    return (block.made if block.key in installed else version_told(block, stands)).requirements


def version_told(block: Block, stands: Collection[object]) -> Version:
    """The version in the tree, where the lock may have moved on and nothing is installed: the lines tell which."""
    if block.superseded is None:
        return block.made
    new, old = frozenset(block.requirements), frozenset(block.superseded.requirements)
    return block.made if (new - old) & {*stands} and not (old - new) & {*stands} else block.superseded


def group_in(document: Mapping[str, object], wanted: str) -> tuple[str, list[object]]:
    """A group as the document spells it, and what stands in it."""
    groups = document.get(GROUPS, {})
    if not isinstance(groups, dict):
        raise DocumentError(f"`{GROUPS}` is not a table", hint="see PEP 735")
    name = next((name for name in groups if same_name(name, wanted)), wanted)
    stands = groups.get(name, [])
    if not isinstance(stands, list):
        raise DocumentError(f"the group `{name}` is not an array", hint="see PEP 735")
    return name, [line if isinstance(line, str) else repr(line) for line in stands]


def _refuse_foreign(data: bytes, name: str, foreign: Sequence[object]) -> None:
    if foreign and NOTE not in text_at(documents.decode(data), (GROUPS, name)):
        problem = f"the group `{name}` has what no entry asks for: `{foreign[0]}`"
        raise DocumentError(problem, hint="the group is to be micropkgd's alone: name another by `requirements-group`")


def _known(asking: Sequence[Asking]) -> set[str]:
    """What entries asked for until now."""
    blocks = [block for one in asking for block in (one.before, one.after) if block is not None]
    return {line for block in blocks for version in block.versions for line in version.requirements}


def _waiting(asking: Sequence[Asking]) -> dict[str, Sequence[str]]:
    """The lines, by ref, of the entries whose lines change."""
    return {one.ref: _lines(one.after) for one in asking if _lines(one.before) != _lines(one.after)}


def _lines(block: Block | None) -> Sequence[str]:
    return sorted(block.requirements) if block is not None else ()
