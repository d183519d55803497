"""The held new version, laid beside for a person to compare: `.micropkgd/conflicts/<entry>/`.

Never inside the package, where Python would import it, and never as conflict markers.
"""

from collections.abc import Iterable, Mapping

from micropkgd.model.tree import RelPath, digest_of, parents
from micropkgd.reconcile.propose import Proposal
from micropkgd.workspace.fsops import FsOps

CONFLICTS = RelPath(".micropkgd/conflicts")


def lay_beside(fs: FsOps, proposal: Proposal) -> None:
    """Make the conflicts folder hold exactly the new versions of the entries that are held."""
    held = {}
    for entry in proposal.entries:
        rendering = entry.desired.rendering
        if entry.plan is not None and entry.plan.held and rendering is not None:
            held[rendering.place.requirements_label] = rendering.files
    for name in fs.names(CONFLICTS):
        if name not in held:
            _remove(fs, RelPath(f"{CONFLICTS}/{name}"))
    for name, files in held.items():
        _lay(fs, RelPath(f"{CONFLICTS}/{name}"), files)


def beside(label: str) -> RelPath:
    """Where the held version of an entry is laid."""
    return RelPath(f"{CONFLICTS}/{label}")


def _lay(fs: FsOps, folder: RelPath, files: Mapping[RelPath, bytes]) -> None:
    wanted = {RelPath(f"{folder}/{path}"): data for path, data in files.items()}
    for path in _files(fs, folder):
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


def _remove(fs: FsOps, folder: RelPath) -> None:
    for path in _files(fs, folder):
        fs.remove_file(path)
    for inner in sorted(_folders(fs, folder), reverse=True):
        fs.remove_folder(inner)


def _files(fs: FsOps, folder: RelPath) -> list[RelPath]:
    return [path for inner in _folders(fs, folder) for path in _children(fs, inner) if not _is_folder(fs, path)]


def _folders(fs: FsOps, folder: RelPath) -> Iterable[RelPath]:
    """A folder and all folders below it; links are not followed."""
    if _is_folder(fs, folder):
        yield folder
        for path in _children(fs, folder):
            yield from _folders(fs, path)


def _children(fs: FsOps, folder: RelPath) -> list[RelPath]:
    return [RelPath(f"{folder}/{name}") for name in fs.names(folder)]


def _is_folder(fs: FsOps, path: RelPath) -> bool:
    status = fs.status(path)
    return status is not None and (status.st_mode & 0o170000) == 0o040000
