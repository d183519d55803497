"""Finds the entry that a person means, by its ref, its target folder, or its name; and the files, by their places."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from micropkgd.errors import UsageError
from micropkgd.model.condition import Condition
from micropkgd.model.entry_key import NOWHERE
from micropkgd.model.fields import nearest
from micropkgd.model.lock import Block
from micropkgd.model.tree import RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import read_state
from micropkgd.workspace.project import read_project

Names = Mapping[str, Collection[str]]  # what an entry is called besides its ref, by ref


def match_entry(root: str, text: str, *, leaving: bool = False) -> str:
    """The ref of the manifest that a person means: called as the lock says, or as this machine remembers it.

    With `leaving` it may also be one that left the manifest and that the lock still has, where none in it is called so.
    """
    project = read_project(root)
    locked = names_of(project.lock.blocks)
    asked = [entry.ref.text for entry in project.manifest.pulls]
    names = {ref: locked.get(ref, set()) for ref in (*asked, *(locked if leaving else ()))}
    with FsOps(root) as fs:  # one that is held since its first pull has a place and no block
        for key in read_state(fs).standing:
            names.get(key.ref, set()).update({key.target, key.name} - {NOWHERE})
    own = {ref: names[ref] for ref in asked}
    return find_entry(text, own if text not in names and named(text, own) else names, where=" in the manifest")


def held_entry(root: str) -> str:
    """The ref of the one entry that is held, where nobody names it; `UsageError` where there is none, or several."""
    with FsOps(root) as fs:
        held = sorted(key.ref for key, one in read_state(fs).standing.items() if one.state == Condition.HELD.value)
    if len(held) != 1:
        problem = f"{len(held)} entries are held" if held else "no entry is held"
        hint = f"name one: {', '.join(held)}" if held else "see `micropkgd status`"
        raise UsageError(problem, hint=hint)
    return held[0]


def find_entry(text: str, names: Names, *, together: Iterable[Collection[str]] = (), where: str = "") -> str:
    """The ref that is meant; of refs that go `together`, any. `UsageError` where it is none, or several."""
    found = named(text, names)
    if not found:
        near = nearest(text, [*names, *(name for own in names.values() for name in own)])
        hint = f"did you mean `{near}`?" if near else "see `micropkgd status`"
        raise UsageError(f"no entry `{text}`{where}", hint=hint)
    if len(found) > 1 and not any(set(found) <= set(group) for group in together):
        raise UsageError(f"`{text}` names several entries", hint=f"name one by its ref: {', '.join(found)}")
    return found[0]


def named(text: str, names: Names) -> list[str]:
    """All refs that a text may mean; a ref itself means nothing else."""
    return [text] if text in names else sorted(ref for ref, own in names.items() if text.rstrip("/") in own)


def names_of(blocks: Iterable[Block]) -> dict[str, set[str]]:
    """What entries are called, as their blocks say."""
    names: dict[str, set[str]] = defaultdict(set)
    for block in blocks:
        names[block.ref] |= {block.target, block.name, block.key.name}
    return dict(names)


def named_among(paths: Iterable[RelPath], name: str, root: str, below: str) -> list[RelPath]:
    """The files that a person names, or the folder of which: from the project, or from where they stand."""
    texts = {os.path.relpath(os.path.join(below, name), root)}
    texts |= set() if name.startswith(".") else {os.path.normpath(name)}
    return [path for path in paths if any(text in {path, "."} or path.startswith(f"{text}/") for text in texts)]
