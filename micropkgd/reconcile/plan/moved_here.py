"""Files that a person moved inside the package: found by their content, and followed from then on by the lock.

A file of the entry that is missing, and one that nobody placed and that is most like it, are one (`renames`): its new
place is rendered instead of the old one, and what names it follows. Two that are alike, or one that stood beside it in
git's HEAD, are not: then the missing file comes back as any other, and a note says what it may have become.
"""

import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress

from micropkgd.errors import TreeError
from micropkgd.model.condition import Failure
from micropkgd.model.contents import digests_of
from micropkgd.model.lock import Version
from micropkgd.model.pull_entry import PullEntry, stays_deleted
from micropkgd.model.text_form import LARGEST, form_of, plain
from micropkgd.model.tree import Found, RelPath, suffix_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.desired import Arranged, Desired
from micropkgd.reconcile.plan.facts import tree_version
from micropkgd.reconcile.plan.rendered import rendering_of, with_moved
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.reconcile.resolve.rendering import Rendering
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project
from micropkgd.workspace.trees import files_below, is_folder

_Pairs = Mapping[RelPath, RelPath]  # the new place by the old one


class MovedHere(NamedTuple):
    """Looks for moved files where some are missing, and renders what they make of an entry."""

    fs: FsOps
    project: Project
    fetcher: Fetcher
    keeps_lock: bool  # nothing new may be said in it

    def followed(self, desired: Desired, found: Mapping[RelPath, Found]) -> Desired:
        """The entry as a person arranged it; as it is where nothing was moved, or nothing is certain."""
        entry, before, after = desired.entry, desired.before, desired.after
        if entry is None or before is None or after is None or not before.files or desired.failure is not None:
            return desired
        version = tree_version(before, found)
        kept = entry.keep_deleted
        gone = [path for path in version.files if found.get(path) is None and not stays_deleted(path, kept)]
        is_moved = version.target == after.target and 0 < len(gone) < len(version.files)
        strangers = list(self._strangers(gone, version)) if is_moved else []
        old = rendering_of(self.project, self.fetcher, entry, version) if strangers else None
        if old is None or isinstance(old, Failure):
            return self._carried_on(desired, entry, version)
        left = version.files.keys() - set(gone)
        pairs, doubts = self._pairs(gone, strangers, old, left)
        desired = desired._replace(notes=(*desired.notes, *doubts))
        if not pairs:
            return self._carried_on(desired, entry, version)
        if self.keeps_lock:
            return desired._replace(elsewhere=frozenset(pairs), notes=(*desired.notes, *map(_unlocked, pairs.items())))
        return self._arranged(desired, entry, version, old, pairs)

    def _strangers(self, gone: Iterable[RelPath], version: Version) -> Iterator[RelPath]:
        """The files of the same kinds that stand in the entry's folders, and that nobody placed."""
        suffixes = {suffix_of(path) for path in gone}
        layout = self.project.layout
        inner = version.target.removeprefix(f"{layout.package_folder}/")
        for folder in (version.target, RelPath(f"{layout.tests_dir}/{inner}")):
            for path in files_below(self.fs, folder) if is_folder(self.fs, folder) else ():
                status = self.fs.status(path)
                is_text = status is not None and stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST
                if (
                    is_text
                    and suffix_of(path) in suffixes
                    and path not in version.files
                    and "/__pycache__/" not in path
                ):
                    yield path

    def _pairs(
        self, gone: Iterable[RelPath], strangers: Iterable[RelPath], old: Rendering, left: Collection[RelPath]
    ) -> tuple[_Pairs, tuple[str, ...]]:
        """Where each missing file is now, and a note on each that may be in several places.

        What git's HEAD has beside each other are two files, however alike they are.
        """
        from micropkgd.reconcile.plan.renames import doubts, found_again
        from micropkgd.workspace.git_head import committed

        olds = {path: _text(old.files[path]) for path in gone if path in old.files and _member(path, old)}
        news = {path: _text(self.fs.read(path)) for path in strangers}
        known: set[RelPath] = set()
        with suppress(TreeError, OSError):
            head = committed(self.project.root)
            known = {path for path in (*olds, *news) if head is not None and head.file(path) is not None}
        fresh = {path: data for path, data in news.items() if path not in known}
        pairs = dict(found_again({path: data for path, data in olds.items() if path in known}, fresh, left))
        rest = {path: data for path, data in news.items() if path not in pairs.values()}
        pairs |= found_again({path: data for path, data in olds.items() if path not in known}, rest, left)
        left = {path: data for path, data in olds.items() if path not in pairs}
        return pairs, tuple(doubts(left, {path: data for path, data in fresh.items() if path not in pairs.values()}))

    def _arranged(self, desired: Desired, entry: PullEntry, version: Version, old: Rendering, pairs: _Pairs) -> Desired:
        """The entry with new moves: what stands in the tree, and what is to come, as if they were in the archive."""
        came_from = {new: member for member, new in version.moved.items()}
        moved = dict(version.moved)
        for path, new in pairs.items():
            member, place = _member(path, old), _member(new, old)
            origin = came_from.get(member, member)
            moved |= {origin: place}
        moved = {origin: place for origin, place in moved.items() if origin != place}
        now = rendering_of(self.project, self.fetcher, entry, version._replace(moved=moved))
        if isinstance(now, Failure) or now.moved == version.moved:
            return self._carried_on(desired, entry, version)
        arranged = version._replace(files=digests_of(now.files), moved=now.moved)
        following = self._with_moved(desired, now, now.moved)
        if following.failure is not None:
            return desired
        pairs = {path: new for path, new in pairs.items() if new in now.files}
        stood = {new: version.files[path] for path, new in pairs.items()}
        notes = (f"{path} is {new} here: updates go there" for path, new in sorted(pairs.items()))
        return following._replace(arranged=Arranged(arranged, stood), notes=(*following.notes, *notes))

    def _carried_on(self, desired: Desired, entry: PullEntry, version: Version) -> Desired:
        """The entry with the moves that its installed version says; made again only where the new one lacks some."""
        if desired.after is None or desired.after.moved == version.moved:
            return desired
        now = rendering_of(self.project, self.fetcher, entry, version)
        following = desired if isinstance(now, Failure) else self._with_moved(desired, now, version.moved)
        return desired if following.failure is not None else following

    def _with_moved(self, desired: Desired, now: Rendering, moved: Mapping[str, str]) -> Desired:
        """The new version with these moves; a file that upstream renamed, too, stays where the person has it."""
        following = with_moved(self.project, self.fetcher, desired, moved)
        after, rendering = following.after, following.rendering
        if following.failure is not None or after is None or rendering is None:
            return following
        lapsed = {origin: place for origin, place in moved.items() if origin not in after.moved}
        lost = {path: now.files[path] for path in now.files if path not in after.files}
        lost = {path: data for path, data in lost.items() if _member(path, now) in lapsed.values()}
        if not lost:
            return following
        from micropkgd.reconcile.plan.renames import found_again

        fresh = {path: rendering.files[path] for path in after.files if path not in now.files}
        became = found_again(lost, fresh)
        if not became:
            return following
        renamed = {_member(new, rendering): _member(path, now) for path, new in became.items()}
        return with_moved(self.project, self.fetcher, desired, {**after.moved, **renamed})


def _member(path: RelPath, rendering: Rendering) -> str:
    """The name in the archive of a file of code or tests; empty for any other."""
    place = rendering.place
    for folder, top in ((place.code, rendering.package), (place.tests, "tests")):
        if path.startswith(f"{folder}/"):
            return f"{top}{path.removeprefix(folder)}"
    return ""


def _text(data: bytes) -> bytes:
    """A text without what a checkout does to it."""
    return data if form_of(data) is None else plain(data)


def _unlocked(pair: tuple[RelPath, RelPath]) -> str:
    path, new = pair
    return f"{path} is {new} here, and a pass that may write the lock follows it"
