"""Checks that the files of a project are what its lock says: each is hashed, no remembered hash is trusted.

Where manifest and lock are those that a pass has read and found right, neither is read as a whole (`listed`): files
that are all as listed need no more. What else there is to say, `verify_whole` finds.
"""

from micropkgd.actions.verification import Verification
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.listed import listed_files


def verify_files(root: str) -> Verification:
    """Hash every file of the inventory, each once."""
    with FsOps(root) as fs:
        listed = listed_files(root)
        seen = {path: fs.look(path) for path in listed or ()}
        if listed is not None and seen == listed:
            return Verification(root, len(listed))
        from micropkgd.actions.verify_whole import verify_whole

        return verify_whole(fs, root, seen)
