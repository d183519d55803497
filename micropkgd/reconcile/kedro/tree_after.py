"""The project's files as a pass leaves them, or in a dry run would leave them."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from micropkgd.errors import MicropkgError
from micropkgd.model.plan import Plan
from micropkgd.model.tree import Digest, RelPath, parents
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.reading import TEXT
from micropkgd.workspace.trees import files_below, is_folder


class TreeAfter(NamedTuple):
    """The files on disk, and what is written over them."""

    fs: FsOps
    writes: Mapping[RelPath, Digest | None] = {}  # None: it goes
    contents: Mapping[Digest, bytes] = {}
    placed: Mapping[RelPath, list[RelPath]] = {}  # what is written below each folder

    @classmethod
    def after(cls, fs: FsOps, plan: Plan, contents: Mapping[Digest, bytes]) -> "TreeAfter":
        """The tree once a plan is carried out."""
        writes = {change.path: change.after for change in plan.writes}
        placed: dict[RelPath, list[RelPath]] = {}
        for path in (path for path, digest in writes.items() if digest is not None):
            for folder in parents(path):
                placed.setdefault(folder, []).append(path)
        return cls(fs, writes, contents, placed)

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
        return folder in self.placed

    def names(self, folder: RelPath) -> set[str]:
        """The names right in a folder, of what is written only files."""
        start = len(folder) + 1
        written = {path[start:] for path in self.placed.get(folder, ()) if "/" not in path[start:]}
        return written.union(name for name in self.fs.names(folder) if f"{folder}/{name}" not in self.writes)

    def below(self, folder: RelPath) -> list[RelPath]:
        """Every file below a folder, links left out."""
        return sorted(set(self._below(folder)))

    def _below(self, folder: RelPath) -> Iterator[RelPath]:
        with suppress(OSError, MicropkgError):
            if is_folder(self.fs, folder):
                yield from (path for path in files_below(self.fs, folder) if path not in self.writes)
        yield from self.placed.get(folder, ())
