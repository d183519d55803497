"""The project's files as a pass leaves them, or in a dry run would leave them."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from micropkgd.errors import MicropkgError
from micropkgd.model.plan import Plan
from micropkgd.model.tree import Digest, RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.reading import TEXT
from micropkgd.workspace.trees import files_below, is_folder


class TreeAfter(NamedTuple):
    """The files on disk, and what is written over them."""

    fs: FsOps
    writes: Mapping[RelPath, Digest | None] = {}  # None: it goes
    contents: Mapping[Digest, bytes] = {}

    @classmethod
    def after(cls, fs: FsOps, plan: Plan, contents: Mapping[Digest, bytes]) -> "TreeAfter":
        """The tree once a plan is carried out."""
        return cls(fs, {change.path: change.after for change in plan.writes}, contents)

    def read(self, path: RelPath) -> bytes | None:
        """The bytes of a text; None where there is none, or none that can be read."""
        if path in self.writes:
            digest = self.writes[path]
            return self.contents.get(digest) if digest is not None else None
        with suppress(OSError, MicropkgError):
            return self.fs.read(path, at_most=TEXT)
        return None

    def has(self, path: RelPath) -> bool:
        """Whether a file or folder stands at a path."""
        if path in self.writes:
            return self.writes[path] is not None
        return self.fs.status(path) is not None or self.has_below(path)

    def has_below(self, folder: RelPath) -> bool:
        """Whether a pass puts files into a folder."""
        return any(digest is not None and path.startswith(f"{folder}/") for path, digest in self.writes.items())

    def below(self, folder: RelPath) -> list[RelPath]:
        """Every file below a folder, links left out."""
        return sorted(set(self._below(folder)))

    def _below(self, folder: RelPath) -> Iterator[RelPath]:
        with suppress(OSError, MicropkgError):
            if is_folder(self.fs, folder):
                yield from (path for path in files_below(self.fs, folder) if path not in self.writes)
        for path, digest in self.writes.items():
            if digest is not None and path.startswith(f"{folder}/"):
                yield path
