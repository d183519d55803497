"""Finds a project's root. Imports next to nothing, for the short way through a pass begins here.

Rule: who works below a folder that others may write to, like /tmp, does not work in a project that one of them put
there. So a project above is taken only where it belongs to this user, to root, or to whoever owns the folder that the
person stands in.
"""

import os

MANIFEST_NAME = "pyproject.toml"
_LONGEST = 4 << 20  # bytes of a manifest, as for whoever reads it


def root_around(start: str) -> str | None:
    """The nearest folder with a `pyproject.toml`, from the folder `start` upwards; None where there is none of ours."""
    root = _nearest(start)
    return None if root is None or _is_foreign(root, os.path.realpath(start)) else root


def _nearest(start: str) -> str | None:
    folder = os.path.realpath(start)
    if not os.path.isdir(folder):
        return None
    while not os.path.isfile(os.path.join(folder, MANIFEST_NAME)):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _is_foreign(root: str, here: str) -> bool:
    """Whether a project above the folder where somebody stands is another user's."""
    if root == here:
        return False
    ours = {os.getuid(), 0, os.stat(here).st_uid}
    return not {os.stat(root).st_uid, os.stat(os.path.join(root, MANIFEST_NAME)).st_uid} <= ours


def find_root(start: str) -> str:
    """The same, where there has to be one: `UsageError` where there is none."""
    root = root_around(start)
    if root is not None:
        return root
    from micropkgd.errors import UsageError

    here = os.path.realpath(start)
    if not os.path.isdir(here):
        problem = "is not a folder" if os.path.lexists(start) else "no such folder"
        raise UsageError(problem, where=start, hint=f"name the folder that has the {MANIFEST_NAME}")
    if (above := _nearest(start)) is not None:
        problem = f"the project above it, {above}, belongs to another user, so it is not taken for yours"
        raise UsageError(problem, where=here, hint="work in that folder itself, or name it, if you mean that project")
    raise UsageError(
        f"no {MANIFEST_NAME} in {here} or a folder above it",
        hint=f"run in the folder of a project, which has a {MANIFEST_NAME}, or name it",
    )


def is_workspace(root: str) -> bool:
    """Whether a manifest looks like that of several projects, and speaks of no micro-packages itself."""
    try:
        with open(os.path.join(root, MANIFEST_NAME), "rb") as stream:
            data = stream.read(_LONGEST)
    except OSError:
        return False
    return b"workspace" in data and b"micropkg" not in data
