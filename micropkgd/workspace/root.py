"""Finds a project's root. Imports next to nothing, for the short way through a pass begins here."""

import os

MANIFEST_NAME = "pyproject.toml"


def root_around(start: str) -> str | None:
    """The nearest folder with a `pyproject.toml`, from the folder `start` upwards; None where there is none."""
    folder = os.path.realpath(start)
    if not os.path.isdir(folder):
        return None
    while not os.path.isfile(os.path.join(folder, MANIFEST_NAME)):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


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
    raise UsageError(
        f"no {MANIFEST_NAME} in {here} or a folder above it",
        hint="run in a Kedro project, or name one",
    )


def is_workspace(root: str) -> bool:
    """Whether a manifest looks like that of several projects, and speaks of no micro-packages itself."""
    try:
        with open(os.path.join(root, MANIFEST_NAME), "rb") as stream:
            data = stream.read()
    except OSError:
        return False
    return b"workspace" in data and b"micropkg" not in data
