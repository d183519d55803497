"""Remembers what each project depends on, until one of its documents changes.

It is read in the threads of passes and in that of the watch.
"""

from contextlib import suppress

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import MicropkgError
from micropkgd.model.lock import LOCK_NAME
from micropkgd.service.watching.relevant_paths import RelevantPaths, relevant_paths_of
from micropkgd.workspace.memory.settling import watch
from micropkgd.workspace.project import read_project
from micropkgd.workspace.root import MANIFEST_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping


class KnownPaths:
    """Of all projects; safe from any thread, for the worst that two of them do is to read the same twice."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Mapping[str, object], RelevantPaths]] = {}

    def of(self, root: str) -> RelevantPaths | None:
        """Of one project now. A manifest that cannot be read leaves it as it was; None where none ever could be."""
        signatures = watch(root, (MANIFEST_NAME, LOCK_NAME), ()).files
        known = self._known.get(root)
        if known is None or known[0] != signatures:
            with suppress(MicropkgError, OSError):
                known = self._known[root] = (signatures, relevant_paths_of(read_project(root)))
        return known[1] if known is not None else None

    def forget(self, root: str) -> None:
        """A project that is served no more."""
        self._known.pop(root, None)
