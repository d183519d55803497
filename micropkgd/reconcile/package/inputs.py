"""The inputs of a package, as values: the module, its files, and what was seen of them.

Every pass that packages imports this; looking (`walk`) and reading (`still`) are imported where something changed.
"""

import os
from collections.abc import Iterable, Mapping

from micropkgd.annotations import Final
from micropkgd.model.layout import Place
from micropkgd.model.module_origin import ModuleOrigin
from micropkgd.model.packaged import LeftOut
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.memory.state import Signature
from micropkgd.workspace.observe import signature_of

REQUIREMENTS: Final = "requirements.txt"
IGNORE_FILE: Final = ".gitignore"

Seen = Mapping[str, Signature | None]
"""The signature of every file and folder that was looked at; None: it was not there."""


class PackagedModule(NamedTuple):
    """One module, and the package it becomes."""

    place: Place
    leaf: str  # the module's own name: "forecast"
    name: str  # of the package in the archive: "ds"
    env_asked_for: bool = False  # an environment that somebody named must be there
    pulled_config: frozenset[str] = frozenset()  # parameter files that came with it, whatever their name
    pulled_rules: frozenset[str] = frozenset()  # `.gitignore` files that came with any package
    rewrite_parameters: bool = False  # whether its name in them follows
    home: ModuleOrigin | None = None  # where it lives, for those who carry edits back; None: nothing is said of it


class Input(NamedTuple):
    """One file that travels."""

    path: RelPath
    member: str  # its place in the archive: "ds/config/parameters_ds.yml"
    executable: bool
    size: int


class Inputs(NamedTuple):
    """All that was found."""

    files: tuple[Input, ...]
    left_out: tuple[LeftOut, ...]
    seen: Seen


def signatures(root: str, paths: Iterable[str]) -> Seen:
    """What `stat` says of paths now."""
    return {path: signature(root, path) for path in paths}


def unmoved(root: str, before: Seen) -> bool:
    """Whether `stat` says what it said; where it may not look, whoever reads the files says what is wrong."""
    try:
        return signatures(root, before) == before
    except OSError:
        return False


def signature(root: str, path: str) -> Signature | None:
    """What `stat` says of a path, not of what is behind a link; None where nothing is."""
    try:
        return signature_of(os.lstat(os.path.join(root, path)))
    except (FileNotFoundError, NotADirectoryError):
        return None
