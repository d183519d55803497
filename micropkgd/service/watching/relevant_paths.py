"""The paths that a project's state depends on, so that events on nothing else wake anybody.

Files are watched by their folders, never by themselves: editors save by rename. Every folder between a project's root
and what matters is watched too, so that one that is exchanged is noticed (docs/faults.md, "How files are watched").
"""

import os
from collections.abc import Iterable, Iterator

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError
from micropkgd.model.index import archive_in
from micropkgd.model.lock import LOCK_NAME
from micropkgd.model.package_entry import PublishWhen
from micropkgd.model.ref import RefKind
from micropkgd.model.tree import parents
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.jobs import job_of
from micropkgd.reconcile.package.offers import publish_when
from micropkgd.workspace.git_head import head_log
from micropkgd.workspace.project import Project
from micropkgd.workspace.root import MANIFEST_NAME
from micropkgd.workspace.transaction.journal import FOLDER

_SKIPPED: Final = frozenset({"__pycache__", ".git", ".micropkgd", ".ipynb_checkpoints"})
_PASSING: Final = ("~", ".swp", ".swo", ".swx", ".tmp", ".pyc", ".bak", ".orig")
_PASSING_NAMES: Final = ("4913", ".goutputstream", ".#")
_MOST_FOLDERS: Final = 20_000  # of one tree: what is larger is left to the slow scan


class RelevantPaths(NamedTuple):
    """Absolute paths."""

    root: str
    documents: frozenset[str]  # manifest, lock, settings and fs-args: sources must be asked again when they change
    archives: frozenset[str]  # local refs
    trees: frozenset[str]  # folders of modules to be packaged: everything below matters
    indexes: frozenset[str] = frozenset()  # folders that requirements are looked up in: each archive there matters
    commits: frozenset[str] = frozenset()  # what git writes to at each commit, where one releases modules
    placed: frozenset[str] = frozenset()  # files that micropkgd put there, the folders down to them, and its own
    packed: frozenset[str] = frozenset()  # archives that it made, each as far as its version

    def concerns(self, path: str) -> bool:
        """Whether a change of this path may lead to something to do."""
        if path in self.documents or path in self.commits or self.is_archive(path):
            return True
        if self.is_code(path):
            return not passing(path)
        # A folder above something that matters was made, removed or exchanged.
        prefix = f"{path}/"
        folders = (f"{folder}/" for folder in self.indexes)
        inside = (*self.documents, *self.archives, *self.trees, *self.commits, *folders)
        return any(one.startswith(prefix) for one in inside)

    def misses(self, path: str) -> bool:
        """Whether something that micropkgd put there went: a save of it is nobody's concern, a loss is."""
        if path not in self.placed and not (path.endswith(".tar.gz") and any(map(path.startswith, self.packed))):
            return False
        return not os.path.lexists(path)

    def is_archive(self, path: str) -> bool:
        """Whether it is an archive that is pulled, or could come to be."""
        folder, _, name = path.rpartition("/")
        return path in self.archives or (folder in self.indexes and name.endswith(".tar.gz") and name[0] != ".")

    def is_near(self, path: str) -> bool:
        """Whether no source over a network has to do with it."""
        return path in self.commits or self.is_archive(path) or self.is_code(path) or not self.concerns(path)

    def is_code(self, path: str) -> bool:
        """Whether it is of a module that is packaged."""
        return any(path == tree or path.startswith(f"{tree}/") for tree in self.trees)


def relevant_paths_of(project: Project) -> RelevantPaths:
    """What a project depends on, by its manifest as it is now."""
    root = project.root
    manifest = project.manifest
    named = list[str | None](project.layout.settings)
    named += [pull.fs_args for pull in manifest.pulls] + [package.fs_args for package in manifest.packages]
    local = [entry for entry in manifest.pulls if entry.kind is RefKind.LOCAL]
    indexes = [os.path.dirname(archive_in(entry.index_url, "x").location) for entry in local if entry.index_url]
    trees, packed = set[str](), set[str]()
    for entry in manifest.packages:
        try:
            job = job_of(project, entry)
        except MicropkgError:
            continue  # the pass says what is wrong with it
        place = job.subject.place
        trees |= {place.code, place.tests, place.conf}
        packed.add(_absolute(root, job.output))
    return RelevantPaths(
        root,
        least_relevant_paths(root).documents | {_absolute(root, path) for path in named if path},
        frozenset(_absolute(root, entry.ref.location) for entry in local if not entry.index_url),
        frozenset(_absolute(root, path) for path in trees),
        frozenset(_absolute(root, path) for path in indexes),
        _commits(project),
        _placed(project) | {f"{root}/{FOLDER}"} | _folders_within(root, packed),
        frozenset(packed),
    )


def _folders_within(root: str, paths: Iterable[str]) -> set[str]:
    """The folders of a project down to these paths."""
    return {folder for path in paths for folder in _way_to(path, root) if folder.startswith(f"{root}/")}


def _placed(project: Project) -> frozenset[str]:
    """Every file that the lock names, and the folders down to it."""
    files = {path for block in project.lock.blocks for path in block.files}
    folders = {folder for path in files for folder in parents(path)}
    return frozenset(f"{project.root}/{path}" for path in files | folders)


def _commits(project: Project) -> frozenset[str]:
    """The log of HEAD, where a commit releases a module."""
    if not any(publish_when(project, entry) is PublishWhen.COMMITTED for entry in project.manifest.packages):
        return frozenset()
    log = head_log(project.root)
    return frozenset() if log is None else frozenset({log})


def least_relevant_paths(root: str) -> RelevantPaths:
    """What matters of a project whose manifest cannot be read."""
    return RelevantPaths(root, frozenset({f"{root}/{MANIFEST_NAME}", f"{root}/{LOCK_NAME}"}), frozenset(), frozenset())


def folders_of(relevant: RelevantPaths, links: Iterable[str] = ()) -> Iterator[str]:
    """Every folder to watch, without what is below each: those that are there now."""
    yield _nearest(os.path.dirname(relevant.root))
    yield from (_nearest(os.path.dirname(link)) for link in links)
    inside = (f"{folder}/" for folder in relevant.indexes)
    for path in (*relevant.documents, *relevant.archives, *relevant.trees, *inside):
        yield from _way_to(path, relevant.root)
    yield from (_nearest(os.path.dirname(log)) for log in relevant.commits)
    yield from filter(os.path.isdir, {os.path.dirname(path) for path in (*relevant.placed, *relevant.packed)})
    for tree in relevant.trees:
        yield from _folders_below(tree)


def passing(path: str) -> bool:
    """Whether a path is one of those that editors and Python leave and take away again."""
    parts = path.split("/")
    name = parts[-1]
    return name.endswith(_PASSING) or name.startswith(_PASSING_NAMES) or not _SKIPPED.isdisjoint(parts)


def _way_to(path: str, root: str) -> Iterator[str]:
    """The folders from the one that holds `path` up to the root, or for a path elsewhere the nearest one there is."""
    folder = os.path.dirname(path)
    if not f"{folder}/".startswith(f"{root}/"):
        yield _nearest(folder)
        return
    while len(folder) >= len(root):
        yield folder
        folder = os.path.dirname(folder)


def _nearest(folder: str) -> str:
    """The folder itself, or where it is missing the next one above it that is there."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _folders_below(tree: str) -> Iterator[str]:
    for number, (folder, names, _) in enumerate(os.walk(tree)):
        names[:] = [name for name in names if name not in _SKIPPED and not name.startswith(".")]
        if number >= _MOST_FOLDERS:
            return
        yield folder


def _absolute(root: str, path: str) -> str:
    return os.path.normpath(os.path.join(root, path))
