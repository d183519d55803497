"""Finds the projects that the config's paths and globs stand for now."""

import os
import time
from collections.abc import Iterable, Mapping

from micropkgd.clock import is_young
from micropkgd.errors import ShortageError, is_shortage
from micropkgd.machine.globs import is_glob, paths_of
from micropkgd.model.settings import Group
from micropkgd.workspace.reading import TEXT, read_regular
from micropkgd.workspace.root import MANIFEST_NAME, root_around


def find_projects(groups: Iterable[Group]) -> Mapping[str, Group]:
    """Every project, by its real path, with the first group that names it.

    A path that is written out is a project also while nothing is there, for its owner expects to be told; what a glob
    finds is one if its manifest speaks of micro-packages. `ShortageError` where the machine was too short of something
    to look: nothing has gone then.
    """
    found: dict[str, Group] = {}
    for group in groups:
        for path in group.paths:
            for root in _roots(path):
                found.setdefault(root, group)
    return found


def group_of(groups: Iterable[Group], root: str) -> Group | None:
    """The first group that names a project, by its real path; None where none does."""
    return next((group for group in groups if any(root in _candidates(path) for path in group.paths)), None)


def named_projects(groups: Iterable[Group]) -> frozenset[str]:
    """The folders that are named one by one, by their real paths: whoever wrote them down trusts them."""
    return frozenset(_real(path) for group in groups for path in group.paths if not is_glob(path))


def project_around(folder: str) -> str | None:
    """The project that a folder is in, if its manifest speaks of micro-packages."""
    root = root_around(folder)
    return root if root is not None and _speaks_of_us(root) else None


def glance(paths: Iterable[str]) -> Mapping[str, object] | None:
    """What finding projects at these paths depends on: equal ones mean equal answers. None: too young to say.

    A search reads each manifest and asks the disk for each part of each path; this asks two questions of a folder.
    """
    now, found = time.time_ns(), dict[str, object]()
    for path in paths:
        whole = os.path.expanduser(path)
        for folder in paths_of(whole) if is_glob(path) else [whole]:
            manifest = _stat(os.path.join(folder, MANIFEST_NAME))
            if manifest is not None and is_young(manifest.st_ctime_ns, now):
                return None
            found[folder] = (_identity(_stat(folder)), _identity(manifest), manifest and manifest.st_ctime_ns)
    return found


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _identity(status: os.stat_result | None) -> tuple[int, int] | None:
    return None if status is None else (status.st_dev, status.st_ino)


def anchors(groups: Iterable[Group]) -> frozenset[str]:
    """The folders in which a project may appear: the part of each path before its first wildcard."""
    return frozenset(_anchor(os.path.expanduser(path)) for group in groups for path in group.paths)


def _roots(path: str) -> list[str]:
    found = _candidates(path)
    return [one for one in found if _speaks_of_us(one)] if is_glob(path) else found


def _candidates(path: str) -> list[str]:
    """The folders that a path of the config stands for, projects or not."""
    if not is_glob(path):
        return [_real(path)]
    return [_real(one) for one in paths_of(os.path.expanduser(path))]


def _real(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))


def _speaks_of_us(folder: str) -> bool:
    try:
        return b"micropkg" in read_regular(os.path.join(folder, MANIFEST_NAME), at_most=TEXT)
    except OSError as error:
        if is_shortage(error):
            raise ShortageError.of(error, folder) from error
        return False


def _anchor(path: str) -> str:
    parts = path.split("/")
    wild = next((number for number, part in enumerate(parts) if is_glob(part)), len(parts) - 1)
    return os.path.realpath("/".join(parts[:wild]) or "/")
