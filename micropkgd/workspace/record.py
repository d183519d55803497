"""Replacing a file of our own below `.micropkgd`: the old one or the new one stands there at any time.

Not synced, for what is written so can be made again or done without.
"""

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.tree import RelPath

if TYPE_CHECKING:
    from micropkgd.workspace.fsops import FsOps


def replace_record(fs: "FsOps", path: RelPath, data: bytes) -> None:
    """Write it beside, then rename: `OSError` where the disk refuses. What a killed process left beside goes."""
    draft = RelPath(f"{path}.tmp")
    if fs.status(draft):
        fs.remove_file(draft)
    fs.write_file(draft, data, 0o600)
    fs.rename(draft, path)
