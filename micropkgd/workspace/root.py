"""Where a project is."""

import os

from micropkgd.errors import UsageError

MANIFEST_NAME = "pyproject.toml"


def find_root(start: str) -> str:
    """The nearest folder with a `pyproject.toml`, from `start` upwards; `UsageError` where there is none."""
    here = os.path.realpath(start)
    if not os.path.isdir(here):
        problem = "is no folder" if os.path.lexists(start) else "no such folder"
        raise UsageError(problem, where=start, hint=f"name the folder that has the {MANIFEST_NAME}")
    folder = here
    while not os.path.isfile(os.path.join(folder, MANIFEST_NAME)):
        above = os.path.dirname(folder)
        if above == folder:
            raise UsageError(
                f"no {MANIFEST_NAME} in {here} or a folder above it",
                hint="run in a Kedro project, or name one: micropkgd reconcile --once FOLDER",
            )
        folder = above
    return folder
