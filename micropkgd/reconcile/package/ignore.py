"""Which files git ignores by the project's own `.gitignore` files; a machine's other excludes decide nothing here."""

import os
from typing import TYPE_CHECKING

from micropkgd.errors import TreeError
from micropkgd.workspace.memory.state import Signature
from micropkgd.workspace.observe import signature_of
from micropkgd.workspace.reading import open_regular

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_NAME = ".gitignore"


class Ignored:
    """The rules from the project's folder down; each file that was read is noted in `seen`."""

    def __init__(self, root: str, seen: dict[str, Signature | None]) -> None:
        self._root = root
        self._seen = seen
        self._specs: dict[str, GitIgnoreSpec | None] = {}

    def why(self, path: str) -> str:
        """Why git ignores a file, naming the rule's home; empty where it does not. The deepest rule wins."""
        found = ""
        parts = path.split("/")
        for depth in range(len(parts)):
            folder = "/".join(parts[:depth])
            spec = self._spec(folder)
            if spec is None:
                continue
            ignored = spec.check_file("/".join(parts[depth:])).include
            if ignored is not None:
                found = f"is ignored by {folder + '/' if folder else ''}{_NAME}" if ignored else ""
        return found

    def _spec(self, folder: str) -> "GitIgnoreSpec | None":
        if folder not in self._specs:
            self._specs[folder] = self._read(f"{folder}/{_NAME}" if folder else _NAME)
        return self._specs[folder]

    def _read(self, path: str) -> "GitIgnoreSpec | None":
        self._seen[path] = None
        try:
            with open_regular(os.path.join(self._root, path)) as stream:
                self._seen[path] = signature_of(os.fstat(stream.fileno()))
                lines = stream.read().decode(errors="replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise TreeError.unreadable(error, path) from error
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(lines)
