"""Edit the pull manifest for a person: comments and layout of `pyproject.toml` stay, and it is swapped in one step."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping

from micropkgd import documents
from micropkgd.errors import ProjectBusyError, TreeError, UsageError
from micropkgd.model.entry_key import NOWHERE
from micropkgd.model.fields import nearest
from micropkgd.model.manifest import OWN_PULL, Manifest
from micropkgd.model.plan import Change, Kind
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import read_state
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import Project, read_document, read_manifest, read_project
from micropkgd.workspace.root import MANIFEST_NAME
from micropkgd.workspace.transaction.commit import commit, recover

_MANIFEST = RelPath(MANIFEST_NAME)


def add_entry(root: str, ref: str, options: Mapping[str, str], lock_timeout: float) -> Callable[[], None]:
    """Add a pull entry; gives back what undoes it. `UsageError` where the ref is there already."""
    if any(entry.ref.text == ref for entry in read_manifest(root).pulls):
        raise UsageError(f"`{ref}` is in the manifest already", hint=f"edit its row in {MANIFEST_NAME}")
    before = read_document(root, MANIFEST_NAME)
    after = edited(before, lambda text: documents.add_row(text, OWN_PULL, ref, options))
    Manifest.from_mapping(documents.read_toml(after))
    swap(root, before, after, lock_timeout)
    return lambda: swap(root, after, before, lock_timeout)


def remove_entry(root: str, ref: str, lock_timeout: float) -> None:
    """Remove a pull entry from whichever table it stands in."""
    entry = next(entry for entry in read_manifest(root).pulls if entry.ref.text == ref)
    before = read_document(root, MANIFEST_NAME)
    after = edited(before, lambda text: documents.remove_row(text, entry.home, ref))
    swap(root, before, after, lock_timeout)


def match_entry(root: str, text: str, *, leaving: bool = False) -> str:
    """The ref of the entry that a person names by its ref, its target folder or its name.

    With `leaving` it may also be one that left the manifest and that the lock still has.
    """
    project = read_project(root)
    refs = [entry.ref.text for entry in project.manifest.pulls]
    if leaving:
        refs += [block.ref for block in project.lock.blocks if block.ref not in refs]
    if text in refs:
        return text
    found = {ref for ref, names in _known_as(project) if ref in refs and text.rstrip("/") in names}
    if len(found) == 1:
        return found.pop()
    if found:
        raise UsageError(f"`{text}` names several entries", hint=f"name one by its ref: {', '.join(sorted(found))}")
    near = nearest(text, refs)
    raise UsageError(
        f"no entry `{text}` in the manifest", hint=f"did you mean `{near}`?" if near else "see `micropkgd status`"
    )


def _known_as(project: Project) -> Iterator[tuple[str, set[str]]]:
    """What entries are called, by ref: from the lock, and for one that is held since its first pull by its place."""
    for block in project.lock.blocks:
        yield block.ref, {block.target, block.name, block.key.name}
    with FsOps(project.root) as fs:
        for key in read_state(fs).standing:
            yield key.ref, {key.target, key.name} - {NOWHERE}


def edited(before: bytes, edit: Callable[[str], str]) -> bytes:
    """Edit a document's text; its byte order mark is no part of that and stays."""
    mark = BOM_UTF8 if before.startswith(BOM_UTF8) else b""
    return mark + edit(documents.decode(before)).encode()


def swap(root: str, before: bytes, after: bytes, lock_timeout: float) -> None:
    """Replace `pyproject.toml` in one step, if it is still what it was; an interrupted pass comes first."""
    change = Change(Kind.UPDATE, _MANIFEST, digest_of(before), digest_of(after), "edited by command")
    with hold(root, lock_timeout), FsOps(root) as fs:
        recover(fs)
        refusal = commit(fs, [change], {digest_of(after): after})
    if refusal is not None and refusal.raced:
        raise ProjectBusyError(refusal.problem, where=refusal.path, hint="run again")
    if refusal is not None:
        raise TreeError(refusal.problem, where=refusal.path, hint="edit the file that stands behind it by hand")
