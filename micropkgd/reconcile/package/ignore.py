"""Finds the files that git ignores by the project's own `.gitignore` files; a machine's other excludes do not count.

As git has it, a folder that is ignored hides all that is in it, `.gitignore` files too. One that came with a pulled
package has no say: it would decide what its receiver may publish. The files above a project count from the top of the
work tree down, unless they ignore the project's own folder: such a work tree has nothing to do with the project.
"""

import os
from collections.abc import Collection

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.errors import TreeError
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.inputs import IGNORE_FILE, signature
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.git import git_folder, work_tree
from micropkgd.workspace.memory.state import Signature
from micropkgd.workspace.observe import signature_of
from micropkgd.workspace.reading import read_regular

if TYPE_CHECKING:
    from micropkgd.reconcile.package.git_rules import GitRules

_LARGEST: Final = 64 << 10  # bytes of one file


class _Matched(NamedTuple):
    """The rules of one file, and how far they have matched a folder's path."""

    home: str  # the file, from the project's folder on
    rules: "GitRules"
    state: int


class _FolderRules(NamedTuple):
    """What holds in one folder."""

    why: str  # it is ignored as a whole
    rules: tuple[_Matched, ...] = ()  # of the files above and in it, the top one first


class Ignored:
    """The rules from the top of the work tree down; each file that was read is noted in `seen`."""

    def __init__(
        self, fs: FsOps, seen: dict[str, Signature | None], pulled: Collection[str] = (), root: str | None = None
    ) -> None:
        self._fs = fs
        self._root = root
        self._seen = seen
        self._pulled = pulled
        self._levels: dict[str, _FolderRules] = {}

    def why(self, path: str, *, is_folder: bool = False) -> str:
        """Why git ignores a file or folder, naming the rule's home; empty where it does not."""
        folder, _, name = path.rpartition("/")
        level = self._level(folder)
        return level.why or _why(level, _text(name), is_folder=is_folder)

    def _level(self, folder: str) -> _FolderRules:
        if folder not in self._levels:
            self._levels[folder] = self._enter(folder)
        return self._levels[folder]

    def _enter(self, folder: str) -> _FolderRules:
        if not folder:
            return self._with_own(folder, self._from_above())
        above, _, name = folder.rpartition("/")
        level, text = self._level(above), _text(name)
        if why := level.why or _why(level, text, is_folder=True):
            return _FolderRules(why)
        return self._with_own(
            folder, tuple(_Matched(home, rules, rules.enter(state, text)) for home, rules, state in level.rules)
        )

    def _from_above(self) -> tuple[_Matched, ...]:
        """The rules of the files between the top of the work tree and the project."""
        root = self._root
        if root is None or git_folder(root) is None:
            return ()
        folder, rules = work_tree(root), tuple[_Matched, ...]()
        for name in () if folder == root else os.path.relpath(root, folder).split("/"):
            own = self._read_above(os.path.relpath(f"{folder}/{IGNORE_FILE}", root))
            level, text = _FolderRules("", (*rules, own) if own is not None else rules), _text(name)
            if _why(level, text, is_folder=True):
                return ()
            rules = tuple(_Matched(home, each, each.enter(state, text)) for home, each, state in level.rules)
            folder = os.path.join(folder, name)
        return rules

    def _read_above(self, path: str) -> _Matched | None:
        """The rules of a file outside of the project; git does not follow a link to one."""
        whole = os.path.join(self._root or "", path)
        self._seen[path] = signature(self._root or "", path)
        if self._seen[path] is None or os.path.islink(whole):
            return None
        from micropkgd.reconcile.package.git_rules import GitRules

        try:
            rules = GitRules(read_regular(whole, at_most=_LARGEST))
        except OSError as error:
            raise TreeError.unreadable(error, path) from error
        return _Matched(path, rules, rules.start)

    def _with_own(self, folder: str, inherited: tuple[_Matched, ...]) -> _FolderRules:
        path = RelPath(f"{folder}/{IGNORE_FILE}" if folder else IGNORE_FILE)
        rules = None if path in self._pulled else self._read(path)
        return _FolderRules("", inherited if rules is None else (*inherited, _Matched(path, rules, rules.start)))

    def _read(self, path: RelPath) -> "GitRules | None":
        status = self._fs.status(path)
        self._seen[path] = None if status is None else signature_of(status)
        if status is None:
            return None
        from micropkgd.reconcile.package.git_rules import GitRules

        try:
            return GitRules(self._fs.read(path, at_most=_LARGEST))
        except OSError as error:
            raise TreeError.unreadable(error, path) from error


def _why(level: _FolderRules, name: str, *, is_folder: bool) -> str:
    """The deepest file with a rule for the name decides."""
    for home, rules, state in reversed(level.rules):
        ignored = rules.verdict(state, name, is_folder=is_folder)
        if ignored is not None:
            return f"is ignored by {home}" if ignored else ""
    return ""


def _text(name: str) -> str:
    return os.fsencode(name).decode("latin-1")
