"""The texts laid beside a held entry: of each held file the base, and both sides merged as far as they go. Pure."""

from collections.abc import Collection, Mapping

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.model.collision import Collision, ThreeTexts
from micropkgd.model.tree import Digest, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple

if TYPE_CHECKING:
    from micropkgd.reconcile.plan.marked import Marked


class Beside(NamedTuple):
    """The texts by path, and where they collide."""

    base: Mapping[RelPath, bytes] = {}
    merged: Mapping[RelPath, bytes] = {}
    ours: Mapping[RelPath, Digest] = {}  # the edited files that it was made from
    collisions: tuple[Collision, ...] = ()
    texts: Mapping[RelPath, ThreeTexts] = {}  # of every file that was edited here

    @property
    def marked(self) -> tuple[RelPath, ...]:
        """The files whose merge has markers."""
        return tuple(dict.fromkeys(collision.path for collision in self.collisions))


def laid_beside(texts: Mapping[RelPath, ThreeTexts], held: Collection[RelPath], old: str, new: str) -> Beside:
    """What to lay for the files that hold an entry; `old` and `new` name the versions in the markers."""
    sides = {path: each for path, each in texts.items() if path in held}
    marked = {path: both for path, each in sides.items() if (both := _merged(path, each, old, new)) is not None}
    return Beside(
        base={path: each.base for path, each in sides.items() if each.base is not None},
        merged={path: both.text for path, both in marked.items()},
        ours={path: digest_of(ours) for path in marked if (ours := sides[path].ours) is not None},
        collisions=tuple(collision for both in marked.values() for collision in both.collisions),
        texts=texts,
    )


def _merged(path: RelPath, sides: ThreeTexts, old: str, new: str) -> "Marked | None":
    """A clean merge where there is one: what waits by the policy's wish may have nothing that collides."""
    from micropkgd.merge import ThreeVersions, merge_files
    from micropkgd.reconcile.plan.marked import Marked, with_markers

    base, ours, theirs = sides
    if base is not None and ours is not None and theirs is not None:
        clean = merge_files(path, ThreeVersions(base, ours, theirs))
        if clean is not None:
            return Marked(clean.data, ())
    return with_markers(path, sides, old, new)
