"""The held new version, laid beside for a person to compare: `.micropkgd/conflicts/<entry>/`.

Never inside the package, where Python would import it, and never as conflict markers.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from micropkgd.model.tree import RelPath, digest_of, parents
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.state import Hold
from micropkgd.workspace.trees import files_below, remove_tree

if TYPE_CHECKING:
    from micropkgd.reconcile.plan.proposal import Planned, Proposal

CONFLICTS = RelPath(".micropkgd/conflicts")
_BY_HAND = "by-hand"  # no entry's name: it has a hyphen


def lay_beside(fs: FsOps, proposal: "Proposal", holds: Iterable[Hold]) -> None:
    """Make the conflicts folder hold exactly the new versions of the entries that are held.

    Of `holds` that stand since an earlier pass what lies beside stays, too.
    """
    held, holds = {}, list(holds)
    for entry in proposal.entries:
        rendering = entry.desired.rendering
        if entry.plan is not None and entry.plan.held and rendering is not None:
            held[rendering.place.requirements_label] = rendering.files
    for name in fs.names(CONFLICTS):
        if name not in {*held, *(hold.label for hold in holds), _BY_HAND}:
            remove_tree(fs, RelPath(f"{CONFLICTS}/{name}"))
    for name, files in held.items():
        _lay(fs, RelPath(f"{CONFLICTS}/{name}"), files)


def lay_one_beside(fs: FsOps, entry: "Planned") -> RelPath | None:
    """Lay the new version of an entry that was pulled by hand beside, and say where; None where it is not held."""
    rendering = entry.desired.rendering
    if rendering is None:
        return None
    folder = beside(f"{_BY_HAND}/{rendering.place.requirements_label}")
    if entry.plan is None or not entry.plan.held:
        remove_tree(fs, folder)
        return None
    _lay(fs, folder, rendering.files)
    return folder


def beside(label: str) -> RelPath:
    """Where the held version of an entry is laid."""
    return RelPath(f"{CONFLICTS}/{label}")


def _lay(fs: FsOps, folder: RelPath, files: Mapping[RelPath, bytes]) -> None:
    wanted = {RelPath(f"{folder}/{path}"): data for path, data in files.items()}
    for path in list(files_below(fs, folder)):
        if path not in wanted:
            fs.remove_file(path)
    for path, data in wanted.items():
        found = fs.found(path)
        if found == digest_of(data):
            continue
        if found is not None:
            fs.remove_file(path)
        for above in reversed(parents(path)):
            if fs.status(above) is None:
                fs.make_folder(above, 0o700)
        fs.write_file(path, data)
