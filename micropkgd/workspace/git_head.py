"""Reads what is committed: HEAD, and the files of its tree, from git's files and never by running git.

A file is compared by the name that git would give its bytes (`name_of`), so that no content is read from the store.
Branches in reftables and SHA-256 names are told as what cannot be read here.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha1

from micropkgd.annotations import Final
from micropkgd.errors import TreeError
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.git import git_folder, tracked, work_tree
from micropkgd.workspace.git_store import ObjectStore, broken

_NAME: Final = re.compile(rb"[0-9a-f]{40}")
_BRANCH: Final = "refs/heads/"
_SYMBOLIC: Final = b"ref: "
_LINKS: Final = 5  # refs that name a ref
_TEXT: Final = 1 << 16  # bytes of HEAD, and of a ref
_PACKED_REFS: Final = 64 << 20  # bytes
_FOLDER, _FILES = b"40000", (b"100644", b"100755", b"100664")

Rows = Mapping[bytes, tuple[bytes, bytes]]
"""What is in a tree: mode and object, by name."""


class Head(NamedTuple):
    """Where HEAD is."""

    branch: str  # empty where it is detached
    commit: bytes | None  # None: nothing is committed yet


class Committed:
    """The files of HEAD's tree, by their paths below the project. Made by `committed`, which checks."""

    def __init__(self, head: Head, store: ObjectStore, prefix: str) -> None:
        self.head = head
        self._store = store
        self._prefix = prefix  # of the project below the work tree
        self._trees: dict[bytes, Rows] = {}

    def file(self, path: str) -> bytes | None:
        """The name of a file's content; None where HEAD has no such file."""
        *folders, name = self._parts(path)
        mode, found = self._rows(self._tree(folders)).get(name, (b"", b""))
        return found if mode in _FILES else None

    def files(self, folder: str) -> Iterator[str]:
        """Every file below a folder."""
        for path in self._below(self._tree(self._parts(folder))):
            yield f"{folder}/{os.fsdecode(path)}"

    def _parts(self, path: str) -> list[bytes]:
        return [os.fsencode(part) for part in f"{self._prefix}{path}".split("/")]

    def _tree(self, folders: list[bytes]) -> bytes | None:
        tree = None if self.head.commit is None else _tree_of(self._store.read(self.head.commit, b"commit"))
        for folder in folders:
            mode, found = self._rows(tree).get(folder, (b"", b""))
            tree = found if mode == _FOLDER else None
        return tree

    def _below(self, tree: bytes | None) -> Iterator[bytes]:
        for name, (mode, found) in self._rows(tree).items():
            if mode == _FOLDER:
                yield from (name + b"/" + inner for inner in self._below(found))
            elif mode in _FILES:
                yield name

    def _rows(self, tree: bytes | None) -> Rows:
        if tree is None:
            return {}
        if tree not in self._trees:
            self._trees[tree] = dict(_rows_of(self._store.read(tree, b"tree")))
        return self._trees[tree]


def committed(root: str) -> Committed | None:
    """What is committed around a project; None outside of a work tree, `TreeError` where it cannot be read."""
    git = git_folder(root)
    if git is None:
        return None
    inner = os.path.relpath(root, work_tree(root))
    try:
        common = _common(git)
        return Committed(_head(git, common), ObjectStore(f"{common}/objects"), "" if inner == "." else f"{inner}/")
    except OSError as error:
        raise TreeError.unreadable(error, os.path.join(git, "HEAD")) from error


def known_to_git(root: str, paths: Iterable[str]) -> frozenset[str]:
    """Those of these files of a project that git's index names, or HEAD has: a sparse index names folders alone."""
    named, head = tracked(root), None
    with suppress(TreeError):
        head = committed(root)

    def is_committed(path: str) -> bool:
        with suppress(TreeError):
            return head is not None and head.file(path) is not None
        return False

    return frozenset(path for path in paths if path in named or is_committed(path))


def name_of(data: bytes) -> bytes:
    """The name that git gives to a file's content."""
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest()


def head_log(root: str) -> str | None:
    """The file that git writes to whenever HEAD moves, by a commit above all."""
    git = git_folder(root)
    return None if git is None else os.path.join(git, "logs", "HEAD")


def _common(git: str) -> str:
    """Where objects and branches are: of a linked work tree the folder of the main one."""
    with suppress(FileNotFoundError):
        return os.path.normpath(os.path.join(git, os.fsdecode(_read(os.path.join(git, "commondir")).strip())))
    return git


def _head(git: str, common: str) -> Head:
    text = _read(os.path.join(git, "HEAD")).strip()
    ref = os.fsdecode(text.removeprefix(_SYMBOLIC)) if text.startswith(_SYMBOLIC) else ""
    branch = ref.removeprefix(_BRANCH)
    for _ in range(_LINKS):
        if _NAME.fullmatch(text):
            return Head(branch, bytes.fromhex(text.decode()))
        ref = os.fsdecode(text.removeprefix(_SYMBOLIC)) if text.startswith(_SYMBOLIC) else ""
        if not ref.startswith("refs/") or {".", ".."} & set(ref.split("/")) or os.path.isdir(f"{common}/reftable"):
            break
        if (found := _ref(common, ref)) is None:
            return Head(branch, None)
        text = found
    raise TreeError("git's HEAD is in a form that cannot be read here", where=os.path.join(git, "HEAD"))


def _ref(common: str, ref: str) -> bytes | None:
    with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return _read(os.path.join(common, ref)).strip()
    with suppress(FileNotFoundError):
        for line in _read(os.path.join(common, "packed-refs"), _PACKED_REFS).splitlines():
            name, _, of = line.partition(b" ")
            if of == os.fsencode(ref):
                return name
    return None


def _tree_of(commit: bytes) -> bytes:
    line = commit.partition(b"\n")[0]
    if not line.startswith(b"tree ") or not _NAME.fullmatch(line[5:]):
        raise broken("a commit")
    return bytes.fromhex(line[5:].decode())


def _rows_of(tree: bytes) -> Iterator[tuple[bytes, tuple[bytes, bytes]]]:
    at = 0
    while at < len(tree):
        space, end = tree.find(b" ", at), tree.find(b"\0", at)
        if not at < space < end <= len(tree) - 21:
            raise broken("a tree")
        yield tree[space + 1 : end], (tree[at:space], tree[end + 1 : end + 21])
        at = end + 21


def _read(path: str, at_most: int = _TEXT) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        return stream.read(at_most)
