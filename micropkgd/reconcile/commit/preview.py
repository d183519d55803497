"""The project as it would be after a commit, in a folder of its own, for whoever may still object to it.

What the commit writes stands there as real files; every other file of the source, tests and conf folders is a link to
the project's own, in real folders, so that tools which do not follow links into folders see the whole. The rest of
the project's top folder is linked as it is. The folder lies where unfinished commits wait, so that the sweep after a
crash takes it away too.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError
from micropkgd.model.contents import pieces_of
from micropkgd.model.layout import Layout
from micropkgd.model.tree import Digest, RelPath, digest_of, parents
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.plan.planned import Proposal
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.transaction.journal import stage_folder
from micropkgd.workspace.trees import remove_tree

VETOED: Final = "Vetoed"
HINT: Final = "mend what the hook `before-commit` complains of; it is asked again by a later pass"
_LEFT_OUT: Final = frozenset({".git", ".micropkgd", "__pycache__"})


class VetoedError(MicropkgError):
    """The machine's owner has a hook that objects, and no single entry can be left out to please it."""


class Staging(NamedTuple):
    """A commit that is about to be made, as it is shown to whoever may object."""

    root: str
    folder: str  # absolute: the project as it would be
    entries: tuple[str, ...]  # the refs that would change
    digest: Digest  # of all that would be written: the same for the same offer


Check = Callable[[Staging], str | None]
"""Says what is wrong with a commit, or None where nothing is."""


def objection(fs: FsOps, root: str, layout: Layout, proposal: Proposal, check: Check) -> str | None:
    """What is said against a proposal by whoever sees it as a tree."""
    with _staged(fs, root, layout, proposal) as folder:
        offer = sorted((change.path, change.before or "", change.after or "") for change in proposal.plan.writes)
        return check(Staging(root, folder, changing(proposal), digest_of(repr(offer).encode())))


def changing(proposal: Proposal) -> tuple[str, ...]:
    """The refs of the entries that a proposal would change, in the tree or in the lock."""
    refs = (
        entry.desired.ref
        for entry in proposal.entries
        if (entry.plan is not None and entry.plan.writes) or entry.block != entry.desired.before
    )
    return tuple(dict.fromkeys(refs))


@contextmanager
def _staged(fs: FsOps, root: str, layout: Layout, proposal: Proposal) -> Iterator[str]:
    stage = stage_folder(os.urandom(8).hex())
    try:
        try:
            _lay_out(fs, root, stage, layout, proposal)
        except OSError as error:
            raise refused_by_disk(error) from error
        yield f"{root}/{stage}"
    finally:
        with suppress(OSError):  # the next pass sweeps what is left
            remove_tree(fs, stage)


def _lay_out(fs: FsOps, root: str, stage: RelPath, layout: Layout, proposal: Proposal) -> None:
    after = {change.path: change for change in proposal.plan.writes}
    made: set[str] = set()

    def make_folders(path: RelPath) -> None:
        for folder in reversed(parents(path)):
            if folder not in made and fs.status(folder) is None:
                fs.make_folder(folder, 0o700)
            made.add(folder)

    for path, change in after.items():
        if change.after is not None:
            place = RelPath(f"{stage}/{path}")
            make_folders(place)
            fs.write_pieces(place, pieces_of(proposal.contents, change.after), executable=change.executable)
    for path in _untouched(root, layout, frozenset(after)):
        make_folders(RelPath(f"{stage}/{path}"))
        os.symlink(f"{root}/{path}", f"{root}/{stage}/{path}")


def _untouched(root: str, layout: Layout, changed: frozenset[RelPath]) -> Iterator[RelPath]:
    """Every path that is shown by a link: files of the folders that are opened, and whatever else stands beside."""
    source = layout.package_folder if layout.source_dir == "." else layout.source_dir
    whole = tuple(f"{folder}/" for folder in (source, layout.tests_dir, layout.conf_dir))
    opened = {above for path in (*changed, *(RelPath(f"{folder}x") for folder in whole)) for above in parents(path)}
    left = [""]
    while left:
        folder = left.pop()
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path = RelPath(f"{folder}{entry.name}")
                if entry.name in _LEFT_OUT or path in changed:
                    continue
                if entry.is_dir(follow_symlinks=False) and (path in opened or path.startswith(whole)):
                    left.append(f"{path}/")
                else:
                    yield path
