"""Explains why a file is where it is: by the lock, pulls by hand, and what passes left in their log."""

from collections.abc import Iterable

from micropkgd.actions.verify_whole import instead
from micropkgd.model.tree import Digest, Found, RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.pass_log import PassRecord, pages
from micropkgd.workspace.memory.state import read_state
from micropkgd.workspace.observe import see
from micropkgd.workspace.project import read_by_hand, read_project


class Reason(NamedTuple):
    """Why one file is where it is."""

    path: str
    entry: str  # ref, or module that was packaged
    target: str
    version: str
    archive: str
    action: str = ""  # of the pass that last wrote it, as far as it is remembered
    pass_id: str = ""
    time: str = ""
    trigger: str = ""
    state: str = ""  # what stands there now, where that is not what was put there

    def document(self) -> dict[str, object]:
        """For programs."""
        return self._asdict()


def reasons(root: str, path: str) -> list[Reason]:
    """Why a file, or each file below a folder, is where it is: by the lock, pulls by hand, and accounts of passes."""
    project = read_project(root)
    owned = {block.target for block in project.lock.blocks}
    by_hand = (block for block in read_by_hand(root, project.layout).blocks if block.target not in owned)
    blocks = (*project.lock.blocks, *by_hand)
    with FsOps(root) as fs:
        found: list[Reason] = []
        remembered = list(pages(fs))
        for block in blocks:
            names = (name for name in block.files if name == path or name.startswith(f"{path}/"))
            found += [Reason(name, block.ref, block.target, block.version, block.archive) for name in names]
        for entry in project.manifest.packages:
            deeds = (deed for page in remembered for deed in page.deeds)
            made = next((deed for deed in deeds if deed.entry == entry.module and path in deed.paths), None)
            if made is not None:
                found.append(Reason(path, made.entry, made.target, made.version, made.archive))
        state = read_state(fs)
        standing = see(fs, root, [RelPath(reason.path) for reason in found], state.hashes).found
    locked = {name: digest for block in blocks for name, digest in block.files.items()}
    return [
        _with_pass(reason, remembered)._replace(
            state=_state_of(standing[RelPath(reason.path)], locked.get(RelPath(reason.path)))
        )
        for reason in found
    ]


def _with_pass(reason: Reason, remembered: Iterable[PassRecord]) -> Reason:
    for page in remembered:
        for deed in page.deeds:
            if deed.entry == reason.entry and reason.path in deed.paths:
                return reason._replace(action=deed.action, pass_id=page.id, time=page.time, trigger=page.trigger)
    return reason


def _state_of(found: Found, locked: Digest | None) -> str:
    return "" if locked is None or found == locked else instead(found)
